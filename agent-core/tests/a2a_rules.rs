//! The state machine of tasks, the validation of requests, and errors.

use TaskState::*;
use agent_core::a2a::*;
use agent_core::json::{Json, Metadata};

#[test]
fn the_state_machine_is_this_table() {
    let ended = [Completed, Failed, Canceled, Rejected];
    for from in TaskState::ALL {
        for to in TaskState::ALL {
            let expected = match from {
                Unspecified => to != Unspecified,
                Submitted | Working | InputRequired | AuthRequired => {
                    ended.contains(&to) || [Working, InputRequired, AuthRequired].contains(&to)
                }
                Completed | Failed | Canceled | Rejected => false,
            };
            assert_eq!(from.can_become(to), expected, "{from} to {to}");
        }
        assert_eq!(from.is_terminal(), ended.contains(&from));
        assert_eq!(
            from.is_interrupted(),
            [InputRequired, AuthRequired].contains(&from)
        );
        assert_eq!(TaskState::from_name(from.as_str()), Some(from));
    }
}

fn fields(violations: &[FieldViolation]) -> Vec<&str> {
    violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect()
}

fn request(change: impl FnOnce(&mut SendMessageRequest)) -> SendMessageRequest {
    let mut request = SendMessageRequest::new(Message::user("hi"));
    change(&mut request);
    request
}

#[test]
fn a_request_must_hold_a_message() {
    assert_eq!(
        fields(&SendMessageRequest::default().validate()),
        ["message"]
    );
    let bad = request(|r| {
        r.message = Message {
            task_id: "t".into(),
            ..Message::default()
        };
    });
    assert_eq!(
        fields(&bad.validate()),
        ["message.messageId", "message.role", "message.parts"]
    );
    let bad = request(|r| r.message.role = Role::Agent);
    assert_eq!(fields(&bad.validate()), ["message.role"]);
    assert!(request(|_| {}).validate().is_empty());
}

#[test]
fn each_bound_is_checked_and_named() {
    let long = |n: usize| "x".repeat(n + 1);
    let webhook = |change: fn(&mut TaskPushNotificationConfig)| {
        let mut config = TaskPushNotificationConfig {
            url: "https://example.com".into(),
            authentication: Some(AuthenticationInfo {
                scheme: "Bearer".into(),
                credentials: "c".into(),
            }),
            ..Default::default()
        };
        change(&mut config);
        Some(SendMessageConfiguration {
            task_push_notification_config: Some(config),
            ..Default::default()
        })
    };
    let cases: Vec<(&str, SendMessageRequest)> = vec![
        ("tenant", request(|r| r.tenant = long(limits::MAX_ID_BYTES))),
        (
            "message.messageId",
            request(|r| r.message.message_id = long(limits::MAX_ID_BYTES)),
        ),
        (
            "message.messageId",
            request(|r| r.message.message_id = "a\nb".into()),
        ),
        (
            "message.contextId",
            request(|r| r.message.context_id = "\0".into()),
        ),
        (
            "message.taskId",
            request(|r| r.message.task_id = long(limits::MAX_ID_BYTES)),
        ),
        (
            "message.parts",
            request(|r| r.message.parts = vec![Part::text("x"); limits::MAX_PARTS + 1]),
        ),
        (
            "message.parts[1].url",
            request(|r| r.message.parts.push(Part::url(""))),
        ),
        (
            "message.parts[0].filename",
            request(|r| r.message.parts[0].filename = long(limits::MAX_FILENAME_BYTES)),
        ),
        (
            "message.parts[0].mediaType",
            request(|r| r.message.parts[0].media_type = long(limits::MAX_MEDIA_TYPE_BYTES)),
        ),
        (
            "message.extensions",
            request(|r| r.message.extensions = vec![String::new(); limits::MAX_EXTENSIONS + 1]),
        ),
        (
            "message.extensions",
            request(|r| r.message.extensions = vec![long(limits::MAX_URL_BYTES)]),
        ),
        (
            "message.referenceTaskIds",
            request(|r| r.message.reference_task_ids = vec!["".into()]),
        ),
        (
            "message.metadata",
            request(|r| {
                r.message.metadata = (0..=limits::MAX_METADATA_NAMES)
                    .map(|n| (n.to_string(), Json::default()))
                    .collect();
            }),
        ),
        (
            "metadata",
            request(|r| {
                r.metadata =
                    Metadata::from_iter([(long(limits::MAX_METADATA_NAME_BYTES), Json::default())]);
            }),
        ),
        (
            "configuration.historyLength",
            request(|r| {
                r.configuration = Some(SendMessageConfiguration {
                    history_length: Some(-1),
                    ..Default::default()
                });
            }),
        ),
        (
            "configuration.acceptedOutputModes",
            request(|r| {
                r.configuration = Some(SendMessageConfiguration {
                    accepted_output_modes: vec![String::new(); limits::MAX_OUTPUT_MODES + 1],
                    ..Default::default()
                });
            }),
        ),
        (
            "configuration.taskPushNotificationConfig.url",
            request(|r| r.configuration = webhook(|w| w.url.clear())),
        ),
        (
            "configuration.taskPushNotificationConfig.token",
            request(|r| r.configuration = webhook(|w| w.token = "a\r\nX-Evil: 1".into())),
        ),
        (
            "configuration.taskPushNotificationConfig.authentication.scheme",
            request(|r| {
                r.configuration = webhook(|w| {
                    w.authentication = Some(AuthenticationInfo::default());
                });
            }),
        ),
        (
            "configuration.taskPushNotificationConfig.authentication.credentials",
            request(|r| {
                r.configuration = webhook(|w| {
                    w.authentication = Some(AuthenticationInfo {
                        scheme: "Bearer".into(),
                        credentials: "a\nb".into(),
                    });
                });
            }),
        ),
    ];
    for (field, request) in cases {
        assert_eq!(fields(&request.validate()), [field]);
    }
    assert!(
        request(|r| r.configuration = webhook(|_| {}))
            .validate()
            .is_empty()
    );
}

#[test]
fn violations_are_bounded() {
    let bad = request(|r| r.message.parts = vec![Part::url(""); 200]);
    assert_eq!(bad.validate().len(), limits::MAX_VIOLATIONS);
}

#[test]
fn the_small_requests_are_checked_too() {
    let id = || "t".to_owned();
    assert_eq!(fields(&GetTaskRequest::default().validate()), ["id"]);
    let bad = GetTaskRequest {
        id: id(),
        history_length: Some(-1),
        ..Default::default()
    };
    assert_eq!(fields(&bad.validate()), ["historyLength"]);
    assert!(
        GetTaskRequest {
            id: id(),
            ..Default::default()
        }
        .validate()
        .is_empty()
    );
    assert_eq!(fields(&CancelTaskRequest::default().validate()), ["id"]);
    assert_eq!(
        fields(&SubscribeToTaskRequest::default().validate()),
        ["id"]
    );
    let both = ["taskId", "id"];
    assert_eq!(
        fields(&GetTaskPushNotificationConfigRequest::default().validate()),
        both
    );
    assert_eq!(
        fields(&DeleteTaskPushNotificationConfigRequest::default().validate()),
        both
    );
    let bad = ListTaskPushNotificationConfigsRequest {
        page_size: -1,
        ..Default::default()
    };
    assert_eq!(fields(&bad.validate()), ["taskId", "pageSize"]);
    assert_eq!(
        fields(&TaskPushNotificationConfig::default().validate()),
        ["taskId", "url"]
    );
    let bad = GetExtendedAgentCardRequest {
        tenant: "x".repeat(999),
    };
    assert_eq!(fields(&bad.validate()), ["tenant"]);
    assert!(ListTasksRequest::default().validate().is_empty());
    assert_eq!(ListTasksRequest::default().page_size_or_default(), 50);
    for (size, valid) in [
        (0, false),
        (1, true),
        (100, true),
        (101, false),
        (-5, false),
    ] {
        let request = ListTasksRequest {
            page_size: Some(size),
            ..Default::default()
        };
        assert_eq!(request.validate().is_empty(), valid, "{size}");
    }
}

#[test]
fn errors_are_those_of_the_table() {
    for (code, number, http, grpc, reason) in [
        (
            ErrorCode::TaskNotFound,
            -32001,
            404,
            "NOT_FOUND",
            "TASK_NOT_FOUND",
        ),
        (
            ErrorCode::TaskNotCancelable,
            -32002,
            400,
            "FAILED_PRECONDITION",
            "TASK_NOT_CANCELABLE",
        ),
        (
            ErrorCode::PushNotificationNotSupported,
            -32003,
            400,
            "FAILED_PRECONDITION",
            "PUSH_NOTIFICATION_NOT_SUPPORTED",
        ),
        (
            ErrorCode::UnsupportedOperation,
            -32004,
            400,
            "FAILED_PRECONDITION",
            "UNSUPPORTED_OPERATION",
        ),
        (
            ErrorCode::ContentTypeNotSupported,
            -32005,
            400,
            "INVALID_ARGUMENT",
            "CONTENT_TYPE_NOT_SUPPORTED",
        ),
        (
            ErrorCode::InvalidAgentResponse,
            -32006,
            500,
            "INTERNAL",
            "INVALID_AGENT_RESPONSE",
        ),
        (
            ErrorCode::ExtendedAgentCardNotConfigured,
            -32007,
            400,
            "FAILED_PRECONDITION",
            "EXTENDED_AGENT_CARD_NOT_CONFIGURED",
        ),
        (
            ErrorCode::ExtensionSupportRequired,
            -32008,
            400,
            "FAILED_PRECONDITION",
            "EXTENSION_SUPPORT_REQUIRED",
        ),
        (
            ErrorCode::VersionNotSupported,
            -32009,
            400,
            "FAILED_PRECONDITION",
            "VERSION_NOT_SUPPORTED",
        ),
    ] {
        assert_eq!(
            (
                code.json_rpc(),
                code.http_status(),
                code.grpc_status(),
                code.reason()
            ),
            (number, http, grpc, reason)
        );
    }
    let standard = [
        (ErrorCode::ParseError, -32700),
        (ErrorCode::InvalidRequest, -32600),
        (ErrorCode::MethodNotFound, -32601),
        (ErrorCode::InvalidParams, -32602),
        (ErrorCode::Internal, -32603),
    ];
    for (code, number) in standard {
        assert_eq!(code.json_rpc(), number);
    }
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from_reason(code.reason()), Some(code));
        if code.json_rpc() != -32000 {
            assert_eq!(ErrorCode::from_json_rpc(code.json_rpc()), code);
        }
    }
    assert_eq!(ErrorCode::from_json_rpc(-32000), ErrorCode::Other(-32000));
    assert_eq!(ErrorCode::from_json_rpc(7), ErrorCode::Other(7));
}

#[test]
fn an_error_is_written_as_the_specification_shows() {
    let error = A2aError::task_not_found("nonexistent-task-id").with_log("looked in shard 7");
    assert_eq!(
        serde_json::to_string(&JsonRpcError::from(&error)).unwrap(),
        concat!(
            r#"{"code":-32001,"message":"Task not found","data":[{"#,
            r#""@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"TASK_NOT_FOUND","#,
            r#""domain":"a2a-protocol.org","metadata":{"taskId":"nonexistent-task-id"}}]}"#
        )
    );
    assert_eq!(
        serde_json::to_string(&RestError::from(&error)).unwrap(),
        concat!(
            r#"{"error":{"code":404,"status":"NOT_FOUND","message":"Task not found","details":[{"#,
            r#""@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"TASK_NOT_FOUND","#,
            r#""domain":"a2a-protocol.org","metadata":{"taskId":"nonexistent-task-id"}}]}}"#
        )
    );
    let error = A2aError::invalid_field("message.parts", "At least one part is required");
    let data = error.details();
    assert!(data.get().contains(concat!(
        r#"{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":["#,
        r#"{"field":"message.parts","description":"At least one part is required"}]}"#
    )));
    assert_eq!(
        error.to_string(),
        "Invalid parameters; message.parts: At least one part is required"
    );
}

#[test]
fn the_peer_never_sees_the_log() {
    let error = A2aError::internal("disk /dev/sda1 is full");
    let told = [
        error.to_string(),
        serde_json::to_string(&JsonRpcError::from(&error)).unwrap(),
        serde_json::to_string(&RestError::from(&error)).unwrap(),
    ];
    assert!(told.iter().all(|text| !text.contains("sda1")), "{told:?}");
    assert_eq!(error.log(), Some("disk /dev/sda1 is full"));
}

#[test]
fn an_error_is_understood_by_the_peer() {
    for code in ErrorCode::ALL {
        let error = A2aError::new(code, "what happened")
            .with_detail("voucher_wrong_chain")
            .with_metadata("chain", "8453")
            .with_violation(FieldViolation::new("a.b", "is odd"));
        let json = serde_json::to_string(&JsonRpcError::from(&error)).unwrap();
        let rpc: JsonRpcError = serde_json::from_str(&json).unwrap();
        assert_eq!(A2aError::from(&rpc), error);
        let json = serde_json::to_string(&RestError::from(&error)).unwrap();
        let rest: RestError = serde_json::from_str(&json).unwrap();
        assert_eq!(A2aError::from(&rest), error);
        assert_eq!(A2aError::from(&rest).detail(), Some("voucher_wrong_chain"));
    }
}

#[test]
fn details_of_another_shape_are_skipped() {
    for data in [
        "null",
        "\"text\"",
        "{}",
        "[]",
        "[1,null,{}]",
        r#"[{"@type":"x"}]"#,
        r#"[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"TASK_NOT_FOUND","domain":"other"}]"#,
        r#"[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"NEW","domain":"a2a-protocol.org"}]"#,
    ] {
        let text = format!(r#"{{"code":-32602,"message":"m","data":{data}}}"#);
        let error = A2aError::from(&serde_json::from_str::<JsonRpcError>(&text).unwrap());
        assert_eq!(error, A2aError::invalid_params("m"), "{data}");
    }
    let bare: JsonRpcError = serde_json::from_str(r#"{"code":-32004}"#).unwrap();
    assert_eq!(
        A2aError::from(&bare).code(),
        ErrorCode::UnsupportedOperation
    );
    let bare: RestError = serde_json::from_str(r#"{"error":{"code":503}}"#).unwrap();
    assert_eq!(A2aError::from(&bare).code(), ErrorCode::Unavailable);
}

#[test]
fn texts_in_errors_are_cut() {
    let error = A2aError::task_not_found(&"é".repeat(100_000))
        .with_violation(FieldViolation::new("x".repeat(9_999), "y".repeat(9_999)));
    assert!(error.details().get().len() < 4 * limits::MAX_ERROR_TEXT_BYTES);
    let many = vec![FieldViolation::new("a", "b"); 1_000];
    assert_eq!(
        A2aError::invalid_fields(many).violations().len(),
        limits::MAX_VIOLATIONS
    );
}

#[test]
fn decoding_tells_bad_json_from_bad_parameters() {
    let code = |json: &str| decode::<SendMessageRequest>(json.as_bytes()).unwrap_err();
    for text in [
        "",
        "{",
        r#"{"message":{"parts":[{"text":"a"#,
        "{}{}",
        r#"{"message":{"x"}}"#,
    ] {
        assert_eq!(code(text).code(), ErrorCode::ParseError, "{text}");
    }
    for (text, field) in [
        (
            r#"{"message":{"parts":[{"text":1}]}}"#,
            "message.parts[0].text",
        ),
        (r#"{"message":{"role":"user"}}"#, "message.role"),
        (r#"{"message":[]}"#, "message"),
        (r#"{"metadata":3}"#, "metadata"),
        ("[]", ""),
    ] {
        let error = code(text);
        assert_eq!(error.code(), ErrorCode::InvalidParams, "{text}");
        assert_eq!(fields(error.violations()), [field]);
    }
}
