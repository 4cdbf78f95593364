//! The bounds on paying over HTTP, each with its reason.

use std::time::Duration;

/// Routes whose terms are remembered; the oldest is forgotten for a new one. Each takes a few
/// kilobytes.
pub const ROUTES_MAX: usize = 1_024;

/// Payments that one request may take: the first, one after a correction, a few after "not now".
pub const PAYMENTS_PER_REQUEST_MAX: u32 = 5;

/// Times that a seller may say "not now".
pub const LATER_MAX: u32 = 3;

/// The pause before a payment is tried again after "not now"; it doubles.
pub const LATER_PAUSE: Duration = Duration::from_millis(400);

/// How often the same payment is sent again when the answer was lost.
pub const LOST_RETRIES_MAX: u32 = 1;

/// How long a paid exchange may take beyond what its terms allow the seller: a facilitator in
/// between waits for its chain.
pub const EXCHANGE_MARGIN: Duration = Duration::from_secs(30);

/// The longest that a paid exchange may take, whatever its terms say.
pub const EXCHANGE_WAIT_MAX: Duration = Duration::from_secs(600);
