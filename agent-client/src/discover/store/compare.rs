//! What a node says, against what it said before and against its headers.

use std::collections::BTreeMap;

use alloy_primitives::B256;

use super::commit::{Kept, Mark, Position};
use super::error::{IndexError, Lie};
use super::look::Indexer;
use super::source::Source;
use super::vet::Block;
use crate::chain::Head;

/// The events of a block as they were read before, and as they are now: hash and number.
type Pair = (Option<Kept>, Option<(B256, usize)>);

impl<S: Source> Indexer<S> {
    /// The first block to take back, if the chain no longer has what was read.
    pub(super) async fn reorganised(
        &self,
        seen: &Position,
        head: Head,
    ) -> Result<Option<u64>, IndexError> {
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

    pub(super) async fn has(&self, mark: Mark, head: Head) -> Result<bool, IndexError> {
        if mark.block > head.number {
            return Ok(false);
        }
        Ok(self.hash_at(mark.block).await? == Some(mark.hash))
    }

    pub(super) async fn hash_at(&self, block: u64) -> Result<Option<B256>, IndexError> {
        Ok(self.source.block(block).await?.map(|head| head.hash))
    }

    /// The first block below `seen.next` whose events are not those that were read before.
    pub(super) async fn differs(
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
        let mut both: BTreeMap<u64, Pair> = BTreeMap::new();
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
    pub(super) async fn check_headers(
        &self,
        blocks: &[Block],
        start: u64,
        end: Mark,
        undoable: bool,
    ) -> Result<(), IndexError> {
        let mut new = blocks.iter().filter(|block| block.number >= start);
        let checked: Vec<&Block> = if undoable {
            new.collect()
        } else {
            new.next_back().into_iter().collect()
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
}

const fn behind(head: Head, newest: &Mark) -> IndexError {
    IndexError::Behind {
        head: head.number,
        seen: newest.block,
    }
}
