//! Buyers that vanish in the middle of a call.

use agent_tests::e2e::{PRICE, Shop, message, request, until, with_payment};
use serde_json::json;

#[tokio::test]
async fn a_buyer_that_vanishes_is_charged_and_finds_its_answer_when_it_returns() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let payment = purse.payment(PRICE, PRICE);
    let message = with_payment(message("held", "x"), &payment);
    let body = request("SendMessage", json!({ "message": message }));
    let stream = peer.begin(&body).await;
    until("it runs", || async { shop.floor.runs("held") == 1 }).await;
    drop(stream);
    // The server notices that nobody is there any more; the work goes on.
    assert_eq!(shop.books().await.pending, 1);
    shop.floor.open_door();
    until("it is charged", || async { shop.books().await.posted == 1 }).await;
    let answer = peer.raw(&body).await;
    assert_eq!(
        (answer.state(), answer.said(), answer.charged()),
        ("COMPLETED", "x", PRICE)
    );
    assert_eq!(shop.floor.runs("held"), 1);
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn buyers_that_vanish_at_any_moment_leave_nothing_held() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(1_000 * PRICE));
    let calls = (1..=64u64).map(|call| {
        let payment = purse.payment(PRICE, u128::from(call) * PRICE);
        async move {
            let message = with_payment(message("echo", "x"), &payment);
            let body = request("SendMessage", json!({ "message": message }));
            let stream = peer.begin(&body).await;
            // From before the seller has read it to about when it has answered.
            tokio::time::sleep(std::time::Duration::from_micros(call * 150)).await;
            drop(stream);
            body
        }
    });
    let bodies = futures_util::future::join_all(calls).await;
    until("nothing is held", || async {
        shop.agent().live_tasks() == 0 && shop.books().await.pending == 0
    })
    .await;
    // Whoever returns finds its answer, or is served now; some ceilings came too late to do.
    for body in &bodies {
        let answer = peer.raw(body).await;
        let low = answer.payment_error() == "invalid_z402_ceiling_too_low";
        assert!(low || answer.state() == "COMPLETED", "{answer:?}");
        assert_eq!(
            peer.raw(body).await.task()["status"]["state"],
            answer.task()["status"]["state"]
        );
    }
    let books = shop.books().await;
    assert_eq!((books.pending, books.voided), (0, 0), "{books:?}");
    assert_eq!(books.charged.get(), u128::from(books.posted) * PRICE);
    assert_eq!(shop.floor.runs("echo"), books.posted);
}
