//! What graded feedback adds up to. A pure function in integers: anyone can recompute a score.
//!
//! # The function
//!
//! 1. Items of other agents or tags, revoked ones, those by excluded reviewers, by the paid account
//!    itself, off the scale, repeated, or for a payment that an earlier item used, do not count.
//! 2. An item weighs `w = level · min(paid, full) / full · 2^(−age / half-life)`, rounded down to a
//!    part per billion, and says `x` from 0 (worst) to 1 (best), in parts per million.
//! 3. A reviewer says the mean `m` of his items by weight, and weighs `W = min(Σw, cap)`.
//! 4. With `r = ΣW·m` and `s = ΣW·(1 − m)` the score is the Beta distribution of r + 1 and s + 1:
//!    expectation `(r + 1) / (r + s + 2)`, uncertainty `2 / (r + s + 2)`, to a part per million,
//!    the first rounded down and the second up. Nothing known is 0.5 with uncertainty 1.
//!
//! # Bounds
//!
//! * Between the best and the worst that one reviewer can do lies at most `c / (n + 2 + c)`, where
//!   `c` is the cap and `n` what all others weigh, in witnesses: a third, by default, and less the
//!   more others have said. Compared with his silence it is half of that when nothing is known.
//! * Payments of `M` base units in all, by however many reviewers, move the expectation by at most
//!   `M / (4 · full)`: they weigh `d ≤ M / full`, and move it by at most
//!   `d · max(E, 1 − E) / (n + 2 + d) ≤ d · (n + 1) / (n + 2)² ≤ d / 4`. Weight grows with money
//!   alone, so more identities gain nothing.
//!
//! # What is not guaranteed
//!
//! That the money was lost. Who pays an agent of his own gets it back, less fees: exclude the
//! reviewers an owner funds, look at the paid sum, and trust known reviewers more.

use super::decay::{ONE, decay};
use super::evidence::VerifiedPayment;
use super::id::GlobalAgentId;
use super::policy::ScorePolicy;
use super::score_report::{GradedFeedback, Score, ScoreReason, Unused};
use alloy_primitives::{Address, B256, TxHash};
use std::collections::{BTreeMap, BTreeSet};

/// Parts per million.
const MILLION: u128 = 1_000_000;

/// One reviewer's items so far: weights in parts per billion.
#[derive(Default)]
struct Reviewer {
    weight: u128,
    /// Weight times value, in parts per billion times parts per million.
    said: u128,
}

/// Scores `agent` from `items` as of `now` (Unix seconds). The order of the items is of no
/// consequence; items dated after `now` count as new.
#[must_use]
pub fn score(
    agent: &GlobalAgentId,
    items: &[GradedFeedback],
    now: u64,
    policy: &ScorePolicy,
) -> Score {
    let mut ignored: BTreeMap<Unused, u64> = BTreeMap::new();
    let mut candidates = Vec::new();
    for item in items {
        match value_of(agent, item, policy) {
            Ok(ppm) => candidates.push((item, ppm)),
            Err(why) => tally(&mut ignored, why),
        }
    }
    // The earliest item for a payment counts, so that nobody can rate twice what was paid once. The
    // rest of the key is there to make the order total.
    candidates.sort_by_key(|(item, ppm)| {
        let GradedFeedback { event, graded, .. } = item;
        (
            event.block_time,
            event.client,
            event.index,
            *ppm,
            graded.level,
            graded.payment,
        )
    });
    let (mut events, mut payments) = (BTreeSet::new(), BTreeSet::new());
    let mut reviewers: BTreeMap<Address, Reviewer> = BTreeMap::new();
    let (mut items_counted, mut paid_base_units) = (0_u64, 0_u128);
    for (item, ppm) in candidates {
        let paid = item.graded.payment;
        if !events.insert((item.event.client, item.event.index)) {
            tally(&mut ignored, Unused::Repeated);
            continue;
        }
        if paid.is_some_and(|paid| !payments.insert(payment_id(&paid))) {
            tally(&mut ignored, Unused::SamePayment);
            continue;
        }
        let weight = weight_of(item, now, policy);
        if weight == 0 {
            tally(&mut ignored, Unused::Negligible);
            continue;
        }
        let reviewer = reviewers.entry(item.event.client).or_default();
        reviewer.weight = reviewer.weight.saturating_add(weight);
        reviewer.said = reviewer
            .said
            .saturating_add(weight.saturating_mul(u128::from(ppm)));
        items_counted = items_counted.saturating_add(1);
        let amount = paid.map_or(0, |paid| paid.amount_base_units);
        paid_base_units = paid_base_units.saturating_add(amount);
    }
    let evidence = Evidenced::sum(reviewers.values(), policy);
    let mut reasons = Vec::new();
    if items_counted == 0 {
        reasons.push(ScoreReason::NoEvidence);
    }
    reasons.extend(
        ignored
            .iter()
            .map(|(&why, &items)| ScoreReason::Ignored { why, items }),
    );
    if evidence.capped > 0 {
        reasons.push(ScoreReason::Capped {
            reviewers: evidence.capped,
        });
    }
    Score {
        expectation_ppm: evidence.expectation_ppm(),
        uncertainty_ppm: evidence.uncertainty_ppm(),
        reviewers: u64::try_from(reviewers.len()).unwrap_or(u64::MAX),
        items_counted,
        items_ignored: ignored
            .values()
            .fold(0, |sum, items| sum.saturating_add(*items)),
        paid_base_units,
        reasons,
    }
}

/// What one item can be given for. One settlement pays for the vouchers of many payers, so the
/// payer is part of it: a stranger in the same transaction must not use up another's payment.
const fn payment_id(paid: &VerifiedPayment) -> (TxHash, Address, Option<B256>) {
    (paid.tx, paid.payer, paid.voucher_hash)
}

fn tally(ignored: &mut BTreeMap<Unused, u64>, why: Unused) {
    let items = ignored.entry(why).or_default();
    *items = items.saturating_add(1);
}

/// What the item says, in parts per million, if it may say anything.
fn value_of(
    agent: &GlobalAgentId,
    item: &GradedFeedback,
    policy: &ScorePolicy,
) -> Result<u32, Unused> {
    let GradedFeedback {
        event,
        graded,
        revoked,
    } = item;
    let scale = &policy.scale;
    let payee = graded.payment.map(|paid| paid.payee);
    if event.agent != *agent {
        return Err(Unused::OtherAgent);
    }
    if event.tag1 != scale.tag1 || scale.tag2.as_ref().is_some_and(|tag2| event.tag2 != *tag2) {
        return Err(Unused::OtherTag);
    }
    if *revoked {
        return Err(Unused::Revoked);
    }
    if policy.excluded.contains(&event.client) {
        return Err(Unused::ExcludedReviewer);
    }
    if payee == Some(event.client) {
        return Err(Unused::SelfDealing);
    }
    if policy.weights.of(graded.level) == 0 {
        return Err(if graded.is_provisional() {
            Unused::Undecided
        } else {
            Unused::WeakEvidence
        });
    }
    event
        .value
        .on_scale(scale.worst, scale.best)
        .ok_or(Unused::OffScale)
}

/// What the item weighs, in parts per billion.
fn weight_of(item: &GradedFeedback, now: u64, policy: &ScorePolicy) -> u128 {
    let full = u128::from(policy.full_weight_base_units.get());
    let paid = item
        .graded
        .payment
        .map_or(full, |paid| paid.amount_base_units.min(full));
    let money = paid.saturating_mul(u128::from(ONE)) / full;
    let age = now.saturating_sub(item.event.block_time);
    let fresh = u128::from(decay(age, policy.half_life_secs));
    let level = u128::from(policy.weights.of(item.graded.level));
    // At most 10^9 · 10^6 · 10^9.
    money.saturating_mul(level).saturating_mul(fresh) / MILLION.saturating_mul(u128::from(ONE))
}

/// The evidence of all reviewers.
#[derive(Default)]
struct Evidenced {
    /// r + s, in parts per billion.
    weight: u128,
    /// r, in parts per billion times parts per million.
    good: u128,
    capped: u64,
}

impl Evidenced {
    fn sum<'a>(reviewers: impl Iterator<Item = &'a Reviewer>, policy: &ScorePolicy) -> Self {
        let cap = u128::from(policy.reviewer_cap_ppm).saturating_mul(u128::from(ONE) / MILLION);
        let mut sum = Self::default();
        for reviewer in reviewers {
            let weight = reviewer.weight.min(cap);
            let good = weight
                .saturating_mul(reviewer.said)
                .checked_div(reviewer.weight);
            sum.weight = sum.weight.saturating_add(weight);
            sum.good = sum.good.saturating_add(good.unwrap_or(0));
            sum.capped = sum.capped.saturating_add(u64::from(reviewer.weight > cap));
        }
        sum
    }

    fn expectation_ppm(&self) -> u32 {
        let one = u128::from(ONE);
        let good = self.good.saturating_add(one.saturating_mul(MILLION));
        let all = self.weight.saturating_add(one.saturating_mul(2));
        u32::try_from(good / all).unwrap_or(u32::MAX)
    }

    fn uncertainty_ppm(&self) -> u32 {
        let two = u128::from(ONE).saturating_mul(2);
        let ppm = two
            .saturating_mul(MILLION)
            .div_ceil(self.weight.saturating_add(two));
        u32::try_from(ppm).unwrap_or(u32::MAX)
    }
}
