//! Every bound of settlement, each with its reason.

use std::time::Duration;

/// Locks in one batch. At some 12,000 gas each this is 3 million gas, a tenth of a usual block, and
/// 37 kilobytes of calldata, well below what nodes accept.
pub const ROWS_MAX: usize = 250;

/// Batches sent one after the other before the settler pauses: one full page of claims, four times.
pub const BATCHES_PER_ROUND_MAX: usize = 16;

/// Waits for the outcome of one transaction before the settler lets others have their turn. The
/// transaction goes on meanwhile.
pub const OUTCOME_WAIT: Duration = Duration::from_secs(5);

/// Waits for the mirror to reach a block that is known to be mined.
pub const MIRROR_WAIT: Duration = Duration::from_secs(10);

/// Longest pause of the settler after failures in a row; the first is its usual interval.
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(60);

/// How often one and the same batch is sent as a new transaction after the one before it failed.
/// Batches change as soon as anything new is charged, so only a dead channel gets here.
pub const ATTEMPTS_MAX: u32 = 8;

/// Failures in a row after which an urgent settlement gives up and reports.
pub const FAILURES_MAX: usize = 16;

/// How long a claim that made its transaction fail is left out, so that the others get paid.
pub const SET_ASIDE: Duration = Duration::from_secs(600);

/// Claims that are set aside at once; when there are more, the whole list is tried again.
pub const SET_ASIDE_MAX: usize = 1_000;

/// Payments that may wait at once for a lock to be seen. Each holds a connection; beyond this the
/// buyer is told to send again.
pub const LOCK_WAITERS_MAX: usize = 256;

/// Pause between looks at the chain for a lock that is not there yet. Waiters share each look.
pub const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// Locks whose state is read and stored at once.
pub const LOCKS_PER_READ: usize = 256;

/// Blocks without news after which the cursor is stored all the same: what a restart may read again.
pub const CURSOR_EVERY_BLOCKS: u64 = 64;

/// Releases that are under way at once.
pub const RELEASES_MAX: usize = 1_000;

/// Claims in one export: half a megabyte as JSON, checked in a tenth of a second.
pub const EXPORT_CLAIMS_MAX: usize = 1_000;

/// Bytes of one export; a claim is some 600.
pub const EXPORT_BYTES_MAX: usize = 1_024 * 1_024;

/// Channels that one tower keeps. All of them are read from the chain at each look.
pub const TOWER_CLAIMS_MAX: usize = 20_000;

/// How long after its deadline a tower keeps a claim: it is still good until the payer releases.
pub const TOWER_KEEP_SECS: u64 = 7 * 86_400;

/// Shortest token that a tower takes: nobody guesses 128 bits.
pub const PUSH_TOKEN_CHARS_MIN: usize = 32;

/// Transactions that are read from the outbox at once.
pub const OUTBOX_PAGE: usize = 500;

/// Bytes of an export in a file, which is not in parts.
pub const EXPORT_FILE_BYTES_MAX: u64 = 16 * 1_024 * 1_024;

/// Bytes of a token that are read from its file.
pub const PUSH_TOKEN_BYTES_MAX: u64 = 4_096;

/// Accounts that one payment is shared among, and transfers of shares that may be open at once
/// before the next payout waits for them.
pub const SHARES_MAX: usize = 32;

/// Pause before a share that was refused is tried again; as many times as long as it failed, up to
/// [`SHARE_RETRY_STEPS`]. The reason is the account's or the balance's, and neither changes fast.
pub const SHARE_RETRY: Duration = Duration::from_secs(600);

/// See [`SHARE_RETRY`].
pub const SHARE_RETRY_STEPS: u32 = 36;

/// How many times the calm fee is paid at most before a deadline's margin begins.
pub const GAS_CLIMB_TIMES: u128 = 16;

/// Rows in one claim on channels of `batch-settlement`: what stock facilitators take, and at some
/// 40,000 gas and 480 bytes a row well within a block and a transaction.
pub const CHANNEL_ROWS_MAX: usize = 100;

/// Channels of `batch-settlement` that are read with one call.
pub const CHANNELS_PER_READ: usize = 200;

/// How often all channels are read, whatever logs say. The ledger calls what it knows of a channel
/// too old after 30 to 300 seconds; the shortest notice of a withdrawal is 900.
pub const CHANNELS_READ_EVERY: Duration = Duration::from_secs(20);

/// Channels that are read at once when all are. Those with money at stake come first; of the others
/// the chain is asked when they are paid with.
pub const CHANNELS_FOLLOWED_MAX: usize = 5_000;

/// Channels whose logs are asked for at each new block, and
pub const CHANNELS_IN_LOGS_MAX: usize = 1_000;

/// how many at once: some nodes take no longer lists.
pub const CHANNELS_PER_FILTER: usize = 500;

/// Cooperative refunds that are under way at once.
pub const REFUNDS_MAX: usize = 64;

/// How long a buyer waits for its refund to be mined. Afterwards it goes on, and the buyer asks again.
pub const REFUND_WAIT: Duration = Duration::from_secs(60);

/// Pause between looks at refunds whose buyers do not wait any more.
pub const REFUND_LOOK: Duration = Duration::from_secs(2);
