//! The climb from E0 to E4, and what ends it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use agent_core::trust::{
    AgentId, Evidence, FeedbackEvent, FeedbackFile, FeedbackValue, GlobalAgentId, PaymentCheck,
    ProofOfPayment, Reason, VerifiedPayment, grade, tags,
};
use alloy_primitives::{Address, B256, keccak256};
use serde_json::{Value, json};

const CLIENT: Address = Address::repeat_byte(0xc1);
const SELLER: Address = Address::repeat_byte(0x5e);
const TX: B256 = B256::repeat_byte(0x77);

fn agent() -> GlobalAgentId {
    let registry = "eip155:8453:0x8004a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
    GlobalAgentId::new(registry.parse().unwrap(), AgentId::from(0))
}

fn file() -> Vec<u8> {
    let stars = FeedbackValue::stars(92).unwrap();
    FeedbackFile::new(agent(), CLIENT, 1_795_338_000, stars)
        .unwrap()
        .with_tags(tags::STARRED, tags::A2A_TASK)
        .with_payment(ProofOfPayment {
            from_address: CLIENT,
            to_address: SELLER,
            chain_id: 8_453,
            tx_hash: TX,
        })
        .canonical_bytes()
        .unwrap()
}

fn event(file: &[u8]) -> FeedbackEvent {
    FeedbackEvent {
        agent: agent(),
        client: CLIENT,
        index: 1,
        value: FeedbackValue::stars(92).unwrap(),
        tag1: tags::STARRED.to_owned(),
        tag2: tags::A2A_TASK.to_owned(),
        endpoint: String::new(),
        uri: "https://client.example/feedback/1".to_owned(),
        hash: keccak256(file),
        block_time: 1_795_338_060,
    }
}

fn paid() -> VerifiedPayment {
    VerifiedPayment {
        amount_base_units: 1_000,
        tx: TX,
        payer: CLIENT,
        payee: SELLER,
        voucher_hash: None,
    }
}

fn with(check: PaymentCheck, receipt: Option<bool>, known: bool) -> (Evidence, Reason) {
    let file = file();
    let graded = grade(&event(&file), Some(&file), check, receipt, known);
    assert_eq!(
        graded.payment.is_some(),
        graded.level >= Evidence::PaymentVerified
    );
    (graded.level, graded.reasons.last().unwrap().clone())
}

#[test]
fn each_level_is_reached_by_its_evidence() {
    use Evidence::{FileConsistent, KnownReviewer, PaymentVerified, SellerReceipt};
    let verified = || PaymentCheck::Verified(paid());
    for (got, wanted) in [
        (
            with(PaymentCheck::NoProof, None, false),
            (FileConsistent, Reason::NoPayment),
        ),
        (
            with(verified(), None, false),
            (PaymentVerified, Reason::PaymentConfirmed),
        ),
        (
            with(verified(), Some(false), false),
            (PaymentVerified, Reason::ReceiptInvalid),
        ),
        (
            with(verified(), Some(true), false),
            (SellerReceipt, Reason::ReceiptHolds),
        ),
        (
            with(verified(), Some(true), true),
            (KnownReviewer, Reason::ReviewerKnown),
        ),
        (
            with(verified(), None, true),
            (KnownReviewer, Reason::ReviewerKnown),
        ),
    ] {
        assert_eq!(got, wanted);
    }
}

#[test]
fn without_a_confirmed_payment_nothing_lifts_feedback_over_e1() {
    let other = |change: fn(&mut VerifiedPayment)| {
        let mut payment = paid();
        change(&mut payment);
        PaymentCheck::Verified(payment)
    };
    for (check, reason) in [
        (PaymentCheck::NoProof, Reason::NoPayment),
        (PaymentCheck::Unreadable, Reason::PaymentUnreadable),
        (
            PaymentCheck::Mismatch("reverted".into()),
            Reason::PaymentMismatch("reverted".into()),
        ),
        (other(|p| p.payer = SELLER), Reason::PaidByOther),
        (other(|p| p.tx = B256::ZERO), Reason::OtherPayment),
    ] {
        assert_eq!(
            with(check, Some(true), true),
            (Evidence::FileConsistent, reason)
        );
    }
}

#[test]
fn a_failing_rpc_is_no_verdict() {
    let file = file();
    let graded = grade(
        &event(&file),
        Some(&file),
        PaymentCheck::Unreadable,
        None,
        false,
    );
    assert!(graded.is_provisional());
    let graded = grade(
        &event(&file),
        Some(&file),
        PaymentCheck::NoProof,
        None,
        false,
    );
    assert!(!graded.is_provisional());
}

#[test]
fn a_file_that_is_not_the_one_on_chain_leaves_feedback_bare() {
    let file = file();
    let bare = |event: &FeedbackEvent, file: Option<&[u8]>| {
        let graded = grade(
            event,
            file,
            PaymentCheck::Verified(paid()),
            Some(true),
            true,
        );
        assert_eq!((graded.level, graded.payment), (Evidence::Bare, None));
        graded.reasons.last().unwrap().clone()
    };
    assert_eq!(bare(&event(&file), None), Reason::FileMissing);
    let mut changed = file.clone();
    changed.push(b' ');
    assert_eq!(bare(&event(&file), Some(&changed)), Reason::HashMismatch);
    let garbage = b"{}".as_slice();
    assert!(matches!(
        bare(&event(garbage), Some(garbage)),
        Reason::FileUnreadable(_)
    ));
    let unhashed = FeedbackEvent {
        hash: B256::ZERO,
        ..event(&file)
    };
    assert_eq!(bare(&unhashed, Some(&file)), Reason::HashAbsent);
}

#[test]
fn a_file_inside_the_uri_needs_no_hash() {
    let bytes = file();
    let uri = FeedbackFile::read(&bytes).unwrap().to_data_uri().unwrap();
    let item = FeedbackEvent {
        hash: B256::ZERO,
        uri,
        ..event(&bytes)
    };
    let graded = grade(&item, Some(&bytes), PaymentCheck::NoProof, None, false);
    assert_eq!(graded.level, Evidence::FileConsistent);
}

#[test]
fn every_field_that_the_event_repeats_has_to_agree() {
    let whole: Value = serde_json::from_slice(&file()).unwrap();
    let registry = "eip155:1:0x8004a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
    let client = "eip155:8453:0x5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e";
    for (field, other) in [
        ("agentRegistry", json!(registry)),
        ("agentId", json!(1)),
        ("clientAddress", json!(client)),
        ("value", json!(93)),
        ("valueDecimals", json!(1)),
        ("tag1", json!("Starred")),
        ("tag2", json!("")),
    ] {
        let mut lying = whole.clone();
        lying[field] = other;
        let lying = lying.to_string().into_bytes();
        let graded = grade(
            &event(&lying),
            Some(&lying),
            PaymentCheck::Verified(paid()),
            None,
            true,
        );
        assert_eq!(graded.level, Evidence::Bare);
        assert_eq!(graded.reasons, [Reason::FieldDiffers(field)]);
    }
}

#[test]
fn levels_are_ordered_and_named() {
    let all = [
        Evidence::Bare,
        Evidence::FileConsistent,
        Evidence::PaymentVerified,
        Evidence::SellerReceipt,
        Evidence::KnownReviewer,
    ];
    assert!(all.is_sorted());
    assert_eq!(all.map(Evidence::code), ["E0", "E1", "E2", "E3", "E4"]);
    assert_eq!(Evidence::PaymentVerified.to_string(), "E2 payment verified");
    assert_eq!(
        serde_json::to_value(Evidence::SellerReceipt).unwrap(),
        json!("seller_receipt")
    );
}
