//! Tasks, messages and the requests about them, as `specification/a2a.proto` numbers them.

use super::card::AGENT_CARD;
use super::schema::{Kind, Schema, map, message, one_of, optional, plain, repeated, text};
use crate::a2a::Operation;

/// `lf.a2a.v1.Task`
pub static TASK: Schema = Schema {
    name: "Task",
    fields: &[
        text(1, "id"),
        text(2, "contextId"),
        message(3, "status", &TASK_STATUS),
        repeated(4, "artifacts", Kind::Message(&ARTIFACT)),
        repeated(5, "history", Kind::Message(&MESSAGE)),
        plain(6, "metadata", Kind::Struct),
    ],
};

static TASK_STATUS: Schema = Schema {
    name: "TaskStatus",
    fields: &[
        plain(1, "state", TASK_STATE),
        message(2, "message", &MESSAGE),
        plain(3, "timestamp", Kind::Timestamp),
    ],
};

const TASK_STATE: Kind = Kind::Enum(&[
    "TASK_STATE_UNSPECIFIED",
    "TASK_STATE_SUBMITTED",
    "TASK_STATE_WORKING",
    "TASK_STATE_COMPLETED",
    "TASK_STATE_FAILED",
    "TASK_STATE_CANCELED",
    "TASK_STATE_INPUT_REQUIRED",
    "TASK_STATE_REJECTED",
    "TASK_STATE_AUTH_REQUIRED",
]);

const ROLE: Kind = Kind::Enum(&["ROLE_UNSPECIFIED", "ROLE_USER", "ROLE_AGENT"]);

/// `lf.a2a.v1.Message`
pub static MESSAGE: Schema = Schema {
    name: "Message",
    fields: &[
        text(1, "messageId"),
        text(2, "contextId"),
        text(3, "taskId"),
        plain(4, "role", ROLE),
        repeated(5, "parts", Kind::Message(&PART)),
        plain(6, "metadata", Kind::Struct),
        repeated(7, "extensions", Kind::String),
        repeated(8, "referenceTaskIds", Kind::String),
    ],
};

static PART: Schema = Schema {
    name: "Part",
    fields: &[
        one_of(1, "text", Kind::String),
        one_of(2, "raw", Kind::Bytes),
        one_of(3, "url", Kind::String),
        one_of(4, "data", Kind::Value),
        plain(5, "metadata", Kind::Struct),
        text(6, "filename"),
        text(7, "mediaType"),
    ],
};

static ARTIFACT: Schema = Schema {
    name: "Artifact",
    fields: &[
        text(1, "artifactId"),
        text(2, "name"),
        text(3, "description"),
        repeated(4, "parts", Kind::Message(&PART)),
        plain(5, "metadata", Kind::Struct),
        repeated(6, "extensions", Kind::String),
    ],
};

static STATUS_UPDATE: Schema = Schema {
    name: "TaskStatusUpdateEvent",
    fields: &[
        text(1, "taskId"),
        text(2, "contextId"),
        message(3, "status", &TASK_STATUS),
        plain(4, "metadata", Kind::Struct),
    ],
};

static ARTIFACT_UPDATE: Schema = Schema {
    name: "TaskArtifactUpdateEvent",
    fields: &[
        text(1, "taskId"),
        text(2, "contextId"),
        message(3, "artifact", &ARTIFACT),
        plain(4, "append", Kind::Bool),
        plain(5, "lastChunk", Kind::Bool),
        plain(6, "metadata", Kind::Struct),
    ],
};

/// `lf.a2a.v1.StreamResponse`
pub static STREAM_RESPONSE: Schema = Schema {
    name: "StreamResponse",
    fields: &[
        one_of(1, "task", Kind::Message(&TASK)),
        one_of(2, "message", Kind::Message(&MESSAGE)),
        one_of(3, "statusUpdate", Kind::Message(&STATUS_UPDATE)),
        one_of(4, "artifactUpdate", Kind::Message(&ARTIFACT_UPDATE)),
    ],
};

static SEND_MESSAGE_RESPONSE: Schema = Schema {
    name: "SendMessageResponse",
    fields: &[
        one_of(1, "task", Kind::Message(&TASK)),
        one_of(2, "message", Kind::Message(&MESSAGE)),
    ],
};

static SEND_MESSAGE_REQUEST: Schema = Schema {
    name: "SendMessageRequest",
    fields: &[
        text(1, "tenant"),
        message(2, "message", &MESSAGE),
        message(3, "configuration", &SEND_MESSAGE_CONFIGURATION),
        plain(4, "metadata", Kind::Struct),
    ],
};

static SEND_MESSAGE_CONFIGURATION: Schema = Schema {
    name: "SendMessageConfiguration",
    fields: &[
        repeated(1, "acceptedOutputModes", Kind::String),
        message(2, "taskPushNotificationConfig", &PUSH_CONFIG),
        optional(3, "historyLength", Kind::Int32),
        plain(4, "returnImmediately", Kind::Bool),
    ],
};

static GET_TASK_REQUEST: Schema = Schema {
    name: "GetTaskRequest",
    fields: &[
        text(1, "tenant"),
        text(2, "id"),
        optional(3, "historyLength", Kind::Int32),
    ],
};

static LIST_TASKS_REQUEST: Schema = Schema {
    name: "ListTasksRequest",
    fields: &[
        text(1, "tenant"),
        text(2, "contextId"),
        plain(3, "status", TASK_STATE),
        optional(4, "pageSize", Kind::Int32),
        text(5, "pageToken"),
        optional(6, "historyLength", Kind::Int32),
        plain(7, "statusTimestampAfter", Kind::Timestamp),
        optional(8, "includeArtifacts", Kind::Bool),
    ],
};

static LIST_TASKS_RESPONSE: Schema = Schema {
    name: "ListTasksResponse",
    fields: &[
        repeated(1, "tasks", Kind::Message(&TASK)),
        text(2, "nextPageToken"),
        plain(3, "pageSize", Kind::Int32),
        plain(4, "totalSize", Kind::Int32),
    ],
};

static CANCEL_TASK_REQUEST: Schema = Schema {
    name: "CancelTaskRequest",
    fields: &[
        text(1, "tenant"),
        text(2, "id"),
        plain(3, "metadata", Kind::Struct),
    ],
};

static SUBSCRIBE_REQUEST: Schema = Schema {
    name: "SubscribeToTaskRequest",
    fields: &[text(1, "tenant"), text(2, "id")],
};

/// `lf.a2a.v1.TaskPushNotificationConfig`
pub static PUSH_CONFIG: Schema = Schema {
    name: "TaskPushNotificationConfig",
    fields: &[
        text(1, "tenant"),
        text(2, "id"),
        text(3, "taskId"),
        text(4, "url"),
        text(5, "token"),
        message(6, "authentication", &AUTHENTICATION_INFO),
    ],
};

static AUTHENTICATION_INFO: Schema = Schema {
    name: "AuthenticationInfo",
    fields: &[text(1, "scheme"), text(2, "credentials")],
};

/// Of getting and of deleting one.
static ONE_PUSH_CONFIG_REQUEST: Schema = Schema {
    name: "GetTaskPushNotificationConfigRequest",
    fields: &[text(1, "tenant"), text(2, "taskId"), text(3, "id")],
};

static LIST_PUSH_CONFIGS_REQUEST: Schema = Schema {
    name: "ListTaskPushNotificationConfigsRequest",
    fields: &[
        text(4, "tenant"),
        text(1, "taskId"),
        plain(2, "pageSize", Kind::Int32),
        text(3, "pageToken"),
    ],
};

static LIST_PUSH_CONFIGS_RESPONSE: Schema = Schema {
    name: "ListTaskPushNotificationConfigsResponse",
    fields: &[
        repeated(1, "configs", Kind::Message(&PUSH_CONFIG)),
        text(2, "nextPageToken"),
    ],
};

static EXTENDED_CARD_REQUEST: Schema = Schema {
    name: "GetExtendedAgentCardRequest",
    fields: &[text(1, "tenant")],
};

pub(super) static EMPTY: Schema = Schema {
    name: "google.protobuf.Empty",
    fields: &[],
};

/// `google.rpc.ErrorInfo`
pub(super) static ERROR_INFO: Schema = Schema {
    name: "ErrorInfo",
    fields: &[
        text(1, "reason"),
        text(2, "domain"),
        map(3, "metadata", Kind::String),
    ],
};

/// `google.rpc.BadRequest`
pub(super) static BAD_REQUEST: Schema = Schema {
    name: "BadRequest",
    fields: &[repeated(
        1,
        "fieldViolations",
        Kind::Message(&FIELD_VIOLATION),
    )],
};

static FIELD_VIOLATION: Schema = Schema {
    name: "FieldViolation",
    fields: &[text(1, "field"), text(2, "description")],
};

/// `google.rpc.Status`
pub(super) static STATUS: Schema = Schema {
    name: "Status",
    fields: &[
        plain(1, "code", Kind::Int32),
        text(2, "message"),
        repeated(3, "details", Kind::Message(&ANY)),
    ],
};

/// `google.protobuf.Any`, whose content is left as bytes.
static ANY: Schema = Schema {
    name: "Any",
    fields: &[text(1, "typeUrl"), plain(2, "value", Kind::Bytes)],
};

/// What an operation takes.
#[must_use]
pub const fn request_of(operation: Operation) -> &'static Schema {
    match operation {
        Operation::SendMessage | Operation::SendStreamingMessage => &SEND_MESSAGE_REQUEST,
        Operation::GetTask => &GET_TASK_REQUEST,
        Operation::ListTasks => &LIST_TASKS_REQUEST,
        Operation::CancelTask => &CANCEL_TASK_REQUEST,
        Operation::SubscribeToTask => &SUBSCRIBE_REQUEST,
        Operation::CreateTaskPushNotificationConfig => &PUSH_CONFIG,
        Operation::GetTaskPushNotificationConfig | Operation::DeleteTaskPushNotificationConfig => {
            &ONE_PUSH_CONFIG_REQUEST
        }
        Operation::ListTaskPushNotificationConfigs => &LIST_PUSH_CONFIGS_REQUEST,
        Operation::GetExtendedAgentCard => &EXTENDED_CARD_REQUEST,
    }
}

/// What an operation gives; of one that streams, each event.
#[must_use]
pub const fn response_of(operation: Operation) -> &'static Schema {
    match operation {
        Operation::SendMessage => &SEND_MESSAGE_RESPONSE,
        Operation::SendStreamingMessage | Operation::SubscribeToTask => &STREAM_RESPONSE,
        Operation::GetTask | Operation::CancelTask => &TASK,
        Operation::ListTasks => &LIST_TASKS_RESPONSE,
        Operation::CreateTaskPushNotificationConfig | Operation::GetTaskPushNotificationConfig => {
            &PUSH_CONFIG
        }
        Operation::ListTaskPushNotificationConfigs => &LIST_PUSH_CONFIGS_RESPONSE,
        Operation::DeleteTaskPushNotificationConfig => &EMPTY,
        Operation::GetExtendedAgentCard => &AGENT_CARD,
    }
}
