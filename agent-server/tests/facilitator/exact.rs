//! `exact` by EIP-3009.

use crate::world::{BUYER, SELLER, World, address, key, now, open};
use agent_core::money::BaseUnits;
use agent_core::x402::facilitator::{Facilitator, RequestV2};
use agent_core::x402::{PaymentRequirements, Uint256};
use agent_devnet::DevnetConfig;
use agent_server::facilitator::LocalFacilitator;
use alloy_primitives::Address;
use std::time::Duration;

#[tokio::test]
async fn a_good_payment_is_verified_and_made_once() {
    let world = World::new().await;
    let facilitator = world.facilitator().await;
    let before = world.tokens(SELLER).await;

    let verified = facilitator.verify(world.exact(700, 1)).await.unwrap();
    assert!(verified.is_valid, "{verified:?}");
    assert_eq!(verified.payer, Some(address(BUYER).to_string()));
    assert_eq!(world.transactions().await, 0, "verifying moves nothing");

    let request = world.exact(700, 1);
    let settled = facilitator.settle(request.clone()).await.unwrap();
    assert!(settled.success, "{settled:?}");
    assert_eq!(settled.amount.as_deref(), Some("700"));
    assert_eq!(world.tokens(SELLER).await, before + 700);

    // The same payment again: the same answer, and no second transaction.
    let again = facilitator.settle(request.clone()).await.unwrap();
    assert_eq!(again, settled);
    let verified = facilitator.verify(request).await.unwrap();
    assert_eq!(
        verified.invalid_reason.as_deref(),
        Some("invalid_exact_evm_nonce_already_used")
    );
    assert_eq!(world.transactions().await, 1);
}

#[tokio::test]
async fn sixteen_at_once_make_one_transaction_and_get_one_answer() {
    let world = World::new().await;
    let facilitator = world.facilitator().await;
    let before = world.tokens(SELLER).await;
    let request = world.exact(5, 1);
    let settled =
        futures_util::future::join_all((0..16).map(|_| facilitator.settle(request.clone())));
    let settled: Vec<_> = settled.await.into_iter().map(Result::unwrap).collect();
    assert!(settled[0].success, "{:?}", settled[0]);
    assert!(settled.iter().all(|one| *one == settled[0]));
    assert_eq!(world.transactions().await, 1);
    assert_eq!(world.tokens(SELLER).await, before + 5);
}

#[tokio::test]
async fn a_restart_remembers_what_was_made_and_ends_what_was_begun() {
    let world = World::with(DevnetConfig::default().with_automine(false)).await;
    let offer = world.offer().await;
    let clock = crate::world::clock();
    let short = Duration::from_millis(300);
    let facilitator = LocalFacilitator::open_with(vec![offer.clone()], clock, short).await;
    let request = world.exact(9, 1);
    let pending = facilitator.unwrap().settle(request.clone()).await.unwrap();
    assert_eq!(pending.error_reason.as_deref(), Some("settlement_pending"));
    assert!(!pending.transaction.is_empty(), "{pending:?}");

    // The process ends; the chain goes on.
    offer.outbox.close().await;
    drop(offer);
    world.devnet.chain().mine(1).unwrap();
    let facilitator = world.facilitator().await;
    let settled = facilitator.settle(request).await.unwrap();
    assert!(settled.success, "{settled:?}");
    assert_eq!(settled.transaction, pending.transaction);
    assert_eq!(world.transactions().await, 1);
}

/// A payment that differs from a good one in one thing, and what is said of it.
fn wrong(world: &World) -> Vec<(&'static str, RequestV2)> {
    let good = || world.authorization(50, 3);
    let offered = || world.offered("exact", 50);
    let paid = |requirements: PaymentRequirements, authorization| {
        world.request(requirements, &world.signed(authorization))
    };
    let with = |change: &dyn Fn(&mut PaymentRequirements)| {
        let mut requirements = offered();
        change(&mut requirements);
        paid(requirements, good())
    };
    let mut late = good();
    late.valid_before = Uint256::of(now());
    let mut early = good();
    early.valid_after = Uint256::of(now() + 300);
    let mut less = good();
    less.value = BaseUnits::new(49);
    let mut elsewhere = good();
    elsewhere.to = address(5);
    let mut rich = good();
    rich.value = BaseUnits::new(u128::from(u64::MAX));
    let mut forged = world.signed(good());
    forged.signature = {
        let domain = agent_core::x402::TokenDomain::of(&world.settings.asset());
        key(7).sign(good().transfer_digest(&domain)).to_string()
    };
    let mut broken = world.signed(good());
    broken.signature = "0x00".to_owned();
    let mut swapped = paid(offered(), good());
    swapped.payment_requirements.pay_to = address(5).to_string();
    vec![
        (
            "invalid_exact_evm_payload_authorization_valid_before",
            paid(offered(), late),
        ),
        (
            "invalid_exact_evm_payload_authorization_valid_after",
            paid(offered(), early),
        ),
        (
            "invalid_exact_evm_payload_authorization_value_mismatch",
            paid(offered(), less),
        ),
        (
            "invalid_exact_evm_payload_recipient_mismatch",
            paid(offered(), elsewhere),
        ),
        (
            "invalid_exact_evm_payload_signature",
            world.request(offered(), &forged),
        ),
        (
            "invalid_exact_evm_payload_signature",
            world.request(offered(), &broken),
        ),
        (
            "invalid_exact_evm_insufficient_balance",
            paid(world.offered("exact", u128::from(u64::MAX)), rich),
        ),
        (
            "invalid_exact_evm_token_name_mismatch",
            with(&|offer| offer.extra.set("name", "Other").unwrap()),
        ),
        (
            "invalid_exact_evm_token_version_mismatch",
            with(&|offer| offer.extra.set("version", "9").unwrap()),
        ),
        (
            "invalid_network",
            with(&|offer| "eip155:1".clone_into(&mut offer.network)),
        ),
        (
            "unsupported_scheme",
            with(&|offer| "deferred".clone_into(&mut offer.scheme)),
        ),
        (
            "invalid_payment_requirements",
            with(&|offer| offer.asset = Address::repeat_byte(9).to_string()),
        ),
        ("invalid_payment_requirements", swapped),
        (
            "invalid_payload",
            world.request(offered(), &serde_json::json!({"signature": "0x00"})),
        ),
    ]
}

#[tokio::test]
async fn every_fault_has_its_reason_and_costs_nothing() {
    let world = World::new().await;
    let facilitator = world.facilitator().await;
    for (code, request) in wrong(&world) {
        let verified = facilitator.verify(request.clone()).await.unwrap();
        assert!(!verified.is_valid);
        assert_eq!(verified.invalid_reason.as_deref(), Some(code));
        let settled = facilitator.settle(request).await.unwrap();
        assert!(!settled.success);
        assert_eq!(settled.error_reason.as_deref(), Some(code));
    }
    assert_eq!(world.transactions().await, 0);
}

#[tokio::test]
async fn one_nonce_pays_once_whatever_else_was_signed_with_it() {
    let world = World::new().await;
    let facilitator = world.facilitator().await;
    assert!(
        facilitator
            .settle(world.exact(10, 4))
            .await
            .unwrap()
            .success
    );
    let other = facilitator.settle(world.exact(20, 4)).await.unwrap();
    let code = Some("invalid_exact_evm_nonce_already_used");
    assert_eq!(other.error_reason.as_deref(), code);

    // Somebody else's facilitator used it.
    let elsewhere = world.exact(30, 5);
    let path = world.dir.path().join("other.db");
    let mut offer = world.offer_with(world.outbox_of(9, &path).await);
    offer.escrow = None;
    assert!(
        open(offer)
            .await
            .settle(elsewhere.clone())
            .await
            .unwrap()
            .success
    );
    let verified = facilitator.verify(elsewhere.clone()).await.unwrap();
    assert_eq!(verified.invalid_reason.as_deref(), code);
    let settled = facilitator.settle(elsewhere).await.unwrap();
    assert_eq!(settled.error_reason.as_deref(), code);
    assert_eq!(world.transactions().await, 1);
}

#[tokio::test]
async fn a_payment_that_was_made_in_time_is_told_of_afterwards() {
    let world = World::new().await;
    let clock = std::sync::Arc::new(agent_core::clock::ManualClock::at_unix_secs(now()));
    let offer = world.offer().await;
    let facilitator = LocalFacilitator::open(vec![offer], clock.clone())
        .await
        .unwrap();
    let request = world.exact(10, 1);
    let settled = facilitator.settle(request.clone()).await.unwrap();
    assert!(settled.success);
    clock.advance_millis(3_600_000);
    assert_eq!(facilitator.settle(request).await.unwrap(), settled);
    let late = facilitator.settle(world.exact(10, 2)).await.unwrap();
    assert_eq!(
        late.error_reason.as_deref(),
        Some("invalid_exact_evm_payload_authorization_valid_before")
    );
}
