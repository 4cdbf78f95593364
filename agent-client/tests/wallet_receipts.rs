//! Receipts that are true, late, repeated and false, and a seller's own count of a channel.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod wallet_support;

use agent_client::wallet::{ChannelState, Payment, WalletError};
use agent_core::{
    json::Json,
    ledger::PaymentId,
    voucher::ChannelId,
    x402::{Mode, PaymentTerms, SettleResponse, WireChannel, Z402Receipt},
};
use alloy_primitives::{Address, B256};
use wallet_support::*;

fn extra(payment: &Payment, change: impl FnOnce(&mut Z402Receipt)) -> Json {
    let mut extra: Z402Receipt = receipt(payment, 10).extra.parse().unwrap();
    change(&mut extra);
    Json::from_value(&extra).unwrap()
}

#[tokio::test]
async fn a_receipt_that_lies_is_named_and_ends_all_signing_for_its_payee() {
    type Lie = fn(&Payment, &mut SettleResponse);
    let lies: [(Lie, &str); 10] = [
        (|_, r| r.mode = Mode::X, "receipt_not_z402"),
        (|_, r| r.extra = Json::default(), "receipt_not_z402"),
        (|_, r| r.network = "eip155:1".into(), "receipt_network"),
        (|_, r| r.network = "mainnet".into(), "receipt_network"),
        (
            |_, r| r.payer = Some(Address::ZERO.to_string()),
            "receipt_payer",
        ),
        (|_, r| r.payer = Some("me".into()), "receipt_payer"),
        (
            |p, r| r.extra = extra(p, |e| e.payment_id = "0".repeat(32)),
            "receipt_payment_id",
        ),
        (
            |p, r| r.extra = extra(p, |e| e.channel_id = ChannelId(B256::ZERO)),
            "receipt_channel",
        ),
        (
            |p, r| r.extra = extra(p, |e| e.charged_amount = units(11)),
            "receipt_overcharged",
        ),
        (|_, r| r.success = false, "receipt_charged_for_failure"),
    ];
    for (lie, code) in lies {
        let mut world = World::new().await;
        let (payment, other) = (world.pay(10).await.unwrap(), world.pay(10).await.unwrap());
        let mut false_receipt = receipt(&payment, 10);
        lie(&payment, &mut false_receipt);
        let error = world
            .wallet
            .confirm(&payment.id, &false_receipt)
            .await
            .unwrap_err();
        assert_eq!(error.code(), code);
        for _ in 0..2 {
            let error = world.pay(1).await.unwrap_err();
            assert!(
                matches!(&error, WalletError::Suspect { why, .. } if why == code),
                "{error}"
            );
            let error = world
                .wallet
                .ensure_channel(&terms(), units(1))
                .await
                .unwrap_err();
            assert_eq!(error.code(), "wallet_suspect");
            world.reopen().await;
        }
        // What others do is not held against them, and what is in flight can still end well.
        let elsewhere = PaymentTerms {
            pay_to: Address::repeat_byte(0x66),
            ..terms()
        };
        drop(pay(&world.wallet, &elsewhere, 1).await.unwrap());
        world
            .wallet
            .confirm(&other.id, &receipt(&other, 3))
            .await
            .unwrap();
        let books = world.wallet.books().await.unwrap();
        assert_eq!(
            (books.charged, books.in_flight),
            (units(3), units(11)),
            "{code}"
        );
        world.wallet.verify().await.unwrap();
    }
}

#[tokio::test]
async fn the_same_receipt_twice_is_once_and_another_one_is_a_contradiction() {
    let world = World::new().await;
    let payment = world.pay(10).await.unwrap();
    for _ in 0..3 {
        let confirmed = world
            .wallet
            .confirm(&payment.id, &receipt(&payment, 4))
            .await
            .unwrap();
        assert_eq!(confirmed.charged, units(4));
    }
    world.wallet.void(&payment.id).await.unwrap();
    world.wallet.mark_unknown(&payment.id).await.unwrap();
    assert_eq!(world.wallet.books().await.unwrap().charged, units(4));
    let error = world
        .wallet
        .confirm(&payment.id, &receipt(&payment, 5))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "receipt_contradiction");
    assert_eq!(world.wallet.books().await.unwrap().charged, units(4));
    assert_eq!(
        world.wallet.channels().await.unwrap()[0].state,
        ChannelState::Suspect
    );
    world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn a_refusal_frees_the_maximum_and_so_does_a_payment_never_sent() {
    let world = World::new().await;
    for round in 0..4 {
        let payment = world.pay(1_000).await.unwrap();
        match round % 2 {
            0 => {
                let refused = world.wallet.confirm(&payment.id, &refused()).await.unwrap();
                assert!(!refused.taken);
                // The same again, and a charge after it.
                world
                    .wallet
                    .confirm(&payment.id, &wallet_support::refused())
                    .await
                    .unwrap();
            }
            _ => world.wallet.void(&payment.id).await.unwrap(),
        }
        let books = world.wallet.books().await.unwrap();
        assert_eq!((books.in_flight, books.charged), (units(0), units(0)));
        assert_eq!(
            books.signed,
            units(1_000 + round),
            "slack is used again, but for one unit"
        );
    }
    let late = world.pay(10).await.unwrap();
    world.wallet.void(&late.id).await.unwrap();
    let error = world
        .wallet
        .confirm(&late.id, &receipt(&late, 1))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "receipt_contradiction");
}

#[tokio::test]
async fn a_lost_answer_counts_at_its_maximum_until_the_receipt_turns_up() {
    let mut world = World::new().await;
    let lost = world.pay(100).await.unwrap();
    let crashed = world.pay(200).await.unwrap();
    world.wallet.mark_unknown(&lost.id).await.unwrap();
    world.reopen().await;
    let books = world.wallet.books().await.unwrap();
    assert_eq!((books.payments_unknown, books.in_flight), (2, units(300)));
    world
        .wallet
        .confirm(&lost.id, &receipt(&lost, 30))
        .await
        .unwrap();
    world.wallet.confirm(&crashed.id, &refused()).await.unwrap();
    let books = world.wallet.books().await.unwrap();
    assert_eq!(
        (books.in_flight, books.charged, books.payments_unknown),
        (units(0), units(30), 0)
    );
    let unknown = PaymentId::parse(&"a".repeat(32)).unwrap();
    let error = world
        .wallet
        .confirm(&unknown, &refused())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "wallet_unknown_payment");
    world.wallet.verify().await.unwrap();
}

/// A seller that counts as the wallet does.
fn honest(authorized: u128, signed: u128, charged: u128, reserved: u128) -> WireChannel {
    WireChannel {
        authorized: units(authorized),
        claimed: units(0),
        signed: units(signed),
        charged: units(charged),
        reserved: units(reserved),
        deadline: NOW + 3_600,
    }
}

#[tokio::test]
async fn a_count_within_our_books_raises_the_next_ceiling_and_no_more() {
    let world = World::new().await;
    let payment = world.pay(100).await.unwrap();
    world.wallet.void(&payment.id).await.unwrap();
    // We believed it over; the seller still holds it.
    let theirs = honest(10_000, 100, 0, 100);
    let corrected = world
        .wallet
        .correct(payment.channel_id, &theirs)
        .await
        .unwrap();
    assert_eq!(corrected.owed, units(100));
    let next = world.pay(40).await.unwrap();
    assert_eq!(next.ceiling, units(140));
    // An older count says nothing new.
    world
        .wallet
        .correct(next.channel_id, &honest(10_000, 0, 0, 0))
        .await
        .unwrap();
    assert_eq!(world.pay(40).await.unwrap().ceiling, units(180));
    world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn a_count_that_cannot_be_true_makes_the_channel_suspect() {
    let cases = [
        (honest(10_000, 101, 0, 0), "correction_never_signed"),
        (honest(10_001, 100, 0, 0), "correction_never_deposited"),
        (honest(10_000, 100, 90, 11), "correction_inconsistent"),
        (honest(90, 100, 0, 0), "correction_inconsistent"),
        (
            WireChannel {
                claimed: units(1),
                ..honest(10_000, 100, 0, 0)
            },
            "correction_inconsistent",
        ),
        (honest(10_000, 100, u128::MAX, 1), "correction_inconsistent"),
        (honest(10_000, 100, 61, 0), "correction_overcharged"),
    ];
    for (theirs, code) in cases {
        let world = World::new().await;
        let payment = world.pay(100).await.unwrap();
        world
            .wallet
            .confirm(&payment.id, &receipt(&payment, 60))
            .await
            .unwrap();
        let error = world
            .wallet
            .correct(payment.channel_id, &theirs)
            .await
            .unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(world.pay(1).await.unwrap_err().code(), "wallet_suspect");
        world.wallet.verify().await.unwrap();
    }
}
