//! The one place that asks the operating system for the time.

use std::time::{SystemTime, UNIX_EPOCH};

use agent_core::clock::Clock;

/// The system's wall clock.
///
/// Not monotonic: it jumps when the operator or NTP sets it. A clock before 1970 reads as 0, which
/// makes every deadline look far away to a buyer and every voucher look early to a seller; the
/// seller's check against the chain's own time is what stands behind it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the Clock that everything else asks"
    )]
    fn now_unix_millis(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            })
    }
}
