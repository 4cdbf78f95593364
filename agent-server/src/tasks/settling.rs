//! Work whose payment is a transfer: nothing of its end is shown before the transfer is made.

use super::draft::{Draft, stream_event};
use super::ending::Action;
use super::engine::Engine;
use super::faults::outcome_unknown;
use super::live::{Ended, LiveTask};
use crate::gate::{Charged, Gate, Settled};
use agent_core::a2a::{Artifact, Task, TaskState};
use agent_core::json::{Json, Metadata};
use agent_core::ledger::{LedgerError, Reserved, TaskWrite, Unsettled};
use agent_core::money::BaseUnits;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The code of a task whose transfer was refused after its work was done.
const NOT_SETTLED: &str = "payment_not_settled";

/// How work ended that is not paid for yet; kept with the payment, so that a restart can go on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Finished {
    /// The task before its end.
    pub(crate) task: Task,
    /// The number of its last event.
    pub(crate) seq: u64,
    pub(crate) owner: String,
    /// The result, withheld until it is paid for.
    pub(crate) artifact: Option<Artifact>,
    pub(crate) note: Option<String>,
    /// Whether anybody reads its events.
    pub(crate) public: bool,
    /// An event of which it is not known whether it is stored.
    pub(crate) pending: Option<(u64, Json)>,
}

/// The end of a task: its last events, and what is stored.
type End = (Vec<(u64, Json)>, TaskWrite);

impl Finished {
    /// The end, with the result if `paid`.
    pub(crate) fn end(
        self,
        paid: bool,
        text: String,
        metadata: Metadata,
        now: u64,
    ) -> Result<End, serde_json::Error> {
        let mut draft = Draft::parked(self.task, self.seq, self.owner, now);
        let mut events = Vec::from_iter(self.pending);
        if let Some(artifact) = self.artifact.filter(|_| paid) {
            let event = draft.artifact_event(artifact, false, true);
            let seq = draft.next_seq();
            if self.public {
                events.push((seq, stream_event("artifactUpdate", &event)?));
            }
        }
        let state = if paid {
            TaskState::Completed
        } else {
            TaskState::Failed
        };
        draft.set_status(state, Some((text, metadata)), now);
        let seq = draft.next_seq();
        if self.public {
            events.push((seq, stream_event("statusUpdate", &draft.status_event())?));
        }
        let stored = if self.public {
            events.clone()
        } else {
            Vec::new()
        };
        let write = draft.write(stored, None)?;
        Ok((events, write))
    }
}

/// What is to be done with a payment once its facilitator has answered.
pub(crate) struct Verdict {
    /// What is charged; nothing if the transfer was refused.
    pub(crate) charge: Option<BaseUnits>,
    pub(crate) last: Vec<(u64, Json)>,
    pub(crate) write: TaskWrite,
}

/// Settles a finished task's transfer and judges the answer; `None` while it is not known, which
/// leaves the payment to the next start.
pub(crate) async fn settle(
    gate: &Gate,
    reserved: &Reserved,
    request: &Json,
    finished: Finished,
    now: u64,
) -> Result<Option<Verdict>, serde_json::Error> {
    let (paid, text, metadata) = match gate.settle(request).await {
        Settled::Paid(answer) => {
            let metadata = gate
                .receipt_for(reserved, Charged::Settled(&answer))
                .await?;
            let text = finished.note.clone().unwrap_or_else(|| "done".to_owned());
            (true, text, metadata)
        }
        Settled::Refused(answer) => {
            let why = answer.error_reason.as_deref().unwrap_or("no reason given");
            tracing::warn!(task = reserved.task_id(), why = %agent_core::untrusted::shorten(why),
                "a payment failed after its work was done");
            let text = "the payment failed, so the result is withheld; nothing was charged";
            let charged = Charged::Nothing(NOT_SETTLED, text);
            let metadata = gate.receipt_for(reserved, charged).await?;
            (false, text.to_owned(), metadata)
        }
        Settled::Unknown(why) => {
            tracing::error!(
                task = reserved.task_id(),
                why,
                "a payment waits for the next start"
            );
            return Ok(None);
        }
    };
    let (last, write) = finished.end(paid, text, metadata, now)?;
    let charge = paid.then(|| reserved.amount());
    Ok(Some(Verdict {
        charge,
        last,
        write,
    }))
}

impl Verdict {
    fn action(&self) -> Action {
        self.charge.map_or(Action::Void, Action::Post)
    }
}

/// Keeps the outcome of the work, as often as the store needs to take it.
pub(crate) async fn keep(
    gate: &Gate,
    reserved: &Reserved,
    finished: &Finished,
) -> Result<Json, LedgerError> {
    let outcome = Json::from_value(finished).map_err(|e| LedgerError::Store(e.to_string()))?;
    let mut backoff = std::time::Duration::from_millis(50);
    for _ in 1..crate::limits::RESOLVE_ATTEMPTS_MAX {
        match gate.ledger().settling(reserved, outcome.clone()).await {
            Err(LedgerError::Store(why)) => {
                tracing::error!(task = reserved.task_id(), why, "an outcome is not stored");
            }
            answer => return answer,
        }
        tokio::time::sleep(backoff).await;
        backoff = backoff
            .saturating_mul(2)
            .min(crate::limits::RESOLVE_BACKOFF_MAX);
    }
    gate.ledger().settling(reserved, outcome).await
}

impl Engine {
    /// Ends a task whose work succeeded and whose transfer is still to be made.
    pub(super) async fn settle(
        &self,
        live: &LiveTask,
        gate: &Gate,
        reserved: Reserved,
        finished: Finished,
    ) {
        let lost = || live.end(Vec::new(), Ended::Lost(outcome_unknown()));
        let request = match keep(gate, &reserved, &finished).await {
            Ok(request) => request,
            Err(error) => {
                tracing::error!(task = live.id(), %error, "a finished task cannot be settled");
                return lost();
            }
        };
        let now = self.clock.now_unix_millis();
        match settle(gate, &reserved, &request, finished, now).await {
            Ok(Some(verdict)) => {
                let action = verdict.action();
                let Verdict { last, write, .. } = verdict;
                self.resolve(live, Some(reserved), action, last, write)
                    .await;
            }
            Ok(None) => lost(),
            Err(error) => {
                tracing::error!(task = live.id(), %error, "a task's end cannot be written as JSON");
                lost();
            }
        }
    }

    /// Goes on with the transfers that were being made when the process before this one ended.
    /// Called once, at the start; each goes on by itself.
    pub(crate) async fn settle_left_over(self: &Arc<Self>) -> Result<(), LedgerError> {
        let Some(gate) = &self.gate else {
            return Ok(());
        };
        for left in gate.ledger().unsettled().await? {
            let engine = Arc::clone(self);
            tokio::spawn(async move { engine.settle_one(left).await });
        }
        Ok(())
    }

    async fn settle_one(&self, left: Unsettled) {
        let Unsettled {
            reserved,
            request,
            outcome,
        } = left;
        let id = reserved.task_id().to_owned();
        let (Some(gate), Ok(finished)) = (&self.gate, outcome.parse::<Finished>()) else {
            tracing::error!(
                task = id,
                "a payment's outcome cannot be read; it is left as it is"
            );
            return;
        };
        let now = self.clock.now_unix_millis();
        let verdict = settle(gate, &reserved, &request, finished, now).await;
        if let Ok(Some(verdict)) = verdict
            && let action = verdict.action()
            && let Err(error) = self
                .commit(&mut Some(reserved), action, verdict.write)
                .await
        {
            tracing::error!(task = id, %error, "a settled payment waits for the next start");
        }
        self.live.watchers.tell(&id, None);
    }
}
