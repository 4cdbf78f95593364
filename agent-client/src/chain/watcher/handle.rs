//! The handle of a running watcher.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use agent_core::clock::Clock;
use alloy_rpc_types_eth::Filter;
use tokio::sync::{Notify, watch};

use super::{
    Cursor, LogSink, WatchConfig,
    follow::{Follower, Seen},
};
use crate::{
    chain::{Chain, Head},
    limits,
};

/// How fresh a watcher's knowledge is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchStatus {
    /// The chain's head at the last look that got through.
    pub head: Option<Head>,
    /// The last block delivered.
    pub cursor: Option<Cursor>,
    /// When a look last got through with everything delivered, in Unix milliseconds. What is
    /// delivered is at least as new as that.
    pub fresh_ms: Option<u64>,
    /// What is going wrong now, code first.
    pub trouble: Option<String>,
    /// The newest request for a look that has been served.
    served: u64,
}

impl WatchStatus {
    /// Milliseconds since everything was last delivered; `None` if it never was.
    #[must_use]
    pub fn age_ms(&self, now_unix_millis: u64) -> Option<u64> {
        self.fresh_ms
            .map(|fresh| now_unix_millis.saturating_sub(fresh))
    }
}

/// Why a look that was asked for cannot be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// It did not get through in time; the watcher goes on trying.
    #[error("no fresh look at the chain within {0:?}")]
    NotYet(Duration),
    /// The watcher is stopped.
    #[error("the watcher is stopped")]
    Stopped,
}

impl WatchError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotYet(_) => "watch.not_yet",
            Self::Stopped => "watch.stopped",
        }
    }
}

/// A running watcher. It stops when the handle is dropped.
#[derive(Debug)]
pub struct Watcher {
    wake: Arc<Notify>,
    asked: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
    status: watch::Receiver<WatchStatus>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl Watcher {
    /// Starts following the logs that `filter` selects (its block range is ignored). Must be called
    /// within a tokio runtime. The node may be down.
    pub fn start<K: LogSink>(
        chain: Chain,
        filter: Filter,
        config: WatchConfig,
        sink: K,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let wake = Arc::new(Notify::new());
        let asked = Arc::new(AtomicU64::new(0));
        let (stop, stopped) = watch::channel(false);
        let (report, status) = watch::channel(WatchStatus::default());
        let task = Task {
            poll_interval: config.poll_interval,
            follower: Follower::new(chain, filter, config, sink),
            clock,
            wake: Arc::clone(&wake),
            asked: Arc::clone(&asked),
            report,
        };
        tokio::spawn(task.run(stopped));
        Self {
            wake,
            asked,
            stop,
            status,
        }
    }

    /// How fresh the watcher's knowledge is.
    #[must_use]
    pub fn status(&self) -> WatchStatus {
        self.status.borrow().clone()
    }

    /// Looks at the chain now rather than at the next poll, without waiting for it.
    pub fn nudge(&self) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.wake.notify_one();
    }

    /// Looks at the chain now and waits until everything that it held at this moment is delivered:
    /// for a payment that names a lock which has not been seen yet.
    ///
    /// # Errors
    ///
    /// [`WatchError`].
    pub async fn look(&self, timeout: Duration) -> Result<WatchStatus, WatchError> {
        let ticket = self.asked.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        self.wake.notify_one();
        let mut status = self.status.clone();
        let served = status.wait_for(|status| status.served >= ticket);
        match tokio::time::timeout(timeout, served).await {
            Ok(Ok(status)) => Ok(status.clone()),
            Ok(Err(_)) => Err(WatchError::Stopped),
            Err(_) => Err(WatchError::NotYet(timeout)),
        }
    }

    /// Waits until the blocks up to `block` are delivered.
    ///
    /// # Errors
    ///
    /// [`WatchError`].
    pub async fn reached(&self, block: u64, timeout: Duration) -> Result<WatchStatus, WatchError> {
        let mut status = self.status.clone();
        let reached = status.wait_for(|status| status.cursor.is_some_and(|at| at.block >= block));
        match tokio::time::timeout(timeout, reached).await {
            Ok(Ok(status)) => Ok(status.clone()),
            Ok(Err(_)) => Err(WatchError::Stopped),
            Err(_) => Err(WatchError::NotYet(timeout)),
        }
    }

    /// Stops after the batch under way, and waits for that.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let mut status = self.status.clone();
        while status.changed().await.is_ok() {}
    }
}

struct Task<K> {
    follower: Follower<K>,
    poll_interval: Duration,
    clock: Arc<dyn Clock>,
    wake: Arc<Notify>,
    asked: Arc<AtomicU64>,
    report: watch::Sender<WatchStatus>,
}

impl<K: LogSink> Task<K> {
    /// A look is never cut short: a sink that is dropped half-way through a batch would be asked to
    /// keep a promise that it has not made yet.
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut failures = 0_u32;
        while !*stop.borrow() {
            let asked = self.asked.load(Ordering::SeqCst);
            let pause = match self.follower.look().await {
                Ok(seen) => {
                    failures = 0;
                    self.tell(seen, asked);
                    if seen.behind {
                        Duration::ZERO
                    } else {
                        self.poll_interval
                    }
                }
                Err(trouble) => {
                    failures = failures.saturating_add(1);
                    tracing::warn!(%trouble, failures, "the watcher cannot get on");
                    let trouble = trouble.to_string();
                    self.report
                        .send_modify(|status| status.trouble = Some(trouble));
                    crate::chain::backoff(failures)
                }
            };
            let calm = if failures > 0 {
                limits::RETRY_PAUSE_MIN
            } else {
                Duration::ZERO
            };
            let next = async {
                tokio::time::sleep(calm).await;
                drop(tokio::time::timeout(pause, self.wake.notified()).await);
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                () = next => {}
            }
        }
    }

    fn tell(&self, seen: Seen, asked: u64) {
        let now_ms = self.clock.now_unix_millis();
        self.report.send_modify(|status| {
            status.head = Some(seen.head);
            status.cursor = seen.cursor;
            status.trouble = None;
            if !seen.behind {
                status.fresh_ms = Some(now_ms);
                status.served = asked;
            }
        });
    }
}
