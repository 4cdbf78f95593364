//! Following the logs of contracts.
//!
//! A [`Watcher`] asks for the chain's head, fetches the logs of the blocks it has not delivered yet,
//! and hands them to a [`LogSink`] in order. It remembers the hash of what it delivered; when the
//! chain no longer has that block it tells the sink to roll back and delivers again. It never
//! gives up: while the node is down it waits with bounded pauses, and [`WatchStatus`] says how old
//! its knowledge is, so that a seller can refuse rather than guess.
//!
//! Not guaranteed: logs that the node hides are not seen, and a reorganisation deeper than what the
//! watcher remembers (or, after a restart, than [`WATCH_REWIND_BLOCKS`]) is rolled back only that
//! far.
//!
//! [`WATCH_REWIND_BLOCKS`]: crate::limits::WATCH_REWIND_BLOCKS

mod follow;
mod handle;

use std::{future::Future, time::Duration};

use alloy_primitives::B256;
use alloy_rpc_types_eth::Log;

pub use handle::{WatchError, WatchStatus, Watcher};

use crate::limits;

/// The last block that was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Its height.
    pub block: u64,
    /// Its hash, by which a reorganisation is noticed.
    pub hash: B256,
}

/// Logs of a range of blocks. The range may hold no log at all: that too is news.
#[derive(Clone, Debug, PartialEq)]
pub struct LogBatch {
    /// First block of the range.
    pub from_block: u64,
    /// Last block of the range, with its hash: the cursor after this batch.
    pub cursor: Cursor,
    /// Time of the last block, in Unix seconds as its maker set it.
    pub head_timestamp: u64,
    /// The logs, in order.
    pub logs: Vec<Log>,
}

/// What a sink may fail with; it is logged, and the same batch is tried again.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// Takes logs.
///
/// # Contract
///
/// - `resume` answers where to go on: the cursor of the last batch whose effects are kept.
/// - Batches come in order and without gaps. A sink that keeps its state on disk stores the
///   batch's effects and its cursor in one transaction before it answers `Ok`.
/// - After an error, a lost answer or a restart the same logs can come again; a log is known by its
///   block hash and log index, and the second time must change nothing.
/// - `roll_back(block)` undoes everything that came from blocks above `block`, durably, before it
///   answers; the cursor is then at `block` or below.
pub trait LogSink: Send + 'static {
    /// Where to go on, or `None` to begin at the configured block.
    fn resume(&mut self) -> impl Future<Output = Result<Option<Cursor>, SinkError>> + Send;

    /// Takes a batch.
    fn deliver(&mut self, batch: LogBatch) -> impl Future<Output = Result<(), SinkError>> + Send;

    /// Forgets what came from blocks above `block`.
    fn roll_back(&mut self, block: u64) -> impl Future<Output = Result<(), SinkError>> + Send;
}

/// How a watcher behaves.
#[derive(Clone, Debug)]
pub struct WatchConfig {
    /// First block of interest, for a sink that has no cursor yet: where the contract was made.
    pub start_block: u64,
    /// Blocks that must follow before a block is delivered; 0 follows the very head.
    pub confirmations: u64,
    /// Pause between looks at the head.
    pub poll_interval: Duration,
    /// Blocks delivered at once.
    pub window_blocks: u64,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self {
            start_block: 0,
            confirmations: 0,
            poll_interval: Duration::from_secs(2),
            window_blocks: limits::LOG_WINDOW_BLOCKS_MAX,
        }
    }
}
