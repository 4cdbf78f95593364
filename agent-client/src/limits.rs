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

/// Pages of 4 KiB in a store's log before it is folded into the file. SQLite's own 1,000 are full
/// after a few hundred payments, and folding costs two fsyncs; 8,000 cost 32 MiB of disk and a
/// moment at the next open.
pub const STORE_LOG_PAGES: i64 = 8_000;

/// How long opening a store waits for another process to let go of the file. Long enough for a
/// predecessor that is shutting down, short enough that a second copy fails while someone watches.
pub const STORE_OPEN_WAIT: Duration = Duration::from_secs(2);

/// Longest URL that is fetched: what common servers accept.
pub const URL_BYTES_MAX: usize = 8 * 1_024;

/// Wait for TCP and TLS together. A peer that needs longer would also be slow to pay.
pub const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// Wait for a whole exchange, unless the caller says otherwise: an agent's card, a registry file.
pub const EXCHANGE_WAIT: Duration = Duration::from_secs(30);

/// Largest response body, unless the caller says otherwise. Four times the largest message the
/// server side accepts, so that an honest answer always fits.
pub const RESPONSE_BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// Documents of others (cards, key sets) that are kept. A search looks at a few hundred agents.
pub const CACHE_DOCUMENTS_MAX: usize = 512;

/// Bytes of all of them together. A card has a few kilobytes.
pub const CACHE_BYTES_MAX: usize = 16 * 1_024 * 1_024;

/// Longest time that a document is used unasked, whatever its server says: a key that was taken
/// back, or a price that changed, is noticed within the day.
pub const CACHE_LIFETIME_MAX: Duration = Duration::from_secs(86_400);

/// Longest silence on an event stream; servers send a comment every 15 seconds.
pub const STREAM_IDLE_WAIT: Duration = Duration::from_secs(60);

/// Most bytes of one event stream: hours of progress reports, but not an endless one.
pub const STREAM_BYTES_MAX: usize = 256 * 1_024 * 1_024;

/// Addresses of one name that are tried; attackers can publish thousands.
pub const ADDRESSES_MAX: usize = 16;

/// Idle connections kept per host. One HTTP/2 connection, or the 32 calls in flight that an agent
/// makes to one seller over HTTP/1.1.
pub const IDLE_CONNECTIONS_PER_HOST_MAX: usize = 32;

/// How long an idle connection is kept. Shorter than the 60 seconds after which many servers close
/// it, so that a request rarely meets a connection that is being closed.
pub const IDLE_CONNECTION_AGE: Duration = Duration::from_secs(45);

/// What a server may send of one answer over HTTP/2 before it is read, and
pub const HTTP2_STREAM_WINDOW_BYTES: u32 = 256 * 1_024;

/// of all answers on one connection. It is held in memory for as long as nobody reads it.
pub const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 1_024 * 1_024;

/// Bytes of an answer's headers, or trailers, over HTTP/2. Error details are in them.
pub const HTTP2_HEADER_LIST_BYTES_MAX: u32 = 16 * 1_024;

/// How often a server of HTTP/2 is asked whether it is still there, and
pub const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(20);

/// how long it may take to say so.
pub const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Wait for one answer of the chain's RPC.
pub const RPC_WAIT: Duration = Duration::from_secs(10);

/// Largest RPC answer: a window of logs of a busy registry.
pub const RPC_BYTES_MAX: usize = 32 * 1_024 * 1_024;

/// Blocks asked for in one `eth_getLogs`; many public nodes refuse more.
pub const LOG_WINDOW_BLOCKS_MAX: u64 = 2_000;

/// Logs gathered by one call before it is given up; the caller should ask for fewer blocks.
pub const LOGS_MAX: usize = 100_000;

/// Lock ids asked for in one `statesOf`: about 0.6 M gas of storage reads, far below node caps.
pub const LOCK_STATES_PER_CALL_MAX: usize = 256;

/// Transactions of one outbox in flight. Nodes guarantee a sender 16 places in their pool.
pub const OUTBOX_IN_FLIGHT_MAX: usize = 16;

/// Transactions waiting in one outbox; beyond it something is wrong that waiting does not mend.
pub const OUTBOX_WAITING_MAX: u32 = 10_000;

/// Calldata of one transaction: nodes refuse transactions above 128 KiB.
pub const TX_DATA_BYTES_MAX: usize = 126 * 1_024;

/// Length of the key and of the note that come with a transaction.
pub const TX_PURPOSE_BYTES_MAX: usize = 256;

/// Size of the JSON kept beside a transaction.
pub const TX_META_BYTES_MAX: usize = 64 * 1_024;

/// Replacements of one nonce. Each raises the fee by an eighth: sixteen are a factor of six.
pub const OUTBOX_ATTEMPTS_MAX: usize = 16;

/// Polls without any receipt of ours, after the chain used a nonce of ours, before the nonce is
/// called taken. Nodes behind one URL lag each other by a poll or two.
pub const NONCE_TAKEN_SIGHTINGS: u32 = 3;

/// Shortest and longest pause after the RPC failed.
pub const RETRY_PAUSE_MIN: Duration = Duration::from_millis(200);
/// See [`RETRY_PAUSE_MIN`].
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(15);

/// Block hashes a watcher remembers to find where a reorganisation began.
pub const WATCH_MARKS_MAX: usize = 128;

/// Blocks that a watcher rolls back when it remembers no hash that is still on the chain.
pub const WATCH_REWIND_BLOCKS: u64 = 64;

/// For how many nonces the signed bytes of what was mined are kept, to be sent again when a
/// reorganisation takes them back: more than one account has in the blocks that chains take back.
pub const OUTBOX_KEPT_NONCES: u64 = 64;

/// How long a second node may take to come to the block that the first one is at: some blocks of a
/// fast chain, and well below what callers wait.
pub const RPC_CHECK_WAIT: Duration = Duration::from_secs(5);

/// Pause between looks at the second node.
pub const RPC_CHECK_PAUSE: Duration = Duration::from_millis(100);
