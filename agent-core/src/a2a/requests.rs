//! What is asked of an agent and, where it is not an object of its own, what it answers.
//!
//! Each request may carry the tenant that the chosen interface of the card names (A2A §4.4.6).

use super::macros::object;
use super::message::Message;
use super::push::TaskPushNotificationConfig;
use super::state::TaskState;
use super::task::Task;
use super::timestamp::Timestamp;
use crate::json::Metadata;

/// `SendMessage` and `SendStreamingMessage` (A2A §3.2.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SendMessageRequest {
    /// The tenant, if the interface names one.
    pub tenant: String,
    /// The message. Required.
    pub message: Message,
    /// How it is to be answered.
    pub configuration: Option<SendMessageConfiguration>,
    /// What extensions add to the request, keyed by their URI.
    pub metadata: Metadata,
}

object!(SendMessageRequest {
    tenant: "tenant",
    message: "message" required,
    configuration: "configuration",
    metadata: "metadata",
});

impl SendMessageRequest {
    /// Sends `message`, with nothing said about the answer.
    pub fn new(message: Message) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }
}

/// How a message is to be answered (A2A §3.2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendMessageConfiguration {
    /// The media types that the client takes. Empty means any.
    pub accepted_output_modes: Vec<String>,
    /// A webhook for the task that the message starts.
    pub task_push_notification_config: Option<TaskPushNotificationConfig>,
    /// At most that many messages of history in the answer. See [`Task::trim_history`].
    pub history_length: Option<i32>,
    /// Answer as soon as there is a task, rather than when it has ended or waits for the client.
    pub return_immediately: bool,
}

object!(SendMessageConfiguration {
    accepted_output_modes: "acceptedOutputModes",
    task_push_notification_config: "taskPushNotificationConfig",
    history_length: "historyLength",
    return_immediately: "returnImmediately",
});

/// `GetTask` (A2A §3.1.3). The answer is the [`Task`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetTaskRequest {
    /// The tenant, if the interface names one.
    pub tenant: String,
    /// The task. Required.
    pub id: String,
    /// At most that many messages of history. See [`Task::trim_history`].
    pub history_length: Option<i32>,
}

object!(GetTaskRequest {
    tenant: "tenant",
    id: "id" required,
    history_length: "historyLength",
});

/// `ListTasks` (A2A §3.1.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListTasksRequest {
    /// The tenant, if the interface names one.
    pub tenant: String,
    /// Only tasks of that conversation, unless empty.
    pub context_id: String,
    /// Only tasks in that state, unless unspecified.
    pub status: TaskState,
    /// At most that many tasks, from 1 to 100. See [`ListTasksRequest::page_size_or_default`].
    pub page_size: Option<i32>,
    /// Where to go on, from the answer to the request before.
    pub page_token: String,
    /// At most that many messages of history in each task. See [`Task::trim_history`].
    pub history_length: Option<i32>,
    /// Only tasks whose status is from that time or later.
    pub status_timestamp_after: Option<Timestamp>,
    /// Whether the tasks come with their artifacts, which they do not unless it is set.
    pub include_artifacts: Option<bool>,
}

object!(ListTasksRequest {
    tenant: "tenant",
    context_id: "contextId",
    status: "status",
    page_size: "pageSize",
    page_token: "pageToken",
    history_length: "historyLength",
    status_timestamp_after: "statusTimestampAfter",
    include_artifacts: "includeArtifacts",
});

impl ListTasksRequest {
    /// The page size of a request that has been validated, which is 50 when it is not set.
    pub fn page_size_or_default(&self) -> i32 {
        self.page_size.unwrap_or(50)
    }
}

/// The answer to `ListTasks`: one page. Every field is always written (A2A §3.1.4).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListTasksResponse {
    /// The tasks, the one with the newest status first.
    pub tasks: Vec<Task>,
    /// Gets the next page. Empty on the last.
    pub next_page_token: String,
    /// How many tasks a page has at most.
    pub page_size: i32,
    /// How many tasks there are on all pages.
    pub total_size: i32,
}

object!(ListTasksResponse {
    tasks: "tasks" required,
    next_page_token: "nextPageToken" required,
    page_size: "pageSize" required,
    total_size: "totalSize" required,
});

/// `CancelTask` (A2A §3.1.5). The answer is the [`Task`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CancelTaskRequest {
    /// The tenant, if the interface names one.
    pub tenant: String,
    /// The task. Required.
    pub id: String,
    /// What extensions add to the request, keyed by their URI.
    pub metadata: Metadata,
}

object!(CancelTaskRequest {
    tenant: "tenant",
    id: "id" required,
    metadata: "metadata",
});

/// `SubscribeToTask` (A2A §3.1.6). The answer is a stream of
/// [`StreamResponse`](super::StreamResponse).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscribeToTaskRequest {
    /// The tenant, if the interface names one.
    pub tenant: String,
    /// The task. Required.
    pub id: String,
}

object!(SubscribeToTaskRequest {
    tenant: "tenant",
    id: "id" required,
});

/// `GetTaskPushNotificationConfig` (A2A §3.1.8). The answer is the
/// [`TaskPushNotificationConfig`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetTaskPushNotificationConfigRequest {
    /// The tenant, if the interface names one.
    pub tenant: String,
    /// The task. Required.
    pub task_id: String,
    /// Which of its webhooks. Required.
    pub id: String,
}

object!(GetTaskPushNotificationConfigRequest {
    tenant: "tenant",
    task_id: "taskId" required,
    id: "id" required,
});

/// `DeleteTaskPushNotificationConfig` (A2A §3.1.10). The answer is an empty object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteTaskPushNotificationConfigRequest {
    /// The tenant, if the interface names one.
    pub tenant: String,
    /// The task. Required.
    pub task_id: String,
    /// Which of its webhooks. Required.
    pub id: String,
}

object!(DeleteTaskPushNotificationConfigRequest {
    tenant: "tenant",
    task_id: "taskId" required,
    id: "id" required,
});

/// `ListTaskPushNotificationConfigs` (A2A §3.1.9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListTaskPushNotificationConfigsRequest {
    /// The task. Required.
    pub task_id: String,
    /// At most that many webhooks, or as many as the server likes when 0.
    pub page_size: i32,
    /// Where to go on, from the answer to the request before.
    pub page_token: String,
    /// The tenant, if the interface names one.
    pub tenant: String,
}

object!(ListTaskPushNotificationConfigsRequest {
    task_id: "taskId" required,
    page_size: "pageSize",
    page_token: "pageToken",
    tenant: "tenant",
});

/// The answer to `ListTaskPushNotificationConfigs`: one page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListTaskPushNotificationConfigsResponse {
    /// The webhooks.
    pub configs: Vec<TaskPushNotificationConfig>,
    /// Gets the next page. Empty on the last.
    pub next_page_token: String,
}

object!(ListTaskPushNotificationConfigsResponse {
    configs: "configs",
    next_page_token: "nextPageToken",
});

/// `GetExtendedAgentCard` (A2A §3.1.11). The answer is the [`AgentCard`](super::AgentCard).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetExtendedAgentCardRequest {
    /// The tenant, if the interface names one.
    pub tenant: String,
}

object!(GetExtendedAgentCardRequest { tenant: "tenant" });
