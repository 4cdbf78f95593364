//! Ends what nobody answers, and forgets what nobody asks for any more.

use super::Engine;
use super::parked::Parked;
use crate::limits::{SWEEP_BATCH, SWEEP_INTERVAL};
use crate::store::{SqliteStore, StoreError, TaskStore as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// After how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SweepPolicy {
    /// A task that waits is ended; never if absent.
    pub(crate) waiting: Option<Duration>,
    /// A free task that ended is forgotten; never if absent.
    pub(crate) ended: Option<Duration>,
}

/// Sees to what the process before this one left behind, then sweeps now and then, until the agent
/// stops.
pub(crate) async fn sweep(
    engine: Arc<Engine>,
    store: SqliteStore,
    policy: SweepPolicy,
    mut stopped: watch::Receiver<bool>,
) {
    if let Err(error) = engine.settle_left_over().await {
        tracing::error!(%error, "payments that were being made wait for the next start");
    }
    loop {
        if let Err(error) = once(&engine, &store, policy).await {
            tracing::warn!(%error, "old tasks are not swept");
        }
        // An agent that was dropped has stopped too.
        let stop = stopped.wait_for(|stopped| *stopped);
        if tokio::time::timeout(SWEEP_INTERVAL, stop).await.is_ok() {
            return;
        }
    }
}

async fn once(engine: &Engine, store: &SqliteStore, policy: SweepPolicy) -> Result<(), StoreError> {
    if let Some(age) = policy.waiting {
        // Those that cannot be ended now are tried again at the next sweep.
        for waiting in store
            .waiting_since(before(engine, age), SWEEP_BATCH)
            .await?
        {
            let Ok(task) = waiting.task.parse() else {
                continue;
            };
            let _turn = engine.turns.take(&waiting.id).await;
            let now = store.get(waiting.id.clone()).await?;
            // Somebody came back after all.
            if now.is_none_or(|now| now.seq != waiting.seq) {
                continue;
            }
            let parked = Parked {
                task,
                seq: waiting.seq,
                owner: waiting.owner,
            };
            if let Err(error) = engine.end_unanswered(parked).await {
                tracing::debug!(task = waiting.id, log = error.log(), "a task still waits");
            }
        }
    }
    if let Some(age) = policy.ended {
        // A little at a time: payments wait for the same writer.
        while store.forget_ended(before(engine, age), SWEEP_BATCH).await? {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

fn before(engine: &Engine, age: Duration) -> u64 {
    let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    engine.clock.now_unix_millis().saturating_sub(age)
}
