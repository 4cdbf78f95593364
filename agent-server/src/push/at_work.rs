//! Which webhooks are being told something: at most one notification of each is under way.

use crate::store::WebhookKey;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The webhooks at work.
#[derive(Debug, Default)]
pub(super) struct AtWork(Mutex<HashMap<WebhookKey, Entry>>);

#[derive(Debug)]
struct Entry {
    cut: watch::Sender<bool>,
    /// Whether there is news since its last look.
    again: bool,
}

impl Entry {
    fn new() -> (Self, watch::Receiver<bool>) {
        let (cut, told) = watch::channel(false);
        (Self { cut, again: false }, told)
    }
}

impl AtWork {
    /// Begins with a webhook; `None` when it is at work already, and will look again by itself.
    /// What comes back says when to stop at once.
    pub(super) fn begin(&self, key: &WebhookKey) -> Option<watch::Receiver<bool>> {
        let mut all = self.lock();
        if let Some(entry) = all.get_mut(key) {
            entry.again = true;
            return None;
        }
        let (entry, told) = Entry::new();
        all.insert(key.clone(), entry);
        Some(told)
    }

    /// Ends with a webhook that has nothing to be told, unless there was news meanwhile.
    pub(super) fn finish(&self, key: &WebhookKey) -> Option<watch::Receiver<bool>> {
        let mut all = self.lock();
        if all.get(key).is_none_or(|entry| !entry.again) {
            all.remove(key);
            return None;
        }
        let (entry, told) = Entry::new();
        all.insert(key.clone(), entry);
        Some(told)
    }

    /// Stops what is under way to a webhook, and returns when nothing is.
    pub(super) async fn cut(&self, key: &WebhookKey) {
        let cut = self.lock().get(key).map(|entry| entry.cut.clone());
        if let Some(cut) = cut {
            cut.send_replace(true);
            cut.closed().await;
        }
    }

    // A panic cannot leave the map half changed.
    fn lock(&self) -> MutexGuard<'_, HashMap<WebhookKey, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
