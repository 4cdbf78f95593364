//! Tasks, their states and what comes out of them.

use super::message::Message;
use super::part::Part;
use super::wrong::{Wrong, check_kind, each};
use super::{Dialect, Spoken, read, write};
use crate::a2a::error::A2aError;
use crate::a2a::macros::object;
use crate::a2a::state::TaskState;
use crate::a2a::task;
use crate::a2a::timestamp::Timestamp;
use crate::json::{Json, Metadata};

#[derive(Default)]
pub(super) struct Task {
    kind: String,
    id: String,
    context_id: String,
    status: Status,
    artifacts: Vec<Artifact>,
    history: Vec<Message>,
    metadata: Metadata,
}

object!(Task {
    kind: "kind",
    id: "id" required,
    context_id: "contextId" required,
    status: "status" required,
    artifacts: "artifacts",
    history: "history",
    metadata: "metadata",
});

impl Task {
    pub(super) fn of(task: &task::Task, dialect: Dialect) -> Self {
        let artifacts = task.artifacts.iter();
        let history = task.history.iter();
        Self {
            kind: dialect.kind("task"),
            id: task.id.clone(),
            context_id: task.context_id.clone(),
            status: Status::of(&task.status, dialect),
            artifacts: artifacts.map(|a| Artifact::of(a, dialect)).collect(),
            history: history.map(|m| Message::of(m, dialect)).collect(),
            metadata: task.metadata.clone(),
        }
    }

    pub(super) fn into_v1(self, dialect: Dialect) -> Result<task::Task, Wrong> {
        check_kind(&self.kind, "task", "must be `task`")?;
        Ok(task::Task {
            id: self.id,
            context_id: self.context_id,
            status: self.status.into_v1(dialect)?,
            artifacts: each("artifacts", self.artifacts, |a| a.into_v1(dialect))?,
            history: each("history", self.history, |m| m.into_v1(dialect))?,
            metadata: self.metadata,
        })
    }
}

#[derive(Default)]
pub(super) struct Status {
    state: String,
    message: Option<Message>,
    /// What the `.proto` file calls it.
    update: Option<Message>,
    timestamp: Option<String>,
}

object!(Status {
    state: "state" required,
    message: "message",
    update: "update",
    timestamp: "timestamp",
});

impl Status {
    pub(super) fn of(status: &task::TaskStatus, dialect: Dialect) -> Self {
        Self {
            state: state_name(status.state, dialect).to_owned(),
            message: status.message.as_ref().map(|m| Message::of(m, dialect)),
            update: None,
            timestamp: status.timestamp.map(|time| time.to_string()),
        }
    }

    pub(super) fn into_v1(self, dialect: Dialect) -> Result<task::TaskStatus, Wrong> {
        let state = state_of(&self.state).map_err(|wrong| wrong.inside("status"))?;
        let message = self.message.or(self.update).map(|m| m.into_v1(dialect));
        let message = message
            .transpose()
            .map_err(|wrong| wrong.inside("status.message"))?;
        Ok(task::TaskStatus {
            state,
            message,
            timestamp: self.timestamp.as_deref().and_then(time),
        })
    }
}

/// 0.3 asks for ISO 8601, and its own examples name no zone.
fn time(text: &str) -> Option<Timestamp> {
    let zoned = || format!("{text}Z").parse().ok();
    text.parse().ok().or_else(zoned)
}

/// Each state with its two names; 1.0 has one L less in the second of `canceled`.
const STATES: [(TaskState, &str, &str); 9] = [
    (TaskState::Unspecified, "unknown", "TASK_STATE_UNSPECIFIED"),
    (TaskState::Submitted, "submitted", "TASK_STATE_SUBMITTED"),
    (TaskState::Working, "working", "TASK_STATE_WORKING"),
    (TaskState::Completed, "completed", "TASK_STATE_COMPLETED"),
    (TaskState::Failed, "failed", "TASK_STATE_FAILED"),
    (TaskState::Canceled, "canceled", "TASK_STATE_CANCELLED"),
    (
        TaskState::InputRequired,
        "input-required",
        "TASK_STATE_INPUT_REQUIRED",
    ),
    (TaskState::Rejected, "rejected", "TASK_STATE_REJECTED"),
    (
        TaskState::AuthRequired,
        "auth-required",
        "TASK_STATE_AUTH_REQUIRED",
    ),
];

fn state_name(state: TaskState, dialect: Dialect) -> &'static str {
    let found = STATES.iter().find(|(known, _, _)| *known == state);
    match (found, dialect) {
        (Some((_, name, _)), Dialect::JsonRpc) => name,
        (Some((_, _, name)), Dialect::Rest) => name,
        (None, _) => "unknown",
    }
}

fn state_of(name: &str) -> Result<TaskState, Wrong> {
    if name.is_empty() {
        return Ok(TaskState::Unspecified);
    }
    let found = STATES
        .iter()
        .find(|(_, rpc, rest)| *rpc == name || *rest == name);
    found
        .map(|(state, _, _)| *state)
        .or_else(|| TaskState::from_name(name))
        .ok_or_else(|| Wrong::new("state", "is not a state of 0.3"))
}

#[derive(Default)]
pub(super) struct Artifact {
    artifact_id: String,
    name: String,
    description: String,
    parts: Vec<Part>,
    metadata: Metadata,
    extensions: Vec<String>,
}

object!(Artifact {
    artifact_id: "artifactId" required,
    name: "name",
    description: "description",
    parts: "parts" required,
    metadata: "metadata",
    extensions: "extensions",
});

impl Artifact {
    pub(super) fn of(artifact: &task::Artifact, dialect: Dialect) -> Self {
        let parts = artifact.parts.iter().map(|part| Part::of(part, dialect));
        Self {
            artifact_id: artifact.artifact_id.clone(),
            name: artifact.name.clone(),
            description: artifact.description.clone(),
            parts: parts.collect(),
            metadata: artifact.metadata.clone(),
            extensions: artifact.extensions.clone(),
        }
    }

    pub(super) fn into_v1(self, dialect: Dialect) -> Result<task::Artifact, Wrong> {
        Ok(task::Artifact {
            artifact_id: self.artifact_id,
            name: self.name,
            description: self.description,
            parts: each("parts", self.parts, |part| part.into_v1(dialect))?,
            metadata: self.metadata,
            extensions: self.extensions,
        })
    }
}

impl Spoken for task::Task {
    fn from_v03(json: &[u8], dialect: Dialect) -> Result<Self, A2aError> {
        Ok(read::<Task>(json)?.into_v1(dialect)?)
    }

    fn to_v03(&self, dialect: Dialect) -> Result<Json, A2aError> {
        write(&Task::of(self, dialect))
    }
}
