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

/// A credit token that ends sooner than this is not sent: two clocks differ and a message takes time.
pub const CREDIT_SLACK_SECS: u64 = 30;

/// Hexadecimal digits of a credit token's code: 32 bytes, as its scheme has it.
pub const CREDIT_CODE_DIGITS: usize = 64;

/// How long the signature that opens a lock is good for. Long enough to outlast a congested chain,
/// short enough that a lost one cannot surprise anybody the next day.
pub const OPENING_VALID_SECS: u64 = 3_600;

/// How long after that the chain is asked what became of it: a block's time may lag behind ours.
pub const OPENING_GRACE_SECS: u64 = 900;

/// How often one lock's release is tried over its life; each failure costs a look, some cost gas.
pub const RELEASE_ATTEMPTS_MAX: u32 = 16;

/// Longest key file that is read: 64 digits, a prefix and some space.
pub const KEY_FILE_BYTES_MAX: u64 = 256;

/// How many requests lie on the desk for a person: more than anybody reads through.
pub const APPROVALS_WAITING_MAX: usize = 64;

/// Longest file on the desk: a few short texts.
pub const APPROVAL_FILE_BYTES_MAX: u64 = 16 * 1_024;

/// How long a person's yes is good for, and a request waits to be seen: a day.
pub const APPROVAL_VALID_SECS: u64 = 86_400;

/// How long a payment waits for a person who is there. A desk answers at once.
pub const APPROVAL_WAIT: Duration = Duration::from_secs(120);

/// Batch-settlement channels to one seller that are used side by side, unless configured: the scheme
/// allows one call in flight on each, and each holds a deposit.
pub const BATCH_CHANNELS_MAX: u32 = 4;

/// Channels to one seller over the life of a wallet, closed ones included; each is looked at on chain
/// before its first use.
pub const BATCH_SALTS_MAX: usize = 1_024;

/// Calls that a first deposit pays for when the seller gives no hint; the stock client has the same.
pub const BATCH_FIRST_DEPOSIT_CALLS: u64 = 5;

/// A deposit that was not seen to happen is sent again if it is good for this much longer: a seller
/// refuses one that could expire before it is mined.
pub const DEPOSIT_USABLE_SECS: u64 = 15;

/// The longest that a transfer's authorization is good for, whatever the seller asks: until then its
/// outcome can be unknown and counts as spent.
pub const TRANSFER_VALID_SECS_MAX: u64 = 3_600;

/// The shortest, so that a facilitator has the time of a few blocks.
pub const TRANSFER_VALID_SECS_MIN: u64 = 30;

/// How far before now an authorization begins, so that a chain whose clock lags takes it; the stock
/// client has the same.
pub const TRANSFER_BACKDATED_SECS: u64 = 600;

/// Transfers of unknown outcome that one sweep asks the chain about; the rest wait for the next.
pub const TRANSFERS_PER_SWEEP_MAX: usize = 256;
