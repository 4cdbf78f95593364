//! Asking for logs, in windows that the node answers.

use super::commit::{Mark, Window};
use super::error::{IndexError, Lie};
use super::limits;
use super::look::{Indexer, count};
use super::source::Source;
use super::vet::{self, Block};
use crate::chain::{ChainError, Head};

impl<S: Source> Indexer<S> {
    /// The events of a window from `from` that ends at `bound` or before, and where it ends.
    pub(super) async fn read(
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

    pub(super) async fn read_again(
        &self,
        from: u64,
        window: &Window,
    ) -> Result<Vec<Block>, IndexError> {
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
}
