//! What a running skill sees of the engine.

use super::draft::{Draft, stream_event};
use super::engine::{Engine, Showing};
use super::live::LiveTask;
use agent_core::a2a::{Task, TaskState};
use agent_core::json::{Json, Metadata};
use agent_core::ledger::BoxFuture;
use agent_core::money::BaseUnits;
use agent_core::skill::{SkillEvent, SkillHost, Stop};
use std::sync::Arc;

/// What a running skill sees of the engine.
pub(super) struct Host {
    pub(super) engine: Arc<Engine>,
    pub(super) live: Arc<LiveTask>,
}

impl SkillHost for Host {
    fn emit(&self, event: SkillEvent) -> BoxFuture<'_, Result<(), Stop>> {
        Box::pin(async move {
            if self.live.is_canceled() {
                return Err(Stop::Canceled);
            }
            if self.live.showing() == Showing::WithFirstEvent && !self.live.is_public() {
                let announced = self.engine.announce(&self.live).await;
                announced.map_err(|_| Stop::failed("the agent's store failed"))?;
            }
            self.record(|draft, now| apply(draft, event, now)).await
        })
    }

    fn is_canceled(&self) -> bool {
        self.live.is_canceled()
    }

    fn task(&self, id: String) -> BoxFuture<'_, Result<Option<Task>, Stop>> {
        Box::pin(async move {
            let stored = self.engine.store.get(id).await.map_err(|error| {
                tracing::error!(task = self.live.id(), %error, "a task cannot be read");
                Stop::failed("the agent's store failed")
            })?;
            let stored = stored.filter(|stored| stored.owner == self.live.owner());
            Ok(stored.and_then(|stored| stored.task.parse().ok()))
        })
    }

    fn slice(&self, total: BaseUnits) -> BoxFuture<'_, Result<(), Stop>> {
        Box::pin(self.charge_slice(total))
    }

    fn more(&self, held: BaseUnits) -> BoxFuture<'_, Result<BaseUnits, Stop>> {
        Box::pin(self.wait_for_more(held))
    }
}

impl Host {
    /// Says how the task stands.
    pub(super) async fn say(&self, state: TaskState, said: (String, Metadata)) -> Result<(), Stop> {
        self.record(|draft, now| {
            draft.set_status(state, Some(said), now);
            stream_event("statusUpdate", &draft.status_event())
        })
        .await
    }

    /// Makes a change of the task, stores the event that tells of it, and then tells it.
    async fn record(
        &self,
        change: impl FnOnce(&mut Draft, u64) -> Result<Json, serde_json::Error> + Send,
    ) -> Result<(), Stop> {
        let now = self.engine.clock.now_unix_millis();
        let public = self.live.is_public();
        let (seq, event, write) = self
            .live
            .edit(|draft| -> Result<_, serde_json::Error> {
                let event = change(draft, now)?;
                let seq = draft.next_seq();
                let write = if public {
                    Some(draft.write_event(seq, event.clone())?)
                } else {
                    None
                };
                Ok((seq, event, write))
            })
            .map_err(|_| Stop::failed("an event cannot be written as JSON"))?;
        if let Some(write) = write {
            self.engine.store.put(write).await.map_err(|error| {
                tracing::error!(task = self.live.id(), %error, "an event is not stored");
                Stop::failed("the agent's store failed")
            })?;
        }
        self.live.edit(Draft::take_pending);
        self.live
            .append(seq, event)
            .map_err(|_| Stop::failed("the task emitted too many events"))
    }
}

fn apply(draft: &mut Draft, event: SkillEvent, now: u64) -> Result<Json, serde_json::Error> {
    match event {
        SkillEvent::Artifact {
            artifact,
            append,
            last_chunk,
        } => {
            // A reader drops a piece that is said to follow one that it never had.
            let known = draft.has_artifact(&artifact.artifact_id);
            let append = append && known;
            stream_event(
                "artifactUpdate",
                &draft.artifact_event(artifact, append, last_chunk),
            )
        }
        SkillEvent::Progress(text) => {
            draft.set_status(TaskState::Working, Some((text, Metadata::new())), now);
            stream_event("statusUpdate", &draft.status_event())
        }
        _ => stream_event("statusUpdate", &draft.status_event()),
    }
}
