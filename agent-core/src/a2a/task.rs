//! A piece of work, and what comes out of it.

use super::event::TaskArtifactUpdateEvent;
use super::macros::object;
use super::message::Message;
use super::part::Part;
use super::state::TaskState;
use super::timestamp::Timestamp;
use crate::json::{Json, Metadata};
use uuid::Uuid;

/// A piece of work that an agent has taken on (A2A §4.1.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Task {
    /// Chosen by the server. Required.
    pub id: String,
    /// The conversation that it belongs to.
    pub context_id: String,
    /// Where it stands. Required.
    pub status: TaskStatus,
    /// What has come out of it.
    pub artifacts: Vec<Artifact>,
    /// The messages so far, oldest first: as many as the client asked for and the server kept.
    pub history: Vec<Message>,
    /// What extensions add, keyed by their URI.
    pub metadata: Metadata,
}

object!(Task {
    id: "id" required,
    context_id: "contextId",
    status: "status" required,
    artifacts: "artifacts",
    history: "history",
    metadata: "metadata",
});

impl Task {
    /// A task that has just been submitted.
    pub fn new(id: impl Into<String>, context_id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            context_id: context_id.into(),
            status: TaskStatus::new(TaskState::Submitted),
            ..Self::default()
        }
    }

    /// Puts a piece of an artifact where it belongs (A2A §3.5.2): with `append` at the end of the
    /// artifact that has its id, else in its place. A piece to append to nothing starts it.
    pub fn merge_artifact(&mut self, event: TaskArtifactUpdateEvent) {
        let new = event.artifact;
        match self
            .artifacts
            .iter_mut()
            .find(|old| old.artifact_id == new.artifact_id)
        {
            Some(old) if event.append => {
                old.parts.extend(new.parts);
                old.metadata.extend(new.metadata);
            }
            Some(old) => *old = new,
            None => self.artifacts.push(new),
        }
    }

    /// Leaves the newest messages that `history_length` asks for (A2A §3.2.4): all of them when it
    /// is not set.
    pub fn trim_history(&mut self, history_length: Option<i32>) {
        let Some(limit) = history_length else { return };
        let keep = usize::try_from(limit).unwrap_or(0);
        let excess = self.history.len().saturating_sub(keep);
        self.history.drain(..excess);
    }
}

/// Where a task stands (A2A §4.1.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskStatus {
    /// The state. Required.
    pub state: TaskState,
    /// What the agent says about it, such as what input it needs.
    pub message: Option<Message>,
    /// When it came to be.
    pub timestamp: Option<Timestamp>,
}

object!(TaskStatus {
    state: "state" required,
    message: "message",
    timestamp: "timestamp",
});

impl TaskStatus {
    /// That state, with nothing said about it.
    pub fn new(state: TaskState) -> Self {
        Self {
            state,
            ..Self::default()
        }
    }

    /// The same status, with what the agent says about it.
    #[must_use]
    pub fn with_message(mut self, message: Message) -> Self {
        self.message = Some(message);
        self
    }

    /// The same status, since `timestamp`.
    #[must_use]
    pub const fn at(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }
}

/// Something that has come out of a task (A2A §4.1.7).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Artifact {
    /// Unique within the task. Required.
    pub artifact_id: String,
    /// A name for people.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// The content, of which there must be some. Required.
    pub parts: Vec<Part>,
    /// What extensions add, keyed by their URI.
    pub metadata: Metadata,
    /// The URIs of the extensions that contribute to this artifact.
    pub extensions: Vec<String>,
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
    /// An artifact of those parts.
    pub fn new(artifact_id: impl Into<String>, parts: Vec<Part>) -> Self {
        Self {
            artifact_id: artifact_id.into(),
            parts,
            ..Self::default()
        }
    }

    /// An artifact of text with a fresh id.
    pub fn text(text: impl Into<String>) -> Self {
        Self::from(Part::text(text))
    }

    /// An artifact of structured data with a fresh id.
    pub fn data(data: Json) -> Self {
        Self::from(Part::data(data))
    }

    /// The same artifact, of that name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

/// An artifact of one part with a fresh id.
impl From<Part> for Artifact {
    fn from(part: Part) -> Self {
        Self::new(Uuid::new_v4().to_string(), vec![part])
    }
}
