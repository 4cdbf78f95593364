//! Storing the end of a run, and only then telling of it.

use super::ending::Action;
use super::engine::Engine;
use super::faults::outcome_unknown;
use super::live::{Ended, LiveTask};
use crate::limits::{RESOLVE_ATTEMPTS_MAX, RESOLVE_BACKOFF_MAX};
use crate::store::StoreError;
use agent_core::json::Json;
use agent_core::ledger::{LedgerError, Reserved, TaskWrite};
use std::time::Duration;

/// After so many failed attempts to store an end its caller is told, while the attempts go on.
const TELL_AFTER_ATTEMPTS: u32 = 3;

impl Engine {
    /// Commits the end, and only then tells of it. A store that fails is tried again; the caller
    /// is told after a few attempts and may ask again.
    pub(super) async fn resolve(
        &self,
        live: &LiveTask,
        mut reserved: Option<Reserved>,
        action: Action,
        last: Vec<(u64, Json)>,
        write: TaskWrite,
    ) {
        let mut backoff = Duration::from_millis(50);
        for attempt in 1..=RESOLVE_ATTEMPTS_MAX {
            let (task, state) = (write.task.clone(), write.state);
            match self.commit(&mut reserved, action, write.clone()).await {
                Ok(()) => {
                    // Out of the way first: who is told that it needs an answer may give it at once.
                    self.live.remove(live);
                    return live.end(last, Ended::Stored(task, state));
                }
                Err(error) => {
                    tracing::error!(task = live.id(), attempt, %error, "a task's end is not stored");
                    let gone = matches!(error, CommitError::Gone);
                    if gone || attempt == TELL_AFTER_ATTEMPTS {
                        live.end(Vec::new(), Ended::Lost(outcome_unknown()));
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

    pub(super) async fn commit(
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

#[derive(Debug, thiserror::Error)]
pub(super) enum CommitError {
    #[error("{0}")]
    Store(String),
    #[error("the reservation is not held any more")]
    Gone,
}
