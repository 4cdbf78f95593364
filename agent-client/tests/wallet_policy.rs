//! The spend policy, asked with true sums.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod wallet_support;

use agent_client::wallet::{PayRequest, WalletError};
use agent_core::{policy::PolicyRefusal, x402::PaymentTerms};
use alloy_primitives::Address;
use wallet_support::*;

async fn policy_refusal(world: &World, max: u128) -> PolicyRefusal {
    match world.pay(max).await {
        Err(WalletError::Policy(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_policy_is_asked_with_true_sums() {
    let mut policy = policy();
    policy.per_payment = units(100);
    policy.per_hour = units(300);
    policy.per_day = units(400);
    let mut world = World::with(|config| config.policy = policy.clone()).await;
    assert_eq!(policy_refusal(&world, 101).await, PolicyRefusal::PerPayment);
    assert_eq!(
        world.chain.openings(),
        0,
        "no lock is opened for a payment that is refused"
    );
    // In flight counts at its maximum; a charge frees the rest, for as far as it was not signed.
    let first = world.pay(100).await.unwrap();
    world
        .wallet
        .confirm(&first.id, &receipt(&first, 40))
        .await
        .unwrap();
    let kept = [world.pay(100).await.unwrap(), world.pay(100).await.unwrap()];
    assert_eq!(policy_refusal(&world, 100).await, PolicyRefusal::PerHour);
    drop(kept);
    world.reopen().await;
    world.wallet.set_policy(policy.clone());
    assert_eq!(policy_refusal(&world, 100).await, PolicyRefusal::PerHour);
    // An hour later the day's bound is what is left.
    world.clock.advance_millis(62 * 60_000);
    drop(world.pay(100).await.unwrap());
    assert_eq!(policy_refusal(&world, 100).await, PolicyRefusal::PerDay);
    world.clock.advance_millis(25 * 3_600_000);
    drop(world.pay(100).await.unwrap());
    policy.killed = true;
    world.wallet.set_policy(policy);
    assert_eq!(policy_refusal(&world, 1).await, PolicyRefusal::Killed);
    world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn a_seller_that_voids_every_call_gathers_no_more_signatures_than_the_policy_allows() {
    let mut policy = policy();
    policy.per_day = units(100);
    let world = World::with(|config| config.policy = policy).await;
    let mut signed = units(0);
    for _ in 0..300 {
        let Ok(payment) = world.pay(40).await else {
            break;
        };
        signed = signed.max(payment.ceiling);
        world.wallet.confirm(&payment.id, &refused()).await.unwrap();
    }
    assert!(signed <= units(100), "{signed}");
    assert_eq!(policy_refusal(&world, 40).await, PolicyRefusal::PerDay);
}

#[tokio::test]
async fn per_payee_bound_and_drift() {
    let mut policy = policy();
    policy.per_payee_per_day = units(30);
    let world = World::with(|config| config.policy = policy).await;
    drop(world.pay(30).await.unwrap());
    assert_eq!(policy_refusal(&world, 1).await, PolicyRefusal::PerPayee);
    let other = PaymentTerms {
        pay_to: Address::repeat_byte(0x77),
        ..terms()
    };
    drop(pay(&world.wallet, &other, 30).await.unwrap());
    let terms = terms();
    let drifted = PayRequest {
        terms: &terms,
        skill: "shout",
        max: units(11),
        offered: Some(units(10)),
        resource: "",
    };
    let error = world.wallet.pay(drifted).await.unwrap_err();
    assert!(matches!(error, WalletError::Policy(PolicyRefusal::Drift)));
    assert_eq!(error.code(), "policy_drift");
}
