//! Opening locks, topping them up, and what comes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod wallet_support;

use std::time::Duration;

use agent_client::wallet::{ChannelState, WalletError};
use agent_core::{policy::PolicyRefusal, x402::PaymentTerms};
use alloy_primitives::Address;
use wallet_support::*;

#[tokio::test]
async fn many_at_once_top_up_once_each_time_room_runs_out() {
    let world = World::new().await;
    // Each takes 1,000 of a lock filled by 10,000: 25 need three openings, whoever comes first.
    let payments = futures_util::future::join_all((0..25).map(|_| world.pay(1_000))).await;
    assert!(payments.iter().all(Result::is_ok));
    let books = world.wallet.books().await.unwrap();
    assert_eq!((books.channels, books.deposited), (1, units(30_000)));
    assert_eq!(world.chain.openings(), 3);
    let id = payments[0].as_ref().unwrap().channel_id;
    assert_eq!(world.chain.state(id).authorized, units(30_000));
    world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn without_auto_open_a_payment_says_that_there_is_no_room() {
    let world = World::with(|config| config.auto_open = false).await;
    assert_eq!(world.pay(5).await.unwrap_err().code(), "wallet_no_room");
    assert_eq!(world.chain.openings(), 0);
    let id = world
        .wallet
        .ensure_channel(&terms(), units(5))
        .await
        .unwrap();
    assert_eq!(
        world
            .wallet
            .ensure_channel(&terms(), units(5))
            .await
            .unwrap(),
        id
    );
    assert_eq!(world.chain.openings(), 1);
    drop(world.pay(5).await.unwrap());
}

#[tokio::test]
async fn the_policy_bounds_locks_and_a_smaller_amount_is_tried_before_giving_up() {
    let mut policy = policy();
    policy.per_lock = units(12_000);
    policy.locked_total = units(15_000);
    let mut world = World::with(|config| config.policy = policy.clone()).await;
    drop(world.pay(9_000).await.unwrap());
    // Only 2,000 more may go into this lock: no full size, but enough for this payment.
    drop(world.pay(2_000).await.unwrap());
    assert_eq!(world.wallet.books().await.unwrap().deposited, units(11_000));
    world.reopen().await;
    world.wallet.set_policy(policy.clone());
    let refused = world.pay(2_000).await.unwrap_err();
    assert!(
        matches!(refused, WalletError::Policy(PolicyRefusal::PerLock)),
        "{refused}"
    );
    let other = PaymentTerms {
        pay_to: Address::repeat_byte(0x77),
        ..terms()
    };
    let refused = pay(&world.wallet, &other, 5_000).await.unwrap_err();
    assert!(
        matches!(refused, WalletError::Policy(PolicyRefusal::LockedTotal)),
        "{refused}"
    );
    let long = PaymentTerms {
        min_deadline_seconds: 90_000,
        ..other
    };
    let refused = pay(&world.wallet, &long, 1).await.unwrap_err();
    assert!(
        matches!(refused, WalletError::Policy(PolicyRefusal::LockTooLong)),
        "{refused}"
    );
}

#[tokio::test]
async fn a_lock_with_too_little_time_is_extended_and_one_that_is_over_is_replaced() {
    let world = World::new().await;
    let first = world.pay(5).await.unwrap();
    // 3,600 s of lock, 600 s of the seller's margin.
    world.clock.advance_millis(3_200_000);
    let second = world.pay(5).await.unwrap();
    assert_eq!(second.channel_id, first.channel_id);
    assert_eq!(
        world.chain.state(first.channel_id).deadline_unix_secs,
        NOW + 6_800
    );
    let mut seller = Seller::default();
    seller
        .admit(&second.payload, &world.chain, NOW + 3_200)
        .unwrap();
    world.clock.advance_millis(4_000_000);
    let third = world.pay(5).await.unwrap();
    assert_ne!(third.channel_id, first.channel_id);
}

#[tokio::test]
async fn an_opening_without_an_answer_is_sent_again_and_never_doubled() {
    for mood in [Mood::LosesRequest, Mood::LosesAnswer] {
        for restart in [false, true] {
            let mut world = World::new().await;
            world.chain.mood(mood);
            let error = world.pay(5).await.unwrap_err();
            assert_eq!(error.code(), "escrow_unavailable");
            let books = world.wallet.books().await.unwrap();
            assert_eq!(
                (books.deposited, books.payments),
                (units(0), 0),
                "not counted yet"
            );
            if restart {
                world.reopen().await;
            }
            world.chain.mood(Mood::Works);
            world.clock.advance_millis(60_000);
            let payment = world.pay(5).await.unwrap();
            let requests = world.chain.with(|chain| chain.requests.clone());
            assert_eq!(requests.len(), 2);
            assert_eq!(requests[0], requests[1], "the very same authorisation");
            assert_eq!(world.chain.openings(), 1);
            let state = world.chain.state(payment.channel_id);
            assert_eq!(
                world.wallet.books().await.unwrap().deposited,
                state.authorized
            );
            world.wallet.verify().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_while_a_lock_opens_loses_nothing() {
    let mut world = World::new().await;
    world.chain.mood(Mood::Hangs);
    let patience = Duration::from_millis(100);
    assert!(tokio::time::timeout(patience, world.pay(5)).await.is_err());
    world.reopen().await;
    world.chain.mood(Mood::Works);
    world.wallet.resume_openings().await.unwrap();
    assert_eq!(world.wallet.books().await.unwrap().deposited, units(10_000));
    world.wallet.resume_openings().await.unwrap();
    drop(world.pay(5).await.unwrap());
    assert_eq!(world.chain.openings(), 1);
}

#[tokio::test]
async fn an_opening_that_expired_unanswered_is_looked_up_on_chain() {
    for (mood, channels) in [(Mood::LosesAnswer, 1), (Mood::LosesRequest, 2)] {
        let world = World::with(|config| config.lock_secs = 20_000).await;
        world.chain.mood(mood);
        world.pay(5).await.unwrap_err();
        world.chain.mood(Mood::Works);
        world.clock.advance_millis(2 * 3_600_000);
        // A first call finds out; where it never happened, it says so and the next opens anew.
        let first = world.pay(5).await;
        assert_eq!(first.is_ok(), mood == Mood::LosesAnswer);
        drop(world.pay(5).await.unwrap());
        assert_eq!(world.chain.openings(), 1);
        assert_eq!(world.wallet.books().await.unwrap().channels, channels);
        world.wallet.verify().await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_opening_is_given_up_and_counts_until_nobody_can_send_it() {
    let bound = |config: &mut agent_client::wallet::WalletConfig| {
        config.policy.locked_total = units(15_000);
    };
    // Never sent: the next one is free to use the whole bound.
    let world = World::with(bound).await;
    world.chain.mood(Mood::WouldRefuse);
    assert_eq!(world.pay(5).await.unwrap_err().code(), "escrow_never_sent");
    world.chain.mood(Mood::Works);
    drop(world.pay(5).await.unwrap());
    assert_eq!(world.wallet.books().await.unwrap().deposited, units(10_000));
    // Sent and refused: the signature is out.
    let world = World::with(bound).await;
    world.chain.mood(Mood::Refuses);
    assert_eq!(world.pay(6_000).await.unwrap_err().code(), "escrow_refused");
    world.chain.mood(Mood::Works);
    let error = world.pay(6_000).await.unwrap_err();
    assert!(
        matches!(error, WalletError::Policy(PolicyRefusal::LockedTotal)),
        "{error}"
    );
    world.clock.advance_millis(3_700_000);
    drop(world.pay(6_000).await.unwrap());
    let states: Vec<_> = world
        .wallet
        .channels()
        .await
        .unwrap()
        .into_iter()
        .map(|channel| channel.state)
        .collect();
    assert!(states.contains(&ChannelState::Failed) && states.contains(&ChannelState::Open));
}

#[tokio::test]
async fn after_the_deadline_what_was_not_claimed_comes_back() {
    let mut world = World::new().await;
    let payment = world.pay(1_000).await.unwrap();
    world
        .wallet
        .confirm(&payment.id, &receipt(&payment, 700))
        .await
        .unwrap();
    let id = payment.channel_id;
    assert!(
        world.wallet.reclaim(NOW + 3_600).await.unwrap().is_empty(),
        "not over yet"
    );
    world.chain.claim(id, 700);
    let over = NOW + 3_601;
    world.chain.with(|chain| chain.now = Some(over));
    let reclaimed = world.wallet.reclaim(over).await.unwrap();
    assert_eq!(reclaimed.len(), 1);
    assert_eq!(
        (reclaimed[0].returned, reclaimed[0].claimed),
        (units(9_300), units(700))
    );
    assert!(world.wallet.reclaim(over).await.unwrap().is_empty());
    world.reopen().await;
    let books = world.wallet.books().await.unwrap();
    assert_eq!(books.deposited, books.claimed.plus(books.returned).unwrap());
    assert_eq!(books.charged, books.claimed);
    world.wallet.verify().await.unwrap();
    // A released lock is never funded again: its old vouchers would come back to life.
    world.clock.set_unix_secs(over);
    assert_ne!(world.pay(5).await.unwrap().channel_id, id);
}

#[tokio::test]
async fn what_the_payee_releases_early_is_seen_and_the_lock_is_not_signed_on_again() {
    let world = World::new().await;
    let payment = world.pay(1_000).await.unwrap();
    world
        .wallet
        .confirm(&payment.id, &receipt(&payment, 1_000))
        .await
        .unwrap();
    world.chain.claim(payment.channel_id, 1_000);
    world.chain.release_early(payment.channel_id, 4_000);
    world.wallet.refresh().await.unwrap();
    let next = world.pay(5).await.unwrap();
    assert_ne!(next.channel_id, payment.channel_id);
    world.chain.release_early(payment.channel_id, 5_000);
    world.wallet.refresh().await.unwrap();
    let channels = world.wallet.channels().await.unwrap();
    let first = channels
        .iter()
        .find(|channel| channel.id == payment.channel_id)
        .unwrap();
    assert_eq!(
        (first.state, first.returned),
        (ChannelState::Released, units(9_000))
    );
    world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn a_payee_that_claims_more_than_its_receipts_charged_is_suspect() {
    let world = World::new().await;
    let payment = world.pay(1_000).await.unwrap();
    world
        .wallet
        .confirm(&payment.id, &receipt(&payment, 10))
        .await
        .unwrap();
    world.chain.claim(payment.channel_id, 11);
    world.wallet.refresh().await.unwrap();
    assert_eq!(world.pay(5).await.unwrap_err().code(), "wallet_suspect");
    assert_eq!(world.wallet.books().await.unwrap().claimed, units(11));
    // Not even a lock that is over makes it honest; a person can.
    world.chain.release_early(payment.channel_id, 9_989);
    world.wallet.refresh().await.unwrap();
    assert_eq!(world.pay(5).await.unwrap_err().code(), "wallet_suspect");
    world.wallet.forgive(SELLER).await.unwrap();
    assert_ne!(world.pay(5).await.unwrap().channel_id, payment.channel_id);
    world.wallet.verify().await.unwrap();
}
