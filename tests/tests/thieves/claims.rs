//! Over-claims: whoever has read a voucher claims its whole ceiling, since the claim of a row is
//! signed by nobody.

use crate::buyer::{Buyer, named};
use crate::street::{ANYBODY, BUYER, OTHER, PRICE, SELLER, Stall, Street, new};
use agent_core::json::{Json, Metadata};
use agent_core::ledger::Ledger as _;
use agent_core::money::BaseUnits;
use agent_core::voucher::Lock;
use agent_core::x402::batch::{BatchSettlePayload, ClaimVoucher, VoucherClaim};
use agent_core::x402::facilitator::{Facilitator, RequestV2};
use agent_core::x402::{Mode, PaymentPayload, X402_VERSION};
use agent_tests::{rows, world};

/// Claims `claim` with a voucher over `ceiling`, as anybody can who has read it.
fn claims(street: &Street, stall: &Stall, lock: &Lock, ceiling: u128, claim: u128) {
    let domain = street.settings.domain();
    let row = rows::signed(&world::key(BUYER), &domain, lock, ceiling, claim);
    let call = rows::settle(world::account(stall.account), lock.token, &[row]);
    assert!(street.send(ANYBODY, domain.contract(), &call));
}

#[tokio::test]
async fn whoever_claims_a_whole_ceiling_costs_the_buyer_what_was_signed_and_gains_nothing() {
    let street = Street::open().await;
    let stall = street.stall(SELLER);
    let buyer = Buyer::new(&street, BUYER);
    let (lock, other) = (
        buyer.lock(&stall, 1, 10 * PRICE),
        buyer.lock(&stall, 2, 10 * PRICE),
    );
    let id = lock.id(&street.settings.domain());
    let start = street.tokens(SELLER).await;
    // Four were signed for, one was charged; the rest is the buyer's, as far as the seller knows.
    stall
        .sell(
            &named("a", buyer.on_lock(&stall, lock, 4 * PRICE, PRICE)),
            PRICE,
        )
        .await;
    claims(&street, &stall, &lock, 4 * PRICE, 4 * PRICE);
    // The buyer lost what it signed and was not charged: S - H, to the seller and to nobody else.
    assert_eq!(street.tokens(SELLER).await, start + 4 * PRICE);
    // Nobody can claim more than was signed, whatever the lock holds.
    let domain = street.settings.domain();
    let row = rows::signed(&world::key(BUYER), &domain, &lock, 4 * PRICE, 5 * PRICE);
    let call = rows::settle(world::account(SELLER), lock.token, &[row]);
    assert!(!street.send(ANYBODY, domain.contract(), &call));
    // The other lock serves on, whatever becomes of the first.
    stall.look(lock, id).await;
    stall
        .sell(
            &named("b", buyer.on_lock(&stall, other, PRICE, PRICE)),
            PRICE,
        )
        .await;
    assert_eq!(street.tokens(SELLER).await, start + 4 * PRICE);
    assert_eq!(street.tokens(BUYER).await, start - 20 * PRICE);
}

/// A claim just above what was charged, made by the buyer itself while much is under way.
#[tokio::test]
async fn a_claim_while_work_runs_costs_the_seller_nothing() {
    let street = Street::open().await;
    let stall = street.stall(SELLER);
    let buyer = Buyer::new(&street, BUYER);
    let start = street.tokens(SELLER).await;
    let lock = buyer.lock(&stall, 1, 10 * PRICE);
    let id = lock.id(&street.settings.domain());
    let first = named("first", buyer.on_lock(&stall, lock, PRICE, PRICE));
    stall.sell(&first, PRICE).await;
    let mut running = Vec::new();
    for call in 2..=10 {
        let payment = buyer.on_lock(&stall, lock, call * PRICE, PRICE);
        let payment = named(&format!("running-{call}"), payment);
        running.push(new(stall.admit(&payment).await));
    }
    let under_way = 9 * PRICE;
    claims(&street, &stall, &lock, 10 * PRICE, PRICE + 1);
    stall.look(lock, id).await;
    for reserved in running {
        stall.charge(reserved, PRICE).await;
    }
    let charged = stall.store.books().await.unwrap().charged.get();
    assert_eq!(charged, PRICE + under_way);
    // What the seller has, and what its books let it claim beside that.
    let due = stall.store.claims(10).await.unwrap();
    let due: u128 = due
        .iter()
        .map(|claim| claim.charged.get())
        .max()
        .unwrap_or(0);
    let earned = street.tokens(SELLER).await - start;
    assert_eq!(earned, PRICE + 1);
    assert_eq!(due, charged, "all that was charged can be claimed");
}

/// In `batch-settlement` a claim needs the receiver or its authorizer: nobody else can make one.
#[tokio::test]
async fn in_batch_settlement_nobody_but_the_sellers_own_claims() {
    let street = Street::open().await;
    let (stall, other) = (street.stall(SELLER), street.stall(OTHER));
    let buyer = Buyer::new(&street, BUYER);
    let channel = buyer.channel(&stall, 1);
    stall
        .sell(&buyer.deposit(&stall, channel, 10 * PRICE, PRICE), PRICE)
        .await;
    let start = street.tokens(SELLER).await;
    let funding = channel.into();
    let voucher = buyer.voucher(funding, funding, PRICE);
    let mut payment: PaymentPayload = buyer.on_channel(&stall, channel, PRICE, PRICE);
    let claim = BatchSettlePayload::Claim {
        claims: vec![VoucherClaim {
            voucher: ClaimVoucher {
                channel,
                max_claimable_amount: voucher.max_claimable_amount,
            },
            signature: voucher.signature,
            total_claimed: BaseUnits::new(PRICE),
        }],
        // Signed by the buyer, who is no authorizer.
        claim_authorizer_signature: Some(buyer.voucher(funding, funding, PRICE).signature),
    };
    payment.payload = Json::from_value(&claim).unwrap();
    payment.extensions = Metadata::new();
    let request = RequestV2 {
        x402_version: X402_VERSION,
        mode: Mode::X,
        payment_requirements: payment.accepted.clone(),
        payment_payload: payment.clone(),
    };
    let settled = street.facilitator.settle(request).await.unwrap();
    assert!(!settled.success, "{settled:?}");
    assert_eq!(street.tokens(SELLER).await, start);
    // And as a payment it buys nothing, here or elsewhere.
    for stall in [&stall, &other] {
        assert!(stall.admit(&payment).await.is_err());
    }
    assert_eq!(stall.charged().await, PRICE);
}
