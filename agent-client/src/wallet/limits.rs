//! Every bound of the wallet, each with its reason.

use std::time::Duration;

/// The most calls in flight to one payee, whatever its terms allow: each one is a row, a socket and
/// an answer to wait for.
pub const IN_FLIGHT_MAX: u32 = 1_024;

/// How long a payment waits for one of the payee's slots, unless configured. Longer than most calls
/// take, shorter than a person waits.
pub const SLOT_WAIT: Duration = Duration::from_secs(30);

/// How often one payment goes back for room after others took it. Each round tops the lock up by at
/// least what this payment needs, so more than two are rare.
pub const ROOM_ROUNDS_MAX: u32 = 8;

/// How often a job is submitted again after a neighbour in its batch took it back.
pub const ROLLBACK_RETRIES_MAX: u32 = 3;

/// Beyond the seller's own margin before a deadline: two clocks differ and a message takes time.
pub const CLOCK_SLACK_SECS: u64 = 30;

/// How much longer than the seller's margin a new lock runs at least; the escrow itself refuses
/// locks of less than this.
pub const LOCK_USABLE_SECS: u64 = 900;

/// How long the signature that opens a lock is good for. Long enough to outlast a congested chain,
/// short enough that a lost one cannot surprise anybody the next day.
pub const OPENING_VALID_SECS: u64 = 3_600;

/// How long after that the chain is asked what became of it: a block's time may lag behind ours.
pub const OPENING_GRACE_SECS: u64 = 900;

/// How often one lock's release is tried over its life; each failure costs a look, some cost gas.
pub const RELEASE_ATTEMPTS_MAX: u32 = 16;

/// Longest key file that is read: 64 digits, a prefix and some space.
pub const KEY_FILE_BYTES_MAX: u64 = 256;
