//! Paying with batch-settlement: deposits, vouchers, corrections, thieves, ways out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod wallet_support;
mod x402_world;

use agent_client::wallet::{
    BatchCorrectionError, BatchState, EscrowError, ReceiptError, TermsRefusal, WalletError,
};
use agent_core::{
    json::Json,
    policy::PolicyRefusal,
    x402::{Mode, SettleResponse, batch::BatchPayload},
};
use wallet_support::units;
use x402_world::*;

fn deposits(payload: &agent_core::x402::PaymentPayload) -> bool {
    matches!(
        payload.payload.parse().unwrap(),
        BatchPayload::Deposit { .. }
    )
}

#[tokio::test]
async fn the_first_payment_deposits_and_the_next_draw_on_it() {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    let entry = batch_entry(100);
    for (turn, charge) in [(0, 100), (1, 70), (2, 0), (3, 100)] {
        let payment = world.pay(&entry).await.unwrap();
        assert_eq!(deposits(&payment.payload), turn == 0);
        let receipt = stock
            .take(&payment.payload, &entry, charge, world.now())
            .unwrap();
        let confirmed = world.wallet.confirm(&payment.id, &receipt).await.unwrap();
        assert_eq!(confirmed.charged, units(charge));
    }
    world.wallet.refresh_batches().await.unwrap();
    let account = &world.wallet.batch_channels().await.unwrap()[0];
    assert_eq!((account.charged, account.posted), (units(270), units(270)));
    assert_eq!((account.deposited, account.deposit), (units(1_000), None));
    world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn a_channel_that_runs_dry_is_topped_up() {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    for _ in 0..25 {
        assert_eq!(world.buy(&mut stock, 100, 100).await, 100);
    }
    let accounts = world.wallet.batch_channels().await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(world.chain.channel_of(accounts[0].id).balance, 3_000);
    world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn calls_at_once_take_a_channel_each_up_to_the_bound() {
    let world = X402World::with(|config| config.batch_channels_max = 2).await;
    let entry = batch_entry(10);
    let one = world.pay(&entry).await.unwrap();
    let two = world.pay(&entry).await.unwrap();
    assert_ne!(one.channel_id, two.channel_id);
    let third = world.pay(&entry).await.unwrap_err();
    assert!(matches!(third, WalletError::Slots { .. }), "{third}");
    let first = one.channel_id;
    drop(one);
    let third = world.pay(&entry).await.unwrap();
    assert_eq!(third.channel_id, first);
}

#[tokio::test]
async fn a_lost_answer_is_corrected_once_and_then_paid() {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    world.buy(&mut stock, 100, 100).await;
    let entry = batch_entry(100);
    let lost = world.pay(&entry).await.unwrap();
    stock.take(&lost.payload, &entry, 60, world.now()).unwrap();
    world.wallet.mark_unknown(&lost.id).await.unwrap();
    drop(lost);

    let next = world.pay(&entry).await.unwrap();
    let asked = stock
        .take(&next.payload, &entry, 100, world.now())
        .unwrap_err();
    world.wallet.refused(&next.id).await.unwrap();
    let told = world
        .wallet
        .correct_batch(&next.id, &asked.accepts[0])
        .await
        .unwrap();
    assert_eq!(told.charged, units(160));
    drop(next);
    assert_eq!(world.buy(&mut stock, 100, 100).await, 100);
    world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn a_correction_that_our_payments_cannot_explain_makes_the_seller_suspect() {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    world.buy(&mut stock, 100, 40).await;
    let entry = batch_entry(100);
    let payment = world.pay(&entry).await.unwrap();
    world.wallet.refused(&payment.id).await.unwrap();
    // It holds a voucher over 100 and charged 40 of it; now it says it charged all.
    stock
        .sessions
        .values_mut()
        .for_each(|session| session.charged = 100);
    let lie = stock.correction(payment.channel_id, &entry);
    let error = world
        .wallet
        .correct_batch(&payment.id, &lie.accepts[0])
        .await
        .unwrap_err();
    assert!(
        matches!(error, BatchCorrectionError::Unexplained),
        "{error}"
    );
    let error = world.pay(&entry).await.unwrap_err();
    assert!(matches!(error, WalletError::Suspect { .. }), "{error}");
    // Exact is no way around it.
    let error = world.pay(&exact_entry(100)).await.unwrap_err();
    assert!(matches!(error, WalletError::Suspect { .. }), "{error}");
}

#[tokio::test]
async fn a_correction_without_our_signature_is_not_believed() {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    world.buy(&mut stock, 100, 100).await;
    let entry = batch_entry(100);
    let payment = world.pay(&entry).await.unwrap();
    stock
        .sessions
        .values_mut()
        .for_each(|session| session.signed = 5_000);
    let lie = stock.correction(payment.channel_id, &entry);
    let error = world
        .wallet
        .correct_batch(&payment.id, &lie.accepts[0])
        .await
        .unwrap_err();
    assert!(
        matches!(error, BatchCorrectionError::Unproven(_)),
        "{error}"
    );
    let error = world
        .wallet
        .correct_batch(&payment.id, &entry)
        .await
        .unwrap_err();
    assert!(matches!(error, BatchCorrectionError::Missing), "{error}");
}

/// Pays once, lets `change` falsify the receipt, and gives what the wallet says to it.
async fn falsified(
    change: impl FnOnce(&mut SettleResponse, &mut serde_json::Value),
) -> ReceiptError {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    world.buy(&mut stock, 100, 100).await;
    let entry = batch_entry(100);
    let payment = world.pay(&entry).await.unwrap();
    let mut receipt = stock
        .take(&payment.payload, &entry, 100, world.now())
        .unwrap();
    let mut extra: serde_json::Value = receipt.extra.parse().unwrap();
    change(&mut receipt, &mut extra);
    receipt.extra = Json::from_value(&extra).unwrap();
    let error = world
        .wallet
        .confirm(&payment.id, &receipt)
        .await
        .unwrap_err();
    // Whatever it said: it counts in full, and nothing more is signed.
    let books = world.wallet.books().await.unwrap();
    assert_eq!((books.charged, books.in_flight), (units(100), units(100)));
    drop(payment);
    assert!(matches!(
        world.pay(&entry).await,
        Err(WalletError::Suspect { .. })
    ));
    world.wallet.verify().await.unwrap();
    error
}

#[tokio::test]
async fn receipts_that_lie_end_the_trust() {
    let error = falsified(|_, extra| extra["chargedAmount"] = "101".into()).await;
    assert!(matches!(error, ReceiptError::Overcharged { .. }), "{error}");
    let jump = falsified(|_, extra| {
        extra["channelState"]["chargedCumulativeAmount"] = "900".into();
    });
    assert!(matches!(jump.await, ReceiptError::Count));
    let error = falsified(|_, extra| {
        extra["channelState"]["channelId"] = format!("0x{}", "77".repeat(32)).into();
    });
    assert!(matches!(error.await, ReceiptError::Channel));
    let error = falsified(|receipt, _| receipt.network = "eip155:1".into()).await;
    assert!(matches!(error, ReceiptError::Network));
    let error = falsified(|receipt, _| receipt.payer = Some(AUTHORIZER.to_string())).await;
    assert!(matches!(error, ReceiptError::Payer));
    let error = falsified(|_, extra| *extra = serde_json::json!({})).await;
    assert!(matches!(error, ReceiptError::Shape));
}

#[tokio::test]
async fn a_receipt_replayed_for_another_payment_does_not_add_up() {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    let entry = batch_entry(100);
    let first = world.pay(&entry).await.unwrap();
    let receipt = stock
        .take(&first.payload, &entry, 100, world.now())
        .unwrap();
    world.wallet.confirm(&first.id, &receipt).await.unwrap();
    let again = world.wallet.confirm(&first.id, &receipt).await.unwrap();
    assert_eq!(
        again.charged,
        units(100),
        "the same receipt again changes nothing"
    );
    drop(first);
    let second = world.pay(&entry).await.unwrap();
    let error = world
        .wallet
        .confirm(&second.id, &receipt)
        .await
        .unwrap_err();
    assert!(matches!(error, ReceiptError::Count), "{error}");
}

#[tokio::test]
async fn another_payee_authorizer_or_token_is_another_channel_or_none() {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    world.buy(&mut stock, 100, 100).await;
    let mut swapped = batch_entry(100);
    swapped.pay_to = AUTHORIZER.to_string();
    assert!(
        !world
            .offer(&batch_entry(100))
            .is_like(&world.offer(&swapped))
    );
    let paid = world.pay(&swapped).await.unwrap();
    assert!(
        deposits(&paid.payload),
        "what one seller holds pays no other"
    );
    let mut other = batch_entry(100);
    other.asset = AUTHORIZER.to_string();
    let refused = world.wallet.read_offer(&other, Mode::X).unwrap_err();
    assert_eq!(refused, TermsRefusal::Asset);
    let mut renamed = batch_entry(100);
    renamed.extra.set("name", "USD Coin (bridged)").unwrap();
    let refused = world.wallet.read_offer(&renamed, Mode::X).unwrap_err();
    assert_eq!(refused, TermsRefusal::AssetDiffers);
}

#[tokio::test]
async fn the_policy_bounds_what_is_paid_in_and_what_is_signed() {
    let world = X402World::with(|config| config.policy.per_lock = units(250)).await;
    // The hint of 1,000 is more than a channel may hold, so it gets what is missing.
    let payment = world.pay(&batch_entry(100)).await.unwrap();
    let BatchPayload::Deposit { deposit, .. } = payment.payload.payload.parse().unwrap() else {
        panic!("a deposit")
    };
    assert_eq!(deposit.amount, units(100));
    drop(payment);
    let world = X402World::with(|config| config.policy.per_lock = units(250)).await;
    let error = world.pay(&batch_entry(300)).await.unwrap_err();
    let per_lock = PolicyRefusal::PerLock;
    assert!(
        matches!(error, WalletError::Policy(found) if found == per_lock),
        "{error}"
    );
    let world = X402World::with(|config| {
        config
            .policy
            .contracts
            .remove(&agent_core::x402::batch::BATCH_SETTLEMENT);
    });
    let error = world.await.pay(&batch_entry(100)).await.unwrap_err();
    let unknown = PolicyRefusal::UnknownContract;
    assert!(
        matches!(error, WalletError::Policy(found) if found == unknown),
        "{error}"
    );
}

#[tokio::test]
async fn a_deposit_of_unknown_outcome_is_asked_about_and_never_made_twice() {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    let entry = batch_entry(100);
    // It was made, and the answer was lost.
    let lost = world.pay(&entry).await.unwrap();
    stock.take(&lost.payload, &entry, 0, world.now()).unwrap();
    world.wallet.mark_unknown(&lost.id).await.unwrap();
    drop(lost);
    let next = world.pay(&entry).await.unwrap();
    assert!(!deposits(&next.payload), "the chain shows the first one");
    world.wallet.refused(&next.id).await.unwrap();
    drop(next);

    let world = X402World::new().await;
    // It never arrived: the very same one is sent again, and after its time another.
    let lost = world.pay(&entry).await.unwrap();
    let BatchPayload::Deposit { deposit: first, .. } = lost.payload.payload.parse().unwrap() else {
        panic!("a deposit")
    };
    world.wallet.mark_unknown(&lost.id).await.unwrap();
    drop(lost);
    let next = world.pay(&entry).await.unwrap();
    let BatchPayload::Deposit {
        deposit: second, ..
    } = next.payload.payload.parse().unwrap()
    else {
        panic!("a deposit")
    };
    assert_eq!(first, second);
    world.wallet.mark_unknown(&next.id).await.unwrap();
    drop(next);
    world.chain.with(|chain| chain.down = true);
    let error = world.pay(&entry).await.unwrap_err();
    assert!(
        matches!(error, WalletError::Escrow(EscrowError::Unavailable(_))),
        "{error}"
    );
    world.chain.with(|chain| chain.down = false);
    world.wait(3_000);
    let next = world.pay(&entry).await.unwrap();
    let BatchPayload::Deposit { deposit: third, .. } = next.payload.payload.parse().unwrap() else {
        panic!("a deposit")
    };
    assert_ne!(first, third);
}

#[tokio::test]
async fn a_wallet_that_lost_its_file_finds_its_channel_and_is_corrected() {
    let mut world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    for _ in 0..3 {
        world.buy(&mut stock, 100, 100).await;
    }
    let id = world.wallet.batch_channels().await.unwrap()[0].id;
    assert!(world.chain.claim(id, 100));
    world.reopen(true).await;
    let entry = batch_entry(100);
    let payment = world.pay(&entry).await.unwrap();
    assert_eq!(payment.channel_id, id, "the same salt, found on chain");
    let asked = stock
        .take(&payment.payload, &entry, 100, world.now())
        .unwrap_err();
    world.wallet.refused(&payment.id).await.unwrap();
    let told = world
        .wallet
        .correct_batch(&payment.id, &asked.accepts[0])
        .await
        .unwrap();
    assert_eq!(told.charged, units(300));
    drop(payment);
    world.buy(&mut stock, 100, 100).await;
    world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn notice_is_given_for_a_suspect_seller_and_the_rest_comes_back() {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    let entry = batch_entry(100);
    let payment = world.pay(&entry).await.unwrap();
    let receipt = stock
        .take(&payment.payload, &entry, 100, world.now())
        .unwrap();
    world.wallet.confirm(&payment.id, &receipt).await.unwrap();
    let id = payment.channel_id;
    drop(payment);
    let second = world.pay(&entry).await.unwrap();
    world
        .wallet
        .confirm(&second.id, &receipt)
        .await
        .unwrap_err();
    world.wallet.sweep(world.now()).await.unwrap();
    let noticed = world.chain.channel_of(id).noticed;
    assert_eq!(
        noticed, 900,
        "what its receipts charged stays for the seller"
    );
    assert!(
        world
            .wallet
            .withdraw_due(world.now())
            .await
            .unwrap()
            .is_empty()
    );
    world.wait(DELAY + 1);
    world.wallet.sweep(world.now()).await.unwrap();
    assert_eq!(world.chain.channel_of(id).balance, 100);
    let account = &world.wallet.batch_channels().await.unwrap()[0];
    assert_eq!((account.returned, account.is_suspect()), (units(900), true));
    world.wallet.forgive(account.config.receiver).await.unwrap();
    let fresh = world.pay(&entry).await.unwrap();
    assert_ne!(
        fresh.channel_id, id,
        "a channel that gave something back is not signed on again"
    );
}

#[tokio::test]
async fn a_refund_costs_nothing_and_ends_the_channel() {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    world.buy(&mut stock, 100, 70).await;
    let account = world.wallet.batch_channels().await.unwrap().remove(0);
    let id = agent_core::ledger::PaymentId::parse("refund-of-the-channel-0001").unwrap();
    let (entry, none) = (batch_entry(100), agent_core::json::Metadata::new());
    let refund = world
        .wallet
        .refund(account.id, &entry, &resource(), &none, &id)
        .await
        .unwrap();
    let payload: BatchPayload = refund.payload.payload.parse().unwrap();
    assert!(matches!(payload, BatchPayload::Refund { amount: None, .. }));
    assert_eq!(payload.voucher().max_claimable_amount, units(70));
    drop(refund);
    assert!(world.chain.claim(account.id, 70));
    world.chain.refund(account.id);
    world.wallet.refresh_batches().await.unwrap();
    let account = &world.wallet.batch_channels().await.unwrap()[0];
    assert_eq!(
        (account.state, account.returned),
        (BatchState::Closed, units(930))
    );
    let next = world.pay(&entry).await.unwrap();
    assert_ne!(next.channel_id, account.id);
}

#[tokio::test]
async fn a_claim_above_what_receipts_charged_is_seen_on_chain() {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    world.buy(&mut stock, 100, 10).await;
    let id = world.wallet.batch_channels().await.unwrap()[0].id;
    assert!(world.chain.claim(id, 100), "the voucher allows it");
    world.wallet.refresh_batches().await.unwrap();
    let error = world.pay(&batch_entry(100)).await.unwrap_err();
    assert!(matches!(error, WalletError::Suspect { .. }), "{error}");
    let books = world.wallet.books().await.unwrap();
    assert_eq!(
        books.signed,
        units(100),
        "the loss is what was signed, which was counted"
    );
}
