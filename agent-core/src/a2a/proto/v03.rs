//! What 0.3 has of its own, as `specification/grpc/a2a.proto` of 0.3.0 numbers it: package `a2a.v1`.
//!
//! Its JSON is that of [`Dialect::Rest`](crate::a2a::v03::Dialect::Rest).

use super::card::{CAPABILITIES, PROVIDER, REQUIREMENT, SECURITY_SCHEME, SIGNATURE, SKILL};
use super::messages::EMPTY;
use super::schema::{Kind, Schema, map, message, one_of, plain, repeated, text};
use crate::a2a::Operation;

/// The service of gRPC in 0.3, with its package.
pub const SERVICE: &str = "a2a.v1.A2AService";

/// What gRPC calls the operation in 0.3; `None` for `ListTasks`, which 0.3 does not have.
#[must_use]
pub const fn method(operation: Operation) -> Option<&'static str> {
    Some(match operation {
        Operation::SubscribeToTask => "TaskSubscription",
        Operation::ListTaskPushNotificationConfigs => "ListTaskPushNotificationConfig",
        Operation::GetExtendedAgentCard => "GetAgentCard",
        Operation::ListTasks => return None,
        same => same.name(),
    })
}

/// The operation that gRPC calls so in 0.3.
#[must_use]
pub fn operation(name: &str) -> Option<Operation> {
    let mut all = Operation::ALL.into_iter();
    all.find(|known| method(*known) == Some(name))
}

/// What an operation takes. Tasks and webhooks are named as resources: `tasks/{id}`.
#[must_use]
pub const fn request_of(operation: Operation) -> &'static Schema {
    match operation {
        Operation::SendMessage | Operation::SendStreamingMessage => &SEND_MESSAGE_REQUEST,
        Operation::GetTask => &GET_TASK_REQUEST,
        Operation::CreateTaskPushNotificationConfig => &CREATE_PUSH_CONFIG_REQUEST,
        Operation::ListTaskPushNotificationConfigs => &LIST_PUSH_CONFIGS_REQUEST,
        Operation::GetExtendedAgentCard | Operation::ListTasks => &EMPTY,
        _ => &NAME_REQUEST,
    }
}

/// What an operation gives; of one that streams, each event.
#[must_use]
pub const fn response_of(operation: Operation) -> &'static Schema {
    match operation {
        Operation::SendMessage => &SEND_MESSAGE_RESPONSE,
        Operation::SendStreamingMessage | Operation::SubscribeToTask => &STREAM_RESPONSE,
        Operation::GetTask | Operation::CancelTask => &TASK,
        Operation::CreateTaskPushNotificationConfig | Operation::GetTaskPushNotificationConfig => {
            &PUSH_CONFIG
        }
        Operation::ListTaskPushNotificationConfigs => &LIST_PUSH_CONFIGS_RESPONSE,
        Operation::DeleteTaskPushNotificationConfig | Operation::ListTasks => &EMPTY,
        Operation::GetExtendedAgentCard => &AGENT_CARD,
    }
}

static TASK: Schema = Schema {
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
        // The `.proto` file calls it `update`, and its JSON does not.
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
    "TASK_STATE_CANCELLED",
    "TASK_STATE_INPUT_REQUIRED",
    "TASK_STATE_REJECTED",
    "TASK_STATE_AUTH_REQUIRED",
]);

static MESSAGE: Schema = Schema {
    name: "Message",
    fields: &[
        text(1, "messageId"),
        text(2, "contextId"),
        text(3, "taskId"),
        plain(4, "role", ROLE),
        repeated(5, "content", Kind::Message(&PART)),
        plain(6, "metadata", Kind::Struct),
        repeated(7, "extensions", Kind::String),
    ],
};

const ROLE: Kind = Kind::Enum(&["ROLE_UNSPECIFIED", "ROLE_USER", "ROLE_AGENT"]);

static PART: Schema = Schema {
    name: "Part",
    fields: &[
        one_of(1, "text", Kind::String),
        one_of(2, "file", Kind::Message(&FILE_PART)),
        one_of(3, "data", Kind::Message(&DATA_PART)),
        plain(4, "metadata", Kind::Struct),
    ],
};

static FILE_PART: Schema = Schema {
    name: "FilePart",
    fields: &[
        one_of(1, "fileWithUri", Kind::String),
        one_of(2, "fileWithBytes", Kind::Bytes),
        text(3, "mimeType"),
        text(4, "name"),
    ],
};

static DATA_PART: Schema = Schema {
    name: "DataPart",
    fields: &[plain(1, "data", Kind::Struct)],
};

static ARTIFACT: Schema = Schema {
    name: "Artifact",
    fields: &[
        text(1, "artifactId"),
        text(3, "name"),
        text(4, "description"),
        repeated(5, "parts", Kind::Message(&PART)),
        plain(6, "metadata", Kind::Struct),
        repeated(7, "extensions", Kind::String),
    ],
};

static STATUS_UPDATE: Schema = Schema {
    name: "TaskStatusUpdateEvent",
    fields: &[
        text(1, "taskId"),
        text(2, "contextId"),
        message(3, "status", &TASK_STATUS),
        plain(4, "final", Kind::Bool),
        plain(5, "metadata", Kind::Struct),
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

static STREAM_RESPONSE: Schema = Schema {
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
        message(1, "message", &MESSAGE),
        message(2, "configuration", &SEND_MESSAGE_CONFIGURATION),
        plain(3, "metadata", Kind::Struct),
    ],
};

static SEND_MESSAGE_CONFIGURATION: Schema = Schema {
    name: "SendMessageConfiguration",
    fields: &[
        repeated(1, "acceptedOutputModes", Kind::String),
        message(2, "pushNotification", &WEBHOOK),
        plain(3, "historyLength", Kind::Int32),
        plain(4, "blocking", Kind::Bool),
    ],
};

static GET_TASK_REQUEST: Schema = Schema {
    name: "GetTaskRequest",
    fields: &[text(1, "name"), plain(2, "historyLength", Kind::Int32)],
};

/// Of all that name one task or one webhook and say nothing else.
static NAME_REQUEST: Schema = Schema {
    name: "CancelTaskRequest",
    fields: &[text(1, "name")],
};

static CREATE_PUSH_CONFIG_REQUEST: Schema = Schema {
    name: "CreateTaskPushNotificationConfigRequest",
    fields: &[
        text(1, "parent"),
        text(2, "configId"),
        message(3, "config", &PUSH_CONFIG),
    ],
};

static LIST_PUSH_CONFIGS_REQUEST: Schema = Schema {
    name: "ListTaskPushNotificationConfigRequest",
    fields: &[
        text(1, "parent"),
        plain(2, "pageSize", Kind::Int32),
        text(3, "pageToken"),
    ],
};

static LIST_PUSH_CONFIGS_RESPONSE: Schema = Schema {
    name: "ListTaskPushNotificationConfigResponse",
    fields: &[
        repeated(1, "configs", Kind::Message(&PUSH_CONFIG)),
        text(2, "nextPageToken"),
    ],
};

static PUSH_CONFIG: Schema = Schema {
    name: "TaskPushNotificationConfig",
    fields: &[
        text(1, "name"),
        message(2, "pushNotificationConfig", &WEBHOOK),
    ],
};

static WEBHOOK: Schema = Schema {
    name: "PushNotificationConfig",
    fields: &[
        text(1, "id"),
        text(2, "url"),
        text(3, "token"),
        message(4, "authentication", &AUTHENTICATION_INFO),
    ],
};

static AUTHENTICATION_INFO: Schema = Schema {
    name: "AuthenticationInfo",
    fields: &[repeated(1, "schemes", Kind::String), text(2, "credentials")],
};

/// From the card that both versions can read
/// ([`hybrid_card`](crate::a2a::v03::hybrid_card)): what it requires stands in it in the words of
/// 1.0 too, and those are what Protocol Buffers had already in 0.3.
static AGENT_CARD: Schema = Schema {
    name: "AgentCard",
    fields: &[
        text(16, "protocolVersion"),
        text(1, "name"),
        text(2, "description"),
        text(3, "url"),
        text(14, "preferredTransport"),
        repeated(15, "additionalInterfaces", Kind::Message(&INTERFACE)),
        message(4, "provider", &PROVIDER),
        text(5, "version"),
        text(6, "documentationUrl"),
        message(7, "capabilities", &CAPABILITIES),
        map(8, "securitySchemes", Kind::Message(&SECURITY_SCHEME)),
        repeated(9, "securityRequirements", Kind::Message(&REQUIREMENT)),
        repeated(10, "defaultInputModes", Kind::String),
        repeated(11, "defaultOutputModes", Kind::String),
        repeated(12, "skills", Kind::Message(&SKILL)),
        plain(13, "supportsAuthenticatedExtendedCard", Kind::Bool),
        repeated(17, "signatures", Kind::Message(&SIGNATURE)),
        text(18, "iconUrl"),
    ],
};

static INTERFACE: Schema = Schema {
    name: "AgentInterface",
    fields: &[text(1, "url"), text(2, "transport")],
};
