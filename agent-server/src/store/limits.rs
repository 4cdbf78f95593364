//! Every bound of the store, each with its reason.

/// Channels kept in memory, so that an admission reads none of them from the file. At about half a
/// kibibyte each this is 8 MiB; a seller with more active buyers pays one extra read per admission.
pub const CHANNELS_CACHED_MAX: usize = 16_384;

/// Running payments kept in memory, so that their ends read none of them from the file. At about a
/// fifth of a kibibyte each this is 3 MiB.
pub const RUNNING_CACHED_MAX: usize = 16_384;

/// Events that one call of `events_after` returns at most: a subscriber that resumes far behind
/// reads page after page and does not hold up the writer for longer than a few milliseconds.
pub const EVENTS_READ_MAX: usize = 1_000;

/// Bytes of events after which such a call returns, whatever their number: each may be megabytes,
/// and every reader holds what it is given until it has sent it.
pub const EVENTS_READ_BYTES_MAX: usize = 256 * 1_024;

/// Claims that one call of `claims` returns at most: four full settlement batches.
pub const CLAIMS_READ_MAX: usize = 1_000;

/// How often a job is tried again that was rolled back because a neighbour in its batch failed.
/// The neighbour is not in the next batch, so a second failure is already unlikely.
pub const ROLLED_BACK_RETRIES: usize = 2;

/// Violations that one walk over the books reports: enough to see a pattern, small enough to read.
pub const VIOLATIONS_MAX: usize = 200;

/// Bytes of a database page, SQLite's default, in which the size cap of a store is counted.
pub const PAGE_BYTES: u64 = 4_096;

/// How old what is known of a `batch-settlement` channel may be, in seconds: a third of the delay
/// of its payer's withdrawal, but no less than this, so that not every call asks the chain, and
pub const BATCH_STATE_AGE_MIN_SECS: u64 = 30;

/// no more than this, so that a payer with a long delay cannot hide its notice for long. Both are
/// the stock server's.
pub const BATCH_STATE_AGE_MAX_SECS: u64 = 300;

/// Transfers that are settled anew when the agent starts; each was work in flight when it ended.
pub const UNSETTLED_READ_MAX: usize = 10_000;
