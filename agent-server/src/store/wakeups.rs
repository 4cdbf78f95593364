//! Which tasks with webhooks have something new.
//!
//! A task without webhooks costs one load per commit, and one with webhooks a place in a set, so
//! that nothing here can grow beyond the tasks that have webhooks, or hold a commit up.

use std::collections::HashSet;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The tasks that have webhooks, and those of them that have something new.
#[derive(Debug, Default)]
pub(super) struct Wakeups {
    inner: Mutex<Inner>,
    watched: AtomicUsize,
    new: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// May hold tasks that have none any more: telling of them is in vain and does no harm.
    watched: HashSet<String>,
    new: HashSet<String>,
}

impl Wakeups {
    /// From now on news of this task is kept.
    pub(super) fn watch(&self, task_id: &str) {
        let mut inner = self.lock();
        if !inner.watched.contains(task_id) {
            inner.watched.insert(task_id.to_owned());
        }
        self.watched.store(inner.watched.len(), Ordering::SeqCst);
    }

    /// From now on news is kept of these tasks only.
    pub(super) fn watch_only(&self, tasks: HashSet<String>) {
        let mut inner = self.lock();
        inner.watched = tasks;
        self.watched.store(inner.watched.len(), Ordering::SeqCst);
    }

    /// Says that something happened to a task.
    pub(super) fn tell(&self, task_id: &str) {
        if self.watched.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut inner = self.lock();
        if inner.watched.contains(task_id) && inner.new.insert(task_id.to_owned()) {
            drop(inner);
            self.new.notify_one();
        }
    }

    /// Waits for news. A call that is given up loses none.
    pub(super) async fn woken(&self) -> Vec<String> {
        loop {
            let new = mem::take(&mut self.lock().new);
            if !new.is_empty() {
                return new.into_iter().collect();
            }
            self.new.notified().await;
        }
    }

    // A panic cannot leave the sets half changed.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
