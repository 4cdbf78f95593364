//! The route of each operation (A2A §11.3).

use std::fmt::Write;

use agent_core::a2a::Operation;
use agent_core::json::Json;
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::call::CallError;
use crate::call::speech::Speech;
use crate::call::transport::Outgoing;

/// Where a request goes, and how.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Bytes,
}

/// The fields of requests that are in paths.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct InPath {
    tenant: String,
    id: String,
    task_id: String,
}

impl Route {
    pub(super) fn of(base: &Url, outgoing: &Outgoing, speech: Speech) -> Result<Self, CallError> {
        let request = &outgoing.request;
        let InPath {
            tenant,
            id,
            task_id,
        } = request.parse().map_err(unwritable)?;
        let task = |name: &str, suffix: &str| -> Result<String, CallError> {
            Ok(format!("/tasks/{}{suffix}", segment(name)?))
        };
        let webhooks = || task(&task_id, "/pushNotificationConfigs");
        let webhook = || Ok::<_, CallError>(format!("{}/{}", webhooks()?, segment(&id)?));
        // Whether there is such an operation at all.
        speech.method(outgoing.operation)?;
        let (method, path) = match outgoing.operation {
            Operation::SendMessage => (Method::POST, "/message:send".to_owned()),
            Operation::SendStreamingMessage => (Method::POST, "/message:stream".to_owned()),
            Operation::GetTask => (Method::GET, task(&id, "")?),
            Operation::ListTasks => (Method::GET, "/tasks".to_owned()),
            Operation::CancelTask => (Method::POST, task(&id, ":cancel")?),
            Operation::SubscribeToTask => (speech.subscribes_by(), task(&id, ":subscribe")?),
            Operation::CreateTaskPushNotificationConfig => (Method::POST, webhooks()?),
            Operation::GetTaskPushNotificationConfig => (Method::GET, webhook()?),
            Operation::ListTaskPushNotificationConfigs => (Method::GET, webhooks()?),
            Operation::DeleteTaskPushNotificationConfig => (Method::DELETE, webhook()?),
            Operation::GetExtendedAgentCard => (Method::GET, speech.extended_card().to_owned()),
            other => {
                let name = other.name();
                return Err(CallError::Request(format!("{name} has no route")));
            }
        };
        let mut url = base.clone();
        let mut whole = base.path().trim_end_matches('/').to_owned();
        whole.push_str(speech.prefix());
        if speech.has_tenants() && !tenant.is_empty() {
            whole.push('/');
            whole.push_str(&segment(&tenant)?);
        }
        whole.push_str(&path);
        url.set_path(&whole);
        if method == Method::GET {
            query(&mut url, request)?;
        }
        // A subscription says all in its path, and servers that take one by POST expect no body.
        let bare = method != Method::POST || outgoing.operation == Operation::SubscribeToTask;
        let body = if bare {
            Bytes::new()
        } else {
            let body = speech.request(outgoing.operation, request)?;
            Bytes::copy_from_slice(body.get().as_bytes())
        };
        Ok(Self { method, url, body })
    }
}

/// What is not in the path of a GET is in its query, by the names of the fields (A2A §11.5).
fn query(url: &mut Url, request: &Json) -> Result<(), CallError> {
    let fields: Map<String, Value> = request.parse().map_err(unwritable)?;
    let given = fields
        .into_iter()
        .filter(|(name, _)| !matches!(name.as_str(), "tenant" | "id" | "taskId"));
    for (name, value) in given {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            other => other.to_string(),
        };
        url.query_pairs_mut().append_pair(&name, &text);
    }
    Ok(())
}

/// One segment of a path: everything escaped that could end it, or begin a `:cancel`.
fn segment(name: &str) -> Result<String, CallError> {
    if name.is_empty() || matches!(name, "." | "..") {
        return Err(CallError::Request(format!(
            "{name:?} cannot be a segment of a path"
        )));
    }
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            byte => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    Ok(escaped)
}

fn unwritable(error: impl ToString) -> CallError {
    CallError::Request(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::a2a::v03::Dialect;
    use http::HeaderMap;
    use serde_json::json;
    use std::time::Duration;

    fn route(operation: Operation, request: &Value) -> Result<Route, CallError> {
        let outgoing = Outgoing {
            operation,
            id: "1".to_owned(),
            request: Json::from_value(request).unwrap(),
            headers: HeaderMap::new(),
            wait: Duration::ZERO,
        };
        let base = Url::parse("https://a.example/base/").unwrap();
        Route::of(&base, &outgoing, Speech::V1)
    }

    #[test]
    fn every_operation_has_its_route_with_the_tenant_first() {
        let table = [
            (Operation::SendMessage, json!({}), "POST /message:send"),
            (
                Operation::SendStreamingMessage,
                json!({}),
                "POST /message:stream",
            ),
            (
                Operation::GetTask,
                json!({"id": "a/b:cancel é", "historyLength": 0}),
                "GET /tasks/a%2Fb%3Acancel%20%C3%A9?historyLength=0",
            ),
            (
                Operation::ListTasks,
                json!({"contextId": "c&d", "status": "TASK_STATE_WORKING", "includeArtifacts": true,
                    "pageToken": null}),
                "GET /tasks?contextId=c%26d&includeArtifacts=true&status=TASK_STATE_WORKING",
            ),
            (
                Operation::CancelTask,
                json!({"id": "1"}),
                "POST /tasks/1:cancel",
            ),
            (
                Operation::SubscribeToTask,
                json!({"id": "1"}),
                "POST /tasks/1:subscribe",
            ),
            (
                Operation::CreateTaskPushNotificationConfig,
                json!({"taskId": "1", "id": "2"}),
                "POST /tasks/1/pushNotificationConfigs",
            ),
            (
                Operation::GetTaskPushNotificationConfig,
                json!({"taskId": "1", "id": "2"}),
                "GET /tasks/1/pushNotificationConfigs/2",
            ),
            (
                Operation::ListTaskPushNotificationConfigs,
                json!({"taskId": "1", "pageSize": 3}),
                "GET /tasks/1/pushNotificationConfigs?pageSize=3",
            ),
            (
                Operation::DeleteTaskPushNotificationConfig,
                json!({"taskId": "1", "id": "2"}),
                "DELETE /tasks/1/pushNotificationConfigs/2",
            ),
            (
                Operation::GetExtendedAgentCard,
                json!({}),
                "GET /extendedAgentCard",
            ),
        ];
        assert_eq!(table.len(), Operation::ALL.len());
        for (operation, mut request, expected) in table {
            request["tenant"] = json!("x y");
            let Route { method, url, body } = route(operation, &request).unwrap();
            let (verb, path) = expected.split_once(' ').unwrap();
            assert_eq!(method, verb);
            assert_eq!(url.as_str(), format!("https://a.example/base/x%20y{path}"));
            let with_body = verb == "POST" && operation != Operation::SubscribeToTask;
            assert_eq!(!body.is_empty(), with_body, "{expected}");
        }
    }

    #[test]
    fn version_0_3_has_a_prefix_and_no_tenants_and_no_lists() {
        let base = Url::parse("https://a.example/base").unwrap();
        let route = |operation| {
            let outgoing = Outgoing {
                operation,
                id: "1".to_owned(),
                request: Json::from_value(&json!({"id": "1", "tenant": "x"})).unwrap(),
                headers: HeaderMap::new(),
                wait: Duration::ZERO,
            };
            Route::of(&base, &outgoing, Speech::V03(Dialect::Rest))
        };
        for (operation, path) in [
            (Operation::GetTask, "v1/tasks/1"),
            (Operation::CancelTask, "v1/tasks/1:cancel"),
            (Operation::GetExtendedAgentCard, "v1/card"),
        ] {
            let url = route(operation).unwrap().url;
            assert_eq!(url.as_str(), format!("https://a.example/base/{path}"));
        }
        assert!(route(Operation::ListTasks).unwrap_err().is_unsent());
    }

    #[test]
    fn ids_that_would_leave_their_place_in_the_path_are_refused() {
        for id in ["", ".", ".."] {
            assert!(route(Operation::GetTask, &json!({"id": id})).is_err());
        }
    }
}
