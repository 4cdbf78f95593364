//! gRPC of 0.3: another package, the same tasks.

use super::caller::{Answer, Caller, framed, read};
use crate::house::House;
use agent_core::a2a::ErrorCode;
use agent_core::a2a::proto::v03::{SERVICE, operation, request_of, response_of};
use serde_json::{Value, json};

async fn call(house: &House, method: &str, request: &Value) -> Answer {
    let operation = operation(method).unwrap();
    let message = request_of(operation).encode(&request.to_string()).unwrap();
    let caller = Caller::of(house.address);
    let frames = caller.send_to(SERVICE, method, &[], framed(&message)).await;
    read(frames, response_of(operation)).await
}

fn message(text: &str) -> Value {
    let content = json!([{ "text": text }]);
    let metadata = json!({ "urn:z402:a2a:v1/skill": "play" });
    json!({
        "message": {
            "messageId": "m", "role": "ROLE_USER", "content": content, "metadata": metadata
        },
        "configuration": { "blocking": true }
    })
}

#[tokio::test]
async fn a_task_goes_from_its_message_to_its_end() {
    let house = House::open().await;
    let task = call(&house, "SendMessage", &message("x")).await.only()["task"].take();
    assert_eq!(task["status"]["state"], "TASK_STATE_COMPLETED");
    assert_eq!(task["history"][0]["content"][0]["text"], "x");
    let name = format!("tasks/{}", task["id"].as_str().unwrap());
    let got = call(&house, "GetTask", &json!({ "name": name })).await;
    assert_eq!(got.only(), task);
    // What was made here is the same task over 1.0.
    let same = house.call("GetTask", json!({ "id": task["id"] })).await;
    assert_eq!(same["status"]["state"], "TASK_STATE_COMPLETED");

    let ended = call(&house, "CancelTask", &json!({ "name": name })).await;
    assert_eq!(ended.error().code(), ErrorCode::TaskNotCancelable);
    // In 0.3 a task that has ended is shown, not refused.
    let shown = call(&house, "TaskSubscription", &json!({ "name": name })).await;
    assert_eq!(shown.only()["task"]["id"], task["id"]);

    let id = house.begun("hold").await;
    let name = json!({ "name": format!("tasks/{id}") });
    let cancelled = call(&house, "CancelTask", &name).await.only();
    assert_eq!(cancelled["status"]["state"], "TASK_STATE_CANCELLED");
}

#[tokio::test]
async fn streams_say_when_they_are_final() {
    let house = House::open().await;
    house.open_door();
    for (text, state) in [("hold", "COMPLETED"), ("ask", "INPUT_REQUIRED")] {
        let events = call(&house, "SendStreamingMessage", &message(text)).await;
        assert_eq!(events.status.code, 0);
        let last = &events.messages.last().unwrap()["statusUpdate"];
        assert_eq!(last["status"]["state"], format!("TASK_STATE_{state}"));
        assert_eq!(last["final"], true, "{text}");
    }
}

#[tokio::test]
async fn webhooks_are_named_as_resources() {
    let house = House::open_with(|config| {
        config.push.enabled = true;
        config.push.allow_http = true;
        config.push.allow_private = true;
    })
    .await;
    let task = house.task("x").await["id"].as_str().unwrap().to_owned();
    let parent = format!("tasks/{task}");
    let name = format!("{parent}/pushNotificationConfigs/w");
    let webhook = json!({
        "id": "w", "url": "https://example.com/hook", "token": "t",
        "authentication": { "schemes": ["Bearer"], "credentials": "c" }
    });
    let create = json!({
        "parent": parent, "configId": "w",
        "config": { "name": name, "pushNotificationConfig": webhook }
    });
    let made = call(&house, "CreateTaskPushNotificationConfig", &create).await;
    assert_eq!(made.only()["name"], name);
    let one = json!({ "name": name });
    let got = call(&house, "GetTaskPushNotificationConfig", &one).await;
    assert_eq!(got.only()["pushNotificationConfig"]["url"], webhook["url"]);
    let all = json!({ "parent": parent });
    let list = call(&house, "ListTaskPushNotificationConfig", &all).await;
    assert_eq!(list.only()["configs"][0]["name"], name);
    let gone = call(&house, "DeleteTaskPushNotificationConfig", &one).await;
    assert_eq!(gone.only(), json!({}));
    let list = call(&house, "ListTaskPushNotificationConfig", &all).await;
    assert_eq!(list.only(), json!({}));
}

#[tokio::test]
async fn names_methods_and_versions_that_are_not_there_are_refused() {
    let house = House::open().await;
    for name in ["", "none", "tasks/", "task/x"] {
        let wrong = call(&house, "GetTask", &json!({ "name": name })).await;
        assert_eq!(wrong.error().code(), ErrorCode::InvalidParams, "{name}");
    }
    let missing = call(&house, "GetTask", &json!({ "name": "tasks/none" })).await;
    assert_eq!(missing.error().code(), ErrorCode::TaskNotFound);
    let caller = Caller::of(house.address);
    let schema = response_of(operation("GetTask").unwrap());
    // Of 1.0 only.
    for method in ["ListTasks", "SubscribeToTask"] {
        let answer = caller.send_to(SERVICE, method, &[], framed(b"")).await;
        let answer = read(answer, schema).await;
        assert_eq!(answer.error().code(), ErrorCode::MethodNotFound);
    }
    let metadata = [("a2a-version", "1.0")];
    let answer = caller
        .send_to(SERVICE, "GetTask", &metadata, framed(b""))
        .await;
    let answer = read(answer, schema).await;
    assert_eq!(answer.error().code(), ErrorCode::VersionNotSupported);
}

#[tokio::test]
async fn the_card_lists_both() {
    let house = House::open().await;
    let card = house.agent.card();
    let versions = card.supported_interfaces.iter();
    let versions = versions.filter(|interface| interface.protocol_binding == "GRPC");
    let versions: Vec<&str> = versions.map(|it| it.protocol_version.as_str()).collect();
    assert_eq!(versions, ["1.0", "0.3"]);
}
