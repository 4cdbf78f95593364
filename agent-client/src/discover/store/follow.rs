//! Following a registry at its head.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::error::IndexError;
use super::look::{Indexer, Looked};
use super::source::Source;

/// How following stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Following {
    /// The last look that got through.
    pub looked: Option<Looked>,
    /// What is going wrong now, code first; `None` while all is well.
    pub trouble: Option<String>,
    /// Looks in a row that did not get through.
    pub failures: u32,
}

/// A task that keeps a registry up to date. It ends when this handle is dropped; a window that is
/// being taken over then is taken over whole or not at all.
#[derive(Debug)]
pub struct Follower {
    stop: watch::Sender<bool>,
    wake: Arc<Notify>,
    state: watch::Receiver<Following>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl Follower {
    /// Follows with a look each `poll` once the head is reached, and without a pause before. Must
    /// be called within a tokio runtime. The node may be down: it is tried again with bounded
    /// pauses for as long as the handle lives.
    pub fn start<S: Source + 'static>(mut indexer: Indexer<S>, poll: Duration) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let (report, state) = watch::channel(Following::default());
        let wake = Arc::new(Notify::new());
        let woken = Arc::clone(&wake);
        tokio::spawn(async move {
            while !*stopped.borrow() {
                let looked = tokio::select! {
                    _ = stopped.wait_for(|stop| *stop) => break,
                    looked = indexer.look() => looked,
                };
                let pause = pause(&looked, poll, report.borrow().failures);
                report.send_modify(|state| note(state, looked));
                tokio::select! {
                    _ = stopped.wait_for(|stop| *stop) => break,
                    _ = tokio::time::timeout(pause, woken.notified()) => {}
                }
            }
        });
        Self { stop, wake, state }
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> Following {
        self.state.borrow().clone()
    }

    /// Looks now rather than at the next poll.
    pub fn nudge(&self) {
        self.wake.notify_one();
    }

    /// Waits until the blocks up to `block` are in the index; `false` if that takes longer than
    /// `wait`.
    pub async fn reached(&self, block: u64, wait: Duration) -> bool {
        let mut state = self.state.clone();
        let there =
            state.wait_for(|state| state.looked.is_some_and(|looked| looked.next_block > block));
        matches!(tokio::time::timeout(wait, there).await, Ok(Ok(_)))
    }
}

fn pause(looked: &Result<Looked, IndexError>, poll: Duration, failures: u32) -> Duration {
    match looked {
        Ok(looked) if looked.is_behind() => Duration::ZERO,
        Ok(_) => poll,
        Err(_) => crate::chain::backoff(failures.saturating_add(1)),
    }
}

fn note(state: &mut Following, looked: Result<Looked, IndexError>) {
    match looked {
        Ok(looked) => {
            *state = Following {
                looked: Some(looked),
                ..Following::default()
            };
        }
        Err(error) => {
            state.failures = state.failures.saturating_add(1);
            let trouble = format!("{}: {error}", error.code());
            tracing::warn!(%trouble, failures = state.failures, "the index cannot get on");
            state.trouble = Some(trouble);
        }
    }
}
