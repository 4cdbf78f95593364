use crate::support::*;
use agent_core::a2a::TaskState;
use agent_core::json::Json;
use agent_core::ledger::{Ledger, Reserved};
use agent_core::money::BaseUnits;
use agent_core::x402::batch::{
    BatchExtra, BatchPayload, BatchReceipt, SCHEME_BATCH_SETTLEMENT, codes,
};
use agent_core::x402::{
    CreditToken, Mode, PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentPayload, ResourceInfo,
    SCHEME_EXACT, SCHEME_Z402, Z402Payload, Z402Receipt,
};
use agent_server::gate::{Admitted, Charged, GateRefusal, Settled};
use alloy_primitives::{Keccak256, hex};
use std::sync::atomic::Ordering;

fn new(admitted: Result<Admitted, GateRefusal>) -> Reserved {
    match admitted.unwrap() {
        Admitted::New(reserved) => reserved,
        other => panic!("{other:?}"),
    }
}

fn refused(admitted: Result<Admitted, GateRefusal>) -> GateRefusal {
    admitted.expect_err("refused")
}

async fn charge(seller: &Seller, reserved: Reserved, amount: u128) {
    let write = write(reserved.task_id(), TaskState::Completed);
    let amount = BaseUnits::new(amount);
    seller.store.post(reserved, amount, write).await.unwrap();
    let found = seller.store.verify().await.unwrap();
    assert!(found.is_empty(), "{found:#?}");
}

async fn fail(seller: &Seller, reserved: Reserved) {
    let write = write(reserved.task_id(), TaskState::Failed);
    seller.store.void(reserved, write).await.unwrap();
}

fn batch(seller: &Seller, ceiling: u128, max: u128) -> PaymentPayload {
    let payload = on_channel(ceiling, channel().into());
    seller.payment(SCHEME_BATCH_SETTLEMENT, max, payload)
}

fn asked(seller: &Seller, refusal: Option<&GateRefusal>) -> agent_core::x402::PaymentRequired {
    let amount = BaseUnits::new(1_000);
    let required = seller
        .gate
        .required("shout", ResourceInfo::default(), amount, refusal);
    required.unwrap()
}

#[tokio::test]
async fn all_ways_to_pay_are_offered_in_the_sellers_order() {
    for schemes in [
        vec![SCHEME_EXACT, SCHEME_Z402, SCHEME_BATCH_SETTLEMENT],
        vec![SCHEME_BATCH_SETTLEMENT, SCHEME_EXACT],
    ] {
        let seller = Seller::new(&schemes);
        let required = asked(&seller, None);
        let offered: Vec<_> = required.accepts.iter().map(|e| e.scheme.as_str()).collect();
        assert_eq!(offered, schemes);
        let mode = if schemes.contains(&SCHEME_Z402) {
            Mode::Z
        } else {
            Mode::X
        };
        assert_eq!(required.mode, mode);
    }
    let seller = Seller::new(&[SCHEME_Z402]);
    let payment = seller.payment(SCHEME_Z402, 10, on_lock(10, lock().into()));
    let mut other = payment.clone();
    other.accepted.scheme = SCHEME_EXACT.to_owned();
    assert_eq!(
        refused(seller.admit(&other, 10).await).code,
        "unsupported_scheme"
    );
}

#[tokio::test]
async fn a_voucher_of_one_domain_never_admits_under_the_other() {
    let seller = Seller::all();
    seller.open_lock(10_000).await;
    seller.open_channel(10_000);
    let wrong = seller.payment(SCHEME_Z402, 10, on_lock(10, channel().into()));
    let wrong = seller.named("a", wrong);
    let code = refused(seller.admit(&wrong, 10).await).code;
    assert_eq!(code, "invalid_z402_voucher_signature");
    let payload = on_channel(10, lock().into());
    let wrong = seller.payment(SCHEME_BATCH_SETTLEMENT, 10, payload);
    let code = refused(seller.admit(&wrong, 10).await).code;
    assert_eq!(code, codes::VOUCHER_SIGNATURE);
    // The payload of one scheme under the offer of another is no payment at all.
    let mixed = seller.payment(SCHEME_BATCH_SETTLEMENT, 10, on_lock(10, lock().into()));
    assert_eq!(
        refused(seller.admit(&mixed, 10).await).code,
        "invalid_payload"
    );
    let books = seller.store.books().await.unwrap();
    assert_eq!((books.pending, books.signed), (0, BaseUnits::ZERO));
}

#[tokio::test]
async fn a_stock_buyer_that_lost_count_is_corrected_and_goes_on() {
    let seller = Seller::all();
    seller.open_channel(10_000);
    let reserved = new(seller.admit(&batch(&seller, 1_000, 1_000), 1_000).await);
    let receipt = seller
        .gate
        .receipt(&reserved, Charged::Amount(BaseUnits::new(400)))
        .await;
    let receipt = BatchReceipt::read(&receipt.unwrap().extra).unwrap();
    assert_eq!(receipt.charged_amount, Some(BaseUnits::new(400)));
    let state = receipt.channel_state.unwrap();
    assert_eq!(state.charged_cumulative_amount, Some(BaseUnits::new(400)));
    let busy = refused(seller.admit(&batch(&seller, 2_000, 1_000), 1_000).await);
    assert_eq!(busy.code, codes::CHANNEL_BUSY);
    charge(&seller, reserved, 400).await;

    let lost = refused(seller.admit(&batch(&seller, 2_000, 1_000), 1_000).await);
    assert_eq!(lost.code, codes::CUMULATIVE_AMOUNT_MISMATCH);
    let required = asked(&seller, Some(&lost));
    assert_eq!(required.error.as_deref(), Some(lost.code));
    let entry = required
        .accepts
        .iter()
        .find(|e| e.scheme == SCHEME_BATCH_SETTLEMENT);
    let extra = serde_json::to_string(&entry.unwrap().extra).unwrap();
    let extra: BatchExtra = serde_json::from_str(&extra).unwrap();
    let counted = extra
        .channel_state
        .unwrap()
        .charged_cumulative_amount
        .unwrap();
    let proof = extra.voucher_state.unwrap();
    assert_eq!(
        (counted.get(), proof.signed_max_claimable.unwrap().get()),
        (400, 1_000)
    );
    // The stock client echoes the entry with what was added to it.
    let mut next = batch(&seller, 1_400, 1_000);
    next.accepted = entry.unwrap().clone();
    let reserved = new(seller.admit(&next, 1_000).await);
    fail(&seller, reserved).await;
    // Nothing was charged, so the same voucher pays again.
    let reserved = new(seller.admit(&next, 1_000).await);
    charge(&seller, reserved, 1_000).await;
    let replayed = refused(seller.admit(&next, 1_000).await);
    assert_eq!(replayed.code, codes::CUMULATIVE_AMOUNT_MISMATCH);
}

#[tokio::test]
async fn a_deposit_is_made_once_and_pays_for_the_first_call() {
    let seller = Seller::all();
    let unknown = refused(seller.admit(&batch(&seller, 1_000, 1_000), 1_000).await);
    assert_eq!(unknown.code, codes::CHANNEL_NOT_FOUND);
    let payment = seller.payment(SCHEME_BATCH_SETTLEMENT, 1_000, deposit(1_000, 5_000));
    let payment = seller.named("deposit", payment);
    let reserved = new(seller.admit(&payment, 1_000).await);
    let amount = Charged::Amount(BaseUnits::new(1_000));
    let receipt = seller.gate.receipt(&reserved, amount).await.unwrap();
    assert_eq!(receipt.transaction, format!("0x{}", "ab".repeat(32)));
    charge(&seller, reserved, 1_000).await;
    let again = seller.admit(&payment, 1_000).await;
    assert!(matches!(again, Ok(Admitted::Same(_))), "{again:?}");
    assert_eq!(seller.fake.settled.load(Ordering::SeqCst), 1);
    let reserved = new(seller.admit(&batch(&seller, 2_000, 1_000), 1_000).await);
    let receipt = seller.gate.receipt(&reserved, amount).await.unwrap();
    assert_eq!(receipt.transaction, "", "a voucher is no transaction");
    charge(&seller, reserved, 1_000).await;
    let refund = seller.payment(SCHEME_BATCH_SETTLEMENT, 1_000, refund(2_000));
    let code = refused(seller.admit(&refund, 1_000).await).code;
    assert_eq!(code, codes::PAYLOAD_TYPE, "a refund buys nothing");
}

/// What was added a moment ago is on chain before we know of it.
#[tokio::test]
async fn the_chain_is_asked_before_a_payment_is_above_what_was_paid_in() {
    let seller = Seller::all();
    seller.open_channel(1_000);
    let reserved = new(seller.admit(&batch(&seller, 1_000, 1_000), 1_000).await);
    charge(&seller, reserved, 1_000).await;
    let above = refused(seller.admit(&batch(&seller, 2_000, 1_000), 1_000).await);
    assert_eq!(above.code, codes::CUMULATIVE_EXCEEDS_BALANCE);
    seller.open_channel(2_000);
    let reserved = new(seller.admit(&batch(&seller, 2_000, 1_000), 1_000).await);
    charge(&seller, reserved, 1_000).await;

    let on_lock = |ceiling: u128| {
        let payment = seller.payment(SCHEME_Z402, 1_000, on_lock(ceiling, lock().into()));
        seller.named("lock", payment)
    };
    seller.open_lock(500).await;
    let above = refused(seller.admit(&on_lock(1_000), 1_000).await);
    assert_eq!(above.code, "invalid_z402_ceiling_exceeds_authorized");
    seller.add_unseen(1_000);
    let reserved = new(seller.admit(&on_lock(1_000), 1_000).await);
    charge(&seller, reserved, 1_000).await;
}

#[tokio::test]
async fn a_name_that_we_give_is_of_no_other_payment() {
    let seller = Seller::all();
    seller.open_lock(10_000).await;
    let payment = seller.payment(SCHEME_Z402, 500, on_lock(500, lock().into()));
    let squatter = seller.named(&format!("auto-{}", "0".repeat(64)), payment);
    let code = refused(seller.admit(&squatter, 500).await).code;
    assert_eq!(code, "invalid_payment_identifier");
}

#[tokio::test]
async fn a_transfer_is_verified_held_and_settled_once() {
    let seller = Seller::all();
    let payment = seller.payment(SCHEME_EXACT, 70, transfer(1, 70, NOW + 600));
    let reserved = new(seller.admit(&payment, 70).await);
    assert_eq!(
        seller.fake.settled.load(Ordering::SeqCst),
        0,
        "not before the work is done"
    );
    let outcome = Json::from_value(&"done").unwrap();
    let request = seller.store.settling(&reserved, outcome).await.unwrap();
    let Settled::Paid(answer) = seller.gate.settle(&request).await else {
        panic!("it settles");
    };
    let receipt = seller
        .gate
        .receipt(&reserved, Charged::Settled(&answer))
        .await
        .unwrap();
    assert!(receipt.success && receipt.transaction.starts_with("0x"));
    charge(&seller, reserved, 70).await;
    // The nonce is used up, and the answer is owed all the same.
    *seller.fake.refuses.lock().unwrap() = Some("invalid_exact_evm_nonce_already_used");
    let again = seller.admit(&payment, 70).await;
    assert!(matches!(again, Ok(Admitted::Same(_))), "{again:?}");
    let other = seller.payment(SCHEME_EXACT, 70, transfer(2, 70, NOW + 600));
    let code = refused(seller.admit(&other, 70).await).code;
    assert_eq!(code, "invalid_exact_evm_nonce_already_used");
    assert!(matches!(
        seller.gate.settle(&request).await,
        Settled::Refused(_)
    ));
}

#[tokio::test]
async fn a_transfer_that_would_run_out_or_is_not_exact_is_refused_unseen() {
    let seller = Seller::all();
    for (payload, code) in [
        (
            transfer(1, 70, NOW + 65),
            "invalid_exact_evm_payload_authorization_valid_before",
        ),
        (
            transfer(1, 71, NOW + 600),
            "invalid_exact_evm_payload_authorization_value_mismatch",
        ),
        (
            transfer(1, 69, NOW + 600),
            "invalid_exact_evm_payload_authorization_value_mismatch",
        ),
    ] {
        let payment = seller.payment(SCHEME_EXACT, 70, payload);
        assert_eq!(refused(seller.admit(&payment, 70).await).code, code);
    }
    let mut cheap = seller.payment(SCHEME_EXACT, 70, transfer(1, 1, NOW + 600));
    cheap.accepted.amount = BaseUnits::new(1);
    let code = refused(seller.admit(&cheap, 70).await).code;
    assert_eq!(code, "invalid_payment_requirements");
    assert_eq!(seller.fake.verified.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_transfer_that_was_some_seconds_on_its_way_is_taken() {
    let seller = Seller::all();
    let required = asked(&seller, None);
    let mut offers = required.accepts.iter();
    let offer = offers.find(|offer| offer.scheme == SCHEME_EXACT).unwrap();
    // As stock buyers sign it: good for as long as they are asked to, and no longer.
    let until = NOW + offer.max_timeout_seconds;
    let payment = seller.payment(SCHEME_EXACT, 70, transfer(1, 70, until));
    seller.clock.advance_millis(30_000);
    let reserved = new(seller.admit(&payment, 70).await);
    fail(&seller, reserved).await;
}

/// The name that a route of ours gives to a voucher that came without one.
fn name_of_ours(payment: &PaymentPayload) -> String {
    let paid: BatchPayload = payment.payload.parse().unwrap();
    let mut hash = Keccak256::new();
    hash.update(SCHEME_BATCH_SETTLEMENT);
    hash.update(b"\0voucher");
    hash.update(paid.voucher().channel_id.0);
    hash.update(paid.voucher().max_claimable_amount.get().to_be_bytes());
    format!("auto-{}", hex::encode(hash.finalize()))
}

#[tokio::test]
async fn a_voucher_that_paid_for_another_request_is_corrected_if_we_named_it() {
    let seller = Seller::all();
    seller.open_channel(10_000);
    let mut payment = batch(&seller, 1_000, 1_000);
    let id = PaymentIdentifier::of(name_of_ours(&payment));
    payment.extensions.set(PAYMENT_IDENTIFIER, &id).unwrap();
    let reserved = new(seller.admit_for("first", &payment, 1_000).await);
    charge(&seller, reserved, 1_000).await;
    let lost = refused(seller.admit_for("second", &payment, 1_000).await);
    assert_eq!(lost.code, codes::CUMULATIVE_AMOUNT_MISMATCH);
    let counted = lost.correction.unwrap().state.charged_cumulative_amount;
    assert_eq!(counted, Some(BaseUnits::new(1_000)));
    let same = seller.admit_for("first", &payment, 1_000).await;
    assert!(matches!(same, Ok(Admitted::Same(_))), "{same:?}");
}

#[tokio::test]
async fn credit_is_taken_with_its_token_only() {
    let seller = Seller::all();
    seller.open_lock(10_000).await;
    let first = seller.payment(SCHEME_Z402, 500, on_lock(500, lock().into()));
    let reserved = new(seller.admit(&seller.named("a", first), 500).await);
    let whole = seller
        .gate
        .receipt(&reserved, Charged::Amount(BaseUnits::new(500)))
        .await;
    let whole: Z402Receipt = whole.unwrap().extra.parse().unwrap();
    assert!(whole.credit_token.is_none(), "nothing is left");
    let part = seller
        .gate
        .receipt(&reserved, Charged::Amount(BaseUnits::new(200)))
        .await;
    let part: Z402Receipt = part.unwrap().extra.parse().unwrap();
    let token = part.credit_token.unwrap();
    charge(&seller, reserved, 200).await;

    let pay = |name: &str, token: CreditToken| {
        let payload = Json::from_value(&Z402Payload::Credit(token)).unwrap();
        seller.named(name, seller.payment(SCHEME_Z402, 300, payload))
    };
    for forge in [
        |token: &mut CreditToken| token.token = format!("0x{}", "00".repeat(32)),
        |token: &mut CreditToken| token.token.clear(),
        |token: &mut CreditToken| token.expires += 1,
        |token: &mut CreditToken| token.ceiling = BaseUnits::new(501),
        |token: &mut CreditToken| token.channel_id = channel().id(&domains().batch),
    ] {
        let mut forged = token.clone();
        forge(&mut forged);
        let code = refused(seller.admit(&pay("forged", forged), 300).await).code;
        assert_eq!(code, "invalid_z402_credit_token");
    }
    let reserved = new(seller.admit(&pay("b", token.clone()), 300).await);
    let spent = refused(seller.admit(&pay("c", token.clone()), 300).await);
    assert_eq!(spent.code, "invalid_z402_ceiling_too_low");
    charge(&seller, reserved, 300).await;
    seller.clock.advance_millis(3_600_000);
    let code = refused(seller.admit(&pay("d", token), 300).await).code;
    assert_eq!(code, "invalid_z402_credit_expired");
}
