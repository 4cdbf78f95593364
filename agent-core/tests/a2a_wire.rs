//! A2A objects on the wire: each rule of ProtoJSON.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "the functions that tests share"
)]

use agent_core::a2a::*;
use agent_core::json::Json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

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
