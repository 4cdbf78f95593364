//! How skills end, and what that costs.

use agent_tests::e2e::{PRICE, Shop, message, until, with_payment};
use serde_json::json;

#[tokio::test]
async fn work_that_does_not_succeed_is_not_charged_and_frees_what_was_held() {
    let shop = Shop::open_with(|config| config.limits.skill_timeout_secs = 1).await;
    // Enough for one call: were anything still held, the next one could not be paid.
    let (peer, purse) = (shop.peer(), shop.purse(PRICE + 4));
    let table = [
        (
            "panics",
            "FAILED",
            "failed",
            "the skill failed unexpectedly",
        ),
        ("hangs", "FAILED", "failed", "the skill took too long"),
        ("fails", "FAILED", "failed", "it does not work"),
        ("rejects", "REJECTED", "rejected", "it will not do that"),
    ];
    for (ended, (skill, state, code, text)) in (0u64..).zip(table) {
        let payment = purse.payment(PRICE, PRICE + u128::from(ended));
        let answer = peer.pay(skill, "my words", &payment).await;
        assert_eq!(
            (answer.state(), answer.payment_error()),
            (state, code),
            "{answer:?}"
        );
        assert_eq!(
            (answer.payment_status(), answer.charged()),
            ("payment-failed", 0),
            "{skill}"
        );
        assert_eq!(answer.text(), text);
        assert!(!answer.text().contains("secret"), "{answer:?}");
        shop.assert_books(0, 0, ended + 1, 0).await;
        // A repeat reads the same end, and does not try again.
        assert_eq!(
            peer.pay(skill, "my words", &payment).await.task(),
            answer.task()
        );
        assert_eq!(shop.floor.runs(skill), 1);
    }
    let paid = peer
        .pay("echo", "x", &purse.payment(PRICE, PRICE + 4))
        .await;
    assert_eq!((paid.state(), paid.charged()), ("COMPLETED", PRICE));
    shop.assert_books(PRICE, 1, 4, 0).await;
}

#[tokio::test]
async fn a_skill_may_charge_less_than_it_may() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(PRICE));
    let paid = peer.pay("less", "x", &purse.payment(PRICE, PRICE)).await;
    assert_eq!(
        (paid.state(), paid.charged()),
        ("COMPLETED", 400),
        "{paid:?}"
    );
    let books = shop.books().await;
    assert_eq!((books.charged.get(), books.signed.get()), (400, PRICE));
    shop.assert_books(400, 1, 0, 0).await;
    let report = shop
        .agent()
        .settle_now(agent_tests::e2e::WAIT)
        .await
        .unwrap();
    assert_eq!((report.claimed_base_units.get(), shop.earned()), (400, 400));
}

#[tokio::test]
async fn a_paid_task_that_is_cancelled_costs_nothing() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let payment = purse.payment(PRICE, PRICE);
    let working = peer
        .send_on(with_payment(message("hangs", "x"), &payment))
        .await;
    assert_eq!(working.state(), "WORKING");
    until("it runs", || async { shop.floor.runs("hangs") == 1 }).await;
    let cancel = json!({ "id": working.id() });
    let canceled = peer.call("CancelTask", cancel.clone()).await;
    assert_eq!(
        (canceled.state(), canceled.charged()),
        ("CANCELED", 0),
        "{canceled:?}"
    );
    assert_eq!(
        peer.call("CancelTask", cancel).await.reason(),
        "TASK_NOT_CANCELABLE"
    );
    assert_eq!(
        peer.pay("hangs", "x", &payment).await.task(),
        canceled.task()
    );
    until("it is gone", || async { shop.agent().live_tasks() == 0 }).await;
    shop.assert_books(0, 0, 1, 0).await;
}
