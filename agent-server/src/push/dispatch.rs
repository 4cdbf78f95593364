//! Puts couriers on their way when there is something to deliver.

use super::at_work::AtWork;
use super::courier::{Courier, stopped};
use super::limits::{KEPT_AFTER_END, LOOK_AGAIN, LOOKS_PER_CLEANUP, STOP_WAIT};
use crate::store::{StoreError, WebhookKey};
use agent_core::clock::Clock;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// The one who looks what there is to deliver. Couriers end with it.
pub(super) struct Dispatch {
    pub(super) courier: Arc<Courier>,
    pub(super) at_work: Arc<AtWork>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) couriers: JoinSet<()>,
}

impl Dispatch {
    /// Works until the agent closes, and then as long as notifications are under way, but not for
    /// ever.
    pub(super) async fn run(mut self) {
        let store = Arc::clone(&self.courier.store);
        // The first tick comes at once: what an earlier run left undelivered.
        let mut look = tokio::time::interval(LOOK_AGAIN);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = 0_u32;
        loop {
            tokio::select! {
                () = stopped(&mut self.stopping) => break,
                _ = look.tick() => {
                    if looks.is_multiple_of(LOOKS_PER_CLEANUP) {
                        self.clean_up().await;
                    }
                    looks = looks.wrapping_add(1);
                    let pending = store.pending(None).await;
                    self.send_out(pending);
                }
                tasks = store.woken() => {
                    let pending = store.pending(Some(tasks)).await;
                    self.send_out(pending);
                }
                Some(_) = self.couriers.join_next() => {}
            }
        }
        let under_way = async { while self.couriers.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WAIT, under_way).await.is_err() {
            tracing::warn!(
                "notifications were cut at shutdown; they are sent after the next start"
            );
            self.couriers.shutdown().await;
        }
    }

    fn send_out(&mut self, pending: Result<Vec<WebhookKey>, StoreError>) {
        let pending = pending.unwrap_or_else(|error| {
            tracing::error!(%error, "cannot read whom to notify");
            Vec::new()
        });
        for key in pending {
            if let Some(cut) = self.at_work.begin(&key) {
                let (courier, at_work) = (Arc::clone(&self.courier), Arc::clone(&self.at_work));
                self.couriers.spawn(work(courier, at_work, key, cut));
            }
        }
    }

    async fn clean_up(&self) {
        let kept = u64::try_from(KEPT_AFTER_END.as_millis()).unwrap_or(u64::MAX);
        let before = self.clock.now_unix_millis().saturating_sub(kept);
        match self.courier.store.expire(before).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "forgot webhooks of tasks that have ended"),
            Err(error) => tracing::error!(%error, "cannot forget webhooks of ended tasks"),
        }
    }
}

async fn work(
    courier: Arc<Courier>,
    at_work: Arc<AtWork>,
    key: WebhookKey,
    mut cut: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut cut) => {}
            // A courier that panics must not leave its webhook marked as being at work for ever.
            ran = AssertUnwindSafe(courier.run(&key)).catch_unwind() => if ran.is_err() {
                tracing::error!(task = key.task_id, "a notification failed unexpectedly");
            },
        }
        match at_work.finish(&key) {
            // The old one goes here, and who waits for that goes on.
            Some(next) => cut = next,
            None => return,
        }
    }
}
