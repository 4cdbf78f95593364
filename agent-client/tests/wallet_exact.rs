//! Paying with exact: counted in full, until the chain shows that it can never happen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod wallet_support;
mod x402_world;

use agent_client::wallet::{ReceiptError, WalletError};
use agent_core::policy::PolicyRefusal;
use wallet_support::units;
use x402_world::*;

#[tokio::test]
async fn a_transfer_is_charged_in_full_and_survives_a_restart() {
    let mut world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    let entry = exact_entry(100);
    let payment = world.pay(&entry).await.unwrap();
    let receipt = stock
        .take(&payment.payload, &entry, 100, world.now())
        .unwrap();
    let id = payment.id.clone();
    drop(payment);
    world.reopen(false).await;
    let confirmed = world.wallet.confirm(&id, &receipt).await.unwrap();
    assert_eq!(confirmed.charged, units(100));
    let books = world.wallet.books().await.unwrap();
    assert_eq!(
        (books.charged, books.signed, books.in_flight),
        (units(100), units(100), units(0))
    );
}

#[tokio::test]
async fn a_refusal_frees_nothing_until_the_authorization_is_dead() {
    let world = X402World::with(|config| {
        config.policy.per_hour = units(100);
        config.policy.per_day = units(100);
    })
    .await;
    let entry = exact_entry(100);
    let payment = world.pay(&entry).await.unwrap();
    let mut refusal = wallet_support::refused();
    refusal.mode = agent_core::x402::Mode::X;
    let told = world.wallet.confirm(&payment.id, &refusal).await.unwrap();
    assert!(!told.taken);
    world.wallet.refused(&payment.id).await.unwrap();
    let bound = |error: WalletError| matches!(error, WalletError::Policy(PolicyRefusal::PerHour));
    assert!(bound(world.pay(&entry).await.unwrap_err()));
    assert_eq!(
        world.wallet.resolve_transfers(world.now()).await.unwrap(),
        0
    );
    world.wait(301);
    assert_eq!(
        world.wallet.resolve_transfers(world.now()).await.unwrap(),
        0,
        "within its grace"
    );
    world.wait(900);
    assert_eq!(
        world.wallet.resolve_transfers(world.now()).await.unwrap(),
        1
    );
    assert_eq!(world.wallet.books().await.unwrap().signed, units(0));
    let again = world.pay(&entry).await.expect("the window is free again");
    assert_eq!(again.max, units(100));
}

#[tokio::test]
async fn a_thief_that_denies_and_settles_later_is_found_on_chain() {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    let entry = exact_entry(100);
    let payment = world.pay(&entry).await.unwrap();
    world.wallet.refused(&payment.id).await.unwrap();
    stock
        .take(&payment.payload, &entry, 100, world.now())
        .unwrap();
    world.wait(1_300);
    world.wallet.sweep(world.now()).await.unwrap();
    let books = world.wallet.books().await.unwrap();
    assert_eq!((books.charged, books.in_flight), (units(100), units(0)));
}

#[tokio::test]
async fn a_transfer_proven_unused_cannot_be_charged_later() {
    let world = X402World::new().await;
    let mut stock = Stock::new(world.chain.clone());
    stock.lazy = true;
    let entry = exact_entry(100);
    let payment = world.pay(&entry).await.unwrap();
    let receipt = stock
        .take(&payment.payload, &entry, 100, world.now())
        .unwrap();
    world.wait(1_300);
    world.wallet.sweep(world.now()).await.unwrap();
    let error = world
        .wallet
        .confirm(&payment.id, &receipt)
        .await
        .unwrap_err();
    assert!(matches!(error, ReceiptError::Contradiction), "{error}");
}

#[tokio::test]
async fn what_never_left_this_machine_is_free_at_once() {
    let world = X402World::new().await;
    let payment = world.pay(&exact_entry(100)).await.unwrap();
    world.wallet.void(&payment.id).await.unwrap();
    let books = world.wallet.books().await.unwrap();
    assert_eq!((books.signed, books.in_flight), (units(0), units(0)));
}

#[tokio::test]
async fn exact_wants_the_token_among_the_contracts() {
    let world = X402World::with(|config| {
        config.policy.contracts.remove(&wallet_support::TOKEN);
    })
    .await;
    let error = world.pay(&exact_entry(1)).await.unwrap_err();
    let unknown = PolicyRefusal::UnknownContract;
    assert!(
        matches!(error, WalletError::Policy(found) if found == unknown),
        "{error}"
    );
}
