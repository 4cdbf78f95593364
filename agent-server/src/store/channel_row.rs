//! One channel as it is stored, and as others see it.

use agent_core::channel::{Channel, LockState};
use agent_core::ledger::Claim;
use agent_core::money::BaseUnits;
use agent_core::voucher::{CanonicalSignature, ChannelId, Lock};

/// One channel as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChannelRow {
    pub(super) id: ChannelId,
    pub(super) lock: Lock,
    pub(super) opening: BaseUnits,
    pub(super) on_chain: BaseUnits,
    pub(super) channel: Channel,
    pub(super) signature: Option<CanonicalSignature>,
    pub(super) in_flight_max: u32,
    pub(super) posted: u64,
    pub(super) voided: u64,
    pub(super) unclaimed_since: Option<u64>,
    pub(super) broken: bool,
    pub(super) closing: bool,
}

/// One channel as its seller counts it, for people and for settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelView {
    /// The channel's id.
    pub id: ChannelId,
    /// The lock behind it.
    pub lock: Lock,
    /// Its counters.
    pub channel: Channel,
    /// What the chain said last that the lock was given, less what was released.
    pub authorized_on_chain: BaseUnits,
    /// Payments that ended in a charge.
    pub posted: u64,
    /// Payments that ended without one.
    pub voided: u64,
    /// Since when something could be claimed, in Unix milliseconds; `None` when nothing can.
    pub unclaimed_since_unix_millis: Option<u64>,
    /// Whether an invariant did not hold, so that nothing is admitted or claimed any more.
    pub broken: bool,
    /// Whether nothing is admitted any more because the seller gives back what is left.
    pub closing: bool,
}

impl From<ChannelRow> for ChannelView {
    fn from(row: ChannelRow) -> Self {
        Self {
            id: row.id,
            lock: row.lock,
            channel: row.channel,
            authorized_on_chain: row.on_chain,
            posted: row.posted,
            voided: row.voided,
            unclaimed_since_unix_millis: row.unclaimed_since,
            broken: row.broken,
            closing: row.closing,
        }
    }
}

impl ChannelRow {
    /// The row of a lock that is seen for the first time.
    pub(super) const fn opened(id: ChannelId, lock: Lock, state: LockState) -> Self {
        Self {
            id,
            lock,
            opening: state.claimed,
            on_chain: state.authorized,
            channel: Channel::opened(state),
            signature: None,
            in_flight_max: 0,
            posted: 0,
            voided: 0,
            unclaimed_since: None,
            broken: false,
            closing: false,
        }
    }

    /// The cumulative amount that a claim could be made for now, whether or not it is claimed.
    pub(super) fn claim_total(&self) -> BaseUnits {
        match self.signature {
            // A lock that was released in part pays at most what it still holds.
            Some(_) => self.channel.charged.min(self.on_chain),
            None => BaseUnits::ZERO,
        }
    }

    /// Keeps `unclaimed_since` in step: set exactly while something could be claimed, and begun
    /// anew when a claim was seen, because what is left is younger than that claim.
    pub(super) fn aged(mut self, before: &Self, now_unix_millis: u64) -> Self {
        let claimed = self.channel.claimed;
        let since = if self.claim_total() <= claimed {
            None
        } else if claimed > before.channel.claimed {
            Some(now_unix_millis)
        } else {
            self.unclaimed_since.or(Some(now_unix_millis))
        };
        self.unclaimed_since = since;
        self
    }

    /// What settlement needs, if something can be claimed.
    pub(super) fn claim(&self) -> Option<Claim> {
        Some(Claim {
            lock: self.lock,
            channel_id: self.id,
            ceiling: self.channel.signed,
            signature: self.signature?,
            charged: self.claim_total(),
            claimed: self.channel.claimed,
            deadline_unix_secs: self.channel.deadline_unix_secs,
            unclaimed_since_unix_millis: self.unclaimed_since?,
        })
    }
}
