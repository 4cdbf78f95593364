//! What to claim now: a pure function of the time, the claims and a policy.

use super::limits;
use agent_core::channel::NO_DEADLINE;
use agent_core::ledger::Claim;
use agent_core::money::BaseUnits;
use alloy_primitives::Address;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// When claiming is worth its gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettlePolicy {
    /// Claim when this much is unclaimed for one payee and token, in base units.
    pub value: BaseUnits,
    /// Claim when something has been unclaimed for so long, in milliseconds.
    pub age_millis: u64,
    /// Claim when a lock's deadline is closer than this, in seconds. It must leave time for a
    /// transaction to be mined on a bad day. Of channels of `batch-settlement` is claimed as soon as
    /// their payer gave notice; this is then how long before the withdrawal any fee is paid.
    pub deadline_margin_secs: u64,
    /// A claim below this is never worth the gas of its row, not even at its deadline; in base units.
    pub dust: BaseUnits,
    /// The most claims in one batch; at most [`limits::ROWS_MAX`].
    pub rows: usize,
    /// What is done while gas is dear; nothing, if unset: claims are made at any price up to the
    /// outbox's cap.
    pub gas: Option<GasPatience>,
}

/// Waiting while gas is dear, for as long as deadlines allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasPatience {
    /// Up to this base fee, in wei per gas, claims are made as usual.
    pub calm_wei: u128,
    /// For so long before a deadline's margin, in seconds, ever more is paid: from the calm fee to
    /// [`limits::GAS_CLIMB_TIMES`] times that. Within the margin any fee is.
    pub climb_secs: u64,
}

impl GasPatience {
    /// The highest base fee, in wei per gas, at which a claim is made that must be mined in
    /// `left_secs`, `margin_secs` of which are for bad days.
    #[must_use]
    pub fn allows_wei(&self, left_secs: u64, margin_secs: u64) -> u128 {
        let spare = left_secs.saturating_sub(margin_secs);
        if spare == 0 {
            return u128::MAX;
        }
        let climbed = u128::from(self.climb_secs.saturating_sub(spare));
        let most = self.calm_wei.saturating_mul(limits::GAS_CLIMB_TIMES - 1);
        let whole = u128::from(self.climb_secs.max(1));
        let more = most.saturating_mul(climbed) / whole;
        self.calm_wei.saturating_add(more)
    }
}

impl SettlePolicy {
    /// The same policy with everything due at once, for a shutdown; only dust stays.
    #[must_use]
    pub const fn everything(self) -> Self {
        Self {
            value: BaseUnits::ZERO,
            age_millis: 0,
            gas: None,
            ..self
        }
    }
}

/// Why a batch is due, the most pressing reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// A deadline is near, or the payer of a channel gave notice that it withdraws.
    Deadline,
    /// Something has been unclaimed for too long.
    Age,
    /// Enough is unclaimed.
    Value,
}

/// The contract that claims are made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimedFrom {
    /// The escrow of z402: a claim pays.
    Locks,
    /// The contract of `batch-settlement`: a claim books, and a payout pays all that is booked.
    Channels,
}

impl ClaimedFrom {
    /// The most claims that one transaction makes.
    #[must_use]
    pub const fn rows_max(self) -> usize {
        match self {
            Self::Locks => limits::ROWS_MAX,
            Self::Channels => limits::CHANNEL_ROWS_MAX,
        }
    }

    const fn of(claim: &Claim) -> Self {
        match claim.funding.batch() {
            Some(_) => Self::Channels,
            None => Self::Locks,
        }
    }
}

/// Claims that one transaction can make: all of one contract, one payee and one token.
#[derive(Debug, Clone)]
pub struct Batch {
    /// From which contract.
    pub from: ClaimedFrom,
    /// Who is paid.
    pub payee: Address,
    /// In which token.
    pub token: Address,
    /// The claims, most pressing first.
    pub claims: Vec<Claim>,
    /// Why now.
    pub due: Due,
}

impl Batch {
    /// Whether it is claimed at this base fee, in wei per gas, or waits for a lower one.
    #[must_use]
    pub fn is_affordable(
        &self,
        now_unix_millis: u64,
        base_fee_wei: u128,
        policy: &SettlePolicy,
    ) -> bool {
        let Some(gas) = policy.gas else { return true };
        let deadlines = self.claims.iter().map(|claim| claim.deadline_unix_secs);
        let left = deadlines.min().unwrap_or(u64::MAX);
        let left = left.saturating_sub(now_unix_millis / 1_000);
        base_fee_wei <= gas.allows_wei(left, policy.deadline_margin_secs)
    }
}

/// The batch to send now, if one is due.
///
/// Of several payees and tokens the most pressing goes first; of the claims of one, those with the
/// nearest deadlines, then the largest. Once a batch is due it takes along what is not due yet and
/// fits, since a row costs less than a transaction.
#[must_use]
pub fn plan(now_unix_millis: u64, claims: &[Claim], policy: &SettlePolicy) -> Option<Batch> {
    type Group = (ClaimedFrom, Address, Address);
    let mut groups: BTreeMap<Group, Vec<Claim>> = BTreeMap::new();
    for claim in claims.iter().filter(|claim| is_worth_a_row(claim, policy)) {
        let (payee, token) = (claim.funding.payee(), claim.funding.token());
        groups
            .entry((ClaimedFrom::of(claim), payee, token))
            .or_default()
            .push(*claim);
    }
    let due = groups
        .into_iter()
        .filter_map(|((from, payee, token), claims)| {
            let due = why_due(now_unix_millis, &claims, policy)?;
            Some(Batch {
                from,
                payee,
                token,
                claims,
                due,
            })
        });
    let mut batch = due.min_by_key(|batch| (batch.due, Reverse(batch.claims.len())))?;
    batch.claims.sort_by_key(|claim| {
        let pressing = is_near(now_unix_millis, claim, policy);
        (
            Reverse(pressing),
            Reverse(value(claim)),
            claim.deadline_unix_secs,
            claim.channel_id,
        )
    });
    batch
        .claims
        .truncate(policy.rows.clamp(1, batch.from.rows_max()));
    Some(batch)
}

fn why_due(now_unix_millis: u64, claims: &[Claim], policy: &SettlePolicy) -> Option<Due> {
    if claims
        .iter()
        .any(|claim| is_near(now_unix_millis, claim, policy))
    {
        return Some(Due::Deadline);
    }
    let age = |claim: &Claim| now_unix_millis.saturating_sub(claim.unclaimed_since_unix_millis);
    if claims.iter().any(|claim| age(claim) >= policy.age_millis) {
        return Some(Due::Age);
    }
    // A sum that does not fit is above any threshold.
    let total = BaseUnits::total(claims.iter().map(value));
    total
        .map_or(true, |total| total >= policy.value)
        .then_some(Due::Value)
}

fn is_worth_a_row(claim: &Claim, policy: &SettlePolicy) -> bool {
    let value = value(claim);
    !value.is_zero() && value >= policy.dust
}

fn is_near(now_unix_millis: u64, claim: &Claim, policy: &SettlePolicy) -> bool {
    // A channel's payer gave notice: what is not claimed when the delay is over is the payer's.
    if ClaimedFrom::of(claim) == ClaimedFrom::Channels && claim.deadline_unix_secs != NO_DEADLINE {
        return true;
    }
    let soon = (now_unix_millis / 1_000).saturating_add(policy.deadline_margin_secs);
    claim.deadline_unix_secs <= soon
}

pub(super) fn value(claim: &Claim) -> BaseUnits {
    claim
        .charged
        .minus(claim.claimed)
        .unwrap_or(BaseUnits::ZERO)
}
