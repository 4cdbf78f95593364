//! Errors: the table, what a peer is told and what it understands.

use agent_core::a2a::*;

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
        assert_eq!(error.violations()[0].field, field);
    }
}
