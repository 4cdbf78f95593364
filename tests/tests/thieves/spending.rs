//! The same money spent many times at once.

use crate::buyer::{Buyer, credit, named};
use crate::street::{BUYER, IN_FLIGHT, OTHER, PRICE, SELLER, Stall, Street, new};
use agent_client::chain::bindings::IToken;
use agent_core::json::Json;
use agent_core::ledger::{Ledger as _, Reserved};
use agent_core::money::BaseUnits;
use agent_core::x402::{PaymentPayload, Z402Receipt};
use agent_server::gate::{Admitted, Charged, GateRefusal, Settled};
use agent_tests::world;
use alloy_primitives::U256;
use std::sync::Arc;
use tokio::sync::Barrier;

const THIEVES: usize = 64;

/// Brings all payments at one moment, one task each.
async fn at_once(
    stall: &Arc<Stall>,
    payments: Vec<PaymentPayload>,
) -> Vec<Result<Admitted, GateRefusal>> {
    let barrier = Arc::new(Barrier::new(payments.len()));
    let tasks: Vec<_> = payments
        .into_iter()
        .map(|payment| {
            let (stall, barrier) = (Arc::clone(stall), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                stall.admit(&payment).await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

fn admitted(answers: Vec<Result<Admitted, GateRefusal>>) -> Vec<Reserved> {
    let answers = answers.into_iter();
    answers
        .filter_map(|answer| match answer {
            Ok(Admitted::New(reserved)) => Some(reserved),
            _ => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_at_once_spend_one_signature_once_in_every_scheme() {
    let street = Street::open().await;
    let stall = Arc::new(street.stall(SELLER));
    let buyer = Buyer::new(&street, BUYER);
    let lock = buyer.lock(&stall, 1, 100 * PRICE);
    let channel = buyer.channel(&stall, 1);
    let first = buyer.deposit(&stall, channel, 100 * PRICE, PRICE);
    stall.sell(&first, PRICE).await;
    let mut charged = PRICE;
    for (what, payment) in [
        ("lock", buyer.on_lock(&stall, lock, PRICE, PRICE)),
        (
            "channel",
            buyer.on_channel(&stall, channel, 2 * PRICE, PRICE),
        ),
        ("transfer", buyer.transfer(&stall, 1, PRICE)),
    ] {
        let many = (0..THIEVES).map(|thief| named(&format!("{what}-{thief}"), payment.clone()));
        let mut held = admitted(at_once(&stall, many.collect()).await);
        assert_eq!(held.len(), 1, "{what}");
        stall.charge(held.remove(0), PRICE).await;
        charged += PRICE;
        assert_eq!(stall.charged().await, charged, "{what}");
        assert_eq!(stall.pending().await, 0);
    }
}

/// Different signatures over the same money: more is never held than the channel bears.
#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_ceilings_at_once_hold_what_the_lock_holds_and_no_more() {
    let street = Street::open().await;
    let stall = Arc::new(street.stall(SELLER));
    let buyer = Buyer::new(&street, BUYER);
    let lock = buyer.lock(&stall, 1, 3 * PRICE + 70);
    let payments = (0..64u32).map(|thief| {
        let ceiling = 3 * PRICE + u128::from(thief);
        named(
            &format!("t-{thief}"),
            buyer.on_lock(&stall, lock, ceiling, PRICE),
        )
    });
    let held = admitted(at_once(&stall, payments.collect()).await);
    assert_eq!(held.len(), 3);
    let books = stall.books().await;
    assert_eq!((books.reserved.get(), books.pending), (3 * PRICE, 3));
    for reserved in held {
        stall.charge(reserved, PRICE).await;
    }
    assert_eq!(stall.charged().await, 3 * PRICE);
}

/// A buyer with money for one call signs many more transfers of it than are taken at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_balance_promised_many_times_is_delivered_for_once() {
    let street = Street::open().await;
    let stall = Arc::new(street.stall(SELLER));
    let buyer = Buyer::new(&street, BUYER);
    let token = street.settings.token.address;
    let rest = street.tokens(BUYER).await - PRICE;
    let gives = IToken::transferCall {
        to: world::account(OTHER),
        value: U256::from(rest),
    };
    assert!(street.send(BUYER, token, &gives));
    let start = street.tokens(SELLER).await;
    let payments = (1..=80u8).map(|nonce| buyer.transfer(&stall, nonce, PRICE));
    let held = admitted(at_once(&stall, payments.collect()).await);
    // The work that it can cost the seller is bounded.
    assert_eq!(held.len(), usize::try_from(IN_FLIGHT).unwrap());
    let mut paid = 0u64;
    for reserved in held {
        let request = stall
            .store
            .settling(&reserved, Json::default())
            .await
            .unwrap();
        match stall.gate.settle(&request).await {
            Settled::Paid(_) => {
                stall.charge(reserved, PRICE).await;
                paid += 1;
            }
            // The result is not delivered: the seller lost the work, and no money.
            Settled::Refused(_) => stall.fail(reserved).await,
            Settled::Unknown(why) => panic!("{why}"),
        }
    }
    assert_eq!(paid, 1);
    assert_eq!(stall.charged().await, PRICE);
    assert_eq!(street.tokens(SELLER).await, start + PRICE);
    assert_eq!(street.tokens(BUYER).await, 0);
}

/// The money of a transfer is gone when the work is done: nothing is delivered.
#[tokio::test]
async fn money_that_leaves_while_work_runs_buys_no_result() {
    let street = Street::open().await;
    let stall = street.stall(SELLER);
    let buyer = Buyer::new(&street, BUYER);
    let start = street.tokens(SELLER).await;
    let reserved = new(stall.admit(&buyer.transfer(&stall, 1, PRICE)).await);
    let leaves = IToken::transferCall {
        to: world::account(OTHER),
        value: U256::from(street.tokens(BUYER).await),
    };
    assert!(street.send(BUYER, street.settings.token.address, &leaves));
    let request = stall
        .store
        .settling(&reserved, Json::default())
        .await
        .unwrap();
    let settled = stall.gate.settle(&request).await;
    assert!(matches!(settled, Settled::Refused(_)), "{settled:?}");
    stall.fail(reserved).await;
    assert_eq!(stall.charged().await, 0);
    assert_eq!(street.tokens(SELLER).await, start);
}

/// What a receipt leaves over, in a thief's hands.
#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_credit_token_spends_the_slack_once_and_nothing_else() {
    let street = Street::open().await;
    let (stall, other) = (Arc::new(street.stall(SELLER)), street.stall(OTHER));
    let buyer = Buyer::new(&street, BUYER);
    let lock = buyer.lock(&stall, 1, 100 * PRICE);
    let another = buyer.lock(&stall, 2, 100 * PRICE);
    let ours = buyer.lock(&other, 3, 100 * PRICE);
    let big = named("big", buyer.on_lock(&stall, lock, 4 * PRICE, 4 * PRICE));
    let reserved = new(stall.admit_at(&big, "work", "{}", 4 * PRICE).await);
    let receipt = stall
        .gate
        .receipt(&reserved, Charged::Amount(BaseUnits::new(PRICE)))
        .await;
    let receipt: Z402Receipt = receipt.unwrap().extra.parse().unwrap();
    let token = receipt.credit_token.expect("three calls are left over");
    stall.charge(reserved, PRICE).await;
    // Both other locks are known and have money.
    let voucher = buyer.on_lock(&stall, another, PRICE, PRICE);
    stall.sell(&named("another", voucher), PRICE).await;
    let voucher = buyer.on_lock(&other, ours, PRICE, PRICE);
    other.sell(&named("ours", voucher), PRICE).await;

    let domain = street.settings.domain();
    let forged = |change: &dyn Fn(&mut agent_core::x402::CreditToken)| {
        let mut token = token.clone();
        change(&mut token);
        credit(&stall, "forged", PRICE, token)
    };
    for payment in [
        forged(&|token| token.channel_id = another.id(&domain)),
        forged(&|token| token.ceiling = BaseUnits::new(100 * PRICE)),
        forged(&|token| token.expires += 1),
        forged(&|token| token.token = token.token.replace("0x", "0X")),
        forged(&|token| token.token = format!("0x{}", "00".repeat(32))),
    ] {
        let refused = stall.admit(&payment).await.expect_err("forged");
        assert_eq!(refused.code, "invalid_z402_credit_token");
    }
    // At another seller, whose channel it even names.
    for channel_id in [token.channel_id, ours.id(&domain)] {
        let mut stolen = token.clone();
        stolen.channel_id = channel_id;
        let refused = other.admit(&credit(&other, "stolen", PRICE, stolen)).await;
        assert_eq!(
            refused.expect_err("stolen").code,
            "invalid_z402_credit_token"
        );
    }
    // Above the slack.
    let above = credit(&stall, "above", 4 * PRICE, token.clone());
    assert!(
        stall
            .admit_at(&above, "work", "{}", 4 * PRICE)
            .await
            .is_err()
    );
    // All at once: the slack is three calls, and three are served.
    let many =
        (0..THIEVES).map(|thief| credit(&stall, &format!("thief-{thief}"), PRICE, token.clone()));
    let held = admitted(at_once(&stall, many.collect()).await);
    assert_eq!(held.len(), 3);
    for reserved in held {
        stall.charge(reserved, PRICE).await;
    }
    // The buyer's loss is what it had signed; the other locks gave nothing.
    assert_eq!(stall.charged().await, 5 * PRICE);
    assert_eq!(other.charged().await, PRICE);
    street.clock.by_secs(86_400);
    let late = stall.admit(&credit(&stall, "late", PRICE, token)).await;
    assert_eq!(late.expect_err("late").code, "invalid_z402_credit_expired");
}
