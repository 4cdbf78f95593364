//! A2A objects in Protocol Buffers and back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use agent_core::a2a::proto::{
    AGENT_CARD, GrpcStatus, MESSAGE, PUSH_CONFIG, ProtoError, STREAM_RESPONSE, Schema, TASK,
    request_of, response_of,
};
use agent_core::a2a::{
    A2aError, AgentCard, ErrorCode, FieldViolation, ListTasksRequest, ListTasksResponse, Message,
    Operation, SendMessageRequest, StreamResponse, Task, TaskPushNotificationConfig,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::fmt::Debug;

/// There and back, as a value of our own type.
fn around<T: Serialize + DeserializeOwned>(schema: &Schema, value: &T) -> T {
    let wire = schema
        .encode(&serde_json::to_string(value).unwrap())
        .unwrap();
    serde_json::from_slice(&schema.decode(&wire).unwrap()).unwrap()
}

fn json_around(schema: &Schema, value: &Value) -> Value {
    around(schema, value)
}

fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(schema: &Schema, value: &Value) {
    let ours: T = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(around(schema, &ours), ours);
}

#[test]
fn what_stands_on_the_wire_was_worked_out_by_hand() {
    let cases: [(&Schema, &str, &[u8]); 12] = [
        (&TASK, r#"{}"#, b""),
        (&TASK, r#"{ "id": "ab", "contextId": "" }"#, b"\x0a\x02ab"),
        (
            &TASK,
            r#"{ "status": { "state": "TASK_STATE_COMPLETED" } }"#,
            b"\x1a\x02\x08\x03",
        ),
        // 1970-01-01T00:00:01.500Z: one second, 500,000,000 nanoseconds.
        (
            &TASK,
            r#"{ "status": { "timestamp": "1970-01-01T00:00:01.500Z" } }"#,
            b"\x1a\x0a\x1a\x08\x08\x01\x10\x80\xca\xb5\xee\x01",
        ),
        (
            &MESSAGE,
            r#"{ "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": "" }] }"#,
            b"\x0a\x01m\x20\x01\x2a\x02\x0a\x00",
        ),
        (
            &MESSAGE,
            r#"{ "parts": [{ "data": null }, { "raw": "AAE=" }], "extensions": ["", "u"] }"#,
            b"\x2a\x04\x22\x02\x08\x00\x2a\x04\x12\x02\x00\x01\x3a\x00\x3a\x01u",
        ),
        // A Struct of one entry whose value is the number 1.
        (
            &MESSAGE,
            r#"{ "metadata": { "k": 1 } }"#,
            b"\x32\x10\x0a\x0e\x0a\x01k\x12\x09\x11\x00\x00\x00\x00\x00\x00\xf0\x3f",
        ),
        (
            request_of(Operation::ListTasks),
            r#"{ "pageSize": 0, "historyLength": -1, "includeArtifacts": false }"#,
            b"\x20\x00\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x40\x00",
        ),
        (
            request_of(Operation::ListTaskPushNotificationConfigs),
            r#"{ "tenant": "t", "taskId": "i", "pageSize": 300 }"#,
            b"\x22\x01t\x0a\x01i\x10\xac\x02",
        ),
        (
            &STREAM_RESPONSE,
            r#"{ "artifactUpdate": { "append": false, "lastChunk": true } }"#,
            b"\x22\x02\x28\x01",
        ),
        (
            &AGENT_CARD,
            r#"{ "securityRequirements": [{ "schemes": { "g": { "list": ["o"] } } }] }"#,
            b"\x4a\x0a\x0a\x08\x0a\x01g\x12\x03\x0a\x01o",
        ),
        (
            response_of(Operation::DeleteTaskPushNotificationConfig),
            r#"{}"#,
            b"",
        ),
    ];
    for (schema, value, wire) in cases {
        assert_eq!(schema.encode(value).unwrap(), wire, "{value}");
    }
}

#[test]
fn lengths_are_right_where_they_grow() {
    // A length of 127 takes one byte and of 128 two, of which the messages around must know.
    for size in [
        0, 1, 100, 118, 119, 120, 121, 122, 127, 128, 16_383, 16_384, 70_000,
    ] {
        let value = json!({ "task": { "history": [
            { "parts": [{ "text": "x".repeat(size) }, { "data": [[["y".repeat(size)]]] }] },
            { "messageId": "after" }
        ] } });
        assert_eq!(json_around(&STREAM_RESPONSE, &value), value, "{size}");
    }
}

#[test]
fn every_name_of_the_types_is_in_the_table() {
    let card = json!({
        "name": "n", "description": "d", "version": "1", "documentationUrl": "", "iconUrl": "i",
        "supportedInterfaces": [
            { "url": "u", "protocolBinding": "GRPC", "tenant": "t", "protocolVersion": "1.0" }
        ],
        "provider": { "url": "u", "organization": "o" },
        "capabilities": {
            "streaming": true, "pushNotifications": false, "extendedAgentCard": true,
            "extensions": [
                { "uri": "u", "description": "d", "required": true, "params": { "a": [1] } }
            ]
        },
        "securitySchemes": {
            "a": { "apiKeySecurityScheme": { "description": "d", "location": "header", "name": "k" } },
            "b": { "httpAuthSecurityScheme": {
                "description": "d", "scheme": "Bearer", "bearerFormat": "JWT"
            } },
            "c": { "oauth2SecurityScheme": { "description": "d", "oauth2MetadataUrl": "m", "flows": {
                "authorizationCode": {
                    "authorizationUrl": "a", "tokenUrl": "t", "refreshUrl": "r",
                    "scopes": { "s": "what" }, "pkceRequired": true
                }
            } } },
            "d": { "openIdConnectSecurityScheme": { "description": "d", "openIdConnectUrl": "o" } },
            "e": { "mtlsSecurityScheme": { "description": "d" } },
            "f": { "oauth2SecurityScheme": { "flows": { "clientCredentials": {
                "tokenUrl": "t", "refreshUrl": "r", "scopes": { "s": "" }
            } } } },
            "g": { "oauth2SecurityScheme": { "flows": { "implicit": {
                "authorizationUrl": "a", "refreshUrl": "r", "scopes": { "s": "" }
            } } } },
            "h": { "oauth2SecurityScheme": { "flows": { "password": {
                "tokenUrl": "t", "refreshUrl": "r", "scopes": { "s": "" }
            } } } },
            "i": { "oauth2SecurityScheme": { "flows": { "deviceCode": {
                "deviceAuthorizationUrl": "d", "tokenUrl": "t", "refreshUrl": "r",
                "scopes": { "s": "" }
            } } } }
        },
        "securityRequirements": [{ "schemes": { "a": { "list": ["x"] }, "b": {} } }],
        "defaultInputModes": ["text/plain"], "defaultOutputModes": ["a/b", "c/d"],
        "skills": [{
            "id": "i", "name": "n", "description": "d", "tags": ["t"], "examples": ["e"],
            "inputModes": ["i/i"], "outputModes": ["o/o"],
            "securityRequirements": [{ "schemes": { "a": { "list": ["x"] } } }]
        }],
        "signatures": [{ "protected": "p", "signature": "s", "header": { "kid": "k" } }]
    });
    assert_eq!(json_around(&AGENT_CARD, &card), card);
    same::<AgentCard>(&AGENT_CARD, &card);

    let config = json!({
        "tenant": "t", "id": "i", "taskId": "k", "url": "u", "token": "s",
        "authentication": { "scheme": "Bearer", "credentials": "c" }
    });
    assert_eq!(json_around(&PUSH_CONFIG, &config), config);
    same::<TaskPushNotificationConfig>(&PUSH_CONFIG, &config);

    let message = json!({
        "messageId": "m", "contextId": "c", "taskId": "t", "role": "ROLE_AGENT",
        "parts": [
            { "text": "x", "metadata": { "a": {} }, "filename": "f", "mediaType": "text/plain" },
            { "raw": "aGk=" }, { "url": "https://example.com" }, { "data": { "k": [1, 2.5, null] } }
        ],
        "metadata": { "z": 1, "a": "b" }, "extensions": ["u"], "referenceTaskIds": ["r"]
    });
    let artifact = json!({
        "artifactId": "a", "name": "n", "description": "d", "parts": [{ "text": "x" }],
        "metadata": { "a": true }, "extensions": ["u"]
    });
    let status = json!({
        "state": "TASK_STATE_AUTH_REQUIRED", "message": message,
        "timestamp": "2026-11-22T10:30:00.123Z"
    });
    let task = json!({
        "id": "i", "contextId": "c", "status": status, "artifacts": [artifact, artifact],
        "history": [message], "metadata": { "m": [] }
    });
    assert_eq!(json_around(&TASK, &task), task);
    for event in [
        json!({ "task": task }),
        json!({ "message": message }),
        json!({ "statusUpdate": {
            "taskId": "t", "contextId": "c", "status": status, "metadata": { "m": 1 }
        } }),
        json!({ "artifactUpdate": {
            "taskId": "t", "contextId": "c", "artifact": artifact, "append": true,
            "lastChunk": true, "metadata": { "m": 1 }
        } }),
    ] {
        assert_eq!(json_around(&STREAM_RESPONSE, &event), event);
        same::<StreamResponse>(&STREAM_RESPONSE, &event);
    }
    let list = json!({ "tasks": [task], "nextPageToken": "n", "pageSize": 50, "totalSize": 1 });
    assert_eq!(json_around(response_of(Operation::ListTasks), &list), list);
    same::<ListTasksResponse>(
        response_of(Operation::ListTasks),
        &json!({ "tasks": [], "nextPageToken": "", "pageSize": 50, "totalSize": 0 }),
    );
    for (operation, request) in [
        (
            Operation::SendMessage,
            json!({ "tenant": "t", "message": message, "metadata": { "a": 1 }, "configuration": {
                "acceptedOutputModes": ["a/b"], "taskPushNotificationConfig": config,
                "historyLength": 0, "returnImmediately": true
            } }),
        ),
        (
            Operation::ListTasks,
            json!({
                "tenant": "t", "contextId": "c", "status": "TASK_STATE_WORKING", "pageSize": 1,
                "pageToken": "p", "historyLength": 2,
                "statusTimestampAfter": "0001-01-01T00:00:00.000Z", "includeArtifacts": true
            }),
        ),
        (
            Operation::CancelTask,
            json!({ "tenant": "t", "id": "i", "metadata": { "m": 1 } }),
        ),
        (
            Operation::DeleteTaskPushNotificationConfig,
            json!({ "tenant": "t", "taskId": "i", "id": "c" }),
        ),
        (
            Operation::ListTaskPushNotificationConfigs,
            json!({ "tenant": "t", "taskId": "i", "pageSize": 7, "pageToken": "p" }),
        ),
        (
            Operation::SubscribeToTask,
            json!({ "tenant": "t", "id": "i" }),
        ),
        (Operation::GetExtendedAgentCard, json!({ "tenant": "t" })),
    ] {
        assert_eq!(json_around(request_of(operation), &request), request);
    }
    same::<ListTasksRequest>(
        request_of(Operation::ListTasks),
        &json!({ "pageSize": 5, "statusTimestampAfter": "9999-12-31T23:59:59.999Z" }),
    );
}

#[test]
fn what_the_schema_does_not_have_is_skipped() {
    // Field 99 in every wire type, and field 1 as a number, before the id.
    let wire = b"\x98\x06\x01\x99\x06abcdefgh\x9a\x06\x02xy\x9d\x06abcd\x08\x05\x0a\x01i";
    assert_eq!(TASK.decode(wire).unwrap(), br#"{"id":"i"}"#);
    let json = r#"{"id":"i","generation":"7","status":null,"metadata":null,"history":null}"#;
    assert_eq!(TASK.encode(json).unwrap(), b"\x0a\x01i");
}

#[test]
fn the_last_counts_and_messages_are_one() {
    // Two ids; two statuses, of which one has the state and one the time.
    let wire = b"\x0a\x01a\x1a\x02\x08\x02\x0a\x01b\x1a\x04\x1a\x02\x08\x01";
    let json: Value = serde_json::from_slice(&TASK.decode(wire).unwrap()).unwrap();
    let status = json!({ "state": "TASK_STATE_WORKING", "timestamp": "1970-01-01T00:00:01.000Z" });
    assert_eq!(json, json!({ "id": "b", "status": status }));
    // A part with a text, then a url: the url is set. And with a text again.
    let part = |content: &[u8]| {
        let length = u8::try_from(content.len()).unwrap();
        MESSAGE
            .decode(&[&[0x2a, length], content].concat())
            .unwrap()
    };
    assert_eq!(part(b"\x0a\x01t\x1a\x01u"), br#"{"parts":[{"url":"u"}]}"#);
    assert_eq!(
        part(b"\x0a\x01t\x1a\x01u\x0a\x01v"),
        br#"{"parts":[{"text":"v"}]}"#
    );
    // What was set before the last switch is gone.
    let wire = b"\x0a\x03\x0a\x01a\x12\x03\x0a\x01m\x0a\x03\x12\x01c";
    assert_eq!(
        STREAM_RESPONSE.decode(wire).unwrap(),
        br#"{"task":{"contextId":"c"}}"#
    );
    // A name twice in a map.
    let wire = b"\x32\x10\x0a\x06\x0a\x01k\x12\x01\x00\x0a\x06\x0a\x01k\x12\x01\x00";
    assert!(MESSAGE.decode(wire).is_err(), "a field number of 0");
    let wire = b"\x32\x12\x0a\x07\x0a\x01k\x12\x02\x20\x01\x0a\x07\x0a\x01k\x12\x02\x20\x00";
    assert_eq!(
        MESSAGE.decode(wire).unwrap(),
        br#"{"metadata":{"k":false}}"#
    );
}

#[test]
fn numbers_in_data_are_doubles_and_whole_ones_look_it() {
    for (text, there) in [
        ("42", "42"),
        ("-7", "-7"),
        ("42.0", "42"),
        ("0.1", "0.1"),
        ("1e3", "1000"),
        ("9007199254740991", "9007199254740991"),
        ("-0.0", "-0"),
        ("1e300", "1e+300"),
        ("9007199254740993", "9007199254740992.0"),
    ] {
        let wire = MESSAGE
            .encode(&format!(r#"{{"parts":[{{"data":{text}}}]}}"#))
            .unwrap();
        let json = String::from_utf8(MESSAGE.decode(&wire).unwrap()).unwrap();
        let expected = format!(r#"{{"parts":[{{"data":{there}}}]}}"#);
        assert_eq!(json.replace("1e300", "1e+300"), expected);
    }
    // What is no double cannot be carried; what is none on the wire cannot be JSON.
    assert!(MESSAGE.encode(r#"{"parts":[{"data":1e400}]}"#).is_err());
    let mut wire = b"\x2a\x0b\x22\x09\x11".to_vec();
    wire.extend(f64::NAN.to_le_bytes());
    assert_eq!(MESSAGE.decode(&wire), Err(ProtoError::NotFinite));
}

/// A field of that tag that holds a message.
fn nested(tag: u8, message: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let mut length = message.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap());
    out.extend(message);
    out
}

#[test]
fn malformed_bytes_are_refused_by_name() {
    // Lists in lists, in the data of a part.
    let deep = |levels: usize| {
        let list = (0..levels).fold(b"\x08\x00".to_vec(), |value, _| {
            nested(0x32, &nested(0x0a, &value))
        });
        nested(0x2a, &nested(0x22, &list))
    };
    assert!(MESSAGE.decode(&deep(90)).is_ok());
    let cases: [(&[u8], ProtoError); 9] = [
        (b"\x0a", ProtoError::Truncated),
        (b"\x0a\x05abc", ProtoError::Truncated),
        (
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
            ProtoError::Truncated,
        ),
        (
            b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
            ProtoError::Varint,
        ),
        (
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            ProtoError::Varint,
        ),
        (b"\x00", ProtoError::FieldNumber),
        (b"\x0b", ProtoError::WireType(3)),
        (b"\x0a\x01\xff", ProtoError::Utf8("messageId")),
        (&deep(20_000), ProtoError::TooDeep(96)),
    ];
    for (wire, error) in cases {
        assert_eq!(MESSAGE.decode(wire), Err(error));
    }
    let late = b"\x1a\x0c\x1a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x10";
    assert!(TASK.decode(late).is_err());
    let never = b"\x1a\x08\x1a\x06\x10\xff\xff\xff\xff\x07";
    assert_eq!(TASK.decode(never), Err(ProtoError::Timestamp("timestamp")));
}

#[test]
fn json_that_is_not_the_message_is_refused_without_being_quoted() {
    for json in [
        "",
        "[]",
        "7",
        r#"{"id":7}"#,
        r#"{"id":{}}"#,
        r#"{"history":{}}"#,
        r#"{"history":[null]}"#,
        r#"{"history":"secret"}"#,
        r#"{"status":{"state":"secret"}}"#,
        r#"{"status":{"timestamp":"secret"}}"#,
        r#"{"history":[{"parts":[{"raw":"secret!"}]}]}"#,
        r#"{"metadata":["secret"]}"#,
        r#"{"metadata":"secret"}"#,
        r#"{"id":"a"} secret"#,
    ] {
        let error = TASK.encode(json).unwrap_err();
        assert_eq!(error.code(), "proto.bad_json");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn errors_go_there_and_back_with_all_that_is_for_the_peer() {
    for code in ErrorCode::ALL {
        let error = A2aError::from(code)
            .with_metadata("taskId", "t")
            .with_violation(FieldViolation::new("message.parts", "is empty"))
            .with_log("not for peers");
        let status = GrpcStatus::from(&error);
        let back = A2aError::from(&status);
        assert_eq!(back.code(), code);
        assert_eq!(back.message(), error.message());
        assert_eq!(back.metadata(), error.metadata());
        assert_eq!(back.violations(), error.violations());
    }
    let not_found = GrpcStatus::from(&A2aError::from(ErrorCode::TaskNotFound));
    // code 5, message, and one Any with the reason and the domain.
    let wire = b"\x08\x05\x12\x0eTask not found\x1a\x4e\
        \x0a\x28type.googleapis.com/google.rpc.ErrorInfo\
        \x12\x22\x0a\x0eTASK_NOT_FOUND\x12\x10a2a-protocol.org";
    assert_eq!(not_found.details, wire);
    assert_eq!(not_found.code, 5);
    let bare = GrpcStatus {
        code: 16,
        message: "who?".to_owned(),
        details: b"\xff\xff".to_vec(),
    };
    assert_eq!(A2aError::from(&bare).code(), ErrorCode::Unauthenticated);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        // Those that a double holds.
        any::<i32>().prop_map(Value::from),
        (-1e3_f64..1e3)
            .prop_filter("integers come back as integers", |n| n.fract() != 0.0)
            .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,6}", inner), 0..6)
                .prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((".{0,8}", any_json()), 0..4).prop_map(|all| all.into_iter().collect())
}

fn any_part() -> impl Strategy<Value = Value> {
    let content = prop_oneof![
        ".{0,40}".prop_map(|text| json!({ "text": text })),
        "[a-z]{0,8}".prop_map(|url| json!({ "url": url })),
        any_json().prop_map(|data| json!({ "data": data })),
        Just(json!({ "raw": "AP8Q" })),
    ];
    (content, any_object(), "[a-z/]{0,6}").prop_map(|(mut part, metadata, kind)| {
        part["metadata"] = metadata.into();
        part["mediaType"] = kind.into();
        part
    })
}

prop_compose! {
    fn any_message()(
        id in "[a-z]{0,6}",
        role in prop::sample::select(vec!["ROLE_USER", "ROLE_AGENT", "ROLE_UNSPECIFIED"]),
        parts in prop::collection::vec(any_part(), 0..4),
        metadata in any_object(),
        extensions in prop::collection::vec(".{0,8}", 0..3),
    ) -> Value {
        json!({
            "messageId": id, "role": role, "parts": parts, "metadata": metadata,
            "extensions": extensions
        })
    }
}

prop_compose! {
    fn any_task()(
        id in ".{0,6}",
        state in 0..9_i32,
        millis in -62_135_596_800_000_i64..253_402_300_799_999,
        history in prop::collection::vec(any_message(), 0..3),
        artifacts in prop::collection::vec(prop::collection::vec(any_part(), 0..3), 0..3),
        metadata in any_object(),
    ) -> Value {
        let timestamp = agent_core::a2a::Timestamp::from_unix_millis(millis);
        let artifacts: Vec<Value> =
            artifacts.into_iter().map(|parts| json!({ "artifactId": "a", "parts": parts })).collect();
        json!({
            "id": id, "status": { "state": state, "timestamp": timestamp },
            "history": history, "artifacts": artifacts, "metadata": metadata
        })
    }
}

proptest! {
    #[test]
    fn messages_and_tasks_come_back(message in any_message(), task in any_task()) {
        same::<Message>(&MESSAGE, &message);
        same::<Task>(&TASK, &task);
        same::<SendMessageRequest>(
            request_of(Operation::SendMessage),
            &json!({ "message": message, "configuration": { "historyLength": 0 } }),
        );
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for operation in Operation::ALL {
            for schema in [request_of(operation), response_of(operation)] {
                if let Ok(json) = schema.decode(&bytes) {
                    prop_assert!(json.len() <= bytes.len() * 16 + 16);
                    // What was read is JSON, and writing it is reading the same again.
                    let text = String::from_utf8(json).unwrap();
                    if let Ok(wire) = schema.encode(&text) {
                        prop_assert_eq!(schema.decode(&wire).unwrap(), text.as_bytes());
                    }
                }
            }
        }
    }

    #[test]
    fn broken_messages_are_read_or_refused(
        task in any_task(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut wire = TASK.encode(&task.to_string()).unwrap();
        if !wire.is_empty() {
            let at = at.index(wire.len());
            wire[at] = byte;
        }
        if let Ok(json) = TASK.decode(&wire) {
            let _: Value = serde_json::from_slice(&json).unwrap();
        }
    }
}
