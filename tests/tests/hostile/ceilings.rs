//! Ceilings below, at and above what admission allows, and deadlines too near.

use agent_tests::e2e::{PRICE, Shift, Shop};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn a_ceiling_pays_exactly_what_it_covers() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(3 * PRICE));
    // Below: one unit short.
    let answer = peer
        .pay("echo", "x", &purse.payment(PRICE, PRICE - 1))
        .await;
    assert_eq!(answer.payment_error(), "invalid_z402_ceiling_too_low");
    assert!(answer.text().contains("at least 1000"), "{answer:?}");
    let channel = answer.channel();
    assert_eq!(channel["charged"], "0", "{answer:?}");
    assert_eq!(
        (&channel["signed"], &channel["reserved"]),
        (&json!("0"), &json!("0"))
    );
    assert_eq!(channel["authorized"], (3 * PRICE).to_string());
    // Equal.
    let paid = peer.pay("echo", "one", &purse.payment(PRICE, PRICE)).await;
    assert_eq!(
        (paid.state(), paid.said(), paid.charged()),
        ("COMPLETED", "one", PRICE)
    );
    assert_eq!(paid.payment_status(), "payment-completed");
    // Equal to what was charged is not enough for another.
    let answer = peer
        .pay("echo", "x", &purse.payment(PRICE, 2 * PRICE - 1))
        .await;
    assert_eq!(answer.payment_error(), "invalid_z402_ceiling_too_low");
    assert_eq!(answer.channel()["charged"], PRICE.to_string());
    // Above what is needed, up to all that the lock holds.
    let paid = peer
        .pay("echo", "two", &purse.payment(PRICE, 3 * PRICE))
        .await;
    assert_eq!((paid.state(), paid.charged()), ("COMPLETED", PRICE));
    // Above the lock.
    let answer = peer
        .pay("echo", "x", &purse.payment(PRICE, 3 * PRICE + 1))
        .await;
    assert_eq!(
        answer.payment_error(),
        "invalid_z402_ceiling_exceeds_authorized"
    );
    assert_eq!(answer.channel()["signed"], (3 * PRICE).to_string());
    // What a lower voucher would cover is paid for by the highest that was seen, once for each.
    let paid = peer
        .pay("echo", "three", &purse.payment(PRICE, 2 * PRICE))
        .await;
    assert_eq!((paid.state(), paid.charged()), ("COMPLETED", PRICE));
    let answer = peer
        .pay("echo", "x", &purse.payment(PRICE, 2 * PRICE + 1))
        .await;
    assert_eq!(answer.payment_error(), "invalid_z402_ceiling_too_low");
    assert_eq!(shop.floor.all_runs(), 3);
    shop.assert_books(3 * PRICE, 3, 0, 0).await;
}

#[tokio::test]
async fn one_ceiling_pays_for_one_payment_however_high_it_is() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    assert_eq!(
        peer.pay("echo", "x", &purse.payment(PRICE, 50 * PRICE))
            .await
            .state(),
        "COMPLETED"
    );
    let answer = peer
        .pay("echo", "y", &purse.payment(PRICE, 50 * PRICE))
        .await;
    assert_eq!(
        answer.payment_error(),
        "invalid_z402_voucher_reused",
        "{answer:?}"
    );
    assert_eq!(answer.channel()["signed"], (50 * PRICE).to_string());
    assert_eq!(shop.floor.all_runs(), 1);
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn a_lock_too_near_its_deadline_pays_nothing() {
    let mut shop = Shop::closed().await;
    let clock = Arc::new(Shift::default());
    shop.set_clock(clock.clone());
    shop.start().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    assert_eq!(
        peer.pay("echo", "x", &purse.payment(PRICE, PRICE))
            .await
            .state(),
        "COMPLETED"
    );
    // The lock has a day to run; the margin is a quarter of an hour.
    clock.by_secs(86_400 - 800);
    let answer = peer
        .pay("echo", "x", &purse.payment(PRICE, 2 * PRICE))
        .await;
    assert_eq!(
        answer.payment_error(),
        "invalid_z402_deadline_near",
        "{answer:?}"
    );
    assert!(answer.text().contains("900 s"), "{answer:?}");
    assert!(answer.channel()["deadline"].is_u64());
    assert_eq!(shop.floor.all_runs(), 1);
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn a_voucher_read_on_chain_after_settlement_buys_nothing() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    // The buyer signs far beyond what it is charged, and settlement publishes that.
    assert_eq!(
        peer.pay("echo", "x", &purse.payment(PRICE, 50 * PRICE))
            .await
            .state(),
        "COMPLETED"
    );
    let report = shop
        .agent()
        .settle_now(agent_tests::e2e::WAIT)
        .await
        .unwrap();
    assert_eq!(
        (report.claimed_base_units.get(), shop.earned()),
        (PRICE, PRICE)
    );
    for text in ["x", "y"] {
        let thief = purse
            .payment(PRICE, 50 * PRICE)
            .named("payment-of-a-thief-1");
        let answer = peer.pay("echo", text, &thief).await;
        assert_eq!(
            answer.payment_error(),
            "invalid_z402_voucher_reused",
            "{answer:?}"
        );
    }
    assert_eq!(shop.floor.all_runs(), 1);
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn a_lock_pays_for_no_more_calls_at_once_than_the_card_says() {
    let shop = Shop::open_with(|config| config.limits.in_flight_per_lock = 2).await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    for call in 1..=2 {
        let message = agent_tests::e2e::message("held", "x");
        let paid = agent_tests::e2e::with_payment(message, &purse.payment(PRICE, call * PRICE));
        assert_eq!(peer.send_on(paid).await.state(), "WORKING");
    }
    let third = purse.payment(PRICE, 3 * PRICE);
    let answer = peer.pay("echo", "x", &third).await;
    assert_eq!(
        answer.payment_error(),
        "invalid_z402_too_many_in_flight",
        "{answer:?}"
    );
    assert_eq!(answer.channel()["reserved"], (2 * PRICE).to_string());
    shop.floor.open_door();
    agent_tests::e2e::until("both end", || async { shop.books().await.posted == 2 }).await;
    assert_eq!(peer.pay("echo", "x", &third).await.state(), "COMPLETED");
    shop.assert_books(3 * PRICE, 3, 0, 0).await;
}
