//! From 1.0 to 0.3 and back, nothing is lost of what 0.3 can say.

use agent_core::a2a::v03::{Dialect, Spoken};
use agent_core::a2a::*;
use agent_core::json::{Json, Metadata};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn metadata() -> impl Strategy<Value = Metadata> {
    let numbers = prop_oneof![
        Just("1.0"),
        Just("42"),
        Just("123456789012345678901234567890"),
        Just("1e400"),
        Just("-0.10"),
        Just("null"),
        Just(r#"{"b": 1, "a": [2.0, "é\n"]}"#),
    ];
    let values = numbers.prop_map(|text| Json::from_text(text).unwrap());
    vec(("[a-z:/.]{1,12}", values), 0..3).prop_map(|pairs| pairs.into_iter().collect())
}

fn part() -> impl Strategy<Value = Part> {
    let data = "[a-z]{0,4}";
    let content = prop_oneof![
        any::<String>().prop_map(Part::text),
        data.prop_map(|n| Part::data(Json::from_text(&format!("{{\"{n}\": 1.50}}")).unwrap())),
        (any::<Vec<u8>>(), "[a-z.]{0,5}", "[a-z/]{0,5}").prop_map(|(bytes, name, kind)| {
            Part::raw(bytes).with_filename(name).with_media_type(kind)
        }),
        ("[a-z:/]{0,9}", "[a-z.]{0,5}").prop_map(|(url, name)| Part::url(url).with_filename(name)),
    ];
    (content, metadata()).prop_map(|(mut part, metadata)| {
        part.metadata = metadata;
        part
    })
}

fn message() -> impl Strategy<Value = Message> {
    let role = prop_oneof![Just(Role::User), Just(Role::Agent)];
    let ids = ("[a-z0-9-]{1,8}", "[a-z0-9-]{0,8}", "[a-z0-9-]{0,8}");
    let lists = vec("[a-z:/]{1,9}", 0..3);
    (ids, role, vec(part(), 0..4), metadata(), lists).prop_map(
        |((message_id, context_id, task_id), role, parts, metadata, extensions)| Message {
            message_id,
            context_id,
            task_id,
            role,
            parts,
            metadata,
            extensions,
            reference_task_ids: Vec::new(),
        },
    )
}

fn status() -> impl Strategy<Value = TaskStatus> {
    let states = proptest::sample::select(TaskState::ALL.to_vec());
    let times = option::of((0..4_102_444_800_000_i64).prop_map(Timestamp::from_unix_millis));
    (states, option::of(message()), times).prop_map(|(state, message, timestamp)| TaskStatus {
        state,
        message,
        timestamp,
    })
}

fn artifact() -> impl Strategy<Value = Artifact> {
    let texts = ("[a-z0-9]{1,5}", "[a-z]{0,5}", "[a-z]{0,5}");
    let lists = vec("[a-z:/]{1,9}", 0..3);
    (texts, vec(part(), 0..3), metadata(), lists).prop_map(
        |((artifact_id, name, description), parts, metadata, extensions)| Artifact {
            artifact_id,
            name,
            description,
            parts,
            metadata,
            extensions,
        },
    )
}

fn task() -> impl Strategy<Value = Task> {
    let ids = ("[a-z0-9-]{1,8}", "[a-z0-9-]{0,8}");
    let lists = (vec(artifact(), 0..3), vec(message(), 0..3));
    (ids, status(), lists, metadata()).prop_map(
        |((id, context_id), status, (artifacts, history), metadata)| Task {
            id,
            context_id,
            status,
            artifacts,
            history,
            metadata,
        },
    )
}

fn event() -> impl Strategy<Value = StreamResponse> {
    let ids = ("[a-z0-9-]{1,8}", "[a-z0-9-]{0,8}");
    let status_update =
        (ids, status(), metadata()).prop_map(|((task_id, context_id), status, metadata)| {
            StreamResponse::from(TaskStatusUpdateEvent {
                task_id,
                context_id,
                status,
                metadata,
            })
        });
    let artifact_update = (ids, artifact(), any::<(bool, bool)>(), metadata()).prop_map(
        |((task_id, context_id), artifact, (append, last_chunk), metadata)| {
            StreamResponse::from(TaskArtifactUpdateEvent {
                task_id,
                context_id,
                artifact,
                append,
                last_chunk,
                metadata,
            })
        },
    );
    prop_oneof![
        task().prop_map(StreamResponse::from),
        message().prop_map(StreamResponse::from),
        status_update,
        artifact_update,
    ]
}

fn webhook() -> impl Strategy<Value = TaskPushNotificationConfig> {
    let texts = (
        "[a-z0-9-]{1,8}",
        "[a-z0-9-]{1,8}",
        "[a-z:/.]{0,9}",
        "[a-z]{0,4}",
    );
    (texts, option::of(("[A-Za-z]{1,6}", "[a-z]{0,4}"))).prop_map(
        |((task_id, id, url, token), authentication)| TaskPushNotificationConfig {
            tenant: String::new(),
            id,
            task_id,
            url,
            token: token.into(),
            authentication: authentication.map(|(scheme, credentials)| AuthenticationInfo {
                scheme,
                credentials: credentials.into(),
            }),
        },
    )
}

fn request() -> impl Strategy<Value = SendMessageRequest> {
    let webhook = webhook().prop_map(|mut webhook| {
        webhook.task_id.clear();
        webhook
    });
    let lengths = option::of(1..i32::MAX);
    let configuration = (
        vec("[a-z/]{1,9}", 0..3),
        option::of(webhook),
        lengths,
        any::<bool>(),
    );
    (message(), configuration, metadata()).prop_map(|(message, configuration, metadata)| {
        let (modes, webhook, history_length, return_immediately) = configuration;
        SendMessageRequest {
            tenant: String::new(),
            message,
            configuration: Some(SendMessageConfiguration {
                accepted_output_modes: modes,
                task_push_notification_config: webhook,
                history_length,
                return_immediately,
            }),
            metadata,
        }
    })
}

fn comes_back<T: Spoken + PartialEq + std::fmt::Debug>(it: &T) -> Result<(), TestCaseError> {
    for dialect in [Dialect::JsonRpc, Dialect::Rest] {
        let text = it.to_v03(dialect).unwrap();
        let back = T::from_v03(text.get().as_bytes(), dialect);
        prop_assert_eq!(back.as_ref(), Ok(it), "{:?} {}", dialect, text);
    }
    Ok(())
}

proptest! {
    #[test]
    fn events(event in event()) {
        comes_back(&event)?;
    }

    #[test]
    fn requests(request in request()) {
        comes_back(&request)?;
    }

    #[test]
    fn webhooks(configs in vec(webhook(), 0..4)) {
        if let Some(config) = configs.first() {
            comes_back(config)?;
        }
        let page = ListTaskPushNotificationConfigsResponse { configs, ..Default::default() };
        comes_back(&page)?;
    }

    /// Whatever a peer sends is an object or an error, never a panic.
    #[test]
    fn anything_is_read_or_refused(text in r#"[\[\]{}":,a-z0-9 ]{0,60}"#) {
        for dialect in [Dialect::JsonRpc, Dialect::Rest] {
            let _ = StreamResponse::from_v03(text.as_bytes(), dialect);
            let _ = SendMessageRequest::from_v03(text.as_bytes(), dialect);
        }
    }
}
