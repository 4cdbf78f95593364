//! A2A objects in JSON.

use agent_core::a2a::proto::GrpcStatus;
use agent_core::a2a::v03;
use agent_core::a2a::{
    A2aError, AgentCard, Artifact, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest,
    ErrorCode, FieldViolation, GetExtendedAgentCardRequest, GetTaskPushNotificationConfigRequest,
    GetTaskRequest, JsonRpcError, ListTaskPushNotificationConfigsRequest,
    ListTaskPushNotificationConfigsResponse, ListTasksRequest, ListTasksResponse, Message, Part,
    RestError, SecurityScheme, SendMessageRequest, SendMessageResponse, StreamResponse,
    SubscribeToTaskRequest, Task, TaskArtifactUpdateEvent, TaskPushNotificationConfig, TaskStatus,
    TaskStatusUpdateEvent, decode, limits,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// What an error may take on the wire: its texts, each escaped, and what stands around them.
const ERROR_BYTES_MAX: usize =
    6 * (2 * limits::MAX_VIOLATIONS + 8) * (limits::MAX_ERROR_TEXT_BYTES + 64);

/// What is read can be written and read again, and is the same; what is not read has an error that
/// a peer can use.
fn reads<T>(json: &[u8]) -> Option<T>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    match decode::<T>(json) {
        Ok(object) => {
            let written = serde_json::to_vec(&object).expect("what was read can be written");
            assert!(!written.contains(&b'\n'), "it fits one line of a stream");
            assert_eq!(decode::<T>(&written).as_ref(), Ok(&object));
            Some(object)
        }
        Err(error) => {
            let bad = [ErrorCode::ParseError, ErrorCode::InvalidParams];
            assert!(bad.contains(&error.code()), "{error:?}");
            if error.code() == ErrorCode::InvalidParams {
                assert_eq!(error.violations().len(), 1);
            }
            is_sound(&error);
            None
        }
    }
}

fn is_valid_or_says_why(violations: Vec<FieldViolation>) {
    assert!(violations.len() <= limits::MAX_VIOLATIONS);
    if !violations.is_empty() {
        is_sound(&A2aError::invalid_fields(violations));
    }
}

/// An error is bounded, and says the same over every binding.
pub(super) fn is_sound(error: &A2aError) {
    let (rpc, rest) = (JsonRpcError::from(error), RestError::from(error));
    assert!(serde_json::to_vec(&rpc).unwrap().len() <= ERROR_BYTES_MAX);
    let grpc = GrpcStatus::from(error);
    let known = [
        A2aError::from(&rpc),
        A2aError::from(&rest),
        A2aError::from(&grpc),
    ];
    // What we have no name for is told by its number, for which only JSON-RPC has a place.
    let unnamed = matches!(error.code(), ErrorCode::Other(_));
    for known in known.iter().take(if unnamed { 1 } else { 3 }) {
        assert_eq!(known.code(), error.code());
        assert_eq!(known.message(), error.message());
        assert_eq!(known.violations(), error.violations());
        assert_eq!(known.metadata(), error.metadata());
    }
}

/// Every request: read, judged, written and read again.
pub(super) fn requests(json: &[u8]) {
    macro_rules! each {
        ($($request:ty),* $(,)?) => {$(
            if let Some(request) = reads::<$request>(json) {
                is_valid_or_says_why(request.validate());
            }
        )*};
    }
    each!(
        SendMessageRequest,
        GetTaskRequest,
        ListTasksRequest,
        CancelTaskRequest,
        SubscribeToTaskRequest,
        TaskPushNotificationConfig,
        GetTaskPushNotificationConfigRequest,
        ListTaskPushNotificationConfigsRequest,
        DeleteTaskPushNotificationConfigRequest,
        GetExtendedAgentCardRequest,
    );
}

/// Every object that answers: tasks, messages, events, cards, webhooks.
pub(super) fn answers(json: &[u8]) {
    macro_rules! each {
        ($($object:ty),* $(,)?) => {$( reads::<$object>(json); )*};
    }
    each!(
        Task,
        TaskStatus,
        Message,
        Part,
        Artifact,
        AgentCard,
        SecurityScheme,
        TaskStatusUpdateEvent,
        TaskArtifactUpdateEvent,
        StreamResponse,
        SendMessageResponse,
        ListTasksResponse,
        ListTaskPushNotificationConfigsResponse,
    );
}

/// Errors as peers write them, over every binding.
pub(super) fn errors(bytes: &[u8]) {
    if let Some(error) = reads::<JsonRpcError>(bytes) {
        is_sound(&A2aError::from(&error));
    }
    if let Some(error) = reads::<RestError>(bytes) {
        is_sound(&A2aError::from(&error));
    }
    if let Some(error) = reads::<v03::RestError>(bytes) {
        for status in [0, 200, 400, 401, 404, 409, 429, 500, 503, 999] {
            is_sound(&A2aError::from(&error.clone().with_status(status)));
        }
        let ours = A2aError::from(&error);
        let again = A2aError::from(&v03::RestError::from(&ours));
        assert_eq!(
            (again.code(), again.message()),
            (ours.code(), ours.message())
        );
    }
    let status = GrpcStatus {
        code: i32::from(bytes.first().copied().unwrap_or(0)) - 8,
        message: String::from_utf8_lossy(bytes).into_owned(),
        details: bytes.to_vec(),
    };
    is_sound(&A2aError::from(&status));
}
