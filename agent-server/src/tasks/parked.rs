//! The end of tasks that wait for their caller: cancelled, or no longer worth going on with.

use super::commit::CommitError;
use super::draft::{Draft, stream_event};
use super::ending::Action;
use super::engine::Engine;
use super::faults::{store_failed, unserialisable};
use crate::gate::Charged;
use agent_core::a2a::{A2aError, Task, TaskState};
use agent_core::json::Json;
use agent_core::ledger::{Reserved, Unparked};

/// A stored task that waits for its caller.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) task: Task,
    /// The number of its last event.
    pub(crate) seq: u64,
    pub(crate) owner: String,
}

impl Engine {
    /// Ends a task that waits for its caller; what it held is given back.
    pub(crate) async fn cancel_parked(&self, parked: Parked) -> Result<Json, A2aError> {
        self.give_up(parked, (TaskState::Canceled, "canceled", "canceled"))
            .await
    }

    /// Ends a task for which nobody came back.
    pub(crate) async fn end_unanswered(&self, parked: Parked) -> Result<Json, A2aError> {
        let why = "nobody answered in time; nothing was charged";
        self.give_up(parked, (TaskState::Failed, "unanswered", why))
            .await
    }

    async fn give_up(
        &self,
        parked: Parked,
        end: (TaskState, &'static str, &str),
    ) -> Result<Json, A2aError> {
        let mut reserved = None;
        if let Some(gate) = &self.gate {
            let held = gate
                .ledger()
                .unpark(parked.task.id.clone(), self.clock.now_unix_millis())
                .await;
            reserved = match held.map_err(|error| store_failed(&error))? {
                Unparked::Held(reserved) | Unparked::Expired(reserved) => Some(reserved),
                Unparked::NotParked => None,
            };
        }
        self.end_parked(parked, reserved, end).await
    }

    /// Ends a parked task whose lock can no longer pay for it.
    pub(crate) async fn expire(
        &self,
        parked: Parked,
        reserved: Reserved,
    ) -> Result<Json, A2aError> {
        let why = "the lock that paid for this task was released or is about to run out";
        let end = (TaskState::Failed, "invalid_z402_deadline_near", why);
        self.end_parked(parked, Some(reserved), end).await
    }

    async fn end_parked(
        &self,
        Parked { task, seq, owner }: Parked,
        mut reserved: Option<Reserved>,
        (state, code, why): (TaskState, &'static str, &str),
    ) -> Result<Json, A2aError> {
        let id = task.id.clone();
        let metadata = self
            .receipt(reserved.as_ref(), Charged::Nothing(code, why))
            .await
            .map_err(unserialisable)?;
        let mut draft = Draft::parked(task, seq, owner, self.clock.now_unix_millis());
        let said = Some((why.to_owned(), metadata));
        draft.set_status(state, said, self.clock.now_unix_millis());
        let event = stream_event("statusUpdate", &draft.status_event()).map_err(unserialisable)?;
        let events = vec![(draft.next_seq(), event)];
        let write = draft.write(events, None).map_err(unserialisable)?;
        let task = write.task.clone();
        match self.commit(&mut reserved, Action::Void, write).await {
            Ok(()) => {
                self.live.watchers.tell(&id, None);
                Ok(task)
            }
            Err(CommitError::Gone) => Err(A2aError::task_not_cancelable(&id)),
            Err(CommitError::Store(error)) => Err(store_failed(&error)),
        }
    }
}
