//! How handlers end, and what that costs.

use crate::counter::{Counter, LARGE};
use crate::wire::get;
use agent_tests::e2e::PRICE;

#[tokio::test]
async fn what_does_not_succeed_is_not_charged() {
    let counter = Counter::open().await;
    // Enough for one call: were anything still held, the next one could not be paid.
    let purse = counter.purse(PRICE + 6);
    let table = [
        ("missing", 404),
        ("moved", 302),
        ("panics", 500),
        ("hangs", 504),
        ("breaks", 502),
        ("more", 500),
    ];
    for (ended, (what, status)) in (0u64..).zip(table) {
        let payment = purse.payment(PRICE, PRICE + u128::from(ended));
        let ask = get(&format!("/a/{what}")).paid(&payment);
        let reply = ask.to(counter.address).await;
        assert_eq!(
            (reply.status, reply.charged()),
            (status, None),
            "{what}: {reply:?}"
        );
        assert_eq!(reply.object("payment-response")["success"], false);
        reply.assert_private();
        let runs = counter.runs();
        // A repeat reads the same end, and does not try again.
        let again = ask.to(counter.address).await;
        assert_eq!(
            (again.status, again.text()),
            (status, reply.text()),
            "{what}"
        );
        assert_eq!(counter.runs(), runs);
        counter.assert_books(0, 0, ended + 1, 0).await;
    }
    let paid = get("/a/x").paid(&purse.payment(PRICE, PRICE + 6));
    assert_eq!(paid.to(counter.address).await.charged(), Some(PRICE));
    counter.assert_books(PRICE, 1, 6, 0).await;
}

#[tokio::test]
async fn a_handler_may_charge_less() {
    let counter = Counter::open().await;
    let payment = counter.purse(PRICE).payment(PRICE, PRICE);
    let reply = get("/a/less").paid(&payment).to(counter.address).await;
    assert_eq!((reply.status, reply.charged()), (200, Some(400)));
    counter.assert_books(400, 1, 0, 0).await;
}

#[tokio::test]
async fn what_is_too_large_to_keep_is_delivered_once() {
    let counter = Counter::open().await;
    let payment = counter.purse(PRICE).payment(PRICE, PRICE);
    let ask = get("/a/large").paid(&payment);
    let reply = ask.to(counter.address).await;
    assert_eq!((reply.status, reply.body.len()), (200, LARGE));
    assert_eq!(reply.charged(), Some(PRICE));
    let again = ask.to(counter.address).await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (409, "answer_delivered_once")
    );
    assert_eq!((again.charged(), counter.runs()), (Some(PRICE), 1));
    counter.assert_books(PRICE, 1, 0, 0).await;
}
