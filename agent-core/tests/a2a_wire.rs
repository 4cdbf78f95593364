//! A2A objects on the wire: each rule of ProtoJSON, and the examples of the specification.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "the functions that tests share"
)]

use agent_core::a2a::*;
use agent_core::json::Json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn refused<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    match serde_json::from_str::<T>(text) {
        Ok(read) => panic!("{text} was read as {read:?}"),
        Err(error) => error.to_string(),
    }
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
fn camel_case_out_and_both_in() {
    let camel = r#"{"messageId":"m","contextId":"c","taskId":"t","role":"ROLE_USER","parts":[{"text":"x","mediaType":"text/plain"}],"referenceTaskIds":["r"]}"#;
    let snake = r#"{"message_id":"m","context_id":"c","task_id":"t","role":"ROLE_USER","parts":[{"text":"x","media_type":"text/plain"}],"reference_task_ids":["r"]}"#;
    let message: Message = read(snake);
    assert_eq!(message, read(camel));
    assert_eq!(written(&message), camel);

    let event = r#"{"artifact_update":{"task_id":"t","artifact":{},"last_chunk":true}}"#;
    assert_eq!(
        written(&read::<StreamResponse>(event)),
        r#"{"artifactUpdate":{"taskId":"t","contextId":"","artifact":{"artifactId":"","parts":[]},"lastChunk":true}}"#
    );
    let scheme: SecurityScheme = read(r#"{"oauth2_security_scheme":{"oauth2_metadata_url":"u"}}"#);
    assert_eq!(
        written(&scheme),
        r#"{"oauth2SecurityScheme":{"flows":{},"oauth2MetadataUrl":"u"}}"#
    );
}

#[test]
fn the_same_field_twice_is_refused() {
    for text in [
        r#"{"id":"a","id":"b"}"#,
        r#"{"contextId":"a","context_id":"b"}"#,
        r#"{"contextId":"a","contextId":"a"}"#,
    ] {
        assert!(refused::<Task>(text).contains("duplicate field"), "{text}");
    }
}

#[test]
fn unknown_fields_are_skipped() {
    let task: Task = read(
        r#"{"id":"t","generation":"7","timeline":[{"deep":[[[{}]]]}],"kind":"task","Unknown_":1,
            "status":{"state":"TASK_STATE_WORKING","x":1e999},"":null}"#,
    );
    assert_eq!(
        (task.id.as_str(), task.status.state),
        ("t", TaskState::Working)
    );
    let part: Part = read(r#"{"kind":"text","text":"x","future":{"a":[1]}}"#);
    assert_eq!(part, Part::text("x"));
    assert_eq!(
        read::<SendMessageResponse>(r#"{"future":1,"task":{"id":"t"}}"#),
        Task {
            id: "t".into(),
            ..Task::default()
        }
        .into()
    );
}

#[test]
fn null_is_unset_everywhere_but_in_data() {
    let nulls = r#"{"messageId":null,"contextId":null,"taskId":null,"role":null,"parts":null,
                    "metadata":null,"extensions":null,"referenceTaskIds":null}"#;
    assert_eq!(read::<Message>(nulls), Message::default());
    let nulls = r#"{"id":null,"status":null,"artifacts":null,"history":null,"metadata":null}"#;
    assert_eq!(read::<Task>(nulls), Task::default());
    let nulls = r#"{"status":null,"pageSize":null,"historyLength":null,"includeArtifacts":null,
                    "statusTimestampAfter":null}"#;
    assert_eq!(read::<ListTasksRequest>(nulls), ListTasksRequest::default());
    let nulls = r#"{"capabilities":{"streaming":null},"provider":null,"iconUrl":null,
                    "securitySchemes":null}"#;
    assert_eq!(read::<AgentCard>(nulls), AgentCard::default());
    let nulls = r#"{"url":null,"token":null,"authentication":null}"#;
    assert_eq!(
        read::<TaskPushNotificationConfig>(nulls),
        TaskPushNotificationConfig::default()
    );
    assert_eq!(
        read::<OAuth2SecurityScheme>(r#"{"flows":null}"#).flows,
        OAuthFlows::Unknown
    );

    assert_eq!(
        read::<Part>(r#"{"data":null}"#),
        Part::data(Json::default())
    );
    assert_eq!(written(&Part::data(Json::default())), r#"{"data":null}"#);
    assert_eq!(
        read::<Part>(r#"{"text":"x","raw":null,"url":null}"#),
        Part::text("x")
    );
    assert_eq!(
        read::<StreamResponse>(r#"{"task":null,"message":{}}"#),
        Message::default().into()
    );
    // ProtoJSON has no null inside a repeated field.
    assert!(refused::<Message>(r#"{"parts":[null]}"#).contains("`parts[0]`"));
    assert!(refused::<Message>(r#"{"extensions":["a",null]}"#).contains("`extensions[1]`"));
}

#[test]
fn a_part_has_exactly_one_content() {
    for text in [
        "{}",
        r#"{"mediaType":"text/plain"}"#,
        r#"{"text":null}"#,
        r#"{"text":"a","data":1}"#,
        r#"{"text":"a","data":null}"#,
        r#"{"url":"a","raw":""}"#,
        r#"{"text":"a","text":"b"}"#,
    ] {
        assert!(refused::<Part>(text).contains("exactly one of"), "{text}");
    }
    for text in [
        r#"{"text":""}"#,
        r#"{"raw":"AAEC/w==","filename":"f.bin","mediaType":"application/octet-stream"}"#,
        r#"{"url":"https://example.com","metadata":{"k":[1]}}"#,
        r#"{"data":{"a":[1,2.50]},"mediaType":"application/json"}"#,
        r#"{"data":false}"#,
    ] {
        assert_eq!(written(&round_trip::<Part>(text)), text);
    }
}

#[test]
fn the_other_oneofs_have_exactly_one_member() {
    for text in [
        "{}",
        r#"{"task":null}"#,
        r#"{"task":{},"message":{}}"#,
        r#"{"tusk":{}}"#,
    ] {
        assert!(
            refused::<SendMessageResponse>(text).contains("exactly one of"),
            "{text}"
        );
        assert!(
            refused::<StreamResponse>(text).contains("exactly one of"),
            "{text}"
        );
    }
    assert_eq!(
        read::<SecurityScheme>(r#"{"quantumScheme":{"q":1}}"#),
        SecurityScheme::Unknown
    );
    assert_eq!(written(&SecurityScheme::Unknown), "{}");
}

#[test]
fn bytes_are_standard_base64_out_and_any_in() {
    let bytes = vec![0xfb, 0xff, 0xfe, 0x01];
    assert_eq!(written(&Part::raw(bytes.clone())), r#"{"raw":"+//+AQ=="}"#);
    for text in ["+//+AQ==", "+//+AQ", "-__-AQ==", "-__-AQ"] {
        assert_eq!(
            read::<Part>(&format!(r#"{{"raw":"{text}"}}"#)),
            Part::raw(bytes.clone())
        );
    }
    for text in ["+//+A", "****", "AA A", "+_", "A"] {
        let error = refused::<Part>(&format!(r#"{{"raw":"{text}"}}"#));
        assert!(error.contains("`raw`: not base64"), "{error}");
    }
}

#[test]
fn enums_are_names_out_and_names_or_numbers_in() {
    for state in TaskState::ALL {
        assert_eq!(written(&state), format!("\"{state}\""));
        assert_eq!(read::<TaskState>(&written(&state)), state);
        assert_eq!(read::<TaskState>(&state.number().to_string()), state);
    }
    assert_eq!(
        TaskState::InputRequired.as_str(),
        "TASK_STATE_INPUT_REQUIRED"
    );
    for (number, role) in [(0, Role::Unspecified), (1, Role::User), (2, Role::Agent)] {
        assert_eq!(read::<Role>(&number.to_string()), role);
    }
    assert_eq!(written(&Role::Agent), r#""ROLE_AGENT""#);
}

#[test]
fn an_unknown_enum_value_names_the_field() {
    for value in [
        r#""submitted""#,
        r#""TASK_STATE_NEW""#,
        "9",
        "-1",
        "1.5",
        "99999999999",
        "[]",
    ] {
        let text = format!(r#"{{"task":{{"status":{{"state":{value}}}}}}}"#);
        let error = refused::<StreamResponse>(&text);
        assert!(error.starts_with("`task.status.state`: "), "{error}");
        assert!(error.contains("TASK_STATE_SUBMITTED"), "{error}");
    }
    let error = refused::<Message>(r#"{"role":"user"}"#);
    assert!(
        error.starts_with("`role`: ") && error.contains("ROLE_USER"),
        "{error}"
    );
}

#[test]
fn integers_may_be_text_or_whole_floats() {
    for (text, size) in [
        ("5", 5),
        ("\"5\"", 5),
        ("5.0", 5),
        ("1e2", 100),
        ("-3", -3),
        ("0", 0),
    ] {
        let request: ListTasksRequest = read(&format!(r#"{{"pageSize":{text}}}"#));
        assert_eq!(request.page_size, Some(size), "{text}");
    }
    for text in [
        "5.5",
        "\"5.5\"",
        "\"\"",
        "2147483648",
        "1e300",
        "true",
        "[]",
        "-2147483649",
    ] {
        let error = refused::<ListTasksRequest>(&format!(r#"{{"pageSize":{text}}}"#));
        assert!(error.starts_with("`pageSize`: "), "{error}");
    }
    for text in ["1", "\"true\"", "0"] {
        let error = refused::<ListTasksRequest>(&format!(r#"{{"includeArtifacts":{text}}}"#));
        assert!(error.starts_with("`includeArtifacts`: "), "{error}");
    }
}

#[test]
fn errors_name_the_whole_path() {
    let error = refused::<SendMessageRequest>(
        r#"{"message":{"parts":[{"text":"a"},{"text":5}],"messageId":"m"}}"#,
    );
    assert!(
        error.starts_with("`message.parts[1].text`: invalid type: integer `5`"),
        "{error}"
    );
    assert!(error.ends_with("at line 1 column 43"), "{error}");
    let error =
        refused::<AgentCard>(r#"{"securitySchemes":{"g":{"apiKeySecurityScheme":{"name":[]}}}}"#);
    assert!(
        error.starts_with("`securitySchemes.g.apiKeySecurityScheme.name`: "),
        "{error}"
    );
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
