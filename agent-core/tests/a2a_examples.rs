//! Whole A2A objects: the examples of the specification, what is left out, what is built by hand.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "the functions that tests share"
)]

use agent_core::a2a::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn written<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

/// Reads `text` and expects that writing gives the same object.
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(text: &str) -> T {
    let object: T = read(text);
    assert_eq!(read::<Value>(&written(&object)), read::<Value>(text));
    assert_eq!(read::<T>(&written(&object)), object);
    object
}

#[test]
fn the_examples_of_the_specification_are_read() {
    // §6.1
    let request: SendMessageRequest = round_trip(
        r#"{"message": {"role": "ROLE_USER", "parts": [{"text": "What is the weather today?"}],
            "messageId": "msg-uuid"}}"#,
    );
    assert!(request.validate().is_empty());
    let response: SendMessageResponse = round_trip(
        r#"{"task": {"id": "task-uuid", "contextId": "context-uuid",
            "status": {"state": "TASK_STATE_COMPLETED"},
            "artifacts": [{"artifactId": "artifact-uuid", "name": "Weather Report",
            "parts": [{"text": "Today will be sunny with a high of 75°F"}]}]}}"#,
    );
    assert!(StreamResponse::from(response).is_final());

    // §6.2 and §6.3, which leave required fields out
    for text in [
        r#"{"task": {"id": "task-uuid", "status": {"state": "TASK_STATE_WORKING"}}}"#,
        r#"{"artifactUpdate": {"taskId": "task-uuid", "artifact": {"parts": [{"text": "Report\n\n"}]}}}"#,
        r#"{"statusUpdate": {"taskId": "task-uuid", "status": {"state": "TASK_STATE_COMPLETED"}}}"#,
        r#"{"task": {"id": "task-uuid", "status": {"state": "TASK_STATE_INPUT_REQUIRED",
            "message": {"role": "ROLE_AGENT", "parts": [{"text": "Where to?"}]}}}}"#,
    ] {
        assert_eq!(read::<StreamResponse>(text).task_id(), "task-uuid");
    }

    // §6.7
    let task: Task = read(
        r#"{"id": "43667960", "contextId": "c295ea44",
            "status": {"state": "TASK_STATE_COMPLETED", "timestamp": "2024-03-15T12:05:00Z"},
            "artifacts": [{"artifactId": "9b6934dd", "name": "processed_image_with_faces.png",
            "parts": [{"url": "https://storage.example.com/output.png?token=xyz",
            "filename": "output.png", "mediaType": "image/png"}]}]}"#,
    );
    assert_eq!(
        written(&task.status.timestamp),
        r#""2024-03-15T12:05:00.000Z""#
    );
    assert_eq!(task.artifacts[0].parts[0].filename, "output.png");

    // §6.8
    let message: Message = round_trip(
        r#"{"role": "ROLE_USER", "messageId": "85b26db5", "parts": [{"text": "Show tickets",
            "metadata": {"mediaType": "application/json", "schema": {"type": "array",
            "items": {"type": "object"}}}}]}"#,
    );
    assert!(message.parts[0].metadata.get("schema").unwrap().is_object());
}

/// §8.5, with `securityRequirements` as in the `.proto` file where the example has `security`.
const CARD: &str = r#"{
  "name": "GeoSpatial Route Planner Agent",
  "description": "Provides advanced route planning.",
  "supportedInterfaces": [
    {"url": "https://georoute-agent.example.com/a2a/v1", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
    {"url": "https://georoute-agent.example.com/a2a/grpc", "protocolBinding": "GRPC", "protocolVersion": "1.0"},
    {"url": "https://georoute-agent.example.com/a2a/json", "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0"}
  ],
  "provider": {"organization": "Example Geo Services Inc.", "url": "https://www.examplegeoservices.com"},
  "iconUrl": "https://georoute-agent.example.com/icon.png",
  "version": "1.2.0",
  "documentationUrl": "https://docs.examplegeoservices.com/georoute-agent/api",
  "capabilities": {"streaming": true, "pushNotifications": true, "extendedAgentCard": true,
    "extensions": [{"uri": "https://example.com/ext/v1", "required": true, "params": {"price": 0.10}}]},
  "securitySchemes": {
    "google": {"openIdConnectSecurityScheme": {"openIdConnectUrl": "https://accounts.google.com/.well-known/openid-configuration"}},
    "key": {"apiKeySecurityScheme": {"location": "header", "name": "X-Key"}},
    "http": {"httpAuthSecurityScheme": {"scheme": "Bearer", "bearerFormat": "JWT"}},
    "mtls": {"mtlsSecurityScheme": {}},
    "oauth": {"oauth2SecurityScheme": {"flows": {"clientCredentials": {"tokenUrl": "https://t", "scopes": {"a": "A"}}}}}
  },
  "securityRequirements": [{"schemes": {"google": {"list": ["openid", "profile", "email"]}}}],
  "defaultInputModes": ["application/json", "text/plain"],
  "defaultOutputModes": ["application/json", "image/png"],
  "skills": [{
    "id": "route-optimizer-traffic", "name": "Traffic-Aware Route Optimizer", "description": "Calculates.",
    "tags": ["maps"], "examples": ["Plan a route."], "inputModes": ["application/json"],
    "outputModes": ["application/vnd.geo+json"]
  }],
  "signatures": [{"protected": "eyJhbGciOiJFUzI1NiJ9", "signature": "QFdkNLNszlGj3z3u0YQGt", "header": {"kid": "1"}}]
}"#;

#[test]
fn the_sample_card_is_read_and_written() {
    let card: AgentCard = round_trip(CARD);
    assert_eq!(
        card.skill("route-optimizer-traffic").unwrap().tags,
        ["maps"]
    );
    assert!(card.skill("x").is_none());
    let params = &card.extension("https://example.com/ext/v1").unwrap().params;
    assert_eq!(params.get("price").unwrap().get(), "0.10");
    assert!(
        card.interface(AgentInterface::GRPC, "1.0")
            .unwrap()
            .url
            .ends_with("grpc")
    );
    assert!(card.interface(AgentInterface::JSONRPC, "0.3").is_none());
    assert_eq!(
        card.security_requirements[0].schemes["google"].list[0],
        "openid"
    );
}

#[test]
fn every_oauth_flow_round_trips() {
    for flow in [
        json!({"authorizationCode": {"authorizationUrl": "a", "tokenUrl": "t", "refreshUrl": "r", "scopes": {}, "pkceRequired": true}}),
        json!({"clientCredentials": {"tokenUrl": "t", "scopes": {"s": "S"}}}),
        json!({"implicit": {"authorizationUrl": "a"}}),
        json!({"password": {"tokenUrl": "t"}}),
        json!({"deviceCode": {"deviceAuthorizationUrl": "d", "tokenUrl": "t", "scopes": {}}}),
        json!({}),
    ] {
        round_trip::<OAuthFlows>(&flow.to_string());
    }
}

#[test]
fn a_whole_request_round_trips() {
    let request: SendMessageRequest = round_trip(
        r#"{"tenant":"t","message":{"messageId":"m","taskId":"t1","role":"ROLE_USER",
            "parts":[{"data":[1]}],"extensions":["u"],"metadata":{"x402.payment.status":"payment-submitted"}},
            "configuration":{"acceptedOutputModes":["text/plain"],"historyLength":3,"returnImmediately":true,
            "taskPushNotificationConfig":{"url":"https://h","token":"secret-a",
            "authentication":{"scheme":"Bearer","credentials":"secret-b"}}},"metadata":{"k":null}}"#,
    );
    assert!(request.validate().is_empty(), "{:?}", request.validate());
    let shown = format!("{request:?}");
    assert!(
        !shown.contains("secret-a") && !shown.contains("secret-b"),
        "{shown}"
    );
}

#[test]
fn the_constructors_make_valid_objects() {
    let message = Message::user("hi").with_part(Part::from_value(&json!({"a": 1})).unwrap());
    assert!(
        SendMessageRequest::new(message.clone())
            .validate()
            .is_empty()
    );
    assert_eq!(message.text(), "hi");
    assert_eq!(message.data().unwrap().get(), r#"{"a":1}"#);
    assert_ne!(message.message_id, Message::user("hi").message_id);

    let answer = Message::agent("which?").in_context("c").for_task("t");
    let status = TaskStatus::new(TaskState::InputRequired)
        .with_message(answer)
        .at(Timestamp::from_unix_millis(0));
    let event = TaskStatusUpdateEvent {
        task_id: "t".into(),
        context_id: "c".into(),
        status,
        ..Default::default()
    };
    let event = StreamResponse::from(event);
    assert_eq!(event, read(&written(&event)));
    assert!(!event.is_final());
    assert_eq!(event.context_id(), "c");
    assert!(StreamResponse::from(message).is_final());
    assert_eq!(AgentInterface::jsonrpc("http://x").protocol_version, "1.0");
    assert!(!Artifact::text("x").named("n").artifact_id.is_empty());
}

#[test]
fn pieces_of_artifacts_are_merged() {
    let piece = |id: &str, text: &str, append| TaskArtifactUpdateEvent {
        artifact: Artifact::new(id, vec![Part::text(text)]),
        append,
        ..Default::default()
    };
    let mut task = Task::new("t", "c");
    for event in [
        piece("a", "1", true),
        piece("b", "x", false),
        piece("a", "2", true),
        piece("b", "y", false),
    ] {
        task.merge_artifact(event);
    }
    let shown: Vec<_> = task
        .artifacts
        .iter()
        .map(|a| (&*a.artifact_id, a.parts.len()))
        .collect();
    assert_eq!(shown, [("a", 2), ("b", 1)]);
    assert_eq!(task.artifacts[1].parts[0].as_text(), Some("y"));
}

#[test]
fn history_keeps_the_newest() {
    let mut task = Task::new("t", "c");
    task.history = ["1", "2", "3"].map(Message::user).to_vec();
    task.trim_history(None);
    assert_eq!(task.history.len(), 3);
    task.trim_history(Some(9));
    task.trim_history(Some(2));
    assert_eq!(
        task.history.iter().map(Message::text).collect::<Vec<_>>(),
        ["2", "3"]
    );
    task.trim_history(Some(0));
    assert!(task.history.is_empty() && !written(&task).contains("history"));
}

#[test]
fn defaults_are_left_out_unless_required() {
    assert_eq!(
        written(&TaskArtifactUpdateEvent {
            task_id: "t".into(),
            ..Default::default()
        }),
        r#"{"taskId":"t","contextId":"","artifact":{"artifactId":"","parts":[]}}"#
    );
    assert_eq!(
        written(&ListTasksResponse::default()),
        r#"{"tasks":[],"nextPageToken":"","pageSize":0,"totalSize":0}"#
    );
    assert_eq!(written(&ListTasksRequest::default()), "{}");
    assert_eq!(written(&GetExtendedAgentCardRequest::default()), "{}");
    assert_eq!(
        written(&ListTaskPushNotificationConfigsResponse::default()),
        "{}"
    );
    assert_eq!(
        written(&Task::new("t", "c")),
        r#"{"id":"t","contextId":"c","status":{"state":"TASK_STATE_SUBMITTED"}}"#
    );
    // Presence is kept where the `.proto` file says `optional`.
    let request = GetTaskRequest {
        id: "t".into(),
        history_length: Some(0),
        ..Default::default()
    };
    assert_eq!(written(&request), r#"{"id":"t","historyLength":0}"#);
    let capabilities = AgentCapabilities {
        streaming: Some(false),
        ..Default::default()
    };
    assert_eq!(written(&capabilities), r#"{"streaming":false}"#);
    let card = AgentCard {
        icon_url: Some(String::new()),
        ..Default::default()
    };
    assert_eq!(round_trip::<AgentCard>(&written(&card)), card);
}
