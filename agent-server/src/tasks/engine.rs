//! Runs skills: one tracked task of the runtime each, and one way to end.

use super::draft::{Draft, stream_event};
use super::faults::{store_failed, unserialisable};
use super::host::Host;
use super::live::{Ended, LiveTask, LiveTasks};
use super::metered::{Metered, total};
use super::once::once;
use super::turns::Turns;
use crate::gate::Gate;
use crate::notary::Notary;
use crate::push::Push;
use crate::store::TaskStore;
use agent_core::a2a::{A2aError, ErrorCode, TaskState};
use agent_core::clock::Clock;
use agent_core::json::{Json, Metadata};
use agent_core::ledger::Reserved;
use agent_core::money::BaseUnits;
use agent_core::skill::{
    AcceptedInput, Charging, Outcome, Resources, SkillContext, Stop, TaskInfo,
};
use agent_core::trace::TraceContext;
use alloy_primitives::Address;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument as _;

/// Runs tasks to their end.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn TaskStore>,
    pub(crate) gate: Option<Gate>,
    /// Who signs offers and receipts; none without the key of the account that is paid.
    pub(crate) notary: Option<Notary>,
    /// Who tells webhooks; none when the agent sends no notifications.
    pub(crate) push: Option<Arc<Push>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) resources: Arc<Resources>,
    pub(crate) live: LiveTasks,
    pub(crate) turns: Turns,
    pub(crate) skill_timeout: Duration,
}

/// Everything a run needs. Paid work needs a [`Reserved`], which only a commit can make.
pub(crate) struct Start {
    pub(crate) draft: Draft,
    pub(crate) resume: Resume,
    pub(crate) work: Box<dyn AcceptedInput>,
    pub(crate) reserved: Option<Reserved>,
    pub(crate) showing: Showing,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) permit: OwnedSemaphorePermit,
}

/// When the caller learns of the task. What it has not been told of need not be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Showing {
    /// Before the skill runs.
    AtOnce,
    /// With the first thing that the skill says before its end, if it says any.
    WithFirstEvent,
    /// When it ends, or waits for its caller.
    AtEnd,
}

/// What is kept to run a parked task again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Resume {
    pub(crate) skill: String,
    pub(crate) input: Json,
    pub(crate) answers: Vec<Json>,
    /// The media types that the caller takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) accepts: Vec<String>,
    pub(crate) paid: bool,
    /// The label of the quote that the caller accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quote: Option<String>,
    /// How it is metered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) metered: Option<Metered>,
    /// Who paid, if it wants a signed receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) receipt: Option<Address>,
}

impl Engine {
    /// Starts a run and returns the task to watch. The run does not depend on anybody watching.
    pub(crate) async fn start(self: &Arc<Self>, start: Start) -> Result<Arc<LiveTask>, A2aError> {
        let Start {
            draft,
            resume,
            work,
            reserved,
            showing,
            trace,
            permit,
        } = start;
        let metered = resume.metered.clone().filter(|_| reserved.is_some());
        let task = LiveTask::new(draft, showing, permit).selling(&resume.skill, metered);
        let Some(live) = self.live.start(task) else {
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
        if showing == Showing::AtOnce
            && let Err(error) = self.announce(&live).await
        {
            self.live.remove(&live);
            if let Some(reserved) = reserved {
                self.give_back(&live, reserved).await;
            }
            // Those who knew the id from before may be watching already.
            live.end(Vec::new(), Ended::Lost(error.clone()));
            return Err(error);
        }
        let (engine, running) = (Arc::clone(self), Arc::clone(&live));
        let run = Box::pin(engine.drive(running, resume, work, reserved, trace));
        // Its caller waits for the end in any case, so it may be had at once. Whoever is shown the
        // task before its end must not wait for what a skill does before it first lets go.
        let goes_on = match showing {
            Showing::AtEnd => once(run).await.err(),
            Showing::AtOnce | Showing::WithFirstEvent => Some(run),
        };
        if let Some(run) = goes_on {
            tokio::spawn(run.in_current_span());
        }
        Ok(live)
    }

    /// Stores the task before its id is told to anyone.
    pub(super) async fn announce(&self, live: &LiveTask) -> Result<(), A2aError> {
        let (owner, webhooks) = live.edit(|draft| (draft.owner.clone(), draft.webhooks.clone()));
        // Before the task, so that they are told of its first event, and so that a webhook that
        // cannot be kept leaves no task behind that its caller believes to hear from.
        if let Some(push) = &self.push
            && !webhooks.is_empty()
        {
            push.attach(live.id(), &owner, webhooks).await?;
        }
        let (seq, event, write) = live
            .edit(|draft| {
                let event = stream_event("task", &draft.task)?;
                let seq = draft.next_seq();
                let write = draft.write(vec![(seq, event.clone())], None)?;
                Ok((seq, event, write))
            })
            .map_err(unserialisable)?;
        self.store
            .put(write)
            .await
            .map_err(|error| store_failed(&error))?;
        live.make_public();
        // Once more: one who looked between the store and this line found the event and no run, and
        // would wait for another.
        self.live.watchers.tell(live.id(), None);
        live.append(seq, event)
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

    async fn drive(
        self: Arc<Self>,
        live: Arc<LiveTask>,
        resume: Resume,
        work: Box<dyn AcceptedInput>,
        reserved: Option<Reserved>,
        trace: Option<TraceContext>,
    ) {
        let charging = reserved
            .as_ref()
            .zip(self.gate.as_ref())
            .map(|(reserved, gate)| Charging {
                asset: gate.terms().asset.clone(),
                ceiling: total(reserved),
                charge: None,
            });
        let meter = live.metered.as_ref().zip(reserved.as_ref());
        let meter = meter.map(|(metered, reserved)| metered.meter(reserved));
        live.purse.put(reserved).await;
        let (info, message) = live.edit(|draft| {
            let info = TaskInfo {
                task_id: draft.task.id.clone(),
                context_id: draft.task.context_id.clone(),
            };
            (info, draft.task.history.last().cloned())
        });
        let host = Arc::new(Host {
            engine: Arc::clone(&self),
            live: Arc::clone(&live),
        });
        let mut cx = SkillContext::new(info, host, Arc::clone(&self.resources))
            .with_charging(charging)
            .with_meter(meter)
            .with_answers(resume.answers.clone())
            .with_message(message)
            .with_accepted_output_modes(resume.accepts.clone())
            .with_accepted_quote(resume.quote.clone())
            .with_trace(trace);
        let outcome = self.run(work, &mut cx, &live).await;
        let reserved = live.purse.take().await;
        let sliced = reserved.as_ref().map(Reserved::charged);
        // What is metered is charged already.
        let is_metered = sliced.is_some_and(|sliced| !sliced.is_zero());
        let charge = cx.charging().map(|charging| match charging.charge {
            _ if is_metered => BaseUnits::ZERO,
            charge => charge.unwrap_or(charging.ceiling),
        });
        self.finish(&live, outcome, resume, reserved, charge).await;
        self.live.remove(&live);
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
}
