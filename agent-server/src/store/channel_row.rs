//! One channel as it is stored, and as others see it.

use agent_core::channel::{Channel, LockState};
use agent_core::ledger::Claim;
use agent_core::money::BaseUnits;
use agent_core::voucher::{CanonicalSignature, ChannelId, Funding};

/// One channel as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChannelRow {
    pub(super) id: ChannelId,
    pub(super) funding: Funding,
    pub(super) opening: BaseUnits,
    pub(super) on_chain: BaseUnits,
    pub(super) channel: Channel,
    pub(super) signature: Option<CanonicalSignature>,
    /// The voucher of a call in flight that nothing is charged under yet; on channels of
    /// `batch-settlement`, where it may pay for another call if this one fails.
    pub(super) held: Option<HeldVoucher>,
    /// When the chain was last asked about it, in Unix milliseconds.
    pub(super) observed: u64,
    pub(super) in_flight_max: u32,
    pub(super) posted: u64,
    pub(super) voided: u64,
    pub(super) unclaimed_since: Option<u64>,
    pub(super) broken: bool,
    pub(super) closing: bool,
}

/// See [`ChannelRow::held`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeldVoucher {
    /// The ceiling that claims are made with meanwhile: that of [`ChannelRow::signature`].
    pub(super) proven: BaseUnits,
    /// The signature under what is signed.
    pub(super) signature: CanonicalSignature,
}

/// One channel as its seller counts it, for people and for settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelView {
    /// The channel's id.
    pub id: ChannelId,
    /// What it is.
    pub funding: Funding,
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
            funding: row.funding,
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
    pub(super) const fn opened(
        id: ChannelId,
        funding: Funding,
        state: LockState,
        now: u64,
    ) -> Self {
        Self {
            id,
            funding,
            opening: state.claimed,
            on_chain: state.authorized,
            channel: Channel::opened(state),
            signature: None,
            held: None,
            observed: now,
            in_flight_max: 0,
            posted: 0,
            voided: 0,
            unclaimed_since: None,
            broken: false,
            closing: false,
        }
    }

    /// The highest ceiling that may be shown to anybody: something was charged under it, so it buys
    /// nothing more.
    pub(super) fn proven(&self) -> BaseUnits {
        self.held.map_or(self.channel.signed, |held| held.proven)
    }

    /// The newest voucher that something was charged under.
    pub(super) fn newest(&self) -> Option<(BaseUnits, CanonicalSignature)> {
        Some((self.proven(), self.signature?))
    }

    /// What was charged under the voucher that is held, so that it is claimed with from now on.
    pub(super) fn commit_voucher(self) -> Self {
        Self {
            signature: self
                .held
                .map_or(self.signature, |held| Some(held.signature)),
            held: None,
            ..self
        }
    }

    /// Nothing was charged under the voucher that is held: it is as if it had not come.
    pub(super) fn release_voucher(self) -> Self {
        let signed = self.proven();
        Self {
            channel: Channel {
                signed,
                ..self.channel
            },
            held: None,
            ..self
        }
    }

    /// The channel with a checked voucher that raised what is signed. On a lock it is a claim at
    /// once; elsewhere when something is charged under it.
    pub(super) fn raised(self, channel: Channel, signature: Option<CanonicalSignature>) -> Self {
        let raised = channel.signed > self.channel.signed;
        let after = Self {
            channel,
            in_flight_max: self.in_flight_max.max(channel.in_flight),
            ..self
        };
        match (signature.filter(|_| raised), self.funding) {
            (None, _) => after,
            (Some(signature), Funding::Batch(_)) => Self {
                held: Some(HeldVoucher {
                    proven: self.proven(),
                    signature,
                }),
                ..after
            },
            (signature, _) => Self { signature, ..after },
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
            funding: self.funding,
            channel_id: self.id,
            ceiling: self.proven(),
            signature: self.signature?,
            charged: self.claim_total(),
            claimed: self.channel.claimed,
            deadline_unix_secs: self.channel.deadline_unix_secs,
            unclaimed_since_unix_millis: self.unclaimed_since?,
        })
    }
}
