//! One look at the chain at a time.

use std::collections::VecDeque;

use alloy_rpc_types_eth::Filter;

use super::{Cursor, LogBatch, LogSink, SinkError, WatchConfig};
use crate::{
    chain::{Chain, ChainError, Head},
    limits,
};

/// Why a look did not get through.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{code}: {0}", code = .0.code())]
    Chain(#[from] ChainError),
    #[error("watch.sink: {0}")]
    Sink(SinkError),
    /// The chain changed under our hands; the next look sees the new one.
    #[error("watch.moved: the chain changed while it was read")]
    Moved,
    #[error("watch.node_behind: the node is at block {head}, we have seen {seen}")]
    Behind { head: u64, seen: u64 },
}

pub(super) struct Follower<K> {
    chain: Chain,
    filter: Filter,
    config: WatchConfig,
    sink: K,
    /// Ends of delivered batches, newest last; empty until the sink has said where to go on.
    marks: VecDeque<Cursor>,
    resumed: bool,
}

/// What a look found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) head: Head,
    pub(super) cursor: Option<Cursor>,
    /// True if there is more to deliver right now.
    pub(super) behind: bool,
}

impl<K: LogSink> Follower<K> {
    pub(super) const fn new(chain: Chain, filter: Filter, config: WatchConfig, sink: K) -> Self {
        Self {
            chain,
            filter,
            config,
            sink,
            marks: VecDeque::new(),
            resumed: false,
        }
    }

    /// Delivers at most one batch.
    pub(super) async fn look(&mut self) -> Result<Seen, Trouble> {
        if !self.resumed {
            let cursor = self.sink.resume().await.map_err(Trouble::Sink)?;
            self.marks = cursor.into_iter().collect();
            self.resumed = true;
        }
        let head = self.chain.head().await?;
        self.check_marks(head).await?;
        let from = match self.marks.back() {
            Some(last) => last.block.saturating_add(1),
            None => self.config.start_block,
        };
        let target = head.number.checked_sub(self.config.confirmations);
        if let Some(target) = target.filter(|target| *target >= from) {
            let window = self.config.window_blocks.max(1);
            let to = target.min(from.saturating_add(window.saturating_sub(1)));
            self.deliver(from, to).await?;
            return Ok(Seen {
                head,
                cursor: self.marks.back().copied(),
                behind: to < target,
            });
        }
        Ok(Seen {
            head,
            cursor: self.marks.back().copied(),
            behind: false,
        })
    }

    async fn deliver(&mut self, from: u64, to: u64) -> Result<(), Trouble> {
        let last = self.chain.block(to).await?.ok_or(Trouble::Moved)?;
        let logs = self.chain.logs(&self.filter, from, to).await?;
        // The logs belong to the chain with this block only if it is still there, and if no log
        // claims another block at its height.
        let still = self.chain.block(to).await?.ok_or(Trouble::Moved)?;
        let strange = logs.iter().any(|log| {
            let at = log.block_number;
            at.is_none_or(|at| at < from || at > to)
                || (at == Some(to) && log.block_hash != Some(last.hash))
        });
        if still.hash != last.hash || strange {
            return Err(Trouble::Moved);
        }
        let cursor = Cursor {
            block: to,
            hash: last.hash,
        };
        let batch = LogBatch {
            from_block: from,
            cursor,
            head_timestamp: last.timestamp,
            logs,
        };
        self.sink.deliver(batch).await.map_err(Trouble::Sink)?;
        if self.marks.len() >= limits::WATCH_MARKS_MAX {
            self.marks.pop_front();
        }
        self.marks.push_back(cursor);
        Ok(())
    }

    /// Makes sure that the newest mark is on the chain, rolling the sink back as far as needed.
    async fn check_marks(&mut self, head: Head) -> Result<(), Trouble> {
        let Some(newest) = self.marks.back().copied() else {
            return Ok(());
        };
        if is_on_chain(&self.chain, newest, head).await? {
            return Ok(());
        }
        if newest.block > head.number {
            // A shorter chain is nearly always a node that lags behind another one of its kind. Only
            // a block that it has, and has otherwise, proves a reorganisation.
            let below = self
                .marks
                .iter()
                .rev()
                .find(|mark| mark.block <= head.number)
                .copied();
            match below {
                Some(mark) if !is_on_chain(&self.chain, mark, head).await? => {}
                _ => {
                    return Err(Trouble::Behind {
                        head: head.number,
                        seen: newest.block,
                    });
                }
            }
        }
        // At most as many rounds as there are marks.
        while let Some(mark) = self.marks.back().copied() {
            if is_on_chain(&self.chain, mark, head).await? {
                return self.roll_back(mark.block).await;
            }
            self.marks.pop_back();
            if self.marks.is_empty() {
                // Nothing remembered is left: as far back as is ever needed, and whatever is
                // there now is the truth.
                let oldest = self.config.start_block.saturating_sub(1);
                let block = mark
                    .block
                    .min(head.number)
                    .saturating_sub(limits::WATCH_REWIND_BLOCKS)
                    .max(oldest);
                self.roll_back(block).await?;
                return self.restart_at(block).await;
            }
        }
        Ok(())
    }

    async fn roll_back(&mut self, block: u64) -> Result<(), Trouble> {
        tracing::warn!(block, "the chain was reorganised; rolling back");
        self.sink.roll_back(block).await.map_err(Trouble::Sink)
    }

    async fn restart_at(&mut self, block: u64) -> Result<(), Trouble> {
        if block < self.config.start_block {
            return Ok(());
        }
        let there = self.chain.block(block).await?.ok_or(Trouble::Moved)?;
        self.marks.push_back(Cursor {
            block,
            hash: there.hash,
        });
        Ok(())
    }
}

async fn is_on_chain(chain: &Chain, mark: Cursor, head: Head) -> Result<bool, Trouble> {
    if mark.block == head.number {
        return Ok(mark.hash == head.hash);
    }
    if mark.block > head.number {
        return Ok(false);
    }
    let there = chain.block(mark.block).await?;
    Ok(there.is_some_and(|there| there.hash == mark.hash))
}
