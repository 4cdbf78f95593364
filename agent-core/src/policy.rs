//! What a buyer's wallet may spend, decided before anything is signed.
//!
//! On by default and fail-closed: an asset, chain or contract that is not listed is refused. The
//! decision is a pure function of the policy, the intent and what was spent before; keeping that
//! history durable is the wallet's work.

use crate::money::{AssetId, BaseUnits, MoneyError};
use alloy_primitives::Address;
use std::collections::BTreeSet;

/// The bounds on one asset's spending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendPolicy {
    /// The asset these bounds are for; every other asset is refused.
    pub asset: AssetId,
    /// The escrow contracts that locks may be opened in.
    pub contracts: BTreeSet<Address>,
    /// The most that one payment may cost.
    pub per_payment: BaseUnits,
    /// The most in any 60 minutes.
    pub per_hour: BaseUnits,
    /// The most in any 24 hours.
    pub per_day: BaseUnits,
    /// The most in any 24 hours to one payee.
    pub per_payee_per_day: BaseUnits,
    /// The most that one lock may hold: what is out of reach until its deadline.
    pub per_lock: BaseUnits,
    /// The most that all open locks may hold together.
    pub locked_total: BaseUnits,
    /// The longest time a lock may run.
    pub max_lock_secs: u64,
    /// Stops all spending at once.
    pub killed: bool,
}

/// One payment a caller wants to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentIntent {
    /// In what.
    pub asset: AssetId,
    /// To whom.
    pub payee: Address,
    /// Under which escrow contract.
    pub contract: Address,
    /// The most that the payment may cost.
    pub max: BaseUnits,
    /// What the seller offered beforehand (its card, a pinned offer), if it did: asking for more
    /// than that is drift, and refused.
    pub offered: Option<BaseUnits>,
}

/// One lock a caller wants to open or top up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockIntent {
    /// In what.
    pub asset: AssetId,
    /// For whom.
    pub payee: Address,
    /// Under which escrow contract.
    pub contract: Address,
    /// How much is added.
    pub amount: BaseUnits,
    /// What this lock holds already.
    pub held: BaseUnits,
    /// How long the lock will run from now.
    pub lock_secs: u64,
}

/// What was spent and is held, in one asset, up to now. Payments in flight count with their maxima.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// In the last 60 minutes.
    pub last_hour: BaseUnits,
    /// In the last 24 hours.
    pub last_day: BaseUnits,
    /// In the last 24 hours to the payee in question.
    pub payee_last_day: BaseUnits,
    /// Held by all open locks.
    pub locked_total: BaseUnits,
}

impl SpendPolicy {
    /// Decides on one payment.
    ///
    /// # Errors
    /// [`PolicyRefusal`] names the bound that stands in the way.
    pub fn decide_payment(&self, want: &PaymentIntent, spent: &Spent) -> Result<(), PolicyRefusal> {
        self.common(want.asset, want.contract)?;
        if want.offered.is_some_and(|offered| want.max > offered) {
            return Err(PolicyRefusal::Drift);
        }
        within(
            want.max,
            BaseUnits::ZERO,
            self.per_payment,
            PolicyRefusal::PerPayment,
        )?;
        within(
            want.max,
            spent.last_hour,
            self.per_hour,
            PolicyRefusal::PerHour,
        )?;
        within(
            want.max,
            spent.last_day,
            self.per_day,
            PolicyRefusal::PerDay,
        )?;
        within(
            want.max,
            spent.payee_last_day,
            self.per_payee_per_day,
            PolicyRefusal::PerPayee,
        )
    }

    /// Decides on one lock.
    ///
    /// # Errors
    /// [`PolicyRefusal`] names the bound that stands in the way.
    pub fn decide_lock(&self, want: &LockIntent, spent: &Spent) -> Result<(), PolicyRefusal> {
        self.common(want.asset, want.contract)?;
        if want.lock_secs > self.max_lock_secs {
            return Err(PolicyRefusal::LockTooLong);
        }
        within(
            want.amount,
            want.held,
            self.per_lock,
            PolicyRefusal::PerLock,
        )?;
        within(
            want.amount,
            spent.locked_total,
            self.locked_total,
            PolicyRefusal::LockedTotal,
        )
    }

    fn common(&self, asset: AssetId, contract: Address) -> Result<(), PolicyRefusal> {
        if self.killed {
            return Err(PolicyRefusal::Killed);
        }
        if asset != self.asset {
            return Err(PolicyRefusal::UnknownAsset);
        }
        if !self.contracts.contains(&contract) {
            return Err(PolicyRefusal::UnknownContract);
        }
        Ok(())
    }
}

fn within(
    more: BaseUnits,
    already: BaseUnits,
    bound: BaseUnits,
    refusal: PolicyRefusal,
) -> Result<(), PolicyRefusal> {
    match already.plus(more) {
        Ok(sum) if sum <= bound => Ok(()),
        Ok(_) | Err(MoneyError::Overflow | _) => Err(refusal),
    }
}

/// Which bound of the policy stands in the way. Nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyRefusal {
    /// The kill switch is on.
    #[error("spending is switched off")]
    Killed,
    /// The asset or its chain is not on the policy's list.
    #[error("the policy allows no spending in this asset on this chain")]
    UnknownAsset,
    /// The escrow contract is not on the policy's list.
    #[error("the policy does not know this escrow contract")]
    UnknownContract,
    /// The seller asks for more than it offered.
    #[error("the seller asks for more than it offered")]
    Drift,
    /// Above the bound on one payment.
    #[error("the payment is above the policy's bound for one payment")]
    PerPayment,
    /// Above the hourly bound.
    #[error("the payment would exceed the policy's bound for an hour")]
    PerHour,
    /// Above the daily bound.
    #[error("the payment would exceed the policy's bound for a day")]
    PerDay,
    /// Above the daily bound for one payee.
    #[error("the payment would exceed the policy's bound for this payee and day")]
    PerPayee,
    /// Above the bound on one lock.
    #[error("the lock would hold more than the policy allows")]
    PerLock,
    /// Above the bound on all locks.
    #[error("all locks together would hold more than the policy allows")]
    LockedTotal,
    /// The lock would run too long.
    #[error("the lock would run longer than the policy allows")]
    LockTooLong,
}

impl PolicyRefusal {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Killed => "policy_killed",
            Self::UnknownAsset => "policy_unknown_asset",
            Self::UnknownContract => "policy_unknown_contract",
            Self::Drift => "policy_drift",
            Self::PerPayment => "policy_per_payment",
            Self::PerHour => "policy_per_hour",
            Self::PerDay => "policy_per_day",
            Self::PerPayee => "policy_per_payee",
            Self::PerLock => "policy_per_lock",
            Self::LockedTotal => "policy_locked_total",
            Self::LockTooLong => "policy_lock_too_long",
        }
    }
}
