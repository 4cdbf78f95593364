//! One channel as its buyer counts it: a pure machine, the mirror of [`agent_core::channel`].
//!
//! At all times H + R ≤ S, and while the channel can be signed on, S ≤ what the lock holds. S never
//! falls. Signed is not owed: a seller may claim up to S, so S is what the spend policy bounds.

use agent_core::{
    channel::{Broken, LockState},
    money::{BaseUnits, MoneyError},
    voucher::{ChannelId, Lock},
};

/// Where one of our channels stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelState {
    /// Its first opening is stored but not yet seen to succeed.
    Opening,
    /// Payments can be made.
    Open,
    /// Its payee broke the rules; nothing more is signed for that payee.
    Suspect,
    /// Some of it was released; what is left comes back after the deadline.
    Closing,
    /// Nothing is left in it.
    Released,
    /// Its opening was refused.
    Failed,
}

impl ChannelState {
    pub(super) const fn as_text(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Open => "open",
            Self::Suspect => "suspect",
            Self::Closing => "closing",
            Self::Released => "released",
            Self::Failed => "failed",
        }
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        [
            Self::Opening,
            Self::Open,
            Self::Suspect,
            Self::Closing,
            Self::Released,
            Self::Failed,
        ]
        .into_iter()
        .find(|state| state.as_text() == text)
    }
}

/// One channel and its sums; the amounts are base units of the lock's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The channel's id.
    pub id: ChannelId,
    /// The lock behind it.
    pub lock: Lock,
    /// Where it stands.
    pub state: ChannelState,
    /// Why its payee is suspect, if it is; kept when the lock is over, until the payee is forgiven.
    pub why: String,
    /// Put into the lock in all, counting only openings whose receipt succeeded.
    pub deposited: BaseUnits,
    /// Came back from the lock.
    pub returned: BaseUnits,
    /// C: claimed, as the chain said last.
    pub claimed: BaseUnits,
    /// S: the highest ceiling for which a signature may have left.
    pub signed: BaseUnits,
    /// H: the charges of receipts that were accepted.
    pub charged: BaseUnits,
    /// R: the maxima of payments whose end is not known.
    pub reserved: BaseUnits,
    /// What the payee said it counts as owed beyond H + R, and our books allow.
    pub unseen: BaseUnits,
    /// How many payments R is the sum of.
    pub in_flight: u32,
    /// After this what is left can be taken back; Unix seconds.
    pub deadline_unix_secs: u64,
    /// When it was made, in Unix milliseconds.
    pub created_unix_millis: u64,
}

/// What a new voucher would say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) ceiling: BaseUnits,
    /// By how much S grows.
    pub(super) raised: BaseUnits,
}

impl Account {
    /// What the lock holds for vouchers: deposited, less what came back.
    #[must_use]
    pub fn authorized(&self) -> BaseUnits {
        self.deposited
            .minus(self.returned)
            .unwrap_or(BaseUnits::ZERO)
    }

    /// What is ours to lose in it: held, and not yet charged.
    #[must_use]
    pub fn at_stake(&self) -> BaseUnits {
        let gone = self.charged.max(self.claimed);
        self.authorized().minus(gone).unwrap_or(BaseUnits::ZERO)
    }

    /// The next voucher for a payment of at most `max`.
    ///
    /// Ceilings strictly increase, also when there is slack: one voucher then pays for at most one
    /// call, and a voucher seen on chain or in a log buys nothing.
    pub(super) fn step(&self, max: BaseUnits) -> Result<Step, MoneyError> {
        let owed = self.owed()?;
        let ceiling = self.signed.plus(BaseUnits::new(1))?.max(owed.plus(max)?);
        Ok(Step {
            ceiling,
            raised: ceiling.minus(self.signed)?,
        })
    }

    /// The same, up to `ahead` further than the payment needs, as far as the lock holds it. While
    /// there is slack and no `renewal` is wanted, it is used up and none is added.
    pub(super) fn step_ahead(
        &self,
        max: BaseUnits,
        ahead: BaseUnits,
        renewal: bool,
    ) -> Result<Step, MoneyError> {
        let least = self.step(max)?;
        let needed = self.owed()?.plus(max)?;
        if needed < self.signed && !renewal {
            return Ok(least);
        }
        let furthest = needed.plus(ahead)?.min(self.authorized());
        let ceiling = furthest.max(least.ceiling);
        Ok(Step {
            ceiling,
            raised: ceiling.minus(self.signed)?,
        })
    }

    /// What a payment of at most `max` leaves below `ceiling` if it is made without a new voucher;
    /// `None` if it does not fit there, or the lock ends before `until`.
    pub(super) fn left_below(
        &self,
        ceiling: BaseUnits,
        max: BaseUnits,
        until_unix_secs: u64,
    ) -> Option<BaseUnits> {
        if self.state != ChannelState::Open || self.deadline_unix_secs < until_unix_secs {
            return None;
        }
        let needed = self.owed().and_then(|owed| owed.plus(max)).ok()?;
        ceiling.min(self.signed).minus(needed).ok()
    }

    /// What the next voucher must cover besides its own payment.
    pub(super) fn owed(&self) -> Result<BaseUnits, MoneyError> {
        self.charged.plus(self.reserved)?.plus(self.unseen)
    }

    /// Whether a payment of at most `max` fits, on a lock that must run until `until`.
    pub(super) fn fits(&self, max: BaseUnits, until_unix_secs: u64) -> bool {
        self.state == ChannelState::Open
            && self.deadline_unix_secs >= until_unix_secs
            && self
                .step(max)
                .is_ok_and(|step| step.ceiling <= self.authorized())
    }

    pub(super) fn signed_for(&self, max: BaseUnits, step: Step) -> Result<Self, Broken> {
        let mut next = self.clone();
        next.signed = step.ceiling;
        next.reserved = self.reserved.plus(max)?;
        next.in_flight = self.in_flight.saturating_add(1);
        next.checked()
    }

    /// A payment of at most `max` ended and cost `actual`.
    pub(super) fn ended(&self, max: BaseUnits, actual: BaseUnits) -> Result<Self, Broken> {
        if actual > max {
            return Err(Broken("a charge exceeds its maximum"));
        }
        let mut next = self.clone();
        next.reserved = self.reserved.minus(max)?;
        next.charged = self.charged.plus(actual)?;
        next.in_flight = self
            .in_flight
            .checked_sub(1)
            .ok_or(Broken("a payment ended that never began"))?;
        next.checked()
    }

    /// An opening succeeded.
    pub(super) fn funded(&self, amount: BaseUnits, deadline: u64) -> Result<Self, Broken> {
        let mut next = self.clone();
        next.deposited = self.deposited.plus(amount)?;
        next.deadline_unix_secs = self.deadline_unix_secs.max(deadline);
        if matches!(self.state, ChannelState::Opening | ChannelState::Failed) {
            next.state = ChannelState::Open;
        }
        next.checked()
    }

    pub(super) fn suspected(&self, why: &str) -> Self {
        let mut next = self.clone();
        if !matches!(self.state, ChannelState::Released) {
            next.state = ChannelState::Suspect;
        }
        why.clone_into(&mut next.why);
        next
    }

    /// Whether its payee is suspect.
    #[must_use]
    pub const fn is_suspect(&self) -> bool {
        !self.why.is_empty()
    }

    /// The payee may be paid again, on another lock: what this one signed stays as it was.
    pub(super) fn forgiven(&self) -> Self {
        let mut next = self.clone();
        next.why.clear();
        if self.state == ChannelState::Suspect {
            next.state = ChannelState::Closing;
        }
        next
    }

    /// Takes over what the chain says.
    ///
    /// A lock of which anything was released is never topped up or signed on again: the vouchers
    /// above what was claimed would come back to life with the new money.
    pub(super) fn observed(&self, chain: LockState) -> Result<Self, Broken> {
        let mut next = self.clone();
        let held = self.authorized();
        if chain.authorized > held {
            // Somebody sent an opening that we had given up; the money is there, so it counts.
            next.deposited = self.deposited.plus(chain.authorized.minus(held)?)?;
        } else {
            next.returned = self.returned.plus(held.minus(chain.authorized)?)?;
        }
        next.claimed = self.claimed.max(chain.claimed);
        next.deadline_unix_secs = self.deadline_unix_secs.max(chain.deadline_unix_secs);
        if chain.authorized == chain.claimed && !next.returned.is_zero() {
            next.state = ChannelState::Released;
        } else if next.returned > self.returned && self.state != ChannelState::Suspect {
            next.state = ChannelState::Closing;
        }
        if next.state != ChannelState::Released
            && chain.claimed > self.charged.plus(self.reserved)?
        {
            next = next.suspected("it claimed more on chain than its receipts charged");
        }
        next.checked()
    }

    /// Returns the account if its invariants hold.
    pub(super) fn checked(self) -> Result<Self, Broken> {
        if self.owed()? > self.signed {
            return Err(Broken("charged and in flight exceed signed"));
        }
        if self.returned > self.deposited {
            return Err(Broken("more came back than was put in"));
        }
        if self.claimed > self.authorized() {
            return Err(Broken("claimed exceeds what the lock held"));
        }
        if self.state == ChannelState::Open && self.signed > self.authorized() {
            return Err(Broken("signed exceeds what the lock holds"));
        }
        Ok(self)
    }
}
