//! How many notifications are under way at once, in all and to one host.

use super::limits::{ATTEMPTS_AT_ONCE, ATTEMPTS_PER_HOST, HOSTS_REMEMBERED};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places for notifications.
#[derive(Debug)]
pub(super) struct Rooms {
    all: Arc<Semaphore>,
    hosts: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// A place; free again when dropped.
#[derive(Debug)]
pub(super) struct Room {
    _host: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Rooms {
    pub(super) fn new() -> Self {
        Self {
            all: Arc::new(Semaphore::new(ATTEMPTS_AT_ONCE)),
            hosts: Mutex::default(),
        }
    }

    /// Waits for a place. The host's comes first: who waits for a slow host takes nothing from the
    /// others meanwhile. `None` never, as no semaphore is closed.
    pub(super) async fn enter(&self, host: &str) -> Option<Room> {
        let host = self.host(host).acquire_owned().await.ok()?;
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Room {
            _host: host,
            _all: all,
        })
    }

    fn host(&self, host: &str) -> Arc<Semaphore> {
        // A panic cannot leave the map half changed.
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = hosts.get(host).and_then(Weak::upgrade) {
            return known;
        }
        if hosts.len() >= HOSTS_REMEMBERED {
            hosts.retain(|_, semaphore| semaphore.strong_count() > 0);
        }
        let new = Arc::new(Semaphore::new(ATTEMPTS_PER_HOST));
        hosts.insert(host.to_owned(), Arc::downgrade(&new));
        new
    }
}
