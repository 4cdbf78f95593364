//! What was signed for one thing, brought to every other: another scheme, seller, chain, channel,
//! skill, input, name.

use crate::buyer::{Buyer, named, payment};
use crate::street::{BUYER, OTHER, PRICE, SELLER, Stall, Street, code, new};
use agent_core::json::Json;
use agent_core::ledger::Ledger as _;
use agent_core::voucher::Funding;
use agent_core::x402::batch::{BatchPayload, SCHEME_BATCH_SETTLEMENT};
use agent_core::x402::{PaymentPayload, SCHEME_EXACT, SCHEME_Z402, Z402Payload};
use agent_server::gate::Admitted;

/// A good payment in every scheme, each paid once at its seller.
async fn paid(street: &Street, stall: &Stall, buyer: &Buyer<'_>) -> Vec<PaymentPayload> {
    let lock = buyer.lock(stall, 1, 10 * PRICE);
    let channel = buyer.channel(stall, 1);
    let payments = vec![
        named("by-lock", buyer.on_lock(stall, lock, PRICE, PRICE)),
        named(
            "by-channel",
            buyer.deposit(stall, channel, 10 * PRICE, PRICE),
        ),
        named("by-transfer", buyer.transfer(stall, 1, PRICE)),
    ];
    for payment in &payments {
        let reserved = new(stall.admit(payment).await);
        if payment.accepted.scheme == SCHEME_EXACT {
            let request = stall.store.settling(&reserved, Json::default()).await;
            let settled = stall.gate.settle(&request.unwrap()).await;
            assert!(matches!(settled, agent_server::gate::Settled::Paid(_)));
        }
        stall.charge(reserved, PRICE).await;
    }
    assert_eq!(stall.charged().await, 3 * PRICE);
    assert_eq!(street.tokens(stall.account).await, start() + PRICE);
    payments
}

fn start() -> u128 {
    u128::from(agent_devnet::GENESIS_USDC)
}

#[tokio::test]
async fn a_payment_that_was_used_buys_nothing_again_in_any_form() {
    let street = Street::open().await;
    let stall = street.stall(SELLER);
    let buyer = Buyer::new(&street, BUYER);
    let payments = paid(&street, &stall, &buyer).await;
    for payment in &payments {
        let scheme = payment.accepted.scheme.as_str();
        // The same bytes are the same question, and get the answer that was paid for.
        let again = stall.admit(payment).await;
        assert!(matches!(again, Ok(Admitted::Same(_))), "{scheme} {again:?}");
        // For another skill or input, under the same name: refused.
        for (skill, input) in [("other", "{}"), ("work", "{\"other\":1}")] {
            let other = stall.admit_for(payment, skill, input).await;
            assert_eq!(code(other), "invalid_z402_payment_id_conflict", "{scheme}");
        }
        // Under another name: the ceiling, the count or the nonce is used up.
        let renamed = named("a-thief-s", payment.clone());
        for (skill, input) in [("work", "{}"), ("other", "{}")] {
            let refused = stall.admit_for(&renamed, skill, input).await;
            assert!(refused.is_err(), "{scheme} {refused:?}");
        }
    }
    assert_eq!(stall.charged().await, 3 * PRICE);
    assert_eq!(stall.pending().await, 0);
    assert_eq!(street.tokens(SELLER).await, start() + PRICE);
}

#[tokio::test]
async fn what_pays_one_seller_pays_no_other() {
    let street = Street::open().await;
    let (stall, other) = (street.stall(SELLER), street.stall(OTHER));
    let buyer = Buyer::new(&street, BUYER);
    for mut stolen in paid(&street, &stall, &buyer).await {
        let scheme = stolen.accepted.scheme.clone();
        // As it is, and with the other seller's own terms around the same signature.
        assert!(other.admit(&stolen).await.is_err(), "{scheme}");
        let requirements = other
            .gate
            .terms()
            .requirements_of(&scheme, agent_core::money::BaseUnits::new(PRICE));
        stolen.accepted = requirements.unwrap().unwrap();
        let refused = other.admit(&stolen).await;
        assert!(refused.is_err(), "{scheme} {refused:?}");
    }
    assert_eq!(other.books().await.signed.get(), 0);
    assert_eq!(other.charged().await, 0);
    assert_eq!(street.tokens(OTHER).await, start());
    // What the buyer paid in all is what it was charged, and the rest of its lock and deposit.
    assert_eq!(
        street.tokens(BUYER).await,
        start() - 10 * PRICE - 10 * PRICE - PRICE
    );
}

#[tokio::test]
async fn a_voucher_of_one_scheme_is_none_in_another_even_for_the_same_channel_id() {
    let street = Street::open().await;
    let stall = street.stall(SELLER);
    let buyer = Buyer::new(&street, BUYER);
    let lock = buyer.lock(&stall, 1, 10 * PRICE);
    let channel = buyer.channel(&stall, 1);
    stall
        .sell(&buyer.deposit(&stall, channel, 10 * PRICE, PRICE), PRICE)
        .await;
    let (on_lock, on_channel): (Funding, Funding) = (lock.into(), channel.into());
    // Our voucher under the other domain, and the reverse; right in all but the domain.
    let voucher = buyer.voucher(on_lock, on_channel, PRICE);
    let payload = Json::from_value(&Z402Payload::Voucher { lock, voucher }).unwrap();
    let crossed = named("a", payment(&stall, SCHEME_Z402, PRICE, payload));
    assert_eq!(
        code(stall.admit(&crossed).await),
        "invalid_z402_voucher_signature"
    );
    let voucher = buyer.voucher(on_channel, on_lock, 2 * PRICE);
    let payload = BatchPayload::Voucher {
        channel_config: channel,
        voucher,
    };
    let payload = Json::from_value(&payload).unwrap();
    let crossed = payment(&stall, SCHEME_BATCH_SETTLEMENT, PRICE, payload);
    assert!(stall.admit(&crossed).await.is_err());
    // The payload of each scheme as a payment of each other.
    let good = [
        buyer.on_lock(&stall, lock, PRICE, PRICE),
        buyer.on_channel(&stall, channel, 2 * PRICE, PRICE),
        buyer.transfer(&stall, 1, PRICE),
    ];
    for from in &good {
        for to in &good {
            if from.accepted.scheme == to.accepted.scheme {
                continue;
            }
            let mut mixed = named("mixed", from.clone());
            mixed.accepted = to.accepted.clone();
            mixed.mode = to.mode;
            assert!(stall.admit(&mixed).await.is_err());
        }
    }
    assert_eq!(stall.charged().await, PRICE);
    assert_eq!(stall.pending().await, 0);
}
