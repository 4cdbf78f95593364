//! One look at the chain at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use agent_core::clock::Clock;
use agent_core::money::Network;
use agent_core::trust::AgentRegistryId;
use alloy_primitives::B256;
use alloy_rpc_types_eth::Filter;

use super::super::RegistryConfig;
use super::commit::{Kept, Mark, Position, Sighting, Window};
use super::error::{IndexError, Lie};
use super::index::IndexStore;
use super::source::Source;
use super::vet::{self, Block};
use super::{event, limits};
use crate::chain::{Chain, ChainError, Head};

/// Brings one registry of an [`IndexStore`] up to date with a node.
///
/// A look reads one window of blocks and takes it over in one transaction, together with where to
/// go on. So it can be cut short anywhere: what is lost is at most one window, which is read again.
///
/// Windows shrink when the node refuses and grow while it answers. Blocks that can still change
/// are undone when the chain no longer has them. Answers are compared with themselves, with block
/// headers, with what the same blocks held before and with the registries' own rules; one that
/// contradicts any of these changes nothing.
#[derive(Debug)]
pub struct Indexer<S = Chain> {
    index: IndexStore,
    source: S,
    config: RegistryConfig,
    id: AgentRegistryId,
    filter: Filter,
    clock: Arc<dyn Clock>,
    window_blocks: u64,
}

/// What a look came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The node's head.
    pub head: u64,
    /// The first block that was not read.
    pub next_block: u64,
    /// Events that were taken over.
    pub events: usize,
    /// The first block that was taken back, if any was.
    pub taken_back: Option<u64>,
}

impl Looked {
    /// Whether there is more to read now.
    #[must_use]
    pub const fn is_behind(&self) -> bool {
        self.next_block <= self.head
    }

    fn then(self, later: Self) -> Self {
        let both = self.taken_back.into_iter().chain(later.taken_back);
        Self {
            events: self.events.saturating_add(later.events),
            taken_back: both.min(),
            ..later
        }
    }
}

impl<S: Source> Indexer<S> {
    /// An indexer of the registry at `config` on chain `chain_id`, which is added to the index.
    ///
    /// # Errors
    /// As [`IndexStore::add`].
    pub async fn new(
        index: IndexStore,
        source: S,
        chain_id: u64,
        config: RegistryConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, IndexError> {
        index.add(chain_id, config).await?;
        Ok(Self {
            index,
            source,
            config,
            id: AgentRegistryId::new(Network::eip155(chain_id), config.identity),
            filter: event::filter(&config),
            clock,
            window_blocks: limits::WINDOW_BLOCKS_START,
        })
    }

    /// The registry's global name.
    #[must_use]
    pub const fn id(&self) -> AgentRegistryId {
        self.id
    }

    /// Blocks that the next request for logs spans.
    #[must_use]
    pub const fn window_blocks(&self) -> u64 {
        self.window_blocks
    }

    /// Reads until the head is reached, and says what all of its looks came to.
    ///
    /// # Errors
    /// As [`look`](Self::look), at the first look that fails.
    pub async fn catch_up(&mut self) -> Result<Looked, IndexError> {
        let mut all = self.look().await?;
        while all.is_behind() {
            all = all.then(self.look().await?);
        }
        Ok(all)
    }

    /// Reads at most one window.
    ///
    /// # Errors
    /// [`IndexError`]. What the index held before is still there, and the next look goes on from
    /// there.
    pub async fn look(&mut self) -> Result<Looked, IndexError> {
        let seen = self.index.position(self.id).await?;
        let head = self.source.head().await?;
        if let Some(next) = self.reorganised(&seen, head).await? {
            tracing::warn!(
                block = next,
                "the chain was reorganised; taking blocks back"
            );
            self.index.take_back(self.id, &seen, next).await?;
            let seen = self.index.position(self.id).await?;
            let looked = self.advance(seen, head).await?;
            let undone = Looked {
                events: 0,
                taken_back: Some(next),
                ..looked
            };
            return Ok(undone.then(looked));
        }
        self.advance(seen, head).await
    }

    async fn advance(&mut self, seen: Position, head: Head) -> Result<Looked, IndexError> {
        let firm = head.number.checked_sub(limits::UNDO_BLOCKS);
        let mut looked = Looked {
            head: head.number,
            next_block: seen.next,
            events: 0,
            taken_back: None,
        };
        let reread = limits::REREAD_BLOCKS.min(self.window_blocks / 2);
        let again = head.number.saturating_add(1).saturating_sub(reread);
        let from = seen.next.min(again.max(seen.firm_next));
        if from > head.number {
            self.index
                .sighted(self.id, self.sighting(head, true))
                .await?;
            return Ok(looked);
        }
        // What is firm and what can be undone are not mixed in one window.
        let bound = match firm {
            Some(firm) if from <= firm => firm,
            _ => head.number,
        };
        let undoable = firm.is_none_or(|firm| from > firm);
        let (end, blocks) = self.read(from, bound, head, undoable).await?;
        let start = match self.differs(&seen, from, end.block, &blocks).await? {
            Some(block) => block,
            None => seen.next,
        };
        if start > end.block {
            self.index
                .sighted(self.id, self.sighting(head, true))
                .await?;
            return Ok(looked);
        }
        self.check_headers(&blocks, start, end, undoable).await?;
        looked.events = count(&blocks, start);
        looked.taken_back = (start < seen.next).then_some(start);
        looked.next_block = end.block.saturating_add(1);
        let window = Window {
            from: start,
            end,
            blocks,
            undoable,
            with_gaps: false,
        };
        let sighting = self.sighting(head, end.block >= head.number);
        if self
            .index
            .take(self.id, &seen, window.clone(), sighting)
            .await?
        {
            return Ok(looked);
        }
        // Something is missing. A node that lost it once may have it now.
        let blocks = self.read_again(from, &window).await?;
        looked.events = count(&blocks, start);
        let window = Window {
            blocks,
            with_gaps: true,
            ..window
        };
        self.index.take(self.id, &seen, window, sighting).await?;
        Ok(looked)
    }

    /// The first block to take back, if the chain no longer has what was read.
    async fn reorganised(&self, seen: &Position, head: Head) -> Result<Option<u64>, IndexError> {
        let Some(newest) = seen.marks.first() else {
            return Ok(None);
        };
        if self.has(*newest, head).await? {
            return Ok(None);
        }
        let mut gone = newest.block;
        let mut proven = newest.block <= head.number;
        for mark in seen.marks.iter().skip(1) {
            if self.has(*mark, head).await? {
                // A shorter chain is nearly always a node that lags behind another one of its
                // kind. Only a block that it has, and has otherwise, proves a reorganisation.
                return if proven {
                    Ok(Some(mark.block.saturating_add(1)))
                } else {
                    Err(behind(head, newest))
                };
            }
            gone = mark.block;
            proven |= mark.block <= head.number;
        }
        if !proven {
            return Err(behind(head, newest));
        }
        if seen.firm_next > seen.from_block {
            return Err(IndexError::OtherChain { block: gone });
        }
        Ok(Some(seen.from_block))
    }

    async fn has(&self, mark: Mark, head: Head) -> Result<bool, IndexError> {
        if mark.block > head.number {
            return Ok(false);
        }
        Ok(self.hash_at(mark.block).await? == Some(mark.hash))
    }

    async fn hash_at(&self, block: u64) -> Result<Option<B256>, IndexError> {
        Ok(self.source.block(block).await?.map(|head| head.hash))
    }

    /// The events of a window from `from` that ends at `bound` or before, and where it ends.
    async fn read(
        &mut self,
        from: u64,
        bound: u64,
        head: Head,
        undoable: bool,
    ) -> Result<(Mark, Vec<Block>), IndexError> {
        for _ in 0..limits::HALVINGS_MAX {
            let to = bound.min(from.saturating_add(self.window_blocks.saturating_sub(1)));
            let hash = if to == head.number {
                head.hash
            } else {
                self.hash_at(to).await?.ok_or(IndexError::Moved)?
            };
            let logs = match self.source.logs(&self.filter, from, to).await {
                Ok(logs) => logs,
                Err(error) => {
                    let shrunk = self.shrink(from, to);
                    match error {
                        ChainError::Refused { .. } if shrunk => continue,
                        error => return Err(error.into()),
                    }
                }
            };
            let (many, whole) = (logs.len(), to > from);
            if whole && many > 0 && many.is_multiple_of(limits::SUSPECT_LOGS) {
                self.shrink(from, to);
                continue;
            }
            // Logs of blocks that can still change belong to the chain with this end only if it
            // is still there.
            if undoable && self.hash_at(to).await? != Some(hash) {
                return Err(IndexError::Moved);
            }
            let blocks = vet::vet(&self.config, logs, from, to).map_err(IndexError::Lie)?;
            self.adapt(to.saturating_sub(from).saturating_add(1), many);
            return Ok((Mark { block: to, hash }, blocks));
        }
        Err(IndexError::Moved)
    }

    async fn read_again(&self, from: u64, window: &Window) -> Result<Vec<Block>, IndexError> {
        let (to, start) = (window.end.block, window.from);
        let logs = self.source.logs(&self.filter, from, to).await?;
        let blocks = vet::vet(&self.config, logs, from, to).map_err(IndexError::Lie)?;
        if count(&blocks, start) < count(&window.blocks, start) {
            return Err(IndexError::Lie(Lie::Withheld));
        }
        self.check_headers(&blocks, start, window.end, window.undoable)
            .await?;
        Ok(blocks)
    }

    /// The first block below `seen.next` whose events are not those that were read before.
    async fn differs(
        &self,
        seen: &Position,
        from: u64,
        to: u64,
        blocks: &[Block],
    ) -> Result<Option<u64>, IndexError> {
        if from >= seen.next {
            return Ok(None);
        }
        let kept = self.index.kept(self.id, from).await?;
        let mut both: BTreeMap<u64, (Option<Kept>, Option<(B256, usize)>)> = BTreeMap::new();
        for kept in kept.into_iter().filter(|kept| kept.number <= to) {
            both.entry(kept.number).or_default().0 = Some(kept);
        }
        for block in blocks.iter().filter(|block| block.number < seen.next) {
            both.entry(block.number).or_default().1 = Some((block.hash, block.events.len()));
        }
        for (number, pair) in both {
            match pair {
                (Some(kept), Some((hash, logs))) if kept.hash == hash => {
                    if logs < kept.logs {
                        return Err(IndexError::Lie(Lie::Withheld));
                    }
                    if logs > kept.logs {
                        return Ok(Some(number));
                    }
                }
                (_, Some((hash, _))) => {
                    if self.hash_at(number).await? != Some(hash) {
                        return Err(IndexError::Lie(Lie::OtherBlock));
                    }
                    return Ok(Some(number));
                }
                (Some(kept), None) => {
                    if self.hash_at(number).await? == Some(kept.hash) {
                        return Err(IndexError::Lie(Lie::Withheld));
                    }
                    return Ok(Some(number));
                }
                (None, None) => {}
            }
        }
        Ok(None)
    }

    /// Compares new blocks with the node's headers: each one that can still change, and of firm
    /// ones the last, since asking for all would cost a request for each.
    async fn check_headers(
        &self,
        blocks: &[Block],
        start: u64,
        end: Mark,
        undoable: bool,
    ) -> Result<(), IndexError> {
        let new = blocks.iter().filter(|block| block.number >= start);
        let checked: Vec<&Block> = if undoable {
            new.collect()
        } else {
            new.last().into_iter().collect()
        };
        for block in checked {
            let there = if block.number == end.block {
                Some(end.hash)
            } else {
                self.hash_at(block.number).await?
            };
            if there != Some(block.hash) {
                return Err(IndexError::Lie(Lie::OtherBlock));
            }
        }
        Ok(())
    }

    /// Halves the window that was asked for; `false` if it cannot be halved.
    fn shrink(&mut self, from: u64, to: u64) -> bool {
        let asked = to.saturating_sub(from).saturating_add(1);
        self.window_blocks = (asked / 2).max(1);
        asked > 1
    }

    fn adapt(&mut self, asked: u64, logs: usize) {
        if logs > limits::LOGS_WANTED {
            self.window_blocks = (asked / 2).max(1);
        } else if logs < limits::LOGS_WANTED / 2 && asked >= self.window_blocks {
            let grown = self.window_blocks.saturating_add(self.window_blocks / 2);
            self.window_blocks = grown.saturating_add(1).min(limits::WINDOW_BLOCKS_MAX);
        }
    }

    fn sighting(&self, head: Head, all: bool) -> Sighting {
        Sighting {
            head: head.number,
            head_time: head.timestamp,
            read_ms: all.then(|| self.clock.now_unix_millis()),
        }
    }
}

fn count(blocks: &[Block], start: u64) -> usize {
    blocks
        .iter()
        .filter(|block| block.number >= start)
        .map(|block| block.events.len())
        .sum()
}

const fn behind(head: Head, newest: &Mark) -> IndexError {
    IndexError::Behind {
        head: head.number,
        seen: newest.block,
    }
}
