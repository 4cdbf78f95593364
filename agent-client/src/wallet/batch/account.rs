//! One batch-settlement channel as its buyer counts it: a pure machine.
//!
//! The scheme fixes the next voucher: what was charged so far, plus the request. So at most one
//! call is in flight on a channel, and a ceiling need not rise: after an answer was lost the same
//! one may be signed again. What bounds the loss is `signed`, the highest ceiling that ever left.

use agent_core::{
    channel::Broken,
    money::{BaseUnits, MoneyError},
    voucher::ChannelId,
    x402::batch::{Adopted, ChannelConfig},
};
use alloy_primitives::B256;

use crate::wallet::{account::Step, chain_port::ChannelOnChain, limits::OPENING_GRACE_SECS};

/// Where one of our batch-settlement channels stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchState {
    /// Payments can be made.
    Open,
    /// Its receiver broke the rules; nothing more is signed for that receiver.
    Suspect,
    /// Money went back, or notice of withdrawal was given: it is not signed on again.
    Leaving,
    /// Nothing is left in it.
    Closed,
}

impl BatchState {
    pub(in crate::wallet) const ALL: [Self; 4] =
        [Self::Open, Self::Suspect, Self::Leaving, Self::Closed];

    pub(in crate::wallet) const fn as_text(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Suspect => "suspect",
            Self::Leaving => "leaving",
            Self::Closed => "closed",
        }
    }
}

/// A deposit that was signed and may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingDeposit {
    /// How much, in base units.
    pub amount: BaseUnits,
    /// What makes its nonce.
    pub salt: B256,
    /// No longer good at this Unix second.
    pub valid_before: u64,
    /// Whether a receipt said that it was made. The chain has the last word.
    pub reported: bool,
}

/// One channel and its sums, in base units of its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchAccount {
    /// The channel's id.
    pub id: ChannelId,
    /// What it is.
    pub config: ChannelConfig,
    /// Where it stands.
    pub state: BatchState,
    /// Why its receiver is suspect, if it is.
    pub why: String,
    /// Paid in, as the chain showed it.
    pub deposited: BaseUnits,
    /// Came back: refunds and withdrawals.
    pub returned: BaseUnits,
    /// Claimed, as the chain said last.
    pub claimed: BaseUnits,
    /// The highest ceiling for which a signature may have left.
    pub signed: BaseUnits,
    /// What the receiver counts as charged: the next voucher goes on from here.
    pub charged: BaseUnits,
    /// The charges of receipts that were accepted.
    pub posted: BaseUnits,
    /// The maxima of payments whose end is not known.
    pub reserved: BaseUnits,
    /// What was charged before these books knew the channel.
    pub inherited: BaseUnits,
    /// Found on chain without books: the receiver's count is believed once, against its proof.
    pub recovered: bool,
    /// The deposit under way.
    pub deposit: Option<PendingDeposit>,
    /// When notice of withdrawal was given, as the chain says; Unix seconds.
    pub notice_unix_secs: u64,
    /// When these books first knew it, in Unix milliseconds.
    pub created_unix_millis: u64,
}

impl BatchAccount {
    /// What these books know of a channel when they first look at it on chain.
    pub(in crate::wallet) fn found(
        id: ChannelId,
        config: ChannelConfig,
        chain: &ChannelOnChain,
        now_ms: u64,
    ) -> Self {
        let known = !chain.balance.is_zero() || !chain.claimed.is_zero();
        let state = match chain {
            _ if !known => BatchState::Open,
            chain if chain.balance == chain.claimed => BatchState::Closed,
            chain if chain.notice_unix_secs > 0 => BatchState::Leaving,
            _ => BatchState::Open,
        };
        Self {
            id,
            config,
            state,
            why: String::new(),
            deposited: chain.balance,
            returned: BaseUnits::ZERO,
            claimed: chain.claimed,
            signed: chain.claimed,
            charged: chain.claimed,
            posted: BaseUnits::ZERO,
            reserved: BaseUnits::ZERO,
            inherited: chain.claimed,
            recovered: known,
            deposit: None,
            notice_unix_secs: chain.notice_unix_secs,
            created_unix_millis: now_ms,
        }
    }

    /// What the channel holds: deposited, less what came back.
    #[must_use]
    pub fn held(&self) -> BaseUnits {
        self.deposited
            .minus(self.returned)
            .unwrap_or(BaseUnits::ZERO)
    }

    /// What is ours to lose in it, a deposit that may still happen included.
    #[must_use]
    pub fn at_stake(&self) -> BaseUnits {
        let coming = self.deposit.map_or(BaseUnits::ZERO, |coming| coming.amount);
        let gone = self.charged.max(self.claimed);
        let held = self.held().plus(coming).unwrap_or(self.held());
        held.minus(gone).unwrap_or(BaseUnits::ZERO)
    }

    /// What vouchers can draw on without a further deposit.
    pub(in crate::wallet) fn usable(&self) -> Result<BaseUnits, MoneyError> {
        match self.deposit {
            Some(coming) if coming.reported => self.held().plus(coming.amount),
            _ => Ok(self.held()),
        }
    }

    /// The next voucher for a request of at most `max`.
    pub(in crate::wallet) fn step(&self, max: BaseUnits) -> Result<Step, MoneyError> {
        let ceiling = self.charged.plus(max)?;
        let raised = ceiling.minus(self.signed).unwrap_or(BaseUnits::ZERO);
        Ok(Step { ceiling, raised })
    }

    pub(in crate::wallet) fn signed_for(
        &self,
        max: BaseUnits,
        step: Step,
        deposit: Option<PendingDeposit>,
    ) -> Result<Self, Broken> {
        let mut next = self.clone();
        next.signed = self.signed.max(step.ceiling);
        next.reserved = self.reserved.plus(max)?;
        next.deposit = deposit.or(self.deposit);
        next.checked()
    }

    /// A payment of at most `max` ended and cost `actual`, after which the receiver counts `after`.
    pub(in crate::wallet) fn ended(
        &self,
        max: BaseUnits,
        actual: BaseUnits,
        after: BaseUnits,
    ) -> Result<Self, Broken> {
        if actual > max {
            return Err(Broken("a charge exceeds its maximum"));
        }
        let mut next = self.clone();
        next.reserved = self.reserved.minus(max)?;
        next.posted = self.posted.plus(actual)?;
        next.charged = self.charged.max(after);
        next.recovered = self.recovered && actual.is_zero();
        // An adopted count that this payment was to explain stays what it is.
        if let Ok(gap) = next.charged.minus(next.explained()?) {
            next.inherited = next.inherited.plus(gap)?;
        }
        next.checked()
    }

    /// A receipt said that the deposit that is good until then was made.
    pub(in crate::wallet) fn reported(mut self, valid_before: Option<u64>) -> Self {
        if let Some(deposit) = &mut self.deposit
            && valid_before == Some(deposit.valid_before)
        {
            deposit.reported = true;
        }
        self
    }

    /// The most that the receiver can have charged by our books.
    pub(in crate::wallet) fn explained(&self) -> Result<BaseUnits, MoneyError> {
        self.inherited.plus(self.posted)?.plus(self.reserved)
    }

    /// Takes over the receiver's count, which a voucher of ours proves; `None` when the payments in
    /// our books cannot explain it.
    pub(in crate::wallet) fn adopted(&self, theirs: Adopted) -> Result<Option<Self>, Broken> {
        let mut next = self.clone();
        if self.recovered {
            let ours = self.posted.plus(self.reserved)?;
            next.inherited = theirs.charged.minus(ours).unwrap_or(self.inherited);
            next.signed = self.signed.max(theirs.signed);
            next.recovered = false;
        }
        if theirs.charged > next.explained()? || theirs.signed > next.signed {
            return Ok(None);
        }
        next.charged = theirs.charged;
        next.checked().map(Some)
    }

    pub(in crate::wallet) fn suspected(&self, why: &str) -> Self {
        let mut next = self.clone();
        if self.state != BatchState::Closed {
            next.state = BatchState::Suspect;
        }
        why.clone_into(&mut next.why);
        next
    }

    /// Whether its receiver is suspect.
    #[must_use]
    pub const fn is_suspect(&self) -> bool {
        !self.why.is_empty()
    }

    /// The receiver may be paid again, over another channel.
    pub(in crate::wallet) fn forgiven(&self) -> Self {
        let mut next = self.clone();
        next.why.clear();
        if self.state == BatchState::Suspect {
            next.state = BatchState::Leaving;
        }
        next
    }

    /// Takes over what the chain says.
    ///
    /// A channel from which anything came back is not signed on again: with new money in it, the
    /// vouchers above what was claimed would come back to life.
    pub(in crate::wallet) fn observed(
        &self,
        chain: &ChannelOnChain,
        now_unix_secs: u64,
    ) -> Result<Self, Broken> {
        let mut next = self.clone();
        if let Some(deposit) = self.deposit.filter(|_| chain.deposit_used) {
            next.deposited = self.deposited.plus(deposit.amount)?;
        }
        let held = next.held();
        match chain.balance.minus(held) {
            Ok(more) => next.deposited = next.deposited.plus(more)?,
            Err(_) => next.returned = self.returned.plus(held.minus(chain.balance)?)?,
        }
        next.claimed = self.claimed.max(chain.claimed);
        next.notice_unix_secs = chain.notice_unix_secs;
        let over = |deposit: &PendingDeposit| {
            chain.deposit_used
                || deposit.valid_before.saturating_add(OPENING_GRACE_SECS) < now_unix_secs
        };
        next.deposit = self.deposit.filter(|deposit| !over(deposit));
        let leaves = next.returned > self.returned || chain.notice_unix_secs > 0;
        if leaves && self.state == BatchState::Open {
            next.state = BatchState::Leaving;
        }
        if !next.returned.is_zero() && chain.balance == chain.claimed {
            next.state = BatchState::Closed;
        }
        // A seller that claimed a payment whose answer was lost did charge it.
        if chain.claimed <= next.explained()? && chain.claimed <= next.signed {
            next.charged = self.charged.max(chain.claimed);
        }
        if next.state != BatchState::Closed && chain.claimed > next.explained()? {
            if self.recovered {
                next.inherited = chain.claimed;
                next.charged = self.charged.max(chain.claimed);
                next.signed = self.signed.max(chain.claimed);
            } else {
                next = next.suspected("it claimed more on chain than its receipts charged");
            }
        }
        next.checked()
    }

    /// Returns the account if its invariants hold.
    pub(in crate::wallet) fn checked(self) -> Result<Self, Broken> {
        if self.charged > self.signed {
            return Err(Broken("more is charged than was signed"));
        }
        if self.charged > self.explained()? {
            return Err(Broken("more is charged than payments explain"));
        }
        if self.returned > self.deposited {
            return Err(Broken("more came back than was put in"));
        }
        Ok(self)
    }
}
