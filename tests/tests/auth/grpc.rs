//! The same door over gRPC, in its own words.

#[path = "../a2a/grpc/caller.rs"]
#[allow(dead_code, reason = "shared with the tests of the operations")]
mod caller;

use crate::house::{House, message, two_keys};
use agent_core::a2a::{AgentExtension, ErrorCode};
use caller::Caller;
use serde_json::{Value, json};

const ALICE: (&str, &str) = ("x-key", "alice-alice-alice-alice");
const BOB: (&str, &str) = ("x-key", "bob-bob-bob-bob-bob-bob");
const MISSING: &str = "01890000-0000-7000-8000-000000000000";

fn all(id: &str, tenant: &str) -> Vec<(&'static str, Value)> {
    let mut go_on = message("more");
    go_on["taskId"] = id.into();
    let of_task = json!({ "tenant": tenant, "id": id });
    let send = json!({ "tenant": tenant, "message": go_on });
    let hook = json!({ "tenant": tenant, "taskId": id, "id": "1" });
    let made = json!({ "tenant": tenant, "taskId": id, "url": "https://example.com/hook" });
    vec![
        ("GetTask", of_task.clone()),
        ("CancelTask", of_task.clone()),
        ("SubscribeToTask", of_task),
        ("SendMessage", send.clone()),
        ("SendStreamingMessage", send),
        ("CreateTaskPushNotificationConfig", made),
        ("GetTaskPushNotificationConfig", hook.clone()),
        (
            "ListTaskPushNotificationConfigs",
            json!({ "tenant": tenant, "taskId": id }),
        ),
        ("DeleteTaskPushNotificationConfig", hook),
    ]
}

#[tokio::test]
async fn a_foreign_task_is_as_one_that_is_not_there() {
    let house = House::of_two("").await;
    let caller = Caller::of(house.address);
    for text in ["echo", "ask", "hold"] {
        let request = json!({
            "message": message(text), "configuration": { "returnImmediately": text == "hold" }
        });
        let task = caller
            .call_with("SendMessage", &[ALICE], &request)
            .await
            .only();
        let id = task["task"]["id"].as_str().unwrap().to_owned();
        for (who, tenant) in [(BOB, ""), (ALICE, "acme")] {
            for ((method, there), (_, missing)) in all(&id, tenant).iter().zip(all(MISSING, tenant))
            {
                let there = caller.call_with(method, &[who], there).await;
                let missing = caller.call_with(method, &[who], &missing).await;
                assert_eq!(there.error().code(), ErrorCode::TaskNotFound, "{method}");
                let shown = |error: agent_core::a2a::A2aError, id: &str| {
                    format!("{error:?}").replace(id, "ID")
                };
                assert_eq!(
                    shown(there.error(), &id),
                    shown(missing.error(), MISSING),
                    "{method}"
                );
            }
        }
    }
}

#[tokio::test]
async fn who_does_not_say_who_it_is_or_asks_too_often_is_told_so() {
    let toml = "[rate]\nper_sec = 1\nburst = 1\n";
    let house = House::open(&format!("{toml}{}", two_keys())).await;
    let caller = Caller::of(house.address);
    let wrong = ("x-key", "wrong-wrong-wrong-wrong");
    for metadata in [vec![], vec![wrong]] {
        let answer = caller.call_with("ListTasks", &metadata, &json!({})).await;
        assert_eq!(answer.status.code, 16);
    }
    assert_eq!(
        caller
            .call_with("ListTasks", &[ALICE], &json!({}))
            .await
            .status
            .code,
        0
    );
    assert_eq!(
        caller
            .call_with("ListTasks", &[ALICE], &json!({}))
            .await
            .status
            .code,
        8
    );
    assert_eq!(
        caller
            .call_with("ListTasks", &[BOB], &json!({}))
            .await
            .status
            .code,
        0
    );
}

#[tokio::test]
async fn a_required_extension_is_demanded_and_echoed() {
    let uri = "https://example.com/ext/v1";
    let extension = AgentExtension {
        uri: uri.to_owned(),
        required: true,
        ..AgentExtension::default()
    };
    let house = House::open_with("", |agent| agent.extension(extension)).await;
    let caller = Caller::of(house.address);
    for (method, request) in all(MISSING, "") {
        let answer = caller.call(method, &request).await;
        assert_eq!(
            answer.error().code(),
            ErrorCode::ExtensionSupportRequired,
            "{method}"
        );
    }
    let named = [("a2a-extensions", uri)];
    let answer = caller.call_with("ListTasks", &named, &json!({})).await;
    assert_eq!(answer.headers.get("a2a-extensions").unwrap(), uri);
    assert_eq!(answer.status.code, 0);
}
