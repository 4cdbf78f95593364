//! The real time, moved.

use agent_client::clock::SystemClock;
use agent_core::clock::Clock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that is ahead of the system's.
#[derive(Debug, Default)]
pub struct Shift(AtomicU64);

impl Shift {
    /// Moves it on, once more.
    pub fn by_secs(&self, secs: u64) {
        self.0
            .fetch_add(secs.saturating_mul(1_000), Ordering::SeqCst);
    }
}

impl Clock for Shift {
    fn now_unix_millis(&self) -> u64 {
        SystemClock
            .now_unix_millis()
            .saturating_add(self.0.load(Ordering::SeqCst))
    }
}
