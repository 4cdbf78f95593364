//! Every bound of this crate, each with its reason.
//!
//! A development chain runs on a laptop next to the programs that use it, so what one of them sends
//! by mistake (a loop, an enormous batch) must end in an error here and not in a full memory.

/// Bytes of one JSON-RPC request. A transaction is at most [`MAX_TRANSACTION_BYTES`], doubled by
/// hexadecimal; the rest is room for a batch of reads.
pub const MAX_REQUEST_BYTES: u32 = 2 * 1024 * 1024;

/// Bytes of one JSON-RPC response. The largest answer is [`MAX_LOGS`] logs.
pub const MAX_RESPONSE_BYTES: u32 = 32 * 1024 * 1024;

/// Calls in one JSON-RPC batch: providers batch tens of reads, and a batch is answered as a whole.
pub const MAX_BATCH: u32 = 100;

/// Open connections. Each test process keeps a few; a leak should be noticed.
pub const MAX_CONNECTIONS: u32 = 512;

/// Bytes of one raw transaction, as public nodes have it.
pub const MAX_TRANSACTION_BYTES: usize = 128 * 1024;

/// Transactions waiting in the pool over all senders, as many as a public node keeps executable.
pub const MAX_POOL: usize = 4_096;

/// Blocks kept by default. At a few kilobytes a block this is tens of megabytes, and weeks of use.
pub const DEFAULT_HISTORY_BLOCKS: usize = 20_000;

/// Snapshots kept; taking one more forgets the oldest. Each holds a copy of the waiting pool.
pub const MAX_SNAPSHOTS: usize = 1_024;

/// Blocks mined by one request, which holds the chain meanwhile.
pub const MAX_MINED_AT_ONCE: u64 = 10_000;

/// Logs in one answer, as public providers have it: a client must know how to page.
pub const MAX_LOGS: usize = 10_000;

/// Blocks in one fee history, as the execution API has it.
pub const MAX_FEE_HISTORY_BLOCKS: u64 = 1_024;

/// Percentiles in one fee history, as the execution API has it.
pub const MAX_FEE_HISTORY_PERCENTILES: usize = 100;

/// Log and block filters open at once. An abandoned filter costs a few hundred bytes.
pub const MAX_FILTERS: usize = 256;

/// Seconds that one request may move the clock: a hundred years, far from any overflow.
pub const MAX_TIME_STEP_SECS: u64 = 100 * 366 * 24 * 60 * 60;

/// Characters of a contract's revert reason repeated in an error message; the data is always whole.
pub const MAX_REASON_CHARS: usize = 512;
