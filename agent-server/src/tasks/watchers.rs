//! Those who wait for something to happen to a task that is not running.
//!
//! A parked task has no log to wait at. Whoever starts or ends one looks here, and the many tasks
//! that nobody waits for cost that look one load.

use agent_core::json::Json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Those who wait, by the id of the task.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watchers(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tasks: Mutex<HashMap<String, watch::Sender<Option<Json>>>>,
    count: AtomicUsize,
    /// Whether the agent is closing, when nobody should wait any more.
    closing: watch::Sender<bool>,
}

/// One who waits. Gone when dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    id: String,
    told: watch::Receiver<Option<Json>>,
    closing: watch::Receiver<bool>,
    watchers: Watchers,
}

impl Watchers {
    /// Begins to wait. What happens from now on is noticed, so look at the task after this.
    pub(crate) fn watch(&self, id: &str) -> Watch {
        let mut tasks = self.lock();
        let told = match tasks.get(id) {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, told) = watch::channel(None);
                tasks.insert(id.to_owned(), sender);
                told
            }
        };
        self.0.count.store(tasks.len(), Ordering::SeqCst);
        Watch {
            id: id.to_owned(),
            told,
            closing: self.0.closing.subscribe(),
            watchers: self.clone(),
        }
    }

    /// Says that a task was started or ended. `last` is its last event if it is stored nowhere.
    pub(crate) fn tell(&self, id: &str, last: Option<Json>) {
        // One who began to wait before the caller changed the task is counted: that change and the
        // look of the one who waits go through one lock.
        if self.0.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        if let Some(sender) = self.lock().get(id) {
            sender.send_replace(last);
        }
    }

    /// Says that nobody should wait any more.
    pub(crate) fn close(&self) {
        self.0.closing.send_replace(true);
    }

    // A panic cannot leave the map half changed.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<Option<Json>>>> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// The last event of a task that ended and is stored nowhere. What was told so far is seen.
    pub(crate) fn look(&mut self) -> Option<Json> {
        self.told.borrow_and_update().clone()
    }

    /// Waits for something that happened after the last look; `false` when it is not worth waiting
    /// for, because the agent is closing.
    pub(crate) async fn changed(&mut self) -> bool {
        tokio::select! {
            // The senders live as long as this does.
            _ = self.told.changed() => true,
            _ = self.closing.wait_for(|closing| *closing) => false,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut tasks = self.watchers.lock();
        let last = tasks
            .get(&self.id)
            .is_some_and(|sender| sender.receiver_count() <= 1);
        if last {
            tasks.remove(&self.id);
        }
        self.watchers.0.count.store(tasks.len(), Ordering::SeqCst);
    }
}
