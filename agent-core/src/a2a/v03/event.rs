//! What a message leads to, at once and as it happens: told by `kind` in JSON-RPC, by the name of
//! the member in HTTP+JSON.

use super::message::Message;
use super::task::{Artifact, Status, Task};
use super::wrong::{Wrong, check_kind};
use super::{Dialect, Spoken, read, write};
use crate::a2a::error::A2aError;
use crate::a2a::event::{
    SendMessageResponse, StreamResponse, TaskArtifactUpdateEvent, TaskStatusUpdateEvent,
};
use crate::a2a::macros::object;
use crate::a2a::state::TaskState;
use crate::json::{Json, Metadata};

#[derive(Default)]
struct StatusUpdate {
    kind: String,
    task_id: String,
    context_id: String,
    status: Status,
    last: bool,
    metadata: Metadata,
}

object!(StatusUpdate {
    kind: "kind",
    task_id: "taskId" required,
    context_id: "contextId" required,
    status: "status" required,
    last: "final" required,
    metadata: "metadata",
});

#[derive(Default)]
struct ArtifactUpdate {
    kind: String,
    task_id: String,
    context_id: String,
    artifact: Artifact,
    append: bool,
    last_chunk: bool,
    metadata: Metadata,
}

object!(ArtifactUpdate {
    kind: "kind",
    task_id: "taskId" required,
    context_id: "contextId" required,
    artifact: "artifact" required,
    append: "append",
    last_chunk: "lastChunk",
    metadata: "metadata",
});

/// An event of HTTP+JSON.
#[derive(Default)]
struct Wrapped {
    task: Option<Task>,
    message: Option<Message>,
    /// What the `.proto` file calls it.
    msg: Option<Message>,
    status_update: Option<StatusUpdate>,
    artifact_update: Option<ArtifactUpdate>,
}

object!(Wrapped {
    task: "task",
    message: "message",
    msg: "msg",
    status_update: "statusUpdate",
    artifact_update: "artifactUpdate",
});

/// What tells the events of JSON-RPC apart: `kind`, or else a member that only one of them has.
#[derive(Default)]
struct Kind {
    kind: String,
    artifact: Option<Json>,
    parts: Option<Json>,
    task_id: String,
}

object!(Kind {
    kind: "kind",
    artifact: "artifact",
    parts: "parts",
    task_id: "taskId",
});

impl StatusUpdate {
    fn of(event: &TaskStatusUpdateEvent, dialect: Dialect, ends_when_asking: bool) -> Self {
        let state = event.status.state;
        Self {
            kind: dialect.kind("status-update"),
            task_id: event.task_id.clone(),
            context_id: event.context_id.clone(),
            status: Status::of(&event.status, dialect),
            last: state.is_terminal() || ends_when_asking && state == TaskState::InputRequired,
            metadata: event.metadata.clone(),
        }
    }

    fn into_v1(self, dialect: Dialect) -> Result<TaskStatusUpdateEvent, Wrong> {
        check_kind(&self.kind, "status-update", "must be `status-update`")?;
        Ok(TaskStatusUpdateEvent {
            task_id: self.task_id,
            context_id: self.context_id,
            status: self.status.into_v1(dialect)?,
            metadata: self.metadata,
        })
    }
}

impl ArtifactUpdate {
    fn of(event: &TaskArtifactUpdateEvent, dialect: Dialect) -> Self {
        Self {
            kind: dialect.kind("artifact-update"),
            task_id: event.task_id.clone(),
            context_id: event.context_id.clone(),
            artifact: Artifact::of(&event.artifact, dialect),
            append: event.append,
            last_chunk: event.last_chunk,
            metadata: event.metadata.clone(),
        }
    }

    fn into_v1(self, dialect: Dialect) -> Result<TaskArtifactUpdateEvent, Wrong> {
        check_kind(&self.kind, "artifact-update", "must be `artifact-update`")?;
        let artifact = self.artifact.into_v1(dialect);
        Ok(TaskArtifactUpdateEvent {
            task_id: self.task_id,
            context_id: self.context_id,
            artifact: artifact.map_err(|wrong| wrong.inside("artifact"))?,
            append: self.append,
            last_chunk: self.last_chunk,
            metadata: self.metadata,
        })
    }
}

/// Writes one event of a stream.
///
/// 0.3 marks the event with which a stream ends. A terminal status always is one; a question to
/// the client is one if `ends_when_asking`, as the stream of a message does and that of a
/// subscription does not.
///
/// # Errors
/// None in practice: all of it is plain data.
pub fn event(
    event: &StreamResponse,
    dialect: Dialect,
    ends_when_asking: bool,
) -> Result<Json, A2aError> {
    let mut wrapped = Wrapped::default();
    match event {
        StreamResponse::Task(task) => wrapped.task = Some(Task::of(task, dialect)),
        StreamResponse::Message(message) => {
            wrapped.message = Some(Message::of(message, dialect));
        }
        StreamResponse::StatusUpdate(event) => {
            wrapped.status_update = Some(StatusUpdate::of(event, dialect, ends_when_asking));
        }
        StreamResponse::ArtifactUpdate(event) => {
            wrapped.artifact_update = Some(ArtifactUpdate::of(event, dialect));
        }
    }
    match (dialect, wrapped) {
        (Dialect::Rest, wrapped) => write(&wrapped),
        (_, Wrapped { task: Some(it), .. }) => write(&it),
        (
            _,
            Wrapped {
                message: Some(it), ..
            },
        ) => write(&it),
        (
            _,
            Wrapped {
                status_update: Some(it),
                ..
            },
        ) => write(&it),
        (
            _,
            Wrapped {
                artifact_update, ..
            },
        ) => write(&artifact_update),
    }
}

impl Spoken for StreamResponse {
    fn from_v03(json: &[u8], dialect: Dialect) -> Result<Self, A2aError> {
        if dialect == Dialect::Rest {
            return wrapped(read(json)?);
        }
        let Kind {
            kind,
            artifact,
            parts,
            task_id,
        } = read(json)?;
        let kind = match kind.as_str() {
            "" if artifact.is_some() => "artifact-update",
            "" if parts.is_some() => "message",
            "" if !task_id.is_empty() => "status-update",
            "" => "task",
            kind => kind,
        };
        Ok(match kind {
            "task" => Self::Task(read::<Task>(json)?.into_v1(dialect)?),
            "message" => Self::Message(read::<Message>(json)?.into_v1(dialect)?),
            "status-update" => Self::StatusUpdate(read::<StatusUpdate>(json)?.into_v1(dialect)?),
            "artifact-update" => {
                Self::ArtifactUpdate(read::<ArtifactUpdate>(json)?.into_v1(dialect)?)
            }
            _ => return Err(Wrong::new("kind", "is not an event of 0.3").into()),
        })
    }

    /// As [`event`] on a stream that goes on when the agent asks.
    fn to_v03(&self, dialect: Dialect) -> Result<Json, A2aError> {
        event(self, dialect, false)
    }
}

fn wrapped(wrapped: Wrapped) -> Result<StreamResponse, A2aError> {
    const ONE: &str =
        "exactly one of `task`, `message`, `statusUpdate` and `artifactUpdate` must be set";
    let dialect = Dialect::Rest;
    let Wrapped {
        task,
        message,
        msg,
        status_update,
        artifact_update,
    } = wrapped;
    Ok(
        match (task, message.or(msg), status_update, artifact_update) {
            (Some(task), None, None, None) => StreamResponse::Task(task.into_v1(dialect)?),
            (None, Some(message), None, None) => StreamResponse::Message(message.into_v1(dialect)?),
            (None, None, Some(event), None) => {
                StreamResponse::StatusUpdate(event.into_v1(dialect)?)
            }
            (None, None, None, Some(event)) => {
                StreamResponse::ArtifactUpdate(event.into_v1(dialect)?)
            }
            _ => return Err(Wrong::new("", ONE).into()),
        },
    )
}

impl Spoken for SendMessageResponse {
    fn from_v03(json: &[u8], dialect: Dialect) -> Result<Self, A2aError> {
        match StreamResponse::from_v03(json, dialect)? {
            StreamResponse::Task(task) => Ok(Self::Task(task)),
            StreamResponse::Message(message) => Ok(Self::Message(message)),
            _ => Err(Wrong::new("kind", "must be `task` or `message`").into()),
        }
    }

    fn to_v03(&self, dialect: Dialect) -> Result<Json, A2aError> {
        StreamResponse::from(self.clone()).to_v03(dialect)
    }
}
