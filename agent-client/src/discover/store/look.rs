//! One look at the chain at a time.

use std::sync::Arc;

use agent_core::clock::Clock;
use agent_core::money::Network;
use agent_core::trust::AgentRegistryId;
use alloy_rpc_types_eth::Filter;

use super::super::RegistryConfig;
use super::commit::{Position, Sighting, Window};
use super::error::IndexError;
use super::index::IndexStore;
use super::source::Source;
use super::vet::Block;
use super::{event, limits};
use crate::chain::{Chain, Head};

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
    pub(super) index: IndexStore,
    pub(super) source: S,
    pub(super) config: RegistryConfig,
    pub(super) id: AgentRegistryId,
    pub(super) filter: Filter,
    clock: Arc<dyn Clock>,
    pub(super) window_blocks: u64,
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

    fn sighting(&self, head: Head, all: bool) -> Sighting {
        Sighting {
            head: head.number,
            head_time: head.timestamp,
            read_ms: all.then(|| self.clock.now_unix_millis()),
        }
    }
}

pub(super) fn count(blocks: &[Block], start: u64) -> usize {
    blocks
        .iter()
        .filter(|block| block.number >= start)
        .map(|block| block.events.len())
        .sum()
}
