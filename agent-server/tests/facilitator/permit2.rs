//! Payments through Permit2: `exact`, and `upto`.

use crate::http::{post, serve};
use crate::world::{BUYER, FACILITATOR, SELLER, World, address, key, now};
use agent_client::chain::bindings::IToken;
use agent_client::chain::outbox::{TxOutcome, TxRequest};
use agent_core::money::BaseUnits;
use agent_core::x402::facilitator::{Facilitator, RequestV2};
use agent_core::x402::{
    EXACT_PERMIT2_PROXY, ExactWitness, PERMIT2, Permit2Authorization, Permit2Domain,
    Permit2Payment, PermitError, TokenPermissions, UPTO_PERMIT2_PROXY, Uint256, UptoWitness,
    Witness,
};
use agent_server::facilitator::{FacilitatorOptions, LocalFacilitator};
use alloy_primitives::{Address, U256};
use futures_util::future::join_all;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// The stock code for a nonce that is used.
const USED: &str = "permit2_invalid_nonce";

/// The buyer lets Permit2 move its tokens, as it does once for all that it buys.
async fn allow(world: &World) {
    let path = world.dir.path().join("buyer.db");
    let outbox = world.outbox_of(BUYER, &path).await;
    let call = IToken::approveCall {
        spender: PERMIT2,
        value: U256::MAX,
    };
    let request = TxRequest::call("allow", world.settings.token.address, &call);
    let id = outbox.enqueue(request).await.unwrap().id;
    let outcome = outbox.wait(id, Duration::from_secs(30)).await.unwrap();
    assert!(matches!(outcome, TxOutcome::Mined(_)), "{outcome:?}");
    outbox.close().await;
}

fn permit<W>(
    world: &World,
    spender: Address,
    amount: u128,
    nonce: u64,
    witness: W,
) -> Permit2Authorization<W> {
    Permit2Authorization {
        from: address(BUYER),
        permitted: TokenPermissions {
            token: world.settings.token.address,
            amount: BaseUnits::new(amount),
        },
        spender,
        nonce: Uint256::of(nonce),
        deadline: Uint256::of(now() + 600),
        witness,
    }
}

fn signed<W: Witness>(
    world: &World,
    account: usize,
    permit: Permit2Authorization<W>,
) -> Permit2Payment<W> {
    let digest = permit.digest(&Permit2Domain::new(world.settings.network()));
    Permit2Payment {
        signature: key(account).sign(digest).to_string(),
        permit2_authorization: permit,
    }
}

fn exact(world: &World, amount: u128, nonce: u64) -> RequestV2 {
    let witness = ExactWitness {
        to: address(SELLER),
        valid_after: Uint256::default(),
    };
    let permit = permit(world, EXACT_PERMIT2_PROXY, amount, nonce, witness);
    let offered = world.offered("exact", amount);
    world.request(offered, &signed(world, BUYER, permit))
}

fn upto_permit(world: &World, most: u128, nonce: u64) -> Permit2Authorization<UptoWitness> {
    let witness = UptoWitness {
        to: address(SELLER),
        facilitator: address(FACILITATOR),
        valid_after: Uint256::default(),
    };
    permit(world, UPTO_PERMIT2_PROXY, most, nonce, witness)
}

fn upto_of<P: Serialize>(world: &World, most: u128, payment: &P) -> RequestV2 {
    let mut offered = world.offered("upto", most);
    let facilitator = address(FACILITATOR).to_string();
    offered
        .extra
        .set("facilitatorAddress", &facilitator)
        .unwrap();
    world.request(offered, payment)
}

fn upto(world: &World, most: u128, nonce: u64) -> RequestV2 {
    let payment = signed(world, BUYER, upto_permit(world, most, nonce));
    upto_of(world, most, &payment)
}

/// The same payment, of which this much is to be charged.
fn charging(mut request: RequestV2, charge: u128) -> RequestV2 {
    request.payment_requirements.amount = BaseUnits::new(charge);
    request
}

async fn invalid(facilitator: &LocalFacilitator, request: RequestV2, code: &str) {
    let said = facilitator.verify(request).await.unwrap();
    assert_eq!(said.invalid_reason.as_deref(), Some(code), "{said:?}");
}

async fn unsettled(facilitator: &LocalFacilitator, request: RequestV2, code: &str) {
    let said = facilitator.settle(request).await.unwrap();
    assert_eq!(said.error_reason.as_deref(), Some(code), "{said:?}");
}

#[tokio::test]
async fn a_token_without_eip_3009_is_paid_in_by_permit_once() {
    let world = World::new().await;
    let facilitator = world.facilitator().await;
    let request = exact(&world, 70, 1);
    invalid(&facilitator, request.clone(), "permit2_allowance_required").await;
    allow(&world).await;
    let before = world.tokens(SELLER).await;
    let said = facilitator.verify(request.clone()).await.unwrap();
    assert!(said.is_valid, "{said:?}");
    let all = join_all((0..8).map(|_| facilitator.settle(request.clone()))).await;
    let first = all[0].as_ref().unwrap();
    assert!(first.success, "{first:?}");
    assert!(all.iter().all(|one| one.as_ref().unwrap() == first));
    assert_eq!(world.tokens(SELLER).await, before + 70);
    assert_eq!(world.transactions().await, 1);
    invalid(&facilitator, request, USED).await;
    unsettled(&facilitator, exact(&world, 71, 1), USED).await;
    // Another facilitator knows it from the chain alone.
    let other = world.facilitator_of(7).await;
    unsettled(&other, exact(&world, 70, 1), USED).await;
    assert_eq!(world.chain.mined_nonce(address(7)).await.unwrap(), 0);
}

#[tokio::test]
async fn what_was_used_is_charged_once_and_nothing_beyond_what_was_signed() {
    let world = World::new().await;
    allow(&world).await;
    let facilitator = world.facilitator().await;
    let before = world.tokens(SELLER).await;
    let payment = upto(&world, 1_000, 1);
    let said = facilitator.verify(payment.clone()).await.unwrap();
    assert!(said.is_valid, "{said:?}");
    let amount = PermitError::WrongAmount.code();
    invalid(&facilitator, charging(payment.clone(), 999), amount).await;
    let above = PermitError::ChargeAbovePermitted.code();
    unsettled(&facilitator, charging(payment.clone(), 1_001), above).await;

    // Nothing was used: there is no transaction, and the permit stays unused.
    let said = facilitator.settle(charging(payment.clone(), 0)).await;
    let said = said.unwrap();
    assert!(said.success && said.transaction.is_empty(), "{said:?}");
    assert_eq!(said.amount.as_deref(), Some("0"));
    assert_eq!(world.transactions().await, 0);

    let charge = charging(payment.clone(), 300);
    let said = facilitator.settle(charge.clone()).await.unwrap();
    assert!(said.success, "{said:?}");
    assert_eq!(said.amount.as_deref(), Some("300"));
    assert_eq!(world.tokens(SELLER).await, before + 300);
    assert_eq!(facilitator.settle(charge).await.unwrap(), said);
    unsettled(&facilitator, charging(payment.clone(), 700), USED).await;
    invalid(&facilitator, payment, USED).await;
    assert_eq!(world.tokens(SELLER).await, before + 300);

    // Two charges of one payment at once: one of them is made.
    let payment = upto(&world, 1_000, 2);
    let charges = [10, 20, 30].map(|charge| charging(payment.clone(), charge));
    let all = join_all(charges.map(|charge| facilitator.settle(charge))).await;
    let made: Vec<_> = all.iter().flatten().filter(|one| one.success).collect();
    assert_eq!(made.len(), 1, "{all:?}");
    let charged: u128 = made[0].amount.as_deref().unwrap().parse().unwrap();
    assert_eq!(world.tokens(SELLER).await, before + 300 + charged);
    assert_eq!(world.transactions().await, 2);
}

#[tokio::test]
async fn a_server_that_counts_nothing_charges_and_serves_once() {
    let world = World::new().await;
    allow(&world).await;
    let local = Arc::new(world.facilitator().await);
    let url = serve(local, FacilitatorOptions::default()).await;
    let path = format!("{url}/settle");
    for request in [exact(&world, 5, 1), charging(upto(&world, 9, 2), 5)] {
        let body = serde_json::to_vec(&request).unwrap();
        let all = join_all((0..6).map(|_| post(&path, body.clone()))).await;
        let told = all.iter().filter(|(_, said)| said["success"] == true);
        assert_eq!(told.count(), 1, "{all:?}");
    }
    assert_eq!(world.transactions().await, 2);
}

#[tokio::test]
async fn every_fault_of_a_permit_has_its_reason_and_costs_nothing() {
    let world = World::new().await;
    allow(&world).await;
    let facilitator = world.facilitator().await;
    let good = || upto_permit(&world, 50, 9);
    let paid = |permit| upto_of(&world, 50, &signed(&world, BUYER, permit));
    let mut late = good();
    late.deadline = Uint256::of(now());
    let mut early = good();
    early.witness.valid_after = Uint256::of(now() + 300);
    let mut elsewhere = good();
    elsewhere.witness.to = address(5);
    let mut wrong_token = good();
    wrong_token.permitted.token = Address::repeat_byte(3);
    let mut other_proxy = good();
    other_proxy.spender = EXACT_PERMIT2_PROXY;
    let mut others = good();
    others.witness.facilitator = address(6);
    let forged = upto_of(&world, 50, &signed(&world, 7, good()));
    let faults = [
        (PermitError::Expired, paid(late)),
        (PermitError::NotYet, paid(early)),
        (PermitError::WrongPayee, paid(elsewhere)),
        (PermitError::WrongToken, paid(wrong_token)),
        (PermitError::WrongSpender, paid(other_proxy)),
        (PermitError::WrongFacilitator, paid(others)),
        (PermitError::WrongSigner, forged),
    ];
    for (error, request) in faults {
        invalid(&facilitator, request.clone(), error.code()).await;
        unsettled(&facilitator, charging(request, 20), error.code()).await;
    }
    let rich = upto(&world, u128::from(u64::MAX), 10);
    invalid(&facilitator, rich, "permit2_insufficient_balance").await;
    assert_eq!(world.transactions().await, 0);
}
