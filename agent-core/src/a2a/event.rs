//! What a stream and a webhook carry.

use super::macros::{object, oneof};
use super::message::Message;
use super::task::{Artifact, Task, TaskStatus};
use crate::json::Metadata;

/// A task has another status (A2A §4.2.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskStatusUpdateEvent {
    /// The task. Required.
    pub task_id: String,
    /// The conversation that the task belongs to. Required.
    pub context_id: String,
    /// The status from now on. Required.
    pub status: TaskStatus,
    /// What extensions add, keyed by their URI.
    pub metadata: Metadata,
}

object!(TaskStatusUpdateEvent {
    task_id: "taskId" required,
    context_id: "contextId" required,
    status: "status" required,
    metadata: "metadata",
});

/// A task has an artifact, or more of one (A2A §4.2.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskArtifactUpdateEvent {
    /// The task. Required.
    pub task_id: String,
    /// The conversation that the task belongs to. Required.
    pub context_id: String,
    /// The artifact, or a piece of it. Required.
    pub artifact: Artifact,
    /// Whether this comes after what was sent of the artifact, or takes its place.
    pub append: bool,
    /// Whether the artifact is complete with this.
    pub last_chunk: bool,
    /// What extensions add, keyed by their URI.
    pub metadata: Metadata,
}

object!(TaskArtifactUpdateEvent {
    task_id: "taskId" required,
    context_id: "contextId" required,
    artifact: "artifact" required,
    append: "append",
    last_chunk: "lastChunk",
    metadata: "metadata",
});

/// One event of a stream, and the body of one push notification (A2A §3.2.3, §4.3.3).
#[derive(Clone, Debug, PartialEq)]
pub enum StreamResponse {
    /// A task as it is now. The first event of every stream about a task.
    Task(Task),
    /// An answer without a task. The only event of its stream.
    Message(Message),
    /// Another status.
    StatusUpdate(TaskStatusUpdateEvent),
    /// An artifact, or more of one.
    ArtifactUpdate(TaskArtifactUpdateEvent),
}

oneof!(StreamResponse {
    Task(task: "task"),
    Message(message: "message"),
    StatusUpdate(status_update: "statusUpdate"),
    ArtifactUpdate(artifact_update: "artifactUpdate"),
});

impl StreamResponse {
    /// The task that it is about. Empty for a message without one.
    pub fn task_id(&self) -> &str {
        match self {
            Self::Task(task) => &task.id,
            Self::Message(message) => &message.task_id,
            Self::StatusUpdate(event) => &event.task_id,
            Self::ArtifactUpdate(event) => &event.task_id,
        }
    }

    /// The conversation that it belongs to.
    pub fn context_id(&self) -> &str {
        match self {
            Self::Task(task) => &task.context_id,
            Self::Message(message) => &message.context_id,
            Self::StatusUpdate(event) => &event.context_id,
            Self::ArtifactUpdate(event) => &event.context_id,
        }
    }

    /// The status that it reports, if it reports one.
    pub const fn status(&self) -> Option<&TaskStatus> {
        match self {
            Self::Task(task) => Some(&task.status),
            Self::StatusUpdate(event) => Some(&event.status),
            Self::Message(_) | Self::ArtifactUpdate(_) => None,
        }
    }

    /// Whether no event can follow it: a message, or a terminal state.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Message(_) => true,
            _ => self
                .status()
                .is_some_and(|status| status.state.is_terminal()),
        }
    }
}

/// The answer to a message: a task for work that takes time, or a message at once (A2A §3.1.1).
#[derive(Clone, Debug, PartialEq)]
pub enum SendMessageResponse {
    /// The task that the message started or went to.
    Task(Task),
    /// An answer without a task.
    Message(Message),
}

oneof!(SendMessageResponse {
    Task(task: "task"),
    Message(message: "message"),
});

impl From<SendMessageResponse> for StreamResponse {
    fn from(response: SendMessageResponse) -> Self {
        match response {
            SendMessageResponse::Task(task) => Self::Task(task),
            SendMessageResponse::Message(message) => Self::Message(message),
        }
    }
}

/// Wraps each member in the oneof that it can be in.
macro_rules! wrap {
    ($($member:ident => $($oneof:ident::$variant:ident),+;)*) => {
        $($(impl From<$member> for $oneof {
            fn from(member: $member) -> Self {
                Self::$variant(member)
            }
        })+)*
    };
}

wrap! {
    Task => StreamResponse::Task, SendMessageResponse::Task;
    Message => StreamResponse::Message, SendMessageResponse::Message;
    TaskStatusUpdateEvent => StreamResponse::StatusUpdate;
    TaskArtifactUpdateEvent => StreamResponse::ArtifactUpdate;
}
