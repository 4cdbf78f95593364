//! The bounds on looking for agents, each with its reason. Everything that is read here was put on
//! a chain or a server by strangers, who may put there as much as they like.

use std::time::Duration;

/// Blocks below the head whose events may still change; they are read again each time. On the
/// chains we know, reorganisations of more than a handful of blocks have not been seen.
pub const TAIL_BLOCKS: u64 = 64;

/// Blocks of one step of reading, after which what was learnt is kept. Ten windows of
/// [`crate::limits::LOG_WINDOW_BLOCKS_MAX`].
pub const SCAN_BLOCKS_MAX: u64 = 20_000;

/// Agents that are remembered. The largest registry in use has some 50,000.
pub const AGENTS_MAX: usize = 200_000;

/// Longest agent URI that is remembered: a whole file of usual size as a `data:` URI.
pub const AGENT_URI_BYTES_MAX: usize = 64 * 1_024;

/// Bytes of all agent URIs together.
pub const AGENT_URIS_BYTES_MAX: usize = 256 * 1_024 * 1_024;

/// Pieces of feedback that are remembered of one agent, the newest; and of one reviewer among
/// them. A score caps what one reviewer can weigh, so more of one would not change it.
pub const FEEDBACK_PER_AGENT_MAX: usize = 512;
/// See [`FEEDBACK_PER_AGENT_MAX`].
pub const FEEDBACK_PER_REVIEWER_MAX: usize = 16;

/// Longest feedback URI that is remembered: what we write ourselves, in base64, twice over.
pub const FEEDBACK_URI_BYTES_MAX: usize = 24 * 1_024;

/// Feedback files that are fetched over HTTP for one agent. A file in the URI costs nothing; a
/// stranger's server costs its whole timeout.
pub const FEEDBACK_FETCHES_MAX: usize = 32;

/// Wait for one file from a stranger's server.
pub const FILE_WAIT: Duration = Duration::from_secs(5);

/// Agents or items that are looked at side by side.
pub const SIDE_BY_SIDE: usize = 16;

/// Agents that one search looks at. The ones registered last come first beyond it.
pub const SEARCH_AGENTS_MAX: usize = 5_000;

/// How long a card or a file is remembered. Prices change seldom, and the seller
/// refuses a payment under an old price.
pub const CARD_AGE_MAX: Duration = Duration::from_secs(60);

/// How long a failure to get a card or a file is remembered: one search does not knock twice at a
/// dead door, and the next one finds it open again.
pub const FAILURE_AGE_MAX: Duration = Duration::from_secs(3);

/// Cards and files that are remembered; all are forgotten when there are more.
pub const REMEMBERED_MAX: usize = 10_000;

/// Payments whose check is remembered. A payment that was checked stays checked.
pub const PAYMENTS_REMEMBERED_MAX: usize = 50_000;

/// Oldest payment that feedback may be given for: evidence should be of the deal that was rated.
pub const PAYMENT_AGE_MAX_SECS: u64 = 7 * 24 * 3_600;

/// Blocks in which a settlement is looked for: two weeks of two seconds each, since older payments
/// are no evidence any more.
pub const SETTLEMENT_BLOCKS_MAX: u64 = 600_000;

/// Settlements of one payee that are looked into for one lock; a seller settles a few times a day.
pub const SETTLEMENTS_MAX: usize = 512;
