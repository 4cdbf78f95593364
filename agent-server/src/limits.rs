//! Every bound of this crate, each with its reason. Those that deployments differ in are defaults
//! of [`crate::config::Limits`].

use std::time::Duration;

/// The largest request body. Skills take documents; what is larger belongs behind a URL part.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What all request bodies in flight may hold together, in KiB: many connections that each send the
/// largest body must not add up to more than a machine has.
pub const BODIES_KIB_MAX: usize = 256 * 1024;

/// The deepest JSON nesting. The parser recurses, and nothing in A2A comes near this.
pub const JSON_DEPTH_MAX: usize = 96;

/// Connections served at once; each costs a few kilobytes and a file descriptor.
pub const CONNECTIONS_MAX: usize = 4_096;

/// How long a peer may take to send its request head. A loris sends one byte at a time.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests at once on one connection of HTTP/2, which is what its RFC asks servers to allow at
/// least. All connections together answer no more than there may be connections.
pub const HTTP2_STREAMS_MAX: u32 = 100;

/// The largest request head on HTTP/2: what common HTTP/1 servers take.
pub const HTTP2_HEADER_LIST_BYTES_MAX: u32 = 16 * 1024;

/// What a peer may send of one request before it is read, and
pub const HTTP2_STREAM_WINDOW_BYTES: u32 = 256 * 1024;

/// of all requests on one connection. It is held in memory for as long as nobody reads it.
pub const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 512 * 1024;

/// What waits to be sent of one answer. An event stream holds no more for a slow reader.
pub const HTTP2_SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Requests of one connection that were reset before they were looked at. Resetting at once is how
/// a peer makes work without waiting for it (CVE-2023-44487).
pub const HTTP2_PENDING_RESETS_MAX: usize = 20;

/// How often an HTTP/2 peer is asked whether it is still there, and
pub const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(20);

/// how long it may take to say so. Streams may be silent for as long as their task is.
pub const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an HTTP/2 connection is kept that has nothing to answer. Clients of gRPC keep one per
/// server and connect again without asking.
pub const HTTP2_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The largest request head; hyper also stops at a hundred headers. Tokens and traces need a few
/// kilobytes.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;

/// The longest `grpc-timeout` that is counted. A longer one is as good as none.
pub const GRPC_TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Bytes of an answer, or of one piece of a stream, that are not counted: more than a portion of a
/// task's events with what stands around them.
pub const ANSWER_BYTES_UNCOUNTED: u64 = 128 * 1024;

/// What all larger answers may hold together while they wait to be read, in KiB. Tasks may have
/// results of many megabytes, and asking for one a thousand times is cheap.
pub const ANSWERS_KIB_MAX: usize = 256 * 1024;

/// How long a larger answer may wait to be read, after which its connection is closed. A list of 8 MiB
/// takes as long at 600 kbit/s.
pub const ANSWER_READ_TIMEOUT: Duration = Duration::from_secs(120);

/// How much of a larger answer is handed to its connection at once.
pub const ANSWER_PIECE_BYTES: usize = 16 * 1024;

/// How long a peer may take to send its request body.
pub const BODY_READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How long requests in flight may go on after shutdown began.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Tasks running at once in one agent. Past this the agent says so instead of queueing: a buyer can
/// choose another seller, but only if it is told.
pub const LIVE_TASKS_MAX: usize = 10_000;

/// How long a skill may run before its task fails and its buyer is not charged.
pub const SKILL_TIMEOUT: Duration = Duration::from_secs(300);

/// Events one task may emit, and
pub const EVENTS_PER_TASK_MAX: u64 = 100_000;

/// the bytes that they may hold together while the task runs; a skill that streams more than this
/// should hand out a URL.
pub const EVENT_BYTES_PER_TASK_MAX: usize = 32 * 1024 * 1024;

/// the bytes that the events of all running tasks may hold together: ten thousand tasks that each
/// stayed within their own bound would not fit any machine,
pub const EVENT_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// and the bytes that a task has in any case, so that a few that stream much do not stop the many
/// that say little.
pub const EVENT_BYTES_PER_TASK_MIN: usize = 64 * 1024;

/// Bytes of events that one reader is given at once; one event is given however large it is. What is
/// given waits in memory until it is sent, for each reader apart, so that a thousand who do not read
/// hold a thousand times this and not a thousand whole logs.
pub const EVENT_PORTION_BYTES_MAX: usize = 64 * 1024;

/// Tasks that wait for their first payment, kept in memory only: asking for a price must not fill a
/// seller's disk. The oldest is forgotten first, and its buyer simply asks again.
pub const WAITING_TASKS_MAX: usize = 10_000;

/// The memory that they may take together.
pub const WAITING_TASKS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long a task waits for its first payment.
pub const WAITING_TASK_TTL: Duration = Duration::from_secs(900);

/// Tasks kept by an agent that keeps them in memory: at two kilobytes for one with short texts about
/// 100 MB. At a thousand tasks a second a result can be asked for again for most of a minute.
pub const MEMORY_TASKS_MAX: usize = 50_000;

/// The memory that they may take together, when their texts are long.
pub const MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How often a commit of finished work is tried again when the store fails, and
pub const RESOLVE_ATTEMPTS_MAX: u32 = 60;

/// how long at most between two attempts. Together about five minutes; after that the restart's
/// recovery voids the payment.
pub const RESOLVE_BACKOFF_MAX: Duration = Duration::from_secs(5);

/// How long a payment waits for its lock to be seen on chain. One block on the chains we know.
pub const LOCK_WAIT: Duration = Duration::from_secs(15);

/// How long a payment waits for a look at the chain when the last one is too old, as it is just
/// after a start. Short: while the node is down every payment waits for it in vain.
pub const FRESHNESS_WAIT: Duration = Duration::from_secs(2);

/// How long a repeated request waits for the first one to become a task that can be watched, and
pub const REPEAT_WAIT: Duration = Duration::from_secs(2);

/// how often it looks.
pub const REPEAT_PAUSE: Duration = Duration::from_millis(20);

/// Comments on an idle event stream, so that proxies do not cut it.
pub const SSE_KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a metered task waits for its caller to pay for more. A program pays within a second; a
/// person who must approve it has the time to look. What waits holds a place among those that run.
pub const TOP_UP_WAIT: Duration = Duration::from_secs(120);

/// Text that an input question or failure may carry to the peer.
pub const STATUS_TEXT_BYTES_MAX: usize = 8 * 1024;

/// Questions one task may ask its caller; each re-runs the skill from its start.
pub const QUESTIONS_PER_TASK_MAX: usize = 64;

/// Shards of the turns to go on with a task or end it. A turn takes one commit of the store, so this
/// is how many answers and cancellations are stored with one.
pub const TURN_SHARDS: usize = 32;

/// Shards of the map of live tasks, so that calls do not queue for one lock.
pub const LIVE_SHARDS: usize = 16;

/// How often the settler looks whether something is worth claiming.
pub const SETTLE_INTERVAL: Duration = Duration::from_secs(10);

/// How long a closing agent waits for its last claims; they go on at the next start.
pub const FINAL_SETTLEMENT_WAIT: Duration = Duration::from_secs(20);

/// Bytes of tasks on one page of a list: a hundred tasks of the largest kind would be gigabytes. A
/// page that is full ends early, and its token goes on from there.
pub const LIST_PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Lists that are made at once. Each may read much of the file, on the thread that also takes
/// payments in; those that wait hold nobody else up.
pub const LISTS_AT_ONCE: usize = 1;

/// Tasks that are read for `GetTask` at once. The store reads faster than answers are made, and what
/// waits between the two may be megabytes; those who wait to be read hold nothing.
pub const LOOKS_AT_ONCE: usize = 32;

/// How often it is looked for tasks that nobody comes back for.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Tasks that are looked at in one step of that, so that payments do not wait long for the writer.
pub const SWEEP_BATCH: usize = 256;

/// How long a task waits for its caller. People come back after a weekend.
pub const WAITING_SECS: u64 = 7 * 24 * 60 * 60;

/// How long a free task is kept after its end. Paid ones are kept for ever: they are what was bought.
pub const ENDED_SECS: u64 = 30 * 24 * 60 * 60;

/// Quotes that are told for one request: each is signed once for every way to pay, for anybody who
/// asks.
pub const QUOTES_MAX: usize = 4;

/// Bytes of a quote's label. It comes back with every payment.
pub const QUOTE_LABEL_BYTES_MAX: usize = 64;

/// The longest that a quote holds, whatever its skill says: nobody can take one back.
pub const OFFER_VALID_SECS_MAX: u64 = 24 * 60 * 60;

/// How long an offer is honoured beyond its end: a payment whose answer was lost is sent again, and
/// must not be refused for a time that passed since.
pub const OFFER_GRACE_SECS: u64 = 5 * 60;

/// Connections at once to a watchtower: its callers are a few sellers.
pub const WATCH_CONNECTIONS_MAX: usize = 64;
