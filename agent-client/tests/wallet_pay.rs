//! What the wallet signs, and what it refuses to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod wallet_support;

use std::{sync::Arc, time::Duration};

use agent_client::{
    sqlite::OpenError,
    wallet::{PayerKey, TermsRefusal, Wallet, WalletError},
};
use agent_core::{
    clock::Clock as _,
    voucher::EscrowDomain,
    x402::{Mode, PaymentTerms, Z402Payload},
};
use alloy_primitives::{Address, address};
use wallet_support::*;

#[tokio::test]
async fn the_first_payment_opens_a_lock_and_its_voucher_is_admitted() {
    let world = World::new().await;
    let payment = world.pay(250).await.unwrap();
    assert_eq!(payment.ceiling, units(250));
    assert_eq!(
        payment.payload.accepted,
        terms().requirements(units(250)).unwrap()
    );
    assert_eq!(
        payment.payload.resource.as_ref().unwrap().url,
        "a2a://seller/shout"
    );
    let mut seller = Seller::default();
    let (id, max) = seller.admit(&payment.payload, &world.chain, NOW).unwrap();
    assert_eq!((id, max), (payment.channel_id, units(250)));
    assert_eq!(world.chain.state(id).authorized, units(10_000));
    let confirmed = world
        .wallet
        .confirm(&payment.id, &receipt(&payment, 100))
        .await
        .unwrap();
    assert_eq!((confirmed.charged, confirmed.taken), (units(100), true));
    let books = world.wallet.books().await.unwrap();
    assert_eq!(
        (books.deposited, books.charged),
        (units(10_000), units(100))
    );
    assert_eq!((books.in_flight, books.signed), (units(0), units(250)));
    world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn ceilings_strictly_increase_with_slack_and_across_a_restart() {
    let mut world = World::new().await;
    let mut last = units(0);
    for round in 0..6 {
        let payment = world.pay(50).await.unwrap();
        assert!(payment.ceiling > last, "{} after {last}", payment.ceiling);
        last = payment.ceiling;
        if round % 2 == 0 {
            world
                .wallet
                .confirm(&payment.id, &receipt(&payment, 0))
                .await
                .unwrap();
        }
        drop(payment);
        world.reopen().await;
        world.wallet.verify().await.unwrap();
    }
    // Three were charged nothing and three never answered: slack was used before it was added to.
    let books = world.wallet.books().await.unwrap();
    assert_eq!((books.payments_unknown, books.payments_charged), (3, 3));
    assert_eq!(books.in_flight, units(150));
    assert!(books.signed < units(210), "signed {}", books.signed);
}

#[tokio::test]
async fn one_payment_id_and_one_ceiling_for_each_of_many_at_once() {
    let world = World::new().await;
    let payments: Vec<_> = futures_util::future::join_all((0..32).map(|_| world.pay(7))).await;
    let payments: Vec<_> = payments.into_iter().map(Result::unwrap).collect();
    let ids: std::collections::BTreeSet<_> = payments.iter().map(|p| p.id.clone()).collect();
    let ceilings: std::collections::BTreeSet<_> = payments.iter().map(|p| p.ceiling).collect();
    assert_eq!((ids.len(), ceilings.len()), (32, 32));
    assert_eq!(
        world.chain.openings(),
        1,
        "32 payments that found no lock opened one"
    );
    assert_eq!(world.wallet.books().await.unwrap().in_flight, units(32 * 7));
}

#[tokio::test]
async fn beyond_the_payees_slots_payments_wait_and_then_say_why_they_gave_up() {
    let world = World::new().await;
    let narrow = PaymentTerms {
        max_in_flight: 2,
        ..terms()
    };
    let first = pay(&world.wallet, &narrow, 5).await.unwrap();
    let second = pay(&world.wallet, &narrow, 5).await.unwrap();
    let error = pay(&world.wallet, &narrow, 5).await.unwrap_err();
    assert!(
        matches!(
            error,
            WalletError::Slots {
                max_in_flight: 2,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(
        world.wallet.books().await.unwrap().payments,
        2,
        "the third was not counted"
    );
    let third = pay(&world.wallet, &narrow, 5);
    let end = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        world
            .wallet
            .confirm(&first.id, &receipt(&first, 5))
            .await
            .unwrap();
        drop(first);
    };
    let (third, ()) = tokio::join!(third, end);
    drop(third.unwrap());
    drop(second);
}

#[tokio::test]
async fn terms_are_held_against_our_own_configuration() {
    let world = World::new().await;
    type Change = fn(&mut PaymentTerms);
    let cases: [(Change, TermsRefusal); 9] = [
        (|t| t.x402_version = 1, TermsRefusal::Scheme),
        (|t| t.modes = vec![Mode::X], TermsRefusal::Scheme),
        (|t| t.schemes = vec!["exact".into()], TermsRefusal::Scheme),
        (|t| t.asset.network.chain_id = 1, TermsRefusal::Network),
        (
            |t| t.asset.address = Address::repeat_byte(9),
            TermsRefusal::Asset,
        ),
        (|t| t.asset.decimals = 18, TermsRefusal::AssetDiffers),
        (|t| t.asset.version = "1".into(), TermsRefusal::AssetDiffers),
        (
            |t| t.contract = Address::repeat_byte(9),
            TermsRefusal::Contract,
        ),
        (|t| t.pay_to = Address::ZERO, TermsRefusal::PayTo),
    ];
    for (change, wanted) in cases {
        let mut terms = terms();
        change(&mut terms);
        let error = pay(&world.wallet, &terms, 5).await.unwrap_err();
        assert!(
            matches!(error, WalletError::Terms(found) if found == wanted),
            "{error}"
        );
    }
    let nothing = world.pay(0).await.unwrap_err();
    assert!(matches!(nothing, WalletError::Terms(TermsRefusal::Nothing)));
    assert_eq!(world.wallet.books().await.unwrap(), Default::default());
    assert_eq!(world.chain.openings(), 0);
}

#[tokio::test]
async fn one_file_has_one_owner_and_one_payer() {
    let world = World::new().await;
    let clock = world.clock.clone();
    let again = Wallet::open(config(world.dir.path()), clock.clone(), world.chain.clone()).await;
    assert!(
        matches!(again, Err(WalletError::Open(OpenError::InUse { .. }))),
        "{again:?}"
    );
    world.wallet.close().await;
    let mut other = config(world.dir.path());
    other.key = PayerKey::from_hex(&"11".repeat(32)).unwrap();
    let error = Wallet::open(other, clock.clone(), world.chain.clone())
        .await
        .unwrap_err();
    assert!(matches!(error, WalletError::OtherWallet { .. }), "{error}");
    let mut other = config(world.dir.path());
    let elsewhere = address!("00000000000000000000000000000000000000e6");
    other.escrow = EscrowDomain::new(CHAIN, elsewhere);
    let chain: Arc<FakeEscrow> = world.chain.clone();
    let error = Wallet::open(other, clock.clone(), chain).await.unwrap_err();
    assert!(matches!(error, WalletError::OtherWallet { .. }), "{error}");
    assert_eq!(clock.now_unix_secs(), NOW);
}

#[tokio::test]
async fn nothing_that_is_printed_carries_the_signature_or_the_key() {
    let world = World::new().await;
    let payment = world.pay(5).await.unwrap();
    let Z402Payload::Voucher { voucher, .. } = payment.payload.payload.parse().unwrap() else {
        panic!("a voucher")
    };
    let shown = format!(
        "{payment:?} {:?} {:?}",
        world.wallet,
        config(world.dir.path())
    );
    assert!(!shown.contains(&voucher.signature[10..40]));
    assert!(!shown.contains(&KEY[10..40]));
}
