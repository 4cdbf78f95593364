//! Runs skills: one tracked task of the runtime each, and one way to end.

use super::draft::{Draft, stream_event};
use super::live::{Ended, LiveTask, LiveTasks};
use crate::gate::Gate;
use crate::limits::{RESOLVE_ATTEMPTS_MAX, RESOLVE_BACKOFF_MAX};
use crate::store::{StoreError, TaskStore};
use agent_core::a2a::{A2aError, Artifact, ErrorCode, Part, Task, TaskState};
use agent_core::clock::Clock;
use agent_core::json::{Json, Metadata};
use agent_core::ledger::{BoxFuture, LedgerError, Reserved, TaskWrite, Unparked};
use agent_core::money::BaseUnits;
use agent_core::skill::{
    AcceptedInput, Charging, Done, Outcome, Resources, SkillContext, SkillEvent, SkillHost, Stop,
    TaskInfo,
};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Runs tasks to their end.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn TaskStore>,
    pub(crate) gate: Option<Gate>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) resources: Arc<Resources>,
    pub(crate) live: LiveTasks,
    pub(crate) skill_timeout: Duration,
}

/// Everything a run needs. Paid work needs a [`Reserved`], which only a commit can make.
pub(crate) struct Start {
    pub(crate) draft: Draft,
    pub(crate) resume: Resume,
    pub(crate) work: Box<dyn AcceptedInput>,
    pub(crate) reserved: Option<Reserved>,
    /// Whether the caller learns of the task before its end.
    pub(crate) public: bool,
    pub(crate) permit: OwnedSemaphorePermit,
}

/// What is kept to run a parked task again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Resume {
    pub(crate) skill: String,
    pub(crate) input: Json,
    pub(crate) answers: Vec<Json>,
    pub(crate) paid: bool,
}

impl Engine {
    /// Starts a run and returns the task to watch. The run does not depend on anybody watching.
    pub(crate) async fn start(self: &Arc<Self>, start: Start) -> Result<Arc<LiveTask>, A2aError> {
        let Start {
            draft,
            resume,
            work,
            reserved,
            public,
            permit,
        } = start;
        let Some(live) = self.live.start(LiveTask::new(draft, public, permit)) else {
            // Only a parked task could be running already, and its reservation is unparked once.
            if let Some(reserved) = reserved {
                tracing::error!(
                    task = reserved.task_id(),
                    "a reservation waits for recovery"
                );
            }
            return Err(A2aError::unsupported_operation(
                "this task is working; wait for it to ask or to end",
            ));
        };
        if public && let Err(error) = self.announce(&live).await {
            self.live.remove(live.id());
            if let Some(reserved) = reserved {
                self.give_back(&live, reserved).await;
            }
            return Err(error);
        }
        let (engine, running) = (Arc::clone(self), Arc::clone(&live));
        tokio::spawn(async move { engine.drive(running, resume, work, reserved).await });
        Ok(live)
    }

    /// Stores the task before its id is told to anyone.
    async fn announce(&self, live: &LiveTask) -> Result<(), A2aError> {
        let (event, write) = live
            .edit(|draft| {
                let event = stream_event("task", &draft.task)?;
                let events = vec![(draft.next_seq(), event.clone())];
                let write = draft.write(events, None)?;
                Ok((event, write))
            })
            .map_err(unserialisable)?;
        self.store
            .put(write)
            .await
            .map_err(|error| store_failed(&error))?;
        live.append(event)
            .map_err(|_| A2aError::from(ErrorCode::Internal))
    }

    async fn give_back(&self, live: &LiveTask, reserved: Reserved) {
        let now = self.clock.now_unix_millis();
        let said = (
            "the agent could not start the task; nothing was charged".to_owned(),
            Metadata::new(),
        );
        let write = live.edit(|draft| {
            draft.set_status(TaskState::Failed, Some(said), now);
            draft.write(Vec::new(), None)
        });
        if let (Some(gate), Ok(write)) = (&self.gate, write)
            && let Err(unresolved) = gate.ledger().void(reserved, write).await
        {
            tracing::error!(error = %unresolved.error, "a reservation waits for recovery");
        }
    }

    /// Ends a task that waits for its caller; what it held is given back.
    pub(crate) async fn cancel_parked(&self, task: Task, seq: u64) -> Result<Json, A2aError> {
        let mut reserved = None;
        if let Some(gate) = &self.gate {
            let held = gate
                .ledger()
                .unpark(task.id.clone(), self.clock.now_unix_millis())
                .await;
            reserved = match held.map_err(|error| store_failed(&error))? {
                Unparked::Held(reserved) | Unparked::Expired(reserved) => Some(reserved),
                Unparked::NotParked => None,
            };
        }
        self.end_parked(
            task,
            seq,
            reserved,
            (TaskState::Canceled, "canceled", "canceled"),
        )
        .await
    }

    /// Ends a parked task whose lock can no longer pay for it.
    pub(crate) async fn expire(
        &self,
        task: Task,
        seq: u64,
        reserved: Reserved,
    ) -> Result<Json, A2aError> {
        let why = "the lock that paid for this task was released or is about to run out";
        let end = (TaskState::Failed, "invalid_z402_deadline_near", why);
        self.end_parked(task, seq, Some(reserved), end).await
    }

    async fn end_parked(
        &self,
        task: Task,
        seq: u64,
        mut reserved: Option<Reserved>,
        (state, code, why): (TaskState, &'static str, &str),
    ) -> Result<Json, A2aError> {
        let id = task.id.clone();
        let metadata = self
            .receipt(reserved.as_ref(), Err((code, why)))
            .map_err(unserialisable)?;
        let mut draft = Draft::parked(task, seq, self.clock.now_unix_millis());
        let said = Some((why.to_owned(), metadata));
        draft.set_status(state, said, self.clock.now_unix_millis());
        let event = stream_event("statusUpdate", &draft.status_event()).map_err(unserialisable)?;
        let events = vec![(draft.next_seq(), event)];
        let write = draft.write(events, None).map_err(unserialisable)?;
        let task = write.task.clone();
        match self.commit(&mut reserved, Action::Void, write).await {
            Ok(()) => Ok(task),
            Err(CommitError::Gone) => Err(A2aError::task_not_cancelable(&id)),
            Err(CommitError::Store(error)) => Err(store_failed(&error)),
        }
    }

    async fn drive(
        self: Arc<Self>,
        live: Arc<LiveTask>,
        resume: Resume,
        work: Box<dyn AcceptedInput>,
        reserved: Option<Reserved>,
    ) {
        let charging = reserved
            .as_ref()
            .zip(self.gate.as_ref())
            .map(|(reserved, gate)| Charging {
                asset: gate.terms().asset.clone(),
                ceiling: reserved.amount(),
                charge: None,
            });
        let task = live.task();
        let info = TaskInfo {
            task_id: task.id,
            context_id: task.context_id,
        };
        let host = Arc::new(Host {
            engine: Arc::clone(&self),
            live: Arc::clone(&live),
        });
        let mut cx = SkillContext::new(info, host, Arc::clone(&self.resources))
            .with_charging(charging)
            .with_answers(resume.answers.clone());
        let outcome = self.run(work, &mut cx, &live).await;
        let charge = cx
            .charging()
            .map(|charging| charging.charge.unwrap_or(charging.ceiling));
        self.finish(&live, outcome, resume, reserved, charge).await;
        self.live.remove(live.id());
    }

    /// Runs the skill until it returns, panics, takes too long or is cancelled.
    async fn run(
        &self,
        work: Box<dyn AcceptedInput>,
        cx: &mut SkillContext,
        live: &LiveTask,
    ) -> Outcome<Json> {
        // The skill's value may be left in any state by a panic; it is shared as `&self` only, so
        // what breaks is at most what its author made breakable with interior mutability.
        let work = AssertUnwindSafe(work.run(cx)).catch_unwind();
        tokio::select! {
            () = live.canceled() => Err(Stop::Canceled),
            ran = tokio::time::timeout(self.skill_timeout, work) => match ran {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_panic)) => Err(Stop::failed("the skill failed unexpectedly")),
                Err(_elapsed) => Err(Stop::failed("the skill took too long")),
            },
        }
    }

    /// Turns the outcome into a state and a ledger action, and stores both at once.
    async fn finish(
        &self,
        live: &LiveTask,
        outcome: Outcome<Json>,
        resume: Resume,
        reserved: Option<Reserved>,
        charge: Option<BaseUnits>,
    ) {
        let ending = match self.ending(outcome, &resume, reserved.as_ref(), charge) {
            Ok(ending) => ending,
            Err(error) => {
                tracing::error!(task = live.id(), %error, "a task's end cannot be written as JSON");
                live.end(Vec::new(), Ended::Lost(unserialisable(error)));
                return;
            }
        };
        let now = self.clock.now_unix_millis();
        let (state, action) = (ending.state, ending.action);
        let written = live.edit(|draft| {
            let mut events = Vec::new();
            if let Some(artifact) = ending.artifact {
                let event = draft.artifact_event(artifact, false, true);
                events.push((draft.next_seq(), stream_event("artifactUpdate", &event)?));
            }
            draft.set_status(state, ending.said, now);
            let event = stream_event("statusUpdate", &draft.status_event())?;
            events.push((draft.next_seq(), event));
            let last = events.iter().map(|(_, event)| event.clone()).collect();
            // Nobody knows the id of a task that is not public: there is no one to read its events.
            let events = if live.is_public() { events } else { Vec::new() };
            let write = draft.write(events, ending.resume)?;
            Ok::<_, serde_json::Error>((last, write))
        });
        match written {
            Ok((last, write)) => self.resolve(live, reserved, action, last, write).await,
            Err(error) => live.end(Vec::new(), Ended::Lost(unserialisable(error))),
        }
    }

    /// The receipt of a paid task; nothing for an unpaid one.
    fn receipt(
        &self,
        reserved: Option<&Reserved>,
        charged: Result<BaseUnits, (&'static str, &str)>,
    ) -> Result<Metadata, serde_json::Error> {
        match (reserved, &self.gate) {
            (Some(reserved), Some(gate)) => gate.receipt_for(reserved, charged),
            _ => Ok(Metadata::new()),
        }
    }

    fn ending(
        &self,
        outcome: Outcome<Json>,
        resume: &Resume,
        reserved: Option<&Reserved>,
        charge: Option<BaseUnits>,
    ) -> Result<Ending, serde_json::Error> {
        let void = |state, code, text: String| {
            let metadata = self.receipt(reserved, Err((code, text.as_str())))?;
            let said = Some((text, metadata));
            Ok(Ending {
                state,
                said,
                artifact: None,
                resume: None,
                action: Action::Void,
            })
        };
        match outcome {
            Ok(Done { output, note, .. }) => {
                let charge = charge.unwrap_or(BaseUnits::ZERO);
                let metadata = self.receipt(reserved, Ok(charge))?;
                let said = (note.is_some() || !metadata.is_empty())
                    .then(|| (note.unwrap_or_else(|| "done".to_owned()), metadata));
                let artifact = Artifact::new("result", vec![Part::data(output)]);
                let action = Action::Post(charge);
                Ok(Ending {
                    state: TaskState::Completed,
                    said,
                    artifact: Some(artifact),
                    resume: None,
                    action,
                })
            }
            Err(Stop::NeedInput(question)) => {
                let said = Some((question, Metadata::new()));
                let resume = Some(Json::from_value(resume)?);
                let action = Action::Park;
                Ok(Ending {
                    state: TaskState::InputRequired,
                    said,
                    artifact: None,
                    resume,
                    action,
                })
            }
            Err(Stop::Rejected(why)) => void(TaskState::Rejected, "rejected", why),
            Err(Stop::Canceled) => void(TaskState::Canceled, "canceled", "canceled".to_owned()),
            Err(Stop::Failed(why)) => void(TaskState::Failed, "failed", why),
            Err(_) => void(TaskState::Failed, "failed", "the skill stopped".to_owned()),
        }
    }

    /// Commits the end, and only then tells of it. A store that fails is tried again; the caller
    /// is told after a few attempts and may ask again.
    async fn resolve(
        &self,
        live: &LiveTask,
        mut reserved: Option<Reserved>,
        action: Action,
        last: Vec<Json>,
        write: TaskWrite,
    ) {
        let mut backoff = Duration::from_millis(50);
        for attempt in 1..=RESOLVE_ATTEMPTS_MAX {
            let task = write.task.clone();
            match self.commit(&mut reserved, action, write.clone()).await {
                Ok(()) => return live.end(last, Ended::Stored(task)),
                Err(error) => {
                    tracing::error!(task = live.id(), attempt, %error, "a task's end is not stored");
                    let gone = matches!(error, CommitError::Gone);
                    if gone || attempt == TELL_AFTER_ATTEMPTS {
                        live.end(Vec::new(), Ended::Lost(unavailable()));
                    }
                    if gone {
                        return;
                    }
                }
            }
            tokio::time::sleep(backoff).await;
            backoff = backoff.saturating_mul(2).min(RESOLVE_BACKOFF_MAX);
        }
    }

    async fn commit(
        &self,
        reserved: &mut Option<Reserved>,
        action: Action,
        write: TaskWrite,
    ) -> Result<(), CommitError> {
        let (Some(held), Some(gate)) = (reserved.take(), &self.gate) else {
            return self.store.put(write).await.map_err(|error| match error {
                StoreError::Ended(_) | StoreError::MoneyHeld(_) => CommitError::Gone,
                error => CommitError::Store(error.to_string()),
            });
        };
        let done = match action {
            Action::Post(charge) => gate.ledger().post(held, charge, write).await,
            Action::Void => gate.ledger().void(held, write).await,
            Action::Park => gate.ledger().park(held, write).await,
        };
        done.map_err(|unresolved| match unresolved.error {
            // The books say that this reservation is resolved, or are stopped: nothing may be
            // written over that.
            LedgerError::NotHeld(_) | LedgerError::Broken(_) => CommitError::Gone,
            error => {
                *reserved = Some(unresolved.reserved);
                CommitError::Store(error.to_string())
            }
        })
    }
}

/// After so many failed attempts to store an end its caller is told, while the attempts go on.
const TELL_AFTER_ATTEMPTS: u32 = 3;

/// What an outcome means for the task and for the ledger.
struct Ending {
    state: TaskState,
    said: Option<(String, Metadata)>,
    artifact: Option<Artifact>,
    resume: Option<Json>,
    action: Action,
}

#[derive(Debug, Clone, Copy)]
enum Action {
    Post(BaseUnits),
    Void,
    Park,
}

#[derive(Debug, thiserror::Error)]
enum CommitError {
    #[error("{0}")]
    Store(String),
    #[error("the reservation is not held any more")]
    Gone,
}

/// What a running skill sees of the engine.
struct Host {
    engine: Arc<Engine>,
    live: Arc<LiveTask>,
}

impl SkillHost for Host {
    fn emit(&self, event: SkillEvent) -> BoxFuture<'_, Result<(), Stop>> {
        Box::pin(async move {
            if self.live.is_canceled() {
                return Err(Stop::Canceled);
            }
            let now = self.engine.clock.now_unix_millis();
            let public = self.live.is_public();
            let (event, write) = self
                .live
                .edit(|draft| -> Result<_, serde_json::Error> {
                    let event = apply(draft, event, now)?;
                    let seq = draft.next_seq();
                    let write = if public {
                        Some(draft.write_event(seq, event.clone())?)
                    } else {
                        None
                    };
                    Ok((event, write))
                })
                .map_err(|_| Stop::failed("an event cannot be written as JSON"))?;
            if let Some(write) = write {
                self.engine.store.put(write).await.map_err(|error| {
                    tracing::error!(task = self.live.id(), %error, "an event is not stored");
                    Stop::failed("the agent's store failed")
                })?;
            }
            self.live
                .append(event)
                .map_err(|_| Stop::failed("the task emitted too many events"))
        })
    }

    fn is_canceled(&self) -> bool {
        self.live.is_canceled()
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

pub(crate) fn store_failed(error: &impl std::fmt::Display) -> A2aError {
    unavailable().with_log(error.to_string())
}

fn unavailable() -> A2aError {
    A2aError::new(
        ErrorCode::Unavailable,
        "the agent's store failed; nothing was charged, try again",
    )
    .with_detail("store_unavailable")
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "used as a function in map_err"
)]
fn unserialisable(error: serde_json::Error) -> A2aError {
    A2aError::internal(format!("cannot be written as JSON: {error}"))
}
