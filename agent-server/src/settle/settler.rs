//! The task that claims, and the handle to it.

use super::round::{Rounds, Step};
use super::{Mirrors, ReleaseReport, SettleError, SettlePolicy, SettleReport, limits, release};
use crate::store::SqliteStore;
use agent_client::chain::outbox::TxOutbox;
use agent_core::clock::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

/// How a settler works.
#[derive(Debug, Clone, Copy)]
pub struct SettlerConfig {
    /// When claiming is worth its gas.
    pub policy: SettlePolicy,
    /// Pause between looks at the claims.
    pub interval: Duration,
}

/// Claims what was earned. A handle is cheap to clone; when the last is dropped the work stops,
/// between two durable steps.
///
/// # Contract
///
/// - One transaction at a time, each stored before it is sent; a restart goes on with it.
/// - What counts as claimed is what the mirror has read on chain.
/// - A node that is down delays, and loses nothing.
///
/// Not guaranteed: that a claim is mined before its deadline when the chain is full or the node is
/// down for longer than the policy's margin.
#[derive(Debug, Clone)]
pub struct Settler {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    /// Closed when the task has ended.
    gone: watch::Receiver<()>,
}

#[derive(Debug)]
pub(super) struct Shared {
    rounds: Mutex<Rounds>,
    totals: watch::Sender<SettleReport>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl Settler {
    /// Starts claiming. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(
        store: SqliteStore,
        outbox: TxOutbox,
        mirrors: impl Into<Mirrors>,
        config: SettlerConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let rounds = Rounds::new(store, outbox, mirrors.into(), clock, config.policy);
        let (totals, _) = watch::channel(SettleReport::default());
        let shared = Arc::new(Shared {
            rounds: Mutex::new(rounds),
            totals,
        });
        let (stop, stopped) = watch::channel(false);
        let (alive, gone) = watch::channel(());
        let task = Arc::clone(&shared);
        tokio::spawn(async move {
            task.run(config, stopped).await;
            drop(alive);
        });
        Self {
            inner: Arc::new(Inner { shared, stop, gone }),
        }
    }

    /// Everything that was claimed since the settler was started.
    #[must_use]
    pub fn totals(&self) -> SettleReport {
        *self.inner.shared.totals.borrow()
    }

    /// Claims everything that is worth a row, due or not, and waits until the chain has confirmed
    /// it, at most `wait`. Says what was claimed meanwhile, whoever began it.
    ///
    /// # Errors
    /// [`SettleError::NotYet`] when time is up, with what was claimed so far; [`SettleError`] when
    /// the ledger or the outbox fails, or the contract refuses again and again.
    pub async fn settle_now(&self, wait: Duration) -> Result<SettleReport, SettleError> {
        let before = self.totals();
        let done = timeout(wait, self.inner.shared.settle_all()).await;
        let report = self.totals().since(before);
        match done {
            Ok(done) => done.map(|()| report),
            Err(_) => Err(SettleError::NotYet(report)),
        }
    }

    /// Ends the relationship with every buyer: admits nothing any more on channels without calls in
    /// flight, and returns to the payers what is locked beyond what was charged. To be called after
    /// [`settle_now`](Self::settle_now). The key of the outbox must be the payee.
    ///
    /// # Errors
    /// [`SettleError::NotPayee`]; [`SettleError::ReleasesNotYet`] when time is up: what was sent
    /// goes on, and calling again completes it.
    pub async fn release_all(&self, wait: Duration) -> Result<ReleaseReport, SettleError> {
        let shared = &self.inner.shared;
        let work = async { release::release_all(&*shared.rounds.lock().await).await };
        timeout(wait, work)
            .await
            .unwrap_or(Err(SettleError::ReleasesNotYet))
    }

    /// Stops between two durable steps and waits for that. A transaction that was enqueued goes on
    /// in the outbox.
    pub async fn stop(&self) {
        self.inner.stop.send_replace(true);
        let mut gone = self.inner.gone.clone();
        while gone.changed().await.is_ok() {}
    }
}

impl Shared {
    async fn run(&self, config: SettlerConfig, mut stop: watch::Receiver<bool>) {
        let mut pause = config.interval;
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(pause) => {}
            }
            // A round may be dropped anywhere: every step is stored before it is done.
            let round = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                round = self.round() => round,
            };
            pause = match round {
                Ok(()) => config.interval,
                Err(error) => {
                    tracing::warn!(code = error.code(), %error, "could not claim; trying again");
                    pause
                        .saturating_mul(2)
                        .min(limits::RETRY_PAUSE_MAX)
                        .max(config.interval)
                }
            };
        }
    }

    /// Sends what is due, batch after batch.
    async fn round(&self) -> Result<(), SettleError> {
        for _ in 0..limits::BATCHES_PER_ROUND_MAX {
            let mut rounds = self.rounds.lock().await;
            let policy = rounds.policy;
            match rounds.step(&policy).await? {
                Step::Done(report) => self.count(report),
                Step::Idle | Step::Waiting => return Ok(()),
            }
        }
        Ok(())
    }

    /// Ends when nothing is left; its caller bounds the time.
    async fn settle_all(&self) -> Result<(), SettleError> {
        let mut failures = 0;
        loop {
            let mut rounds = self.rounds.lock().await;
            let policy = rounds.policy.everything();
            match rounds.step(&policy).await {
                Ok(Step::Idle) => return Ok(()),
                Ok(Step::Waiting) => {}
                Ok(Step::Done(report)) => self.count(report),
                Err(error @ (SettleError::Refused { .. } | SettleError::Unconfirmed(_)))
                    if failures < limits::FAILURES_MAX =>
                {
                    tracing::warn!(code = error.code(), %error, "could not claim; trying again");
                    failures += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn count(&self, report: SettleReport) {
        self.totals
            .send_modify(|totals| *totals = totals.plus(report).unwrap_or(*totals));
    }
}
