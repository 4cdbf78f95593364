//! The state machine of tasks and the validation of requests.

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
