//! Whatever a peer sends is an object or an error, never a panic, and never much memory.

#![allow(clippy::unwrap_used, reason = "the functions that tests share")]

use agent_core::a2a::*;
use agent_core::json::check_depth;
use proptest::prelude::*;

/// Reads `json` as everything that is read from a peer, and checks that what was read can be
/// written and read again.
fn read_as_anything(json: &[u8]) {
    macro_rules! each {
        ($($object:ty),* $(,)?) => {$(
            if let Ok(object) = decode::<$object>(json) {
                let written = serde_json::to_vec(&object).unwrap();
                assert!(!written.contains(&b'\n'));
                assert_eq!(decode::<$object>(&written).unwrap(), object);
            }
        )*};
    }
    let _ = check_depth(json, limits::MAX_JSON_DEPTH);
    each!(
        AgentCard,
        Task,
        Message,
        Part,
        StreamResponse,
        SendMessageResponse,
        SendMessageRequest,
        ListTasksRequest,
        ListTasksResponse,
        GetTaskRequest,
        CancelTaskRequest,
        TaskPushNotificationConfig,
        ListTaskPushNotificationConfigsRequest,
        ListTaskPushNotificationConfigsResponse,
        JsonRpcError,
        RestError,
    );
    if let Ok(request) = decode::<SendMessageRequest>(json) {
        assert!(request.validate().len() <= limits::MAX_VIOLATIONS);
    }
}

/// A document that names most fields there are.
const SEED: &str = r#"{"task":{"id":"t","contextId":"c","status":{"state":"TASK_STATE_WORKING",
"message":{"messageId":"m","role":"ROLE_AGENT","parts":[{"text":"x"},{"raw":"AAEC"},{"url":"u"},
{"data":{"a":[1,2.5e3,null]}}]},"timestamp":"2025-10-28T10:30:00.000Z"},"artifacts":[{"artifactId":"a",
"parts":[{"text":"y","metadata":{"k":1}}]}],"history":[],"metadata":{"z":{}}},"tenant":"q",
"message":{"messageId":"m","role":1,"parts":[{"text":"z"}]},"configuration":{"historyLength":"3",
"taskPushNotificationConfig":{"url":"w","authentication":{"scheme":"s","credentials":"c"}}},
"id":"i","url":"u","pageSize":1,"tasks":[],"skills":[{"id":"s"}],"capabilities":{"streaming":true},
"securitySchemes":{"o":{"oauth2SecurityScheme":{"flows":{"implicit":{}}}}},"text":"t","code":1,
"error":{"code":1,"details":[{"@type":"t"}]}}"#;

#[test]
fn the_seed_reaches_the_readers() {
    read_as_anything(SEED.as_bytes());
    assert!(decode::<Task>(SEED.as_bytes()).is_ok());
    assert!(decode::<SendMessageRequest>(SEED.as_bytes()).is_ok());
    assert!(decode::<AgentCard>(SEED.as_bytes()).is_ok());
}

#[test]
fn depth_is_an_error_or_is_carried() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        for levels in [200, 10_000, 50_000] {
            let deep = format!("{}1{}", open.repeat(levels), close.repeat(levels));
            for text in [
                deep.clone(),
                open.repeat(levels),
                format!(r#"{{"data":{deep}}}"#),
                format!(r#"{{"text":"x","metadata":{{"m":{deep}}}}}"#),
                format!(r#"{{"unknown":{deep},"text":"x"}}"#),
                format!(r#"{{"message":{deep}}}"#),
                format!(r#"{{"parts":{deep}}}"#),
                format!(r#"{{"status":{deep}}}"#),
            ] {
                read_as_anything(text.as_bytes());
                assert!(check_depth(text.as_bytes(), limits::MAX_JSON_DEPTH).is_err());
            }
            let part: Part = decode(format!(r#"{{"data":{deep}}}"#).as_bytes()).unwrap();
            assert!(
                part.as_data()
                    .unwrap()
                    .parse::<serde_json::Value>()
                    .is_err()
            );
        }
    }
}

#[test]
fn size_is_an_error_of_a_few_hundred_bytes() {
    let long = "x".repeat(1 << 20);
    for text in [
        format!(r#"{{"message":{{"role":"{long}"}}}}"#),
        format!(r#"{{"message":{{"parts":"{long}"}}}}"#),
        format!(r#"{{"message":{{"parts":[{{"raw":"{long}*"}}]}}}}"#),
        format!(r#"{{"configuration":{{"historyLength":"{long}"}}}}"#),
        format!(r#""{long}""#),
    ] {
        let error = decode::<SendMessageRequest>(text.as_bytes()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidParams);
        assert!(
            serde_json::to_string(&JsonRpcError::from(&error))
                .unwrap()
                .len()
                < 2_048
        );
    }
}

#[test]
fn many_of_anything_is_refused_with_few_words() {
    let parts = vec![r#"{"url":""}"#; 100_000].join(",");
    let text = format!(r#"{{"message":{{"messageId":"m","role":"ROLE_USER","parts":[{parts}]}}}}"#);
    let request: SendMessageRequest = decode(text.as_bytes()).unwrap();
    assert!(!request.validate().is_empty());
    assert!(request.validate().len() <= limits::MAX_VIOLATIONS);
}

#[test]
fn every_prefix_of_a_document_is_bad_json() {
    for end in 0..SEED.len() {
        let error = decode::<Task>(&SEED.as_bytes()[..end]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ParseError, "{end}");
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        Just(Value::from("TASK_STATE_FAILED")),
        Just(Value::from("2025-10-28T10:30:00Z")),
    ];
    let name = prop_oneof![
        "[a-z]{1,4}",
        prop::sample::select(vec![
            "task",
            "message",
            "statusUpdate",
            "artifact_update",
            "id",
            "status",
            "state",
            "parts",
            "text",
            "raw",
            "url",
            "data",
            "metadata",
            "role",
            "message_id",
            "artifacts",
            "history",
            "skills",
            "capabilities",
            "extensions",
            "params",
            "securitySchemes",
            "flows",
            "code",
            "error",
            "details",
            "configuration",
            "pageSize",
            "timestamp",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        read_as_anything(&bytes);
    }

    #[test]
    fn any_text_of_json_characters(text in r#"[\[\]{}:,"\\0-9eE.+\-tfnul a-z]{0,128}"#) {
        read_as_anything(text.as_bytes());
    }

    #[test]
    fn any_json_value(value in any_json()) {
        read_as_anything(value.to_string().as_bytes());
    }

    #[test]
    fn a_document_with_some_bytes_changed(
        changes in prop::collection::vec((0..SEED.len(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        paste in any::<prop::sample::Index>(),
    ) {
        let mut bytes = SEED.as_bytes().to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        read_as_anything(&bytes);
        let (from, to) = (cut.index(bytes.len()), paste.index(bytes.len()));
        let piece = bytes[from.min(to)..from.max(to)].to_vec();
        bytes.extend(piece);
        read_as_anything(&bytes);
    }
}
