//! Extensions: named by the caller, demanded by the agent, echoed when active (A2A §4.6).

use crate::house::{House, message, reason};
use agent_core::a2a::AgentExtension;
use serde_json::json;

const OURS: &str = "https://example.com/ext/v1";

async fn house(required: bool) -> House {
    let extension = AgentExtension {
        uri: OURS.to_owned(),
        required,
        ..AgentExtension::default()
    };
    House::open_with("", |agent| agent.extension(extension)).await
}

#[tokio::test]
async fn a_required_extension_is_demanded_of_every_operation_on_every_binding() {
    let house = house(true).await;
    for method in [
        "SendMessage",
        "SendStreamingMessage",
        "GetTask",
        "ListTasks",
        "CancelTask",
        "SubscribeToTask",
        "CreateTaskPushNotificationConfig",
        "GetTaskPushNotificationConfig",
        "ListTaskPushNotificationConfigs",
        "DeleteTaskPushNotificationConfig",
        "GetExtendedAgentCard",
    ] {
        let reply = house
            .rpc("", method, json!({ "message": message("echo"), "id": "1" }))
            .await;
        assert_eq!(reason(&reply), "EXTENSION_SUPPORT_REQUIRED", "{method}");
        assert_eq!(reply.json()["error"]["code"], -32008);
    }
    for (verb, path) in [
        ("POST", "/rest/message:send"),
        ("POST", "/rest/message:stream"),
        ("GET", "/rest/tasks"),
        ("GET", "/rest/tasks/1"),
        ("POST", "/rest/tasks/1:cancel"),
        ("GET", "/rest/tasks/1:subscribe"),
        ("GET", "/rest/extendedAgentCard"),
        ("GET", "/rest/tasks/1/pushNotificationConfigs"),
    ] {
        let body = if verb == "POST" {
            json!({ "message": message("echo") }).to_string()
        } else {
            String::new()
        };
        let reply = house.http(verb, path, "", &body).await;
        assert_eq!(
            (reply.status, reason(&reply).as_str()),
            (400, "EXTENSION_SUPPORT_REQUIRED"),
            "{path}"
        );
    }
    let legacy = house
        .rpc("a2a-version: 0.3\r\n", "tasks/get", json!({ "id": "1" }))
        .await;
    assert_eq!(legacy.json()["error"]["code"], -32008);
}

#[tokio::test]
async fn an_extension_that_is_named_is_echoed_and_an_unknown_one_ignored() {
    let house = house(true).await;
    for header in [
        format!("a2a-extensions: {OURS}\r\n"),
        format!("x-a2a-extensions: https://example.com/other, {OURS}\r\n"),
        format!("a2a-extensions: {OURS}, {OURS}\r\nx-a2a-extensions: {OURS}\r\n"),
        format!("a2a-extensions: https://example.com/other\r\na2a-extensions: {OURS}\r\n"),
    ] {
        for reply in [
            house.list(&header).await,
            house.http("GET", "/rest/tasks", &header, "").await,
        ] {
            assert_eq!(reply.status, 200, "{}", reply.body);
            assert!(reply.json().get("error").is_none(), "{}", reply.body);
            let echo = format!("\r\na2a-extensions: {OURS}\r\n");
            assert!(reply.head.contains(&echo), "{}", reply.head);
            assert!(!reply.head.contains("other"), "{}", reply.head);
        }
    }
    let wrong_version = "a2a-extensions: https://example.com/ext/v2\r\n";
    assert_eq!(
        reason(&house.list(wrong_version).await),
        "EXTENSION_SUPPORT_REQUIRED"
    );
}

#[tokio::test]
async fn one_that_is_not_required_is_not_demanded() {
    let house = house(false).await;
    let reply = house.list("").await;
    assert!(reply.json().get("error").is_none(), "{}", reply.body);
    assert!(!reply.head.contains("a2a-extensions"), "{}", reply.head);
}
