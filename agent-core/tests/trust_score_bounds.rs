//! What the score promises, whatever it is fed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod trust_items;

use agent_core::trust::Evidence::{
    self, Bare, FileConsistent, KnownReviewer, PaymentVerified, SellerReceipt,
};
use agent_core::trust::{GradedFeedback, Score, ScorePolicy, score};
use proptest::prelude::*;
use std::num::NonZeroU64;
use trust_items::{DAY, FULL, NOW, agent, default_score, item};

fn any_level() -> impl Strategy<Value = Evidence> {
    prop::sample::select(vec![
        Bare,
        FileConsistent,
        PaymentVerified,
        SellerReceipt,
        KnownReviewer,
    ])
}

fn items_by(who: std::ops::Range<u8>, most: usize) -> impl Strategy<Value = Vec<GradedFeedback>> {
    let one = (who, 0_u8..=100, 0..3 * FULL, any_level(), 0..400 * DAY);
    prop::collection::vec(one, 0..most).prop_map(|items| {
        let numbered = (1_u64..).zip(items);
        numbered
            .map(|(n, (who, s, paid, level, age))| item(who, n, s, paid, level, age))
            .collect()
    })
}

/// The difference of two expectations, and `bound` in parts per million with room for rounding.
fn assert_within(a: &Score, b: &Score, bound_ppm: u128) -> Result<(), TestCaseError> {
    let moved = u128::from(a.expectation_ppm.abs_diff(b.expectation_ppm));
    prop_assert!(
        moved <= bound_ppm + 1,
        "{a} {b}: moved {moved}, bound {bound_ppm}"
    );
    Ok(())
}

proptest! {
    #[test]
    fn a_good_verified_item_never_lowers(
        mut items in items_by(1..6, 30), who in 1_u8..7, paid in 0..3 * FULL, age in 0..400 * DAY,
    ) {
        let before = default_score(&items);
        items.push(item(who, 1_000, 100, paid, PaymentVerified, age));
        let after = default_score(&items);
        prop_assert!(after.expectation_ppm >= before.expectation_ppm, "{before} {after}");
        prop_assert!(after.uncertainty_ppm <= before.uncertainty_ppm);
    }

    #[test]
    fn a_bad_verified_item_never_raises(
        mut items in items_by(1..6, 30), who in 1_u8..7, paid in 0..3 * FULL, age in 0..400 * DAY,
    ) {
        let before = default_score(&items);
        items.push(item(who, 1_000, 0, paid, PaymentVerified, age));
        let after = default_score(&items);
        // One part per million of room: a reviewer's mean is rounded down, too.
        prop_assert!(after.expectation_ppm <= before.expectation_ppm + 1, "{before} {after}");
    }

    #[test]
    fn order_is_of_no_consequence(items in items_by(1..4, 20), seed in any::<u64>()) {
        let mut shuffled = items.clone();
        shuffled.extend(items.iter().take(3).cloned());
        let mut both = shuffled.clone();
        both.sort_by_key(|i| (i.event.index ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        prop_assert_eq!(default_score(&both), default_score(&shuffled));
    }

    #[test]
    fn unverified_items_change_nothing(items in items_by(1..4, 20), noise in items_by(1..9, 20)) {
        let mut all = items.clone();
        all.extend(noise.into_iter().map(|mut noise| {
            noise.event.index += 1_000;
            noise.graded.level = noise.graded.level.min(FileConsistent);
            noise.graded.payment = None;
            noise
        }));
        let (with, without) = (default_score(&all), default_score(&items));
        prop_assert_eq!(with.expectation_ppm, without.expectation_ppm);
        prop_assert_eq!(with.uncertainty_ppm, without.uncertainty_ppm);
        prop_assert_eq!(with.items_counted, without.items_counted);
    }

    #[test]
    fn one_reviewer_is_bounded_by_the_cap(
        others in items_by(1..6, 30), one in items_by(9..10, 60), two in items_by(9..10, 60),
        cap in 0_u32..5_000_000,
    ) {
        let policy = ScorePolicy { reviewer_cap_ppm: cap, ..ScorePolicy::default() };
        let with = |more: &[GradedFeedback]| {
            score(&agent(1), &[others.as_slice(), more].concat(), NOW, &policy)
        };
        let cap = u128::from(cap);
        assert_within(&with(&one), &with(&two), cap * 1_000_000 / (cap + 2_000_000))?;
    }

    #[test]
    fn an_attackers_gain_is_bounded_by_his_money(
        others in items_by(1..6, 30), attack in items_by(20..250, 60),
    ) {
        let all = [others.as_slice(), attack.as_slice()].concat();
        let spent: u128 = attack
            .iter()
            .filter_map(|i| i.graded.payment.map(|paid| paid.amount_base_units))
            .sum();
        assert_within(&default_score(&all), &default_score(&others), spent * 250_000 / FULL)?;
    }

    #[test]
    fn all_decays_to_the_prior(items in items_by(1..6, 30)) {
        let at = |years: u64| {
            score(&agent(1), &items, NOW + years * 365 * DAY, &ScorePolicy::default())
        };
        let distance = |s: &Score| s.expectation_ppm.abs_diff(500_000);
        prop_assert!(at(0).uncertainty_ppm <= at(1).uncertainty_ppm);
        prop_assert!(distance(&at(4)) <= 400, "{}", at(4));
        prop_assert_eq!(distance(&at(10)), 0);
        prop_assert_eq!(at(10).uncertainty_ppm, 1_000_000);
    }

    #[test]
    fn no_input_overflows(
        paid in any::<u128>(), full in 1_u64.., half_life in 1_u64.., now in any::<u64>(),
        cap in any::<u32>(),
    ) {
        let items: Vec<_> =
            (1..5).map(|n| item(1, n, 100, paid, KnownReviewer, n * DAY)).collect();
        let policy = ScorePolicy {
            half_life_secs: NonZeroU64::new(half_life).unwrap(),
            full_weight_base_units: NonZeroU64::new(full).unwrap(),
            reviewer_cap_ppm: cap,
            ..ScorePolicy::default()
        };
        let got = score(&agent(1), &items, now, &policy);
        prop_assert!((500_000..=1_000_000).contains(&got.expectation_ppm));
        prop_assert!((1..=1_000_000).contains(&got.uncertainty_ppm));
    }
}
