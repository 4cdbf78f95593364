//! What was earned is paid, once, and what was not is given back.

use crate::buyer::{SELLER, WAIT, World, address};
use crate::seller::{Seller, patient, until, wish};
use agent_core::channel::LockState;
use agent_core::ledger::Ledger;
use agent_core::money::BaseUnits;
use agent_server::settle::{SettleError, SettlePolicy, SettleReport};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn many_locks_are_paid_with_one_transaction_and_the_books_agree() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let before = world.tokens(SELLER).await;
    for buyer in 2..6 {
        let lock = world.open(buyer, 1_000_000).await;
        seller
            .earn(&world, buyer, &lock, &[1_000, 2_000, 3_000])
            .await;
    }
    let report = seller.settler.settle_now(WAIT).await.unwrap();
    assert_eq!((report.transactions, report.locks), (1, 4));
    assert_eq!(report.claimed_base_units, BaseUnits::new(24_000));
    assert!(report.gas_used > 0);
    seller.assert_paid(&world, 24_000, before).await;
    assert_eq!(seller.settler.totals(), report);
    let again = seller.settler.settle_now(WAIT).await.unwrap();
    assert_eq!(again, SettleReport::default(), "there is nothing left");
    assert_eq!(world.seller_transactions().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_paid_again_and_again_as_it_earns_more() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let before = world.tokens(SELLER).await;
    let lock = world.open(2, 10_000).await;
    for round in 1..=3 {
        seller.earn(&world, 2, &lock, &[500, 500]).await;
        let report = seller.settler.settle_now(WAIT).await.unwrap();
        assert_eq!(report.claimed_base_units, BaseUnits::new(1_000));
        seller.assert_paid(&world, round * 1_000, before).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_claimed_without_being_asked() {
    let world = World::new().await;
    let policy = SettlePolicy {
        value: BaseUnits::new(3_000),
        ..patient()
    };
    let seller = Seller::open(
        &world,
        &crate::seller::Wish {
            policy,
            ..wish(&world)
        },
    )
    .await;
    let before = world.tokens(SELLER).await;
    let lock = world.open(2, 10_000).await;
    seller.earn(&world, 2, &lock, &[2_999]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.seller_transactions().await, 0, "not worth it yet");
    seller.earn(&world, 2, &lock, &[1]).await;
    until("paid", async || {
        seller.settler.totals().claimed_base_units.get() == 3_000
    })
    .await;
    seller.assert_paid(&world, 3_000, before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_claim_does_not_keep_the_others_from_being_paid() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let before = world.tokens(SELLER).await;
    for buyer in 2..7 {
        let lock = world.open(buyer, 1_000).await;
        seller.knows(lock.id(&world.settings.domain())).await;
        if buyer == 4 {
            // The seller is made to believe in money that the chain does not have.
            let state = LockState {
                authorized: BaseUnits::new(50_000),
                claimed: BaseUnits::ZERO,
                deadline_unix_secs: u64::from(u32::MAX),
            };
            seller.store.observe(lock.into(), state).await.unwrap();
            seller.earn(&world, buyer, &lock, &[40_000]).await;
        } else {
            seller.earn(&world, buyer, &lock, &[700]).await;
        }
    }
    let report = seller.settler.settle_now(WAIT).await.unwrap();
    assert_eq!(
        (report.locks, report.claimed_base_units),
        (4, BaseUnits::new(2_800))
    );
    assert_eq!(world.tokens(SELLER).await - before, 2_800);
    assert_eq!(
        seller.store.claims(10).await.unwrap().len(),
        1,
        "the bad one is not forgotten"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_charged_is_given_back_and_deposits_are_accounted_for() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let before = [
        world.tokens(SELLER).await,
        world.tokens(2).await,
        world.tokens(3).await,
    ];
    let used = world.open(2, 10_000).await;
    let unused = world.open(3, 5_000).await;
    seller.earn(&world, 2, &used, &[4_000]).await;
    seller.knows(unused.id(&world.settings.domain())).await;
    seller.settler.settle_now(WAIT).await.unwrap();
    let report = seller.settler.release_all(WAIT).await.unwrap();
    assert_eq!(
        (report.transactions, report.closed, report.in_flight),
        (2, 2, 0)
    );
    assert_eq!(report.released_base_units, BaseUnits::new(11_000));
    assert_eq!(world.tokens(SELLER).await - before[0], 4_000);
    assert_eq!(before[1] - world.tokens(2).await, 4_000);
    assert_eq!(world.tokens(3).await, before[2]);
    assert_eq!(
        world.tokens_of(world.settings.escrow).await,
        0,
        "nothing stays behind"
    );
    let again = seller.settler.release_all(WAIT).await.unwrap();
    assert_eq!((again.transactions, again.closed), (0, 2));
    assert!(seller.store.verify().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_payee_can_give_back_but_anyone_can_settle() {
    let world = World::new().await;
    let seller = Seller::open(
        &world,
        &crate::seller::Wish {
            key: 9,
            ..wish(&world)
        },
    )
    .await;
    let before = world.tokens(SELLER).await;
    let lock = world.open(2, 10_000).await;
    seller.earn(&world, 2, &lock, &[4_000]).await;
    seller.settler.settle_now(WAIT).await.unwrap();
    seller.assert_paid(&world, 4_000, before).await;
    let refused = seller.settler.release_all(WAIT).await.unwrap_err();
    assert!(matches!(refused, SettleError::NotPayee), "{refused:?}");
    assert_ne!(seller.outbox.address(), address(SELLER));
}
