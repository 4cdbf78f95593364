//! What was claimed is shared once, whatever happens meanwhile.

use crate::buyer::{SELLER, WAIT, World, address};
use crate::seller::{Seller, until, wish};
use agent_client::clock::SystemClock;
use agent_core::money::BaseUnits;
use agent_server::settle::{Share, Split, Splitter, SplitterConfig};
use alloy_primitives::Address;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

const ALICE: usize = 11;
const BOB: usize = 12;

fn shares(world: &World, shares: &[(Address, u16)], at: u128) -> SplitterConfig {
    let shares = shares.iter().map(|(to, bps)| Share { to: *to, bps: *bps });
    SplitterConfig {
        token: world.settings.token.address,
        split: Split::new(shares.collect()).unwrap(),
        at: BaseUnits::new(at),
        interval: Duration::from_millis(20),
        channels: None,
    }
}

fn start(seller: &Seller, config: &SplitterConfig) -> Splitter {
    let (store, outbox) = (seller.store.clone(), seller.outbox.clone());
    Splitter::start(store, outbox, config.clone(), Arc::new(SystemClock))
}

proptest! {
    #[test]
    fn shares_never_exceed_the_whole_and_miss_less_than_one_unit_each(
        bps in proptest::collection::vec(1_u16..2_500, 1..5),
        amount in any::<u128>(),
    ) {
        prop_assume!(bps.iter().map(|bps| u32::from(*bps)).sum::<u32>() <= 10_000);
        let shares = bps.iter().zip(1_u8..).map(|(bps, n)| Share { to: Address::repeat_byte(n), bps: *bps });
        let parts = Split::new(shares.collect()).unwrap().of(BaseUnits::new(amount));
        let sum = BaseUnits::total(parts.iter().map(|(_, part)| *part)).unwrap();
        prop_assert!(sum.get() <= amount);
        for ((_, part), bps) in parts.iter().zip(&bps).filter(|_| parts.len() == bps.len()) {
            let exact = alloy_primitives::U256::from(amount) * alloy_primitives::U256::from(*bps);
            let rounded = exact / alloy_primitives::U256::from(10_000);
            prop_assert_eq!(alloy_primitives::U256::from(part.get()), rounded);
        }
    }
}

#[test]
fn shares_that_make_no_sense_are_refused() {
    let to = Address::repeat_byte(1);
    let share = |to, bps| Share { to, bps };
    for wrong in [
        vec![share(to, 5_000), share(to, 1)],
        vec![share(Address::ZERO, 5_000)],
        vec![share(to, 0)],
        vec![share(to, 9_999), share(Address::repeat_byte(2), 2)],
    ] {
        assert!(Split::new(wrong.clone()).is_err(), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_claimed_is_shared_once_over_kills_at_any_moment() {
    let world = World::new().await;
    let config = shares(
        &world,
        &[(address(ALICE), 2_500), (address(BOB), 3_333)],
        1_000,
    );
    let before = [SELLER, ALICE, BOB];
    let balances = async || {
        let mut now = Vec::new();
        for account in before {
            now.push(world.tokens(account).await);
        }
        now
    };
    let began = balances().await;
    let mut seller = Seller::open(&world, &wish(&world)).await;
    let first = start(&seller, &config);
    tokio::time::sleep(Duration::from_millis(60)).await;
    drop(first);
    let lock = world.open(2, 10_000).await;
    for (pause, charge) in [
        (0, 400),
        (2, 601),
        (5, 1_003),
        (15, 1_000),
        (40, 999),
        (90, 997),
    ] {
        seller.earn(&world, 2, &lock, &[charge]).await;
        seller.settler.settle_now(WAIT).await.unwrap();
        let splitter = start(&seller, &config);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        drop(splitter);
        seller.close().await;
        seller = Seller::open(&world, &wish(&world)).await;
    }
    let earned = 5_000_u128;
    let _splitter = start(&seller, &config);
    // Which payouts there were depends on the kills; less than `at` is left, and each rounded down.
    let got = |now: &[u128], at: usize| now[at].abs_diff(began[at]);
    until("shared", async || {
        let now = balances().await;
        got(&now, 1) + 3 >= (earned - 1_000) / 4
            && got(&now, 2) + 3 >= (earned - 1_000) * 3_333 / 10_000
    })
    .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let now = balances().await;
    let all = got(&now, 0) + got(&now, 1) + got(&now, 2);
    assert_eq!(all, earned, "nothing is made or lost");
    assert!(got(&now, 1) <= earned / 4, "{now:?}");
    assert!(got(&now, 2) <= earned * 3_333 / 10_000, "{now:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_earned_before_is_not_shared_and_one_bad_account_harms_no_other() {
    let world = World::new().await;
    let began = [world.tokens(SELLER).await, world.tokens(BOB).await];
    let seller = Seller::open(&world, &wish(&world)).await;
    let lock = world.open(2, 10_000).await;
    seller.earn(&world, 2, &lock, &[2_000]).await;
    seller.settler.settle_now(WAIT).await.unwrap();
    // The token takes no transfers to itself or does; the other share is paid in any case.
    let token = world.settings.token.address;
    let config = shares(&world, &[(token, 1_000), (address(BOB), 5_000)], 1);
    let _splitter = start(&seller, &config);
    tokio::time::sleep(Duration::from_millis(100)).await;
    seller.earn(&world, 2, &lock, &[1_001]).await;
    seller.settler.settle_now(WAIT).await.unwrap();
    until("shared", async || world.tokens(BOB).await == began[1] + 500).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(world.tokens(BOB).await, began[1] + 500);
    let kept = world.tokens(SELLER).await - began[0];
    let to_token = world.tokens_of(token).await;
    assert_eq!(kept + 500 + to_token, 3_001);
}
