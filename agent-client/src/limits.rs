//! Every bound of this crate, each with its reason.
//!
//! A number that limits a queue, a loop, a body or a retry lives here and nowhere else, so that
//! one page answers "how much can this use at worst?".

use std::time::Duration;

/// Jobs waiting for the store's writer thread. Callers beyond it wait, which is the back-pressure.
/// At 50,000 rows a second a full queue is 80 ms of work.
pub const STORE_QUEUE_MAX: usize = 4_096;

/// Jobs that share one commit. Throughput is flat beyond a few hundred, while the wait of the first
/// job of a batch and the loss when a batch rolls back both grow with it.
pub const STORE_BATCH_MAX: usize = 512;

/// Prepared statements kept by a store's connection: more than any of our schemas uses.
pub const STORE_STATEMENTS_MAX: usize = 128;

/// How long opening a store waits for another process to let go of the file. Long enough for a
/// predecessor that is shutting down, short enough that a second copy fails while someone watches.
pub const STORE_OPEN_WAIT: Duration = Duration::from_secs(2);
