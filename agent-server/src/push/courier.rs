//! Tells one webhook what it has not been told, event by event.

use super::door::Door;
use super::judge::{Verdict, pause};
use super::letter::letter;
use super::limits::FAILURES_MAX;
use super::rooms::Rooms;
use crate::store::{Attempt, Notice, PushConfigs, Standing, WebhookKey};
use agent_core::untrusted::shorten;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// What every delivery needs.
#[derive(Debug)]
pub(super) struct Courier {
    pub(super) store: Arc<dyn PushConfigs>,
    pub(super) door: Door,
    pub(super) rooms: Rooms,
    pub(super) stopping: watch::Receiver<bool>,
}

impl Courier {
    /// Delivers until there is nothing more to deliver, or the agent closes. The webhook is read
    /// anew for every attempt, so a change or a deletion counts at once.
    pub(super) async fn run(&self, key: &WebhookKey) {
        while !self.is_stopping() {
            let notice = match self.store.next(key.clone()).await {
                Ok(Some(notice)) => notice,
                Ok(None) => return,
                // The next look through all webhooks comes back to this one.
                Err(error) => return tracing::error!(%error, "cannot read what to notify of"),
            };
            let Some((attempt, wait)) = self.deliver(key, &notice).await else {
                return;
            };
            let settled = self
                .store
                .settle(key.clone(), notice.seq, attempt, FAILURES_MAX)
                .await;
            let standing = match settled {
                Ok(Some(standing)) => standing,
                Ok(None) => return,
                Err(error) => return tracing::error!(%error, "cannot note a notification"),
            };
            if standing.suspended {
                return warn_suspended(key, standing);
            }
            if attempt == Attempt::Failed {
                let dice = Uuid::new_v4().as_u64_pair().0;
                let own = pause(standing.failures, dice);
                self.rest(wait.map_or(own, |asked| asked.max(own))).await;
            }
        }
    }

    /// One attempt, in its turn; `None` when the agent closes before.
    async fn deliver(
        &self,
        key: &WebhookKey,
        notice: &Notice,
    ) -> Option<(Attempt, Option<Duration>)> {
        let Some(letter) = letter(notice) else {
            return Some((Attempt::Delivered, None));
        };
        let url = notice.webhook.url.as_str();
        // What was let in when it was made may not be any more: the operator's leave can change.
        let Ok(host) = self.door.vet(url) else {
            return Some((Attempt::Forbidden, None));
        };
        let room = tokio::select! {
            () = self.stopped() => return None,
            room = self.rooms.enter(&host) => room?,
        };
        let Verdict {
            attempt,
            why,
            asked,
        } = self.door.send(url, letter).await;
        drop(room);
        tracing::debug!(
            task = key.task_id,
            webhook = shorten(&key.id),
            host = shorten(&host),
            seq = notice.seq,
            answer = why,
            ?attempt,
            "notified"
        );
        Some((attempt, asked))
    }

    async fn rest(&self, wait: Duration) {
        tokio::select! {
            () = self.stopped() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    async fn stopped(&self) {
        stopped(&mut self.stopping.clone()).await;
    }
}

/// Waits until the agent closes, or is gone.
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

fn warn_suspended(key: &WebhookKey, standing: Standing) {
    tracing::warn!(
        task = key.task_id,
        webhook = shorten(&key.id),
        failures = standing.failures,
        "a webhook is told nothing any more: it failed too often, or may not be called"
    );
}
