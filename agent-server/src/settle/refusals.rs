//! What is learnt from batches that the contract refused.

use super::limits;
use agent_core::voucher::ChannelId;
use std::collections::HashMap;

/// One bad claim makes a whole batch revert. Halving the batch finds it; alone, it is set aside.
#[derive(Debug)]
pub(super) struct Refusals {
    rows_max: usize,
    /// The most rows of the next batch.
    rows: usize,
    /// Claims that were refused alone, and until when (Unix milliseconds) they are left out.
    aside: HashMap<ChannelId, u64>,
}

impl Refusals {
    pub(super) fn new(rows_max: usize) -> Self {
        let rows_max = rows_max.clamp(1, limits::ROWS_MAX);
        Self {
            rows_max,
            rows: rows_max,
            aside: HashMap::new(),
        }
    }

    /// The most rows of the next batch.
    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// A batch went through.
    pub(super) const fn relax(&mut self) {
        self.rows = self.rows_max;
    }

    /// A batch with these claims was refused.
    pub(super) fn learn(&mut self, failed: &[ChannelId], now_ms: u64) {
        match failed {
            [only] => {
                let wait = u64::try_from(limits::SET_ASIDE.as_millis()).unwrap_or(u64::MAX);
                self.aside.insert(*only, now_ms.saturating_add(wait));
                self.relax();
            }
            several => self.rows = (several.len() / 2).max(1),
        }
    }

    /// Whether the claim is left out for now.
    pub(super) fn is_aside(&self, channel: ChannelId) -> bool {
        self.aside.contains_key(&channel)
    }

    /// Takes back in what was left out for long enough.
    pub(super) fn forget_old(&mut self, now_ms: u64) {
        if self.aside.len() > limits::SET_ASIDE_MAX {
            self.aside.clear();
        }
        self.aside.retain(|_, until| *until > now_ms);
    }
}
