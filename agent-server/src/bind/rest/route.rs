//! Which operation a path asks for (A2A §11.3).
//!
//! Read by hand: the router cannot capture a part of a segment, and `tasks/{id}:cancel` ends in the
//! middle of one. Escapes are undone after the path is taken apart, so that an id may hold any
//! character.

use agent_core::a2a::{A2aError, ErrorCode};
use agent_core::untrusted::shorten;
use axum::http::Method;

/// An operation, and the tenant if the path begins with one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) tenant: Option<String>,
    pub(super) operation: Operation,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Operation {
    SendMessage,
    SendStreamingMessage,
    GetTask(String),
    ListTasks,
    CancelTask(String),
    SubscribeToTask(String),
    /// Any of the four on webhooks.
    PushNotificationConfig,
    GetExtendedAgentCard,
}

impl Route {
    /// # Errors
    /// When there is no such operation, or the path is not text.
    pub(super) fn of(method: &Method, path: &str) -> Result<Self, A2aError> {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let unknown = || {
            let asked = shorten(&format!("{method} {path}"));
            A2aError::method_not_found(&asked)
        };
        let (tenant, rest) = match segments.split_first() {
            Some((first, rest)) if !begins(first) => (Some(decode(first)?), rest),
            _ => (None, segments.as_slice()),
        };
        let operation = operation(method, rest)?.ok_or_else(unknown)?;
        Ok(Self { tenant, operation })
    }
}

/// Whether a route begins so. No tenant can have such a name.
fn begins(segment: &str) -> bool {
    matches!(
        segment,
        "message:send" | "message:stream" | "tasks" | "extendedAgentCard"
    )
}

fn operation(method: &Method, segments: &[&str]) -> Result<Option<Operation>, A2aError> {
    let (get, post) = (method == Method::GET, method == Method::POST);
    Ok(match segments {
        ["message:send"] if post => Some(Operation::SendMessage),
        ["message:stream"] if post => Some(Operation::SendStreamingMessage),
        ["extendedAgentCard"] if get => Some(Operation::GetExtendedAgentCard),
        ["tasks"] if get => Some(Operation::ListTasks),
        ["tasks", _, "pushNotificationConfigs"] if get || post => {
            Some(Operation::PushNotificationConfig)
        }
        ["tasks", _, "pushNotificationConfigs", _] if get || method == Method::DELETE => {
            Some(Operation::PushNotificationConfig)
        }
        ["tasks", task] => of_task(get, post, task)?,
        _ => None,
    })
}

/// `{id}`, `{id}:cancel` or `{id}:subscribe`. The specification's text subscribes with POST and its
/// `.proto` file with GET, so both do.
fn of_task(get: bool, post: bool, segment: &str) -> Result<Option<Operation>, A2aError> {
    Ok(match segment.rsplit_once(':') {
        Some((id, "cancel")) => post.then_some(Operation::CancelTask(decode(id)?)),
        Some((id, "subscribe")) => (get || post).then_some(Operation::SubscribeToTask(decode(id)?)),
        _ => (get && !segment.is_empty()).then_some(Operation::GetTask(decode(segment)?)),
    })
}

/// Undoes `%41`.
fn decode(segment: &str) -> Result<String, A2aError> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.next().and_then(digit).zip(rest.next().and_then(digit));
        let (high, low) = digits.ok_or_else(not_text)?;
        bytes.push((high << 4) | low);
    }
    String::from_utf8(bytes).map_err(|_| not_text())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

fn not_text() -> A2aError {
    A2aError::new(ErrorCode::InvalidRequest, "the path is not UTF-8 text")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: Method, path: &str) -> Option<Route> {
        Route::of(&method, path).ok()
    }

    fn some(tenant: Option<&str>, operation: Operation) -> Option<Route> {
        let tenant = tenant.map(str::to_owned);
        Some(Route { tenant, operation })
    }

    #[test]
    fn every_route_has_its_operation_and_its_twin_with_a_tenant() {
        let id = || "t:1/é".to_owned();
        let table = [
            (Method::POST, "/message:send", Operation::SendMessage),
            (
                Method::POST,
                "/message:stream",
                Operation::SendStreamingMessage,
            ),
            (Method::GET, "/tasks", Operation::ListTasks),
            (Method::GET, "/tasks/t:1%2F%C3%A9", Operation::GetTask(id())),
            (
                Method::POST,
                "/tasks/t:1%2f%c3%a9:cancel",
                Operation::CancelTask(id()),
            ),
            (
                Method::POST,
                "/tasks/t:1%2F%C3%A9:subscribe",
                Operation::SubscribeToTask(id()),
            ),
            (
                Method::GET,
                "/tasks/t:1%2F%C3%A9:subscribe",
                Operation::SubscribeToTask(id()),
            ),
            (
                Method::GET,
                "/tasks/a%3Acancel",
                Operation::GetTask("a:cancel".to_owned()),
            ),
            (
                Method::POST,
                "/tasks/1/pushNotificationConfigs",
                Operation::PushNotificationConfig,
            ),
            (
                Method::GET,
                "/tasks/1/pushNotificationConfigs",
                Operation::PushNotificationConfig,
            ),
            (
                Method::GET,
                "/tasks/1/pushNotificationConfigs/2",
                Operation::PushNotificationConfig,
            ),
            (
                Method::DELETE,
                "/tasks/1/pushNotificationConfigs/2",
                Operation::PushNotificationConfig,
            ),
            (
                Method::GET,
                "/extendedAgentCard",
                Operation::GetExtendedAgentCard,
            ),
        ];
        for (method, path, operation) in table {
            let found = route(method.clone(), &format!("/a%20b{path}"));
            let same = route(method, path);
            assert_eq!(
                same.map(|route| route.operation),
                found.as_ref().map(|_| operation)
            );
            assert_eq!(
                found.and_then(|route| route.tenant).as_deref(),
                Some("a b"),
                "{path}"
            );
        }
    }

    #[test]
    fn what_is_no_route_is_none() {
        for (method, path) in [
            (Method::GET, ""),
            (Method::GET, "/"),
            (Method::GET, "/message:send"),
            (Method::POST, "/tasks"),
            (Method::GET, "/tasks/"),
            (Method::GET, "/tasks/1:cancel"),
            (Method::POST, "/tasks/1:delete"),
            (Method::DELETE, "/tasks/1"),
            (Method::GET, "/a/b/tasks"),
            (Method::GET, "/tasks/%zz"),
            (Method::GET, "/tasks/%ff"),
            (Method::GET, "/tasks/%4"),
        ] {
            assert_eq!(route(method.clone(), path), None, "{method} {path}");
        }
        assert_eq!(
            route(Method::GET, "/tasks/tasks"),
            some(None, Operation::GetTask("tasks".to_owned()))
        );
    }
}
