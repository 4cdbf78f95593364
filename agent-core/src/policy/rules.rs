//! What else must hold besides the bounds on amounts: who, for what, until when, how often.

use super::{PaymentIntent, PolicyRefusal, Spent, within};
use crate::money::{AssetId, BaseUnits, Network};
use crate::trust::GlobalAgentId;
use alloy_primitives::Address;
use std::collections::{BTreeMap, BTreeSet};

/// What narrows a [`SpendPolicy`](super::SpendPolicy). The default narrows nothing, and no rule
/// ever allows what the policy's bounds do not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpendRules {
    /// The chains that may be spent on, if they are listed.
    pub networks: Option<BTreeSet<Network>>,
    /// The accounts that may be paid, if they are listed.
    pub payees: Option<BTreeSet<Address>>,
    /// The accounts that are never paid, listed or not.
    pub denied_payees: BTreeSet<Address>,
    /// The registered agents that may be paid, if they are listed.
    pub agents: Option<BTreeSet<GlobalAgentId>>,
    /// Bounds for skills, by name. A name is the seller's word: bounds for one narrow what the
    /// policy allows, they do not say who sells it.
    pub skills: BTreeMap<String, SkillBounds>,
    /// Whether a skill without bounds of its own is refused.
    pub listed_skills_only: bool,
    /// From when on the policy is in force, in seconds of Unix time.
    pub not_before_unix_secs: Option<u64>,
    /// The last second in which it is in force.
    pub not_after_unix_secs: Option<u64>,
    /// The least that one payment may be.
    pub least: Option<BaseUnits>,
    /// Above this a person has to say yes to each payment.
    pub ask_above: Option<BaseUnits>,
    /// How far ahead of what was charged a payee may hold our signature, in base units: what a
    /// buyer can lose to a payee that stops working. Nothing by default: one signature for a call.
    pub prepaid_ahead_base_units: BaseUnits,
    /// Budgets for all payments together.
    pub budgets: Vec<TotalBudget>,
    /// How often payments may be made.
    pub recurrences: Vec<Recurrence>,
}

/// Bounds for one skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SkillBounds {
    /// The most that one payment may cost.
    pub per_payment: Option<BaseUnits>,
    /// The most in any 24 hours.
    pub per_day: Option<BaseUnits>,
}

/// The most for all payments since a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TotalBudget {
    /// From when on payments count, in seconds of Unix time.
    pub since_unix_secs: u64,
    /// The most.
    pub max: BaseUnits,
}

/// How often payments may be made since a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recurrence {
    /// From when on payments count, in seconds of Unix time.
    pub since_unix_secs: u64,
    /// How many at most; any number if unset.
    pub max_occurrences: Option<u64>,
    /// How many seconds lie between two at least.
    pub min_interval_secs: u64,
}

/// What was signed since a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// The sum of the maxima, whatever was charged in the end.
    pub signed: BaseUnits,
    /// How many payments.
    pub payments: u64,
    /// When the last one was made.
    pub last_unix_secs: Option<u64>,
}

impl SpendRules {
    /// The moments since which payments have to be counted: those of the budgets, then those of
    /// the recurrences.
    pub fn since(&self) -> impl Iterator<Item = u64> {
        let budgets = self.budgets.iter().map(|budget| budget.since_unix_secs);
        let recurrences = self.recurrences.iter().map(|rule| rule.since_unix_secs);
        budgets.chain(recurrences)
    }

    pub(super) fn network(&self, asset: AssetId) -> Result<(), PolicyRefusal> {
        let listed = self.networks.as_ref();
        holds(
            listed.is_none_or(|listed| listed.contains(&asset.network)),
            PolicyRefusal::Network,
        )
    }

    pub(super) fn payee(&self, payee: Address) -> Result<(), PolicyRefusal> {
        let denied = self.denied_payees.contains(&payee);
        holds(!denied, PolicyRefusal::PayeeDenied)?;
        let listed = self.payees.as_ref();
        holds(
            listed.is_none_or(|listed| listed.contains(&payee)),
            PolicyRefusal::Payee,
        )
    }

    pub(super) fn time(&self, now_unix_secs: Option<u64>) -> Result<(), PolicyRefusal> {
        if self.not_before_unix_secs.is_none() && self.not_after_unix_secs.is_none() {
            return Ok(());
        }
        let now = now_unix_secs.ok_or(PolicyRefusal::HistoryUnknown)?;
        let begun = self.not_before_unix_secs.is_none_or(|from| now >= from);
        holds(begun, PolicyRefusal::NotYet)?;
        let lasts = self.not_after_unix_secs.is_none_or(|until| now <= until);
        holds(lasts, PolicyRefusal::Expired)
    }

    pub(super) fn payment(&self, want: &PaymentIntent, spent: &Spent) -> Result<(), PolicyRefusal> {
        let enough = self.least.is_none_or(|least| want.max >= least);
        holds(enough, PolicyRefusal::BelowLeast)?;
        self.skill(want, spent)?;
        let mut tallies = spent.since.iter();
        for budget in &self.budgets {
            let tally = tallies.next().ok_or(PolicyRefusal::HistoryUnknown)?;
            within(want.max, tally.signed, budget.max, PolicyRefusal::Budget)?;
        }
        for rule in &self.recurrences {
            let tally = tallies.next().ok_or(PolicyRefusal::HistoryUnknown)?;
            rule.allows(tally, spent.now_unix_secs)?;
        }
        Ok(())
    }

    /// What the rules' own sums leave. A sum that is not known leaves nothing.
    pub(super) fn room(&self, skill: &str, spent: &Spent) -> BaseUnits {
        let left = |bound: BaseUnits, already: Option<BaseUnits>| {
            let left = already.and_then(|already| bound.minus(already).ok());
            left.unwrap_or(BaseUnits::ZERO)
        };
        let of_day = self.skills.get(skill).and_then(|bounds| bounds.per_day);
        let of_skill = of_day.map(|bound| left(bound, spent.skill_last_day));
        let budgets = self.budgets.iter().enumerate().map(|(index, budget)| {
            let tally = spent.since.get(index);
            left(budget.max, tally.map(|tally| tally.signed))
        });
        let rooms = of_skill.into_iter().chain(budgets);
        rooms.min().unwrap_or(BaseUnits::new(u128::MAX))
    }

    fn skill(&self, want: &PaymentIntent, spent: &Spent) -> Result<(), PolicyRefusal> {
        let Some(bounds) = self.skills.get(&want.skill) else {
            return holds(!self.listed_skills_only, PolicyRefusal::Skill);
        };
        if let Some(bound) = bounds.per_payment {
            within(want.max, BaseUnits::ZERO, bound, PolicyRefusal::PerSkill)?;
        }
        if let Some(bound) = bounds.per_day {
            let already = spent.skill_last_day.ok_or(PolicyRefusal::HistoryUnknown)?;
            within(want.max, already, bound, PolicyRefusal::PerSkillDay)?;
        }
        Ok(())
    }
}

impl Recurrence {
    fn allows(&self, tally: &Tally, now_unix_secs: Option<u64>) -> Result<(), PolicyRefusal> {
        let left = self.max_occurrences.is_none_or(|max| tally.payments < max);
        holds(left, PolicyRefusal::Occurrences)?;
        let (true, Some(last)) = (self.min_interval_secs > 0, tally.last_unix_secs) else {
            return Ok(());
        };
        let now = now_unix_secs.ok_or(PolicyRefusal::HistoryUnknown)?;
        let next = last.saturating_add(self.min_interval_secs);
        holds(now >= next, PolicyRefusal::TooSoon)
    }
}

const fn holds(holds: bool, refusal: PolicyRefusal) -> Result<(), PolicyRefusal> {
    if holds { Ok(()) } else { Err(refusal) }
}
