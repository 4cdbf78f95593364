//! Which channels have a call in flight: the scheme allows one each.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use agent_core::voucher::ChannelId;

#[derive(Debug, Clone, Default)]
pub(in crate::wallet) struct Live(Arc<Mutex<BTreeSet<ChannelId>>>);

impl Live {
    pub(in crate::wallet) fn holds(&self, id: ChannelId) -> bool {
        self.lock().contains(&id)
    }

    /// Takes the channel, unless somebody has it.
    pub(in crate::wallet) fn take(&self, id: ChannelId) -> Option<LiveChannel> {
        let live = self.clone();
        self.lock().insert(id).then_some(LiveChannel { id, live })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<ChannelId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A channel that is taken; free again when dropped.
#[derive(Debug)]
pub(in crate::wallet) struct LiveChannel {
    id: ChannelId,
    live: Live,
}

impl Drop for LiveChannel {
    fn drop(&mut self) {
        self.live.lock().remove(&self.id);
    }
}
