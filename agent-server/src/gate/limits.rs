//! Every bound of the gate, each with its reason.

use std::time::Duration;

/// How often a facilitator is asked to settle one payment before it is left for the next start.
/// With the pauses below that is about half an hour, which a chain's bad day may take.
pub const SETTLE_ATTEMPTS_MAX: u32 = 64;

/// The pause after the first of those attempts, and
pub const SETTLE_BACKOFF_FIRST: Duration = Duration::from_millis(250);

/// the longest.
pub const SETTLE_BACKOFF_MAX: Duration = Duration::from_secs(30);

/// How long a credit token is good, in seconds. A buyer that comes back later signs a voucher.
pub const CREDIT_TTL_SECS: u64 = 3_600;
