//! A task being written: the A2A object and what the store wants beside it.

use crate::limits::STATUS_TEXT_BYTES_MAX;
use crate::store::Webhook;
use agent_core::a2a::{
    Artifact, Message, Part, Task, TaskArtifactUpdateEvent, TaskState, TaskStatus,
    TaskStatusUpdateEvent, Timestamp,
};
use agent_core::json::{Json, Metadata};
use agent_core::ledger::TaskWrite;
use agent_core::x402::keys;
use serde::Serialize;

/// What a new task is known by.
#[derive(Debug, Clone)]
pub(crate) struct NewTask {
    pub(crate) id: String,
    pub(crate) context_id: String,
    /// Whose it is; see [`TaskWrite::owner`].
    pub(crate) owner: String,
}

/// A task as the engine builds it up. Serialised once for each change.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) task: Task,
    /// The number of the last event.
    pub(crate) seq: u64,
    /// Whose it is; see [`TaskWrite::owner`].
    pub(crate) owner: String,
    /// Webhooks to store with the task, before its id is told to anyone.
    pub(crate) webhooks: Vec<Webhook>,
    updated_unix_millis: u64,
    /// An event that is being stored. A run that is cancelled meanwhile does not learn whether it
    /// was, so the end stores it once more, which changes nothing if it is there.
    pending: Option<(u64, Json)>,
    /// The task as it was last written whole. Pieces of artifacts are stored as events beside it:
    /// writing everything again for every piece would make a long stream quadratic.
    whole: Option<Json>,
}

impl Draft {
    /// A task that begins to work on `message`.
    pub(crate) fn begin(new: NewTask, message: Message, now: u64) -> Self {
        let NewTask {
            id,
            context_id,
            owner,
        } = new;
        let mut draft = Self {
            task: Task::new(id, context_id),
            seq: 0,
            owner,
            webhooks: Vec::new(),
            updated_unix_millis: now,
            pending: None,
            whole: None,
        };
        draft.hear(message);
        draft.set_status(TaskState::Working, None, now);
        draft
    }

    /// A stored task that goes on with another message.
    pub(crate) fn go_on(
        task: Task,
        seq: u64,
        owner: String,
        message: Option<Message>,
        now: u64,
    ) -> Self {
        let mut draft = Self::parked(task, seq, owner, now);
        if let Some(message) = message {
            draft.hear(message);
        }
        draft.set_status(TaskState::Working, None, now);
        draft
    }

    /// A stored task as it is.
    pub(crate) const fn parked(task: Task, seq: u64, owner: String, now: u64) -> Self {
        Self {
            task,
            seq,
            owner,
            webhooks: Vec::new(),
            updated_unix_millis: now,
            pending: None,
            whole: None,
        }
    }

    /// Keeps one more message of the caller's.
    pub(crate) fn hear(&mut self, message: Message) {
        let message = without_payment(message, &self.task.id, &self.task.context_id);
        self.task.history.push(message);
    }

    /// The number of the next event.
    pub(crate) const fn next_seq(&mut self) -> u64 {
        self.seq = self.seq.saturating_add(1);
        self.seq
    }

    pub(crate) fn has_artifact(&self, id: &str) -> bool {
        self.task
            .artifacts
            .iter()
            .any(|artifact| artifact.artifact_id == id)
    }

    /// Changes the status; `text` and `metadata` become its message.
    pub(crate) fn set_status(
        &mut self,
        state: TaskState,
        said: Option<(String, Metadata)>,
        now: u64,
    ) {
        let at = Timestamp::from_unix_millis(i64::try_from(now).unwrap_or(i64::MAX));
        let mut status = TaskStatus::new(state).at(at);
        if let Some((text, metadata)) = said {
            let mut message = Message::agent(Part::text(clip(text)))
                .in_context(self.task.context_id.clone())
                .for_task(self.task.id.clone());
            message.metadata = metadata;
            status = status.with_message(message);
        }
        self.task.status = status;
        self.whole = None;
        self.updated_unix_millis = now;
    }

    /// The event that tells of the status as it is now.
    pub(crate) fn status_event(&self) -> TaskStatusUpdateEvent {
        TaskStatusUpdateEvent {
            task_id: self.task.id.clone(),
            context_id: self.task.context_id.clone(),
            status: self.task.status.clone(),
            metadata: Metadata::new(),
        }
    }

    /// Takes in a piece of an artifact and returns the event that tells of it.
    pub(crate) fn artifact_event(
        &mut self,
        artifact: Artifact,
        append: bool,
        last_chunk: bool,
    ) -> TaskArtifactUpdateEvent {
        let event = TaskArtifactUpdateEvent {
            task_id: self.task.id.clone(),
            context_id: self.task.context_id.clone(),
            artifact,
            append,
            last_chunk,
            metadata: Metadata::new(),
        };
        self.task.merge_artifact(event.clone());
        event
    }

    /// What is to be stored with one event of a task that goes on.
    pub(crate) fn write_event(
        &mut self,
        seq: u64,
        event: Json,
    ) -> Result<TaskWrite, serde_json::Error> {
        let whole = match self.whole.take() {
            Some(whole) => whole,
            None => Json::from_value(&self.task)?,
        };
        self.whole = Some(whole.clone());
        self.pending = Some((seq, event.clone()));
        Ok(self.write_as(whole, vec![(seq, event)], None))
    }

    /// Takes the event of which it is not known whether it is stored. Who knows that it is takes it
    /// too.
    pub(crate) const fn take_pending(&mut self) -> Option<(u64, Json)> {
        self.pending.take()
    }

    /// What is to be stored of the task as it is now.
    pub(crate) fn write(
        &self,
        events: Vec<(u64, Json)>,
        resume: Option<Json>,
    ) -> Result<TaskWrite, serde_json::Error> {
        Ok(self.write_as(Json::from_value(&self.task)?, events, resume))
    }

    fn write_as(&self, task: Json, events: Vec<(u64, Json)>, resume: Option<Json>) -> TaskWrite {
        TaskWrite {
            id: self.task.id.clone(),
            context_id: self.task.context_id.clone(),
            owner: self.owner.clone(),
            state: self.task.status.state,
            seq: self.seq,
            updated_unix_millis: self.updated_unix_millis,
            task,
            resume,
            events,
        }
    }
}

/// Serialises an event as the member of a `StreamResponse` that it is.
pub(crate) fn stream_event<T: Serialize>(
    member: &'static str,
    event: &T,
) -> Result<Json, serde_json::Error> {
    Json::member(member, event)
}

/// The message as it is kept: a voucher is money and does not belong in a history that others read.
fn without_payment(mut message: Message, task_id: &str, context_id: &str) -> Message {
    message.metadata.remove(keys::PAYLOAD);
    task_id.clone_into(&mut message.task_id);
    context_id.clone_into(&mut message.context_id);
    message
}

fn clip(mut text: String) -> String {
    if text.len() > STATUS_TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(STATUS_TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}
