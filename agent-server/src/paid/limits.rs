//! Every bound of paid routes, each with its reason.

use std::time::Duration;

/// The largest answer that is kept for a repeat. The store takes it in the transaction that charges
/// for it, and [`CALLS_MAX`] of them may wait for that at once; what is larger is delivered once.
pub const KEPT_BODY_BYTES_MAX: usize = 256 * 1024;

/// The bytes of response headers that are kept with it. A handler that sends more sends them once.
pub const KEPT_HEADER_BYTES_MAX: usize = 8 * 1024;

/// Paid calls of one till that are worked on at once. Each holds its request and, until it is stored,
/// an answer of [`KEPT_BODY_BYTES_MAX`]; past this the caller is told, before money is held.
pub const CALLS_MAX: usize = 1_024;

/// The largest request body of a paid route: it is read whole, since the payment is bound to it.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// For how long after its end the answer to a payment without an id of the buyer's is given again.
/// Such a payment is named by what will stand on chain for everybody to read, so later on whoever
/// comes with it need not be the buyer.
pub const REPEAT_WINDOW: Duration = Duration::from_secs(300);

/// When a buyer may come again after a fault of ours, in seconds: the store is tried again for about
/// as long.
pub const RETRY_AFTER_SECS: u64 = 5;

/// How often the end of a paid call is written when the store fails, and
pub const RESOLVE_ATTEMPTS_MAX: u32 = 60;

/// how long at most between two attempts. Together about five minutes; after that the restart's
/// recovery voids the payment.
pub const RESOLVE_BACKOFF_MAX: Duration = Duration::from_secs(5);

/// After so many failed attempts the caller is told, while they go on.
pub const TELL_AFTER_ATTEMPTS: u32 = 3;

/// Characters of a route's name in the ledger. Paths of strangers are as long as they like.
pub const ROUTE_NAME_CHARS_MAX: usize = 200;
