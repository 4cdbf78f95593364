//! Nodes that are down, processes that end at a bad moment, blocks that are taken back.

use crate::buyer::{SELLER, WAIT, World};
use crate::line::Line;
use crate::seller::{Seller, Wish, until, wish};
use agent_core::ledger::Ledger;
use agent_core::money::BaseUnits;
use agent_server::settle::SettleError;
use std::time::Duration;

const MOMENT: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_down_delays_and_loses_nothing() {
    let world = World::new().await;
    let line = Line::to(world.devnet.address()).await;
    let seller = Seller::open(
        &world,
        &Wish {
            url: line.url.clone(),
            ..wish(&world)
        },
    )
    .await;
    let before = world.tokens(SELLER).await;
    let lock = world.open(2, 10_000).await;
    seller.earn(&world, 2, &lock, &[1_000]).await;
    line.cut();
    let late = seller.settler.settle_now(MOMENT).await.unwrap_err();
    assert!(
        matches!(late, SettleError::NotYet(report) if report.transactions == 0),
        "{late:?}"
    );
    assert_eq!(seller.store.claims(10).await.unwrap().len(), 1);
    line.mend();
    seller.settler.settle_now(WAIT).await.unwrap();
    let report = seller.settler.totals();
    assert_eq!((report.transactions, report.locks), (1, 1));
    seller.assert_paid(&world, 1_000, before).await;
    assert_eq!(world.seller_transactions().await, 1, "not sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_between_storing_and_sending_goes_on_after_a_restart() {
    let world = World::new().await;
    let line = Line::to(world.devnet.address()).await;
    let wish = Wish {
        url: line.url.clone(),
        ..wish(&world)
    };
    let seller = Seller::open(&world, &wish).await;
    let before = world.tokens(SELLER).await;
    let lock = world.open(2, 10_000).await;
    seller.earn(&world, 2, &lock, &[1_000, 500]).await;
    line.cut();
    seller.settler.settle_now(MOMENT).await.unwrap_err();
    seller.close().await;
    line.mend();
    let seller = Seller::open(&world, &wish).await;
    seller.settler.settle_now(WAIT).await.unwrap();
    let report = seller.settler.totals();
    assert_eq!(
        (report.transactions, report.locks),
        (1, 1),
        "counted after the restart too"
    );
    seller.assert_paid(&world, 1_500, before).await;
    assert_eq!(world.seller_transactions().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outbox_that_is_lost_costs_gas_and_nothing_else() {
    let world = World::new().await;
    let line = Line::to(world.devnet.address()).await;
    let wish = Wish {
        url: line.url.clone(),
        ..wish(&world)
    };
    let seller = Seller::open(&world, &wish).await;
    let before = world.tokens(SELLER).await;
    let lock = world.open(2, 10_000).await;
    seller.earn(&world, 2, &lock, &[1_000]).await;
    line.cut();
    seller.settler.settle_now(MOMENT).await.unwrap_err();
    seller.close().await;
    // What was noted as under way is not in any outbox any more.
    std::fs::remove_file(world.dir.path().join("outbox.db")).unwrap();
    line.mend();
    let seller = Seller::open(&world, &wish).await;
    seller.settler.settle_now(WAIT).await.unwrap();
    seller.assert_paid(&world, 1_000, before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_that_is_taken_back_is_made_again() {
    let world = World::new().await;
    let wish = Wish {
        confirmations: 3,
        ..wish(&world)
    };
    let seller = Seller::open(&world, &wish).await;
    let before = world.tokens(SELLER).await;
    let lock = world.open(2, 10_000).await;
    seller.earn(&world, 2, &lock, &[1_000]).await;
    let settling = tokio::spawn({
        let settler = seller.settler.clone();
        async move { settler.settle_now(WAIT).await }
    });
    let claims = async || seller.store.claims(10).await.unwrap().len();
    until("the mirror sees the payment", async || claims().await == 0).await;
    world.devnet.chain().set_automine(false);
    world.devnet.chain().rollback(1).unwrap();
    world.devnet.chain().mine(2).unwrap();
    until("the mirror sees that it is gone", async || {
        claims().await == 1
    })
    .await;
    assert_eq!(world.tokens(SELLER).await, before);
    world.devnet.chain().set_automine(true);
    until("it is mined again", async || {
        world.devnet.chain().mine(1).unwrap();
        settling.is_finished()
    })
    .await;
    let report = settling.await.unwrap().unwrap();
    assert_eq!(
        (report.transactions, report.claimed_base_units),
        (1, BaseUnits::new(1_000))
    );
    seller.assert_paid(&world, 1_000, before).await;
}
