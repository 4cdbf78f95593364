//! Points to return to.

use super::{pool::Pool, state::Mark, time::BlockClock};
use crate::limits;
use std::collections::VecDeque;

/// What is needed to return to a moment.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) id: u64,
    pub(super) head: u64,
    pub(super) mark: Mark,
    pub(super) pool: Pool,
    pub(super) clock: BlockClock,
}

/// The snapshots that can still be returned to, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshots {
    kept: VecDeque<Snapshot>,
    last_id: u64,
}

impl Snapshots {
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id = self.last_id.saturating_add(1);
        self.last_id
    }

    pub(super) fn push(&mut self, snapshot: Snapshot) {
        if self.kept.len() >= limits::MAX_SNAPSHOTS {
            self.kept.pop_front();
        }
        self.kept.push_back(snapshot);
    }

    /// Take a snapshot out, and all later ones with it: their future is undone.
    pub(super) fn take(&mut self, id: u64) -> Option<Snapshot> {
        let index = self.kept.iter().position(|snapshot| snapshot.id == id)?;
        self.kept.split_off(index).pop_front()
    }

    /// Forget the snapshots of what no longer happened.
    pub(super) fn forget_after(&mut self, head: u64, mark: Mark) {
        self.kept
            .retain(|snapshot| snapshot.head <= head && snapshot.mark <= mark);
    }
}
