//! Time as a port. The core never reads a clock: callers pass one in, so a test can own time.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells the time.
///
/// # Contract
///
/// Values are milliseconds since the Unix epoch. They may jump (a wall clock can be set), so
/// nothing may assume that a later call returns a larger value.
pub trait Clock: Send + Sync + Debug {
    /// Milliseconds since the Unix epoch.
    fn now_unix_millis(&self) -> u64;

    /// Whole seconds since the Unix epoch.
    fn now_unix_secs(&self) -> u64 {
        self.now_unix_millis() / 1_000
    }
}

/// A clock that stands still until it is told otherwise; for tests and simulations.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that shows `unix_secs`.
    #[must_use]
    pub fn at_unix_secs(unix_secs: u64) -> Self {
        Self(AtomicU64::new(unix_secs.saturating_mul(1_000)))
    }

    /// Sets the time.
    pub fn set_unix_secs(&self, unix_secs: u64) {
        self.0
            .store(unix_secs.saturating_mul(1_000), Ordering::SeqCst);
    }

    /// Moves the time forward.
    pub fn advance_millis(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_unix_millis(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}
