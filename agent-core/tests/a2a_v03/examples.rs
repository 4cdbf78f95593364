//! Objects as the specification of 0.3.0 prints them (§9), and as the `.proto` file maps them.

use crate::{refused, rest, rpc, written};
use agent_core::a2a::v03::{self, Dialect, Spoken};
use agent_core::a2a::*;
use serde_json::{Value, json};

#[test]
fn a_joke_is_asked_for_and_told() {
    let request: SendMessageRequest = rpc(
        r#"{"message":{"role":"user","parts":[{"kind":"text","text":"tell me a joke"}],
            "messageId":"9229e770-767c-417b-a0b0-f0741243c589"},"metadata":{}}"#,
    );
    assert!(request.validate().is_empty());
    assert_eq!(request.message.role, Role::User);
    assert_eq!(request.message.text(), "tell me a joke");
    assert_eq!(request.configuration, None);

    let text = r#"{
      "id": "363422be-b0f9-4692-a24d-278670e7c7f1",
      "contextId": "c295ea44-7543-4f78-b524-7a38915ad6e4",
      "status": { "state": "completed" },
      "artifacts": [{ "artifactId": "9b6934dd-37e3-4eb1-8766-962efaab63a1", "name": "joke",
        "parts": [{ "kind": "text", "text": "Why did the chicken cross the road? To get to the other side!" }] }],
      "history": [{ "role": "user", "parts": [{ "kind": "text", "text": "tell me a joke" }],
        "messageId": "9229e770-767c-417b-a0b0-f0741243c589",
        "taskId": "363422be-b0f9-4692-a24d-278670e7c7f1",
        "contextId": "c295ea44-7543-4f78-b524-7a38915ad6e4" }],
      "kind": "task", "metadata": {}
    }"#;
    let SendMessageResponse::Task(task) = rpc(text) else {
        panic!("a task");
    };
    assert_eq!(task.status.state, TaskState::Completed);
    assert_eq!(task.artifacts[0].name, "joke");
    assert_eq!(task.history[0].task_id, task.id);

    // What the specification prints, with the `kind` that its schema demands of a message.
    let mut expected: Value = serde_json::from_str(text).unwrap();
    expected["history"][0]["kind"] = "message".into();
    expected.as_object_mut().unwrap().remove("metadata");
    assert_eq!(written(&task, Dialect::JsonRpc), expected);
}

#[test]
fn an_answer_without_a_task() {
    let SendMessageResponse::Message(message) = rpc(
        r#"{"messageId":"363422be-b0f9-4692-a24d-278670e7c7f1",
            "contextId":"c295ea44-7543-4f78-b524-7a38915ad6e4",
            "parts":[{"kind":"text","text":"Why did the chicken"}],"kind":"message","metadata":{}}"#,
    ) else {
        panic!("a message");
    };
    assert_eq!(message.text(), "Why did the chicken");
}

#[test]
fn a_stream_is_told_apart_by_its_kinds() {
    let events = [
        r#"{"id":"225d6247","contextId":"05217e44","kind":"task","metadata":{},
            "status":{"state":"submitted","timestamp":"2025-04-02T16:59:25.331844"}}"#,
        r#"{"taskId":"225d6247","contextId":"05217e44","kind":"artifact-update",
            "artifact":{"artifactId":"9b6934dd","parts":[{"kind":"text","text":"<section 3...>"}]},
            "append":true,"lastChunk":true}"#,
        r#"{"taskId":"225d6247","contextId":"05217e44","final":true,"kind":"status-update",
            "status":{"state":"completed","timestamp":"2025-04-02T16:59:35.331844"}}"#,
    ];
    let [task, artifact, status] = events.map(rpc::<StreamResponse>);
    let time = |event: &StreamResponse| event.status().unwrap().timestamp.unwrap().to_string();
    // The examples name no zone; 1.0 writes UTC to the millisecond.
    assert_eq!(time(&task), "2025-04-02T16:59:25.331Z");
    assert_eq!(time(&status), "2025-04-02T16:59:35.331Z");
    let StreamResponse::ArtifactUpdate(artifact) = artifact else {
        panic!("an artifact");
    };
    assert!(artifact.append && artifact.last_chunk);

    let again = written(&status, Dialect::JsonRpc);
    assert_eq!(again["final"], true);
    assert_eq!(again["kind"], "status-update");
    assert_eq!(written(&task, Dialect::JsonRpc)["kind"], "task");
}

#[test]
fn events_without_a_kind_are_told_apart_by_their_members() {
    assert!(matches!(
        rpc(r#"{"id":"t","status":{"state":"working"}}"#),
        StreamResponse::Task(_)
    ));
    assert!(matches!(
        rpc(r#"{"taskId":"t","status":{"state":"working"},"final":false}"#),
        StreamResponse::StatusUpdate(_)
    ));
    assert!(matches!(
        rpc(r#"{"taskId":"t","artifact":{"artifactId":"a","parts":[]}}"#),
        StreamResponse::ArtifactUpdate(_)
    ));
    assert!(matches!(
        rpc(r#"{"messageId":"m","taskId":"t","parts":[]}"#),
        StreamResponse::Message(_)
    ));
}

#[test]
fn a_stream_of_a_message_is_final_when_it_asks_and_a_subscription_is_not() {
    let asks = StreamResponse::from(TaskStatusUpdateEvent {
        status: TaskStatus::new(TaskState::InputRequired),
        ..Default::default()
    });
    for (ends_when_asking, last) in [(true, true), (false, false)] {
        let event = v03::event(&asks, Dialect::JsonRpc, ends_when_asking).unwrap();
        assert_eq!(event.parse::<Value>().unwrap()["final"], last);
    }
}

#[test]
fn files_by_bytes_and_by_uri() {
    let message: Message = rpc(r#"{"role":"user","messageId":"m","kind":"message","parts":[
            {"kind":"file","file":{"name":"a.png","mimeType":"image/png","bytes":"iVBORw=="}},
            {"kind":"file","file":{"uri":"https://example.com/a.png"},"metadata":{"n":1.0}}]}"#);
    assert_eq!(
        message.parts[0],
        Part::raw(*b"\x89PNG")
            .with_filename("a.png")
            .with_media_type("image/png")
    );
    assert_eq!(
        message.parts[1].content,
        PartContent::Url("https://example.com/a.png".into())
    );
    assert_eq!(message.parts[1].metadata.get("n").unwrap().get(), "1.0");

    assert_eq!(
        written(&message, Dialect::Rest)["content"],
        json!([
            { "file": { "fileWithBytes": "iVBORw==", "mimeType": "image/png", "name": "a.png" } },
            { "file": { "fileWithUri": "https://example.com/a.png" }, "metadata": { "n": 1.0 } },
        ])
    );
}

#[test]
fn webhooks_with_the_message_and_on_their_own() {
    let request: SendMessageRequest = rpc(
        r#"{"message":{"role":"user","parts":[{"kind":"text","text":"Generate"}],
              "messageId":"6dbc13b5-bd57-4c2b-b503-24e381b6c8d6"},
            "configuration":{"pushNotificationConfig":{
              "url":"https://client.example.com/webhook/a2a-notifications",
              "token":"secure-client-token-for-task-aaa","authentication":{"schemes":["Bearer"]}}}}"#,
    );
    let configuration = request.configuration.unwrap();
    assert!(!configuration.return_immediately);
    let webhook = configuration.task_push_notification_config.unwrap();
    assert_eq!(webhook.authentication.unwrap().scheme, "Bearer");

    let text = json!({
        "taskId": "t", "pushNotificationConfig": {
            "id": "c", "url": "https://example.com/hook", "token": "k",
            "authentication": { "schemes": ["Bearer"], "credentials": "s" },
        }
    });
    let config: TaskPushNotificationConfig = rpc(&text.to_string());
    assert_eq!((config.task_id.as_str(), config.id.as_str()), ("t", "c"));
    assert_eq!(written(&config, Dialect::JsonRpc), text);

    // The three bodies that SDKs send to HTTP+JSON, and the one that they are answered.
    let push = &text["pushNotificationConfig"];
    let bodies = [
        json!({ "parent": "tasks/t", "configId": "c", "config": {
            "name": "tasks/t/pushNotificationConfigs/c", "pushNotificationConfig": push } }),
        json!({ "parent": "tasks/t", "config_id": "c", "config": { "push_notification_config": push } }),
        json!({ "name": "tasks/t/pushNotificationConfigs/c", "pushNotificationConfig": push }),
    ];
    for body in bodies {
        assert_eq!(
            rest::<TaskPushNotificationConfig>(&body.to_string()),
            config,
            "{body}"
        );
    }
    assert_eq!(
        written(&config, Dialect::Rest),
        json!({ "name": "tasks/t/pushNotificationConfigs/c", "pushNotificationConfig": push })
    );
}

#[test]
fn a_notification_is_the_bare_task() {
    let body = v03::notification(&Task::new("t", "c")).unwrap();
    assert_eq!(
        body.parse::<Value>().unwrap(),
        json!({ "kind": "task", "id": "t", "contextId": "c", "status": { "state": "submitted" } })
    );
}

#[test]
fn messages_over_http_come_under_both_names() {
    let message = json!({
        "messageId": "m", "role": "ROLE_USER",
        "content": [{ "text": "x" }, { "data": { "data": { "n": 1 } } }],
    });
    for name in ["message", "request"] {
        let body =
            json!({ name: message, "configuration": { "blocking": true, "historyLength": 0 } });
        let request: SendMessageRequest = rest(&body.to_string());
        assert_eq!(request.message.data().unwrap().get(), r#"{"n":1}"#);
        let configuration = request.configuration.unwrap();
        assert!(!configuration.return_immediately);
        assert_eq!(configuration.history_length, None, "0 is no limit");
    }
    for name in ["message", "msg"] {
        let answer: SendMessageResponse = rest(&json!({ name: message }).to_string());
        assert!(matches!(answer, SendMessageResponse::Message(_)));
    }
    let task: Task = rest(
        r#"{"id":"t","contextId":"c","status":{"state":"TASK_STATE_CANCELLED",
            "update":{"messageId":"m","role":"ROLE_AGENT","content":[{"text":"x"}]}}}"#,
    );
    assert_eq!(task.status.state, TaskState::Canceled);
    assert_eq!(task.status.message.as_ref().unwrap().text(), "x");
    let again = written(&task, Dialect::Rest);
    assert_eq!(again["status"]["state"], "TASK_STATE_CANCELLED");
    assert_eq!(
        again["status"]["message"]["content"],
        json!([{ "text": "x" }])
    );
    assert_eq!(again["kind"], Value::Null);
}

#[test]
fn waiting_is_what_json_rpc_does_unless_told_and_http_only_if_told() {
    let immediately = |dialect, configuration: Value| {
        let message = json!({ "messageId": "m", "role": "user", "parts": [{ "text": "x" }] });
        let body = json!({ "message": message, "configuration": configuration });
        let request = SendMessageRequest::from_v03(body.to_string().as_bytes(), dialect).unwrap();
        request.configuration.unwrap_or_default().return_immediately
    };
    for dialect in [Dialect::JsonRpc, Dialect::Rest] {
        assert!(!immediately(dialect, json!(null)));
        assert!(!immediately(dialect, json!({ "blocking": true })));
        assert!(immediately(dialect, json!({ "blocking": false })));
    }
    assert!(!immediately(Dialect::JsonRpc, json!({})));
    assert!(immediately(Dialect::Rest, json!({})));
}

#[test]
fn ids_of_tasks_and_webhooks() {
    let get: GetTaskRequest = rpc(r#"{"id":"t","historyLength":3,"metadata":{"a":1}}"#);
    assert_eq!((get.id.as_str(), get.history_length), ("t", Some(3)));
    let get: GetTaskPushNotificationConfigRequest =
        rpc(r#"{"id":"t","pushNotificationConfigId":"c"}"#);
    assert_eq!((get.task_id.as_str(), get.id.as_str()), ("t", "c"));
    assert_eq!(
        written(&get, Dialect::JsonRpc),
        json!({ "id": "t", "pushNotificationConfigId": "c" })
    );
}

#[test]
fn what_is_wrong_is_refused_with_its_path() {
    let message = |part: &str| {
        format!(
            r#"{{"message":{{"messageId":"m","role":"user","parts":[{{"kind":"text","text":""}},{part}]}}}}"#
        )
    };
    for (part, field) in [
        (r#"{"kind":"text"}"#, "message.parts[1].kind"),
        (r#"{"kind":"data","text":"x"}"#, "message.parts[1].kind"),
        (
            r#"{"kind":"text","text":"x","data":{}}"#,
            "message.parts[1].kind",
        ),
        (r#"{"kind":"data","data":[1]}"#, "message.parts[1].data"),
        (
            r#"{"kind":"file","file":{}}"#,
            "message.parts[1].file.bytes",
        ),
        (
            r#"{"kind":"file","file":{"bytes":"*"}}"#,
            "message.parts[1].file.bytes",
        ),
        (
            r#"{"kind":"file","file":{"bytes":"","uri":"x"}}"#,
            "message.parts[1].file.bytes",
        ),
        (r#"{"kind":"text","text":5}"#, "message.parts[1].text"),
    ] {
        let error = refused::<SendMessageRequest>(&message(part), Dialect::JsonRpc);
        assert_eq!(error.code(), ErrorCode::InvalidParams);
        assert_eq!(error.violations()[0].field, field, "{part}");
    }
    for (text, field) in [
        ("{}", "message"),
        (r#"{"message":{"role":"king"}}"#, "message.role"),
        (r#"{"message":{"kind":"task"}}"#, "message.kind"),
    ] {
        let error = refused::<SendMessageRequest>(text, Dialect::JsonRpc);
        assert_eq!(error.violations()[0].field, field, "{text}");
    }
    let error = refused::<Task>(
        r#"{"id":"t","status":{"state":"asleep"}}"#,
        Dialect::JsonRpc,
    );
    assert_eq!(error.violations()[0].field, "status.state");
    assert_eq!(
        refused::<Task>("{", Dialect::Rest).code(),
        ErrorCode::ParseError
    );
    refused::<StreamResponse>(r#"{"kind":"rumour"}"#, Dialect::JsonRpc);
    refused::<StreamResponse>("{}", Dialect::Rest);
}

#[test]
fn errors_over_http_say_what_each_sdk_looks_for() {
    for code in ErrorCode::ALL {
        let error = A2aError::from(code).with_metadata("taskId", "t");
        let body = v03::RestError::from(&error);
        assert_eq!(A2aError::from(&body), error, "by its details");
    }
    let of = |text: &str| {
        let body: v03::RestError = serde_json::from_str(text).unwrap();
        A2aError::from(&body).code()
    };
    assert_eq!(
        of(r#"{"code":-32001,"message":"x"}"#),
        ErrorCode::TaskNotFound
    );
    assert_eq!(
        of(r#"{"type":"TaskNotFoundError","message":"x"}"#),
        ErrorCode::TaskNotFound
    );
    let told = |status| {
        let body: v03::RestError = serde_json::from_str(r#"{"message":"x"}"#).unwrap();
        A2aError::from(&body.with_status(status)).code()
    };
    assert_eq!(told(404), ErrorCode::TaskNotFound);
    assert_eq!(told(409), ErrorCode::TaskNotCancelable);
    assert_eq!(told(418), ErrorCode::Other(0));
    assert_eq!(
        of(r#"{"code":-32007,"message":"x","data":{"any":["thing"]}}"#),
        ErrorCode::ExtendedAgentCardNotConfigured
    );
}
