//! Which operation a path asks for (A2A §11.3).
//!
//! Read by hand: the router cannot capture a part of a segment, and `tasks/{id}:cancel` ends in the
//! middle of one. Escapes are undone after the path is taken apart, so that an id may hold any
//! character.

use crate::service::{Operation, begins_route};
use agent_core::a2a::{A2aError, ErrorCode};
use agent_core::untrusted::shorten;
use axum::http::Method;

/// An operation, and what the path says of its request.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::bind) struct Route {
    pub(in crate::bind) operation: Operation,
    /// Members of the request, by name.
    pub(in crate::bind) fields: Vec<(&'static str, String)>,
}

impl Route {
    /// # Errors
    /// When there is no such operation, or the path is not text.
    pub(in crate::bind) fn of(method: &Method, path: &str) -> Result<Self, A2aError> {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let unknown = || {
            let asked = shorten(&format!("{method} {path}"));
            A2aError::method_not_found(&asked)
        };
        let (tenant, rest) = match segments.split_first() {
            Some((first, rest)) if !begins_route(first) => (Some(decode(first)?), rest),
            _ => (None, segments.as_slice()),
        };
        let (operation, named) = operation(method, rest).ok_or_else(unknown)?;
        let mut fields = Vec::new();
        for (name, segment) in named {
            fields.push((name, decode(segment)?));
        }
        fields.extend(tenant.map(|tenant| ("tenant", tenant)));
        Ok(Self { operation, fields })
    }
}

/// The other name of a member that a path may set.
pub(super) fn snake_case(name: &'static str) -> &'static str {
    match name {
        "taskId" => "task_id",
        name => name,
    }
}

type Named<'a> = Vec<(&'static str, &'a str)>;

fn operation<'a>(method: &Method, segments: &[&'a str]) -> Option<(Operation, Named<'a>)> {
    let (get, post) = (method == Method::GET, method == Method::POST);
    let none = Vec::new;
    Some(match segments {
        ["message:send"] if post => (Operation::SendMessage, none()),
        ["message:stream"] if post => (Operation::SendStreamingMessage, none()),
        ["extendedAgentCard"] if get => (Operation::GetExtendedAgentCard, none()),
        ["tasks"] if get => (Operation::ListTasks, none()),
        ["tasks", task, "pushNotificationConfigs"] => {
            let operation = match () {
                () if post => Operation::CreateTaskPushNotificationConfig,
                () if get => Operation::ListTaskPushNotificationConfigs,
                () => return None,
            };
            (operation, vec![("taskId", *task)])
        }
        ["tasks", task, "pushNotificationConfigs", id] => {
            let operation = match () {
                () if get => Operation::GetTaskPushNotificationConfig,
                () if method == Method::DELETE => Operation::DeleteTaskPushNotificationConfig,
                () => return None,
            };
            (operation, vec![("taskId", *task), ("id", *id)])
        }
        ["tasks", task] => {
            let (operation, id) = of_task(get, post, task)?;
            (operation, vec![("id", id)])
        }
        _ => return None,
    })
}

/// `{id}`, `{id}:cancel` or `{id}:subscribe`. The specification's text subscribes with POST and its
/// `.proto` file with GET, so both do.
fn of_task(get: bool, post: bool, segment: &str) -> Option<(Operation, &str)> {
    match segment.rsplit_once(':') {
        Some((id, "cancel")) => post.then_some((Operation::CancelTask, id)),
        Some((id, "subscribe")) => (get || post).then_some((Operation::SubscribeToTask, id)),
        _ => (get && !segment.is_empty()).then_some((Operation::GetTask, segment)),
    }
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

    #[test]
    fn every_route_has_its_operation_and_its_twin_with_a_tenant() {
        use Operation as O;
        let task = "t:1/\u{e9}";
        let table = [
            (Method::POST, "/message:send", O::SendMessage, vec![]),
            (
                Method::POST,
                "/message:stream",
                O::SendStreamingMessage,
                vec![],
            ),
            (Method::GET, "/tasks", O::ListTasks, vec![]),
            (
                Method::GET,
                "/tasks/t:1%2F%C3%A9",
                O::GetTask,
                vec![("id", task)],
            ),
            (
                Method::POST,
                "/tasks/t:1%2f%c3%a9:cancel",
                O::CancelTask,
                vec![("id", task)],
            ),
            (
                Method::POST,
                "/tasks/t:1%2F%C3%A9:subscribe",
                O::SubscribeToTask,
                vec![("id", task)],
            ),
            (
                Method::GET,
                "/tasks/t:1%2F%C3%A9:subscribe",
                O::SubscribeToTask,
                vec![("id", task)],
            ),
            (
                Method::GET,
                "/tasks/a%3Acancel",
                O::GetTask,
                vec![("id", "a:cancel")],
            ),
            (
                Method::POST,
                "/tasks/1/pushNotificationConfigs",
                O::CreateTaskPushNotificationConfig,
                vec![("taskId", "1")],
            ),
            (
                Method::GET,
                "/tasks/1/pushNotificationConfigs",
                O::ListTaskPushNotificationConfigs,
                vec![("taskId", "1")],
            ),
            (
                Method::GET,
                "/tasks/1/pushNotificationConfigs/2",
                O::GetTaskPushNotificationConfig,
                vec![("taskId", "1"), ("id", "2")],
            ),
            (
                Method::DELETE,
                "/tasks/1/pushNotificationConfigs/2",
                O::DeleteTaskPushNotificationConfig,
                vec![("taskId", "1"), ("id", "2")],
            ),
            (
                Method::GET,
                "/extendedAgentCard",
                O::GetExtendedAgentCard,
                vec![],
            ),
            (
                Method::GET,
                "/tasks/tasks",
                O::GetTask,
                vec![("id", "tasks")],
            ),
        ];
        for (method, path, operation, fields) in table {
            let mut fields: Vec<_> = fields
                .into_iter()
                .map(|(name, value)| (name, value.to_owned()))
                .collect();
            let same = route(method.clone(), path).unwrap();
            assert_eq!(
                (same.operation, &same.fields),
                (operation, &fields),
                "{path}"
            );
            fields.push(("tenant", "a b".to_owned()));
            let twin = route(method, &format!("/a%20b{path}")).unwrap();
            assert_eq!((twin.operation, twin.fields), (operation, fields), "{path}");
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
    }
}
