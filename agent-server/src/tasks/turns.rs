//! One at a time: who goes on with a task that waits for its caller, or ends it.

use crate::limits::TURN_SHARDS;
use std::hash::{BuildHasher, RandomState};
use tokio::sync::{Mutex, MutexGuard};

/// The turns of all tasks.
///
/// Between reading what is stored of a task and starting it again, or ending it, nobody else may do
/// either: what they wrote would go under an older number and be lost. Tasks that share a shard wait
/// for one another, for a read and a write of the store.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    shards: [Mutex<()>; TURN_SHARDS],
    hasher: RandomState,
}

impl Turns {
    /// Waits for the turn of a task. It is over when what is returned is dropped.
    #[expect(
        clippy::indexing_slicing,
        reason = "the index is taken modulo the length"
    )]
    pub(crate) async fn take(&self, id: &str) -> MutexGuard<'_, ()> {
        let hash = usize::try_from(self.hasher.hash_one(id) >> 32).unwrap_or(0);
        self.shards[hash % TURN_SHARDS].lock().await
    }
}
