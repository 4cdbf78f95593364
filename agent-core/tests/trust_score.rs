//! The score: golden vectors, and what it promises whatever it is fed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use agent_core::trust::{
    AgentId, Evidence, FeedbackEvent, FeedbackValue, GlobalAgentId, Graded, GradedFeedback, Reason,
    Scale, Score, ScorePolicy, ScoreReason, Unused, VerifiedPayment, score, tags,
};
use alloy_primitives::{Address, B256};
use proptest::prelude::*;
use std::num::NonZeroU64;

const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;
const SELLER: Address = Address::repeat_byte(0x5e);
const FULL: u128 = 1_000_000;

fn agent(id: u64) -> GlobalAgentId {
    let registry = "eip155:8453:0x8004a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
    GlobalAgentId::new(registry.parse().unwrap(), AgentId::from(id))
}

fn reviewer(n: u8) -> Address {
    Address::repeat_byte(n)
}

/// A verified item of its own payment: `n` makes it unlike all others.
fn item(who: u8, n: u64, stars: u8, paid: u128, level: Evidence, age: u64) -> GradedFeedback {
    let tx = B256::from(alloy_primitives::U256::from(u64::from(who) << 32 | n));
    let (payer, payee) = (reviewer(who), SELLER);
    let payment = VerifiedPayment {
        amount_base_units: paid,
        tx,
        payer,
        payee,
        voucher_hash: None,
    };
    GradedFeedback {
        event: FeedbackEvent {
            agent: agent(1),
            client: reviewer(who),
            index: n,
            value: FeedbackValue::stars(stars).unwrap(),
            tag1: tags::STARRED.to_owned(),
            tag2: tags::A2A_TASK.to_owned(),
            endpoint: String::new(),
            uri: String::new(),
            hash: B256::ZERO,
            block_time: NOW - age,
        },
        graded: Graded {
            level,
            reasons: Vec::new(),
            payment: (level >= Evidence::PaymentVerified).then_some(payment),
        },
        revoked: false,
    }
}

fn default_score(items: &[GradedFeedback]) -> Score {
    score(&agent(1), items, NOW, &ScorePolicy::default())
}

use Evidence::{Bare, FileConsistent, KnownReviewer, PaymentVerified, SellerReceipt};

/// From an independent program that works in fractions: expectation down, uncertainty up.
#[test]
fn golden_vectors() {
    let vectors: &[(&[GradedFeedback], u32, u32, u64)] = &[
        (&[], 500_000, 1_000_000, 0),
        (
            &[item(1, 1, 100, FULL, PaymentVerified, 0)],
            600_000,
            800_000,
            1,
        ),
        (
            &[item(1, 1, 100, FULL, KnownReviewer, 0)],
            666_666,
            666_667,
            1,
        ),
        (
            &[item(1, 1, 0, FULL, KnownReviewer, 0)],
            333_333,
            666_667,
            1,
        ),
        (
            &[item(1, 1, 100, FULL, KnownReviewer, 90 * DAY)],
            600_000,
            800_000,
            1,
        ),
        (
            &[item(1, 1, 87, 250_000, SellerReceipt, 30 * DAY)],
            525_626,
            930_741,
            1,
        ),
        (
            &[
                item(1, 1, 100, 1_000 * FULL, PaymentVerified, 0),
                item(1, 2, 100, FULL, PaymentVerified, 1),
                item(1, 3, 40, FULL, PaymentVerified, 2),
            ],
            600_000,
            666_667,
            1,
        ),
        (
            &[
                item(1, 1, 100, FULL, KnownReviewer, 0),
                item(2, 1, 90, 500_000, SellerReceipt, 45 * DAY),
                item(3, 1, 20, 125_000, PaymentVerified, 10 * DAY),
                item(2, 2, 10, 1_000, PaymentVerified, 200 * DAY),
            ],
            677_140,
            601_840,
            3,
        ),
    ];
    for (items, expectation, uncertainty, reviewers) in vectors {
        let got = default_score(items);
        let got = (got.expectation_ppm, got.uncertainty_ppm, got.reviewers);
        assert_eq!(got, (*expectation, *uncertainty, *reviewers), "{items:?}");
    }
}

#[test]
fn nothing_known_says_so() {
    let empty = default_score(&[]);
    assert_eq!(empty.reasons, [ScoreReason::NoEvidence]);
    assert_eq!(
        empty.to_string(),
        "0.500 (uncertainty 1.000; 0 reviewers, 0 items, 0 ignored)"
    );
    assert!(!empty.meets(600_000, 900_000) && empty.meets(500_000, 1_000_000));
}

#[test]
fn everything_that_does_not_count_is_named() {
    let good = |who| item(who, 1, 100, FULL, PaymentVerified, 0);
    let change = |who, change: fn(&mut GradedFeedback)| {
        let mut changed = good(who);
        change(&mut changed);
        changed
    };
    let mut same_payment = item(1, 2, 100, FULL, PaymentVerified, 0);
    same_payment.graded.payment = good(1).graded.payment;
    let items = [
        good(1),
        good(1),
        same_payment,
        change(2, |i| i.event.agent = agent(2)),
        change(3, |i| i.event.tag1 = "Starred".to_owned()),
        change(4, |i| i.revoked = true),
        good(5),
        change(6, |i| {
            i.graded.payment.as_mut().unwrap().payee = reviewer(6)
        }),
        change(7, |i| i.event.value = FeedbackValue::new(101, 0).unwrap()),
        item(8, 1, 100, FULL, FileConsistent, 0),
        {
            let mut pending = item(9, 1, 100, FULL, FileConsistent, 0);
            pending.graded.reasons.push(Reason::PaymentUnreadable);
            pending
        },
        item(10, 1, 100, 0, PaymentVerified, 0),
        item(11, 1, 100, FULL, PaymentVerified, 90 * 30 * DAY),
    ];
    let policy = ScorePolicy {
        excluded: [reviewer(5)].into(),
        ..ScorePolicy::default()
    };
    let got = score(&agent(1), &items, NOW, &policy);
    let ignored = |why, items| ScoreReason::Ignored { why, items };
    assert_eq!(
        got.reasons,
        [
            ignored(Unused::OtherAgent, 1),
            ignored(Unused::OtherTag, 1),
            ignored(Unused::Revoked, 1),
            ignored(Unused::ExcludedReviewer, 1),
            ignored(Unused::SelfDealing, 1),
            ignored(Unused::OffScale, 1),
            ignored(Unused::Undecided, 1),
            ignored(Unused::WeakEvidence, 1),
            ignored(Unused::Repeated, 1),
            ignored(Unused::SamePayment, 1),
            ignored(Unused::Negligible, 2),
        ]
    );
    assert_eq!(
        (got.items_counted, got.items_ignored, got.reviewers),
        (1, 12, 1)
    );
    assert_eq!(got.paid_base_units, FULL);
    assert_eq!(got.expectation_ppm, 600_000);
}

#[test]
fn one_settlement_pays_for_many() {
    let batch = B256::repeat_byte(0x77);
    let mut items: Vec<_> = (1..=4)
        .map(|n| item(1, n, 100, 100_000, PaymentVerified, 0))
        .collect();
    items.push(item(2, 1, 100, 100_000, PaymentVerified, 0));
    for (item, voucher) in items.iter_mut().zip([Some(1), Some(2), None, None, None]) {
        let payment = item.graded.payment.as_mut().unwrap();
        payment.tx = batch;
        payment.voucher_hash = voucher.map(B256::repeat_byte);
    }
    // Two vouchers and one plain payment of the first reviewer, and the payment of the second.
    let got = default_score(&items);
    assert_eq!((got.items_counted, got.reviewers), (4, 2));
    assert_eq!(
        got.reasons,
        [ScoreReason::Ignored {
            why: Unused::SamePayment,
            items: 1
        }]
    );
}

#[test]
fn the_first_item_for_a_payment_is_the_one_that_counts() {
    let mut later = item(1, 2, 0, FULL, PaymentVerified, 0);
    let earlier = item(1, 1, 100, FULL, PaymentVerified, DAY);
    later.graded.payment = earlier.graded.payment;
    let got = default_score(&[later.clone(), earlier.clone()]);
    assert_eq!(
        got.expectation_ppm,
        default_score(&[earlier.clone()]).expectation_ppm
    );
    // Unless it was revoked: then its author may say something else.
    let revoked = GradedFeedback {
        revoked: true,
        ..earlier
    };
    let got = default_score(&[later.clone(), revoked]);
    assert_eq!(got.expectation_ppm, default_score(&[later]).expectation_ppm);
}

#[test]
fn other_scales_score_other_tags() {
    let mut slow = item(1, 1, 0, FULL, KnownReviewer, 0);
    slow.event.tag1 = tags::RESPONSE_TIME.to_owned();
    slow.event.value = FeedbackValue::new(0, 0).unwrap();
    let policy = ScorePolicy {
        scale: Scale {
            tag1: tags::RESPONSE_TIME.to_owned(),
            tag2: Some(tags::A2A_TASK.to_owned()),
            worst: 10_000,
            best: 0,
        },
        ..ScorePolicy::default()
    };
    assert_eq!(
        score(&agent(1), &[slow.clone()], NOW, &policy).expectation_ppm,
        666_666
    );
    assert_eq!(default_score(&[slow]).items_counted, 0);
}

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
