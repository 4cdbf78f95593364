//! Payments for a task that works, as a hand-written peer makes them.

use super::{assert_fair, delivered, on, pieces};
use agent_core::money::BaseUnits;
use agent_tests::e2e::{PRICE, Shop, with_payment};
use serde_json::json;

#[tokio::test]
async fn at_the_ceiling_the_task_asks_waits_and_goes_on_and_cancel_stops_its_meter() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let first = with_payment(pieces(1_000_000), &purse.payment(PRICE, PRICE));
    let asked = peer.send(first).await;
    assert_eq!(asked.state(), "INPUT_REQUIRED", "{asked:?}");
    let note = &asked.task()["status"]["message"]["metadata"]["urn:z402:a2a:v1/metered"];
    assert_eq!(note["units"], 100);
    assert_eq!(asked.required()["accepts"][0]["amount"], PRICE.to_string());
    assert_eq!(delivered(asked.task()), 100);
    let id = asked.id().to_owned();

    // Another lock, though it is the same payer's.
    let other = shop.purse(100 * PRICE);
    let wrong = on(with_payment(pieces(1), &other.payment(PRICE, PRICE)), &id);
    let refused = peer.send(wrong).await;
    assert_eq!(refused.payment_status(), "payment-failed", "{refused:?}");
    // What paid for the start pays for nothing else.
    let used = on(with_payment(pieces(1), &purse.payment(PRICE, PRICE)), &id);
    assert_eq!(peer.send(used).await.payment_status(), "payment-failed");
    let books = shop.books().await;
    assert_eq!((books.charged.get(), books.reserved.get()), (PRICE, 0));

    let more = on(
        with_payment(pieces(1), &purse.payment(PRICE, 2 * PRICE)),
        &id,
    );
    let again = peer.send(more.clone()).await;
    assert_eq!(delivered(again.task()), 200);
    // The same message once more adds nothing.
    let replayed = peer.send(more).await;
    assert_eq!(delivered(replayed.task()), 200);
    assert_eq!(shop.books().await.charged.get(), 2 * PRICE);

    let canceled = peer.call("CancelTask", json!({ "id": id })).await;
    let result = &canceled.0["result"];
    assert_eq!(
        result["status"]["state"], "TASK_STATE_CANCELED",
        "{canceled:?}"
    );
    let receipt = &result["status"]["message"]["metadata"]["x402.payment.receipts"][0];
    assert_eq!(
        receipt["extra"]["chargedAmount"],
        (2 * PRICE).to_string(),
        "{receipt}"
    );
    assert_eq!(receipt["success"], true);
    assert_fair(200, shop.books().await.charged);
}

#[tokio::test]
async fn what_is_not_used_is_not_charged_beyond_a_slice() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let done = peer
        .send(with_payment(pieces(50), &purse.payment(PRICE, PRICE)))
        .await;
    assert_eq!(done.state(), "COMPLETED", "{done:?}");
    assert_fair(50, BaseUnits::new(done.charged()));
    shop.assert_books(done.charged(), 1, 0, 0).await;
}

#[tokio::test]
async fn two_top_ups_at_once_are_both_held_and_charged_as_used() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let first = with_payment(pieces(250), &purse.payment(PRICE, PRICE));
    let id = peer.send(first).await.id().to_owned();
    let more = |ceiling| on(with_payment(pieces(1), &purse.payment(PRICE, ceiling)), &id);
    let (one, other) = tokio::join!(peer.send_on(more(2 * PRICE)), peer.send_on(more(3 * PRICE)));
    assert!(one.payment_status() != "payment-failed", "{one:?}");
    assert!(other.payment_status() != "payment-failed", "{other:?}");
    agent_tests::e2e::until("the task ends", || async {
        peer.task(&id).await.state() == "COMPLETED"
    })
    .await;
    let done = peer.task(&id).await;
    assert_eq!(delivered(done.task()), 250);
    assert_fair(250, BaseUnits::new(done.charged()));
    let books = shop.books().await;
    assert_eq!(
        (books.charged.get(), books.reserved.get()),
        (done.charged(), 0)
    );
}
