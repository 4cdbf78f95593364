//! The score: golden vectors, and what counts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod trust_items;

use agent_core::trust::Evidence::{FileConsistent, KnownReviewer, PaymentVerified, SellerReceipt};
use agent_core::trust::{
    FeedbackValue, GradedFeedback, Reason, Scale, ScorePolicy, ScoreReason, Unused, score, tags,
};
use alloy_primitives::B256;
use trust_items::{DAY, FULL, NOW, agent, default_score, item, reviewer};

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
        default_score(std::slice::from_ref(&earlier)).expectation_ppm
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
