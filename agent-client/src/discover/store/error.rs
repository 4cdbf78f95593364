//! Why the index could not be brought up to date or asked.

use std::convert::Infallible;

use crate::chain::ChainError;
use crate::sqlite::SubmitError;

/// How an answer of a node contradicts itself, or what the same node said before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lie {
    /// A log without a block, a hash, a transaction or an index, or one that is marked as removed.
    #[error("a log does not say where it is")]
    NoPlace,
    /// A log of a block that was not asked for.
    #[error("a log is of a block that was not asked for")]
    OutOfRange,
    /// A log of a contract or an event that was not asked for.
    #[error("a log is of a contract or an event that was not asked for")]
    Foreign,
    /// One height with two hashes.
    #[error("two logs of one height are of different blocks")]
    TwoBlocks,
    /// One place with two logs, or logs whose transactions are out of order.
    #[error("two logs cannot both be where they say")]
    TwoLogs,
    /// Logs of a block that is not the one the node has at that height.
    #[error("a log is of a block that the node does not have")]
    OtherBlock,
    /// Fewer logs of the same block than the node gave before.
    #[error("logs are missing that were there before, of a block that is still there")]
    Withheld,
}

impl Lie {
    /// A stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoPlace => "index.log_no_place",
            Self::OutOfRange => "index.log_out_of_range",
            Self::Foreign => "index.log_foreign",
            Self::TwoBlocks => "index.two_blocks",
            Self::TwoLogs => "index.two_logs",
            Self::OtherBlock => "index.other_block",
            Self::Withheld => "index.withheld",
        }
    }
}

/// Why the index could not be brought up to date, or asked. Whatever it is, the index holds what
/// it held before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The node did not answer, or refused.
    #[error("the chain cannot be read: {0}")]
    Chain(#[from] ChainError),
    /// The node contradicts itself; another node, or the same one later, may do better.
    #[error("the node's answer cannot be used: {0}")]
    Lie(Lie),
    /// The chain changed while it was read; the next look sees the new one.
    #[error("the chain changed while it was read")]
    Moved,
    /// The node has fewer blocks than were read. Nearly always one that lags behind its like.
    #[error("the node is at block {head}, the index is at {seen}")]
    Behind {
        /// The node's head.
        head: u64,
        /// The last block that was read.
        seen: u64,
    },
    /// The chain is another one than the index was made from, further down than can be undone: a
    /// development chain that was started anew, or a wrong node.
    #[error(
        "block {block} is another one than when it was read, which is too deep to undo; check the \
         node, or forget the registry and read it again"
    )]
    OtherChain {
        /// The firm block that is not there any more.
        block: u64,
    },
    /// Another indexer of the same registry got there first. Nothing is wrong with the index.
    #[error("another indexer is at work on the same registry")]
    Elsewhere,
    /// The registry is not in the index, or is there with other settings.
    #[error("the registry cannot be used: {0}")]
    Registry(&'static str),
    /// The search makes no sense; what to change.
    #[error("the search cannot be used: {0}")]
    Query(&'static str),
    /// The file failed.
    #[error("the index cannot be used: {0}")]
    Store(#[from] SubmitError<Infallible>),
}

impl IndexError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Chain(error) => error.code(),
            Self::Lie(lie) => lie.code(),
            Self::Moved => "index.moved",
            Self::Behind { .. } => "index.node_behind",
            Self::OtherChain { .. } => "index.other_chain",
            Self::Elsewhere => "index.elsewhere",
            Self::Registry(_) => "index.registry",
            Self::Query(_) => "index.query",
            Self::Store(error) => error.code(),
        }
    }
}
