//! What a buyer's wallet may spend, decided before anything is signed.
//!
//! On by default and fail-closed: an asset, chain or contract that is not listed is refused. The
//! decision is a pure function of the policy, the intent and what was spent before; keeping that
//! history durable is the wallet's work.
//!
//! The bounds of [`SpendPolicy`] always hold; [`SpendRules`] narrow them further: who may be paid,
//! for what, until when, and from which amount on a person decides. Nothing that a peer sends is an
//! input of a decision other than as the amount, the payee and the skill it is about.

mod refusal;
mod rules;

pub use refusal::PolicyRefusal;
pub use rules::{Recurrence, SkillBounds, SpendRules, Tally, TotalBudget};

use crate::money::{AssetId, BaseUnits, MoneyError};
use crate::trust::GlobalAgentId;
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
    /// What else must hold; nothing by default.
    pub rules: SpendRules,
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
    /// For which skill, by the name the seller gives it.
    pub skill: String,
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
///
/// What the default leaves out makes a rule that needs it refuse.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spent {
    /// In the last 60 minutes.
    pub last_hour: BaseUnits,
    /// In the last 24 hours.
    pub last_day: BaseUnits,
    /// In the last 24 hours to the payee in question.
    pub payee_last_day: BaseUnits,
    /// Held by all open locks.
    pub locked_total: BaseUnits,
    /// What time it is.
    pub now_unix_secs: Option<u64>,
    /// In the last 24 hours for the skill in question.
    pub skill_last_day: Option<BaseUnits>,
    /// What was signed since each moment that [`SpendRules::since`] names, in its order.
    pub since: Vec<Tally>,
}

impl SpendPolicy {
    /// Decides on one payment.
    ///
    /// # Errors
    /// [`PolicyRefusal`] names the bound that stands in the way.
    pub fn decide_payment(&self, want: &PaymentIntent, spent: &Spent) -> Result<(), PolicyRefusal> {
        self.common(want.asset, want.contract)?;
        self.rules.payee(want.payee)?;
        self.rules.time(spent.now_unix_secs)?;
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
        )?;
        self.rules.payment(want, spent)
    }

    /// Decides on the agent behind a payment, by its registered identity.
    ///
    /// # Errors
    /// [`PolicyRefusal::Agent`] when agents are listed and this one is not.
    pub fn decide_agent(&self, agent: Option<&GlobalAgentId>) -> Result<(), PolicyRefusal> {
        let listed = self.rules.agents.as_ref();
        match listed.is_none_or(|listed| agent.is_some_and(|agent| listed.contains(agent))) {
            true => Ok(()),
            false => Err(PolicyRefusal::Agent),
        }
    }

    /// How much may still be signed for the payee and skill in question, before a bound on a sum is
    /// reached: what signing ahead must stay within, besides
    /// [`SpendRules::prepaid_ahead_base_units`]. It decides on nothing else; ask
    /// [`decide_payment`](Self::decide_payment) as well.
    #[must_use]
    pub fn room(&self, skill: &str, spent: &Spent) -> BaseUnits {
        let left =
            |bound: BaseUnits, already: BaseUnits| bound.minus(already).unwrap_or(BaseUnits::ZERO);
        left(self.per_hour, spent.last_hour)
            .min(left(self.per_day, spent.last_day))
            .min(left(self.per_payee_per_day, spent.payee_last_day))
            .min(self.rules.room(skill, spent))
    }

    /// Whether a person has to say yes to a payment of at most `max`.
    #[must_use]
    pub fn asks(&self, max: BaseUnits) -> bool {
        self.rules.ask_above.is_some_and(|above| max > above)
    }

    /// Decides on one lock.
    ///
    /// # Errors
    /// [`PolicyRefusal`] names the bound that stands in the way.
    pub fn decide_lock(&self, want: &LockIntent, spent: &Spent) -> Result<(), PolicyRefusal> {
        self.common(want.asset, want.contract)?;
        self.rules.payee(want.payee)?;
        self.rules.time(spent.now_unix_secs)?;
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
        self.rules.network(asset)?;
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
