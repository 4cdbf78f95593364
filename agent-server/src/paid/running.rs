//! Paid calls that are being worked on, for those who ask for the same once more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

type Calls = Mutex<HashMap<String, watch::Receiver<()>>>;

/// The calls of one till. As many as it lets in at once.
#[derive(Debug, Default)]
pub(super) struct Running(Arc<Calls>);

/// One call, from before its money is held until its end is stored.
#[derive(Debug)]
pub(super) struct Call {
    id: String,
    calls: Arc<Calls>,
    _ends: watch::Sender<()>,
}

impl Running {
    pub(super) fn begin(&self, id: &str) -> Call {
        let (ends, ended) = watch::channel(());
        lock(&self.0).insert(id.to_owned(), ended);
        Call {
            id: id.to_owned(),
            calls: Arc::clone(&self.0),
            _ends: ends,
        }
    }

    /// Waits for the end of a call; returns at once when there is no such call.
    pub(super) async fn ended(&self, id: &str) {
        let ended = lock(&self.0).get(id).cloned();
        if let Some(mut ended) = ended {
            // Nothing is ever sent: the sender goes away.
            let _ = ended.changed().await;
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        lock(&self.calls).remove(&self.id);
    }
}

// A panic cannot leave the map half changed.
fn lock(calls: &Calls) -> std::sync::MutexGuard<'_, HashMap<String, watch::Receiver<()>>> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}
