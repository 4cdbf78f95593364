//! What the ledger knows of the chain, and when it knows it.

use crate::buyer::{SELLER, WAIT, World, address};
use crate::line::Line;
use crate::seller::{Seller, Wish, until, wish};
use agent_client::chain::bindings::IZ402Escrow;
use agent_client::clock::SystemClock;
use agent_core::channel::Refusal;
use agent_core::clock::Clock;
use agent_core::ledger::{Ledger, PaymentId, Proof, Reserve, ReserveRequest};
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, Lock};
use agent_server::gate::LockSource;
use agent_server::settle::pack;
use alloy_primitives::B256;
use std::time::{Duration, Instant};

fn id(world: &World, lock: &Lock) -> ChannelId {
    lock.id(&world.settings.domain())
}

async fn authorized(seller: &Seller, id: ChannelId) -> u128 {
    seller
        .store
        .channel(id)
        .await
        .unwrap()
        .map_or(0, |view| view.authorized_on_chain.get())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_for_a_new_lock_does_not_wait_for_the_next_poll() {
    let world = World::new().await;
    let wish = Wish {
        poll: Duration::from_secs(3_600),
        ..wish(&world)
    };
    let seller = Seller::open(&world, &wish).await;
    seller.mirror.look(WAIT).await.unwrap();
    let lock = world.open(2, 5_000).await;
    let begun = Instant::now();
    seller.knows(id(&world, &lock)).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(authorized(&seller, id(&world, &lock)).await, 5_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_never_comes_is_waited_for_only_so_long() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let wait = Duration::from_millis(400);
    assert!(
        !seller
            .mirror
            .await_lock(ChannelId(B256::repeat_byte(1)), wait)
            .await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_for_others_and_in_other_tokens_are_not_ours() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let other = world.open_for(2, address(8), 5_000).await;
    let ours = world.open(3, 5_000).await;
    seller.knows(id(&world, &ours)).await;
    assert!(
        seller
            .store
            .channel(id(&world, &other))
            .await
            .unwrap()
            .is_none()
    );
    seller.close().await;

    let elsewhere = World::new().await;
    let token = address(7);
    let seller = Seller::open(
        &elsewhere,
        &Wish {
            token,
            ..wish(&elsewhere)
        },
    )
    .await;
    let lock = elsewhere.open(3, 5_000).await;
    seller.mirror.look(WAIT).await.unwrap();
    assert!(
        seller
            .store
            .channel(id(&elsewhere, &lock))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn top_ups_are_seen_and_the_cursor_survives_a_restart() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let lock = world.open(2, 5_000).await;
    seller.knows(id(&world, &lock)).await;
    seller.close().await;
    let missed = world.open(3, 700).await;
    let seller = Seller::open(&world, &wish(&world)).await;
    seller.mirror.look(WAIT).await.unwrap();
    assert_eq!(authorized(&seller, id(&world, &lock)).await, 5_000);
    assert_eq!(authorized(&seller, id(&world, &missed)).await, 700);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    world.fund(2, &lock, 1_000).await;
    seller.mirror.look(WAIT).await.unwrap();
    assert_eq!(authorized(&seller, id(&world, &lock)).await, 6_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_whose_block_is_taken_back_holds_nothing() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let lock = world.open(2, 5_000).await;
    seller.knows(id(&world, &lock)).await;
    world.devnet.chain().reorg(1).unwrap();
    world.devnet.chain().mine(1).unwrap();
    until("the lock is empty", async || {
        authorized(&seller, id(&world, &lock)).await == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_of_more_than_was_charged_is_money_in_advance() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let (early, honest) = (world.open(2, 5_000).await, world.open(3, 5_000).await);
    seller.earn(&world, 2, &early, &[100]).await;
    seller.earn(&world, 3, &honest, &[100]).await;
    // The buyer settles a ceiling that the seller has not charged up to.
    let mut claim = seller.store.claims(10).await.unwrap();
    claim.retain(|claim| claim.funding == early.into());
    let voucher = world.voucher(2, &early, 4_000);
    claim[0].ceiling = voucher.ceiling();
    claim[0].charged = voucher.ceiling();
    claim[0].signature = voucher.signature();
    let call = IZ402Escrow::settleBatchCall {
        payee: address(SELLER),
        token: early.token,
        rows: pack(&claim),
    };
    world.send(&call).await;
    let paid = async || {
        let view = seller.store.channel(id(&world, &early)).await;
        let view = view.unwrap().unwrap();
        assert!(!view.broken);
        view.channel.claimed.get()
    };
    until("it is seen", async || paid().await == 4_000).await;
    // What it buys from now on was paid before.
    seller.earn(&world, 2, &early, &[500]).await;
    let report = seller.settler.settle_now(WAIT).await.unwrap();
    assert_eq!(
        (report.locks, report.claimed_base_units),
        (1, BaseUnits::new(100))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_seller_admits_nothing() {
    let world = World::new().await;
    let line = Line::to(world.devnet.address()).await;
    let chain_max_age = Some(Duration::from_millis(700));
    let wish = Wish {
        url: line.url.clone(),
        chain_max_age,
        ..wish(&world)
    };
    let seller = Seller::open(&world, &wish).await;
    let lock = world.open(2, 5_000).await;
    seller.earn(&world, 2, &lock, &[100]).await;
    // No block comes, and the seller still sees that none comes.
    tokio::time::sleep(Duration::from_millis(900)).await;
    seller.earn(&world, 2, &lock, &[100]).await;
    line.cut();
    tokio::time::sleep(Duration::from_millis(900)).await;
    let request = ReserveRequest {
        payment_id: PaymentId::parse("a-payment-too-late").unwrap(),
        request_hash: B256::ZERO,
        proof: Proof::Voucher {
            funding: lock.into(),
            voucher: world.voucher(2, &lock, 300),
        },
        max: BaseUnits::new(100),
        task_id: "late".to_owned(),
        context_id: "context".to_owned(),
        skill: "shout".to_owned(),
        owner: String::new(),
        now_unix_millis: SystemClock.now_unix_millis(),
    };
    let answer = seller.store.reserve(request.clone()).await.unwrap();
    assert!(matches!(
        answer,
        Reserve::Refused {
            why: Refusal::ChainStateStale,
            ..
        }
    ));
    line.mend();
    until("it sees again", async || {
        let now_unix_millis = SystemClock.now_unix_millis();
        let again = ReserveRequest {
            now_unix_millis,
            ..request.clone()
        };
        matches!(seller.store.reserve(again).await.unwrap(), Reserve::New(_))
    })
    .await;
}
