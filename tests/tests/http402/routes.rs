//! Any axum route with a price on it.

use crate::counter::Counter;
use crate::wire::{get, post};
use agent_tests::e2e::{PRICE, Shop};

#[tokio::test]
async fn a_route_is_paid_for_and_its_handler_sees_no_payment() {
    let counter = Counter::open().await;
    let to = counter.address;
    let unpaid = get("/a/x").to(to).await;
    assert_eq!((unpaid.status, counter.runs()), (402, 0));
    unpaid.assert_private();
    let required = unpaid.object("payment-required");
    assert_eq!(required["resource"]["url"], "http://shop/a/x");
    assert_eq!(required["accepts"][0]["amount"], "1000");
    assert_eq!(unpaid.json()["x402Version"], 1);

    let purse = counter.purse(10 * PRICE);
    let paid = post("/deep/x", "body").paid(&purse.payment(PRICE, PRICE));
    let reply = paid.to(to).await;
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, "x 1"),
        "{reply:?}"
    );
    assert_eq!(reply.charged(), Some(PRICE));
    reply.assert_private();
    {
        let seen = counter.seen.headers.lock().unwrap();
        assert!(seen.get("payment-signature").is_none() && seen.get("content-type").is_some());
    }
    let again = paid.to(to).await;
    assert_eq!((again.status, again.text().as_str()), (200, "x 1"));
    assert_eq!(again.charged(), Some(PRICE));
    assert_eq!(counter.runs(), 1);
    counter.assert_books(PRICE, 1, 0, 0).await;
    let report = counter
        .till
        .settle_now(agent_tests::e2e::WAIT)
        .await
        .unwrap();
    assert_eq!(
        (report.claimed_base_units.get(), counter.shop.earned()),
        (PRICE, PRICE)
    );
}

#[tokio::test]
async fn a_price_may_depend_on_the_request() {
    let counter = Counter::open().await;
    let to = counter.address;
    assert_eq!(get("/quoted?free").to(to).await.status, 200);
    assert_eq!(get("/quoted?wrong").to(to).await.status, 500);
    let dear = get("/quoted?twice").to(to).await;
    assert_eq!(
        dear.object("payment-required")["accepts"][0]["amount"],
        "2000"
    );
    // A payment of the price of another request is too little for this one.
    let purse = counter.purse(10 * PRICE);
    let cheap = purse.payment(PRICE, PRICE);
    let less = get("/quoted?twice").paid(&cheap).to(to).await;
    assert_eq!(
        (less.status, less.code().as_str()),
        (402, "invalid_z402_amount_too_low")
    );
    let full = purse.payment(2 * PRICE, 2 * PRICE);
    let reply = get("/quoted?twice").paid(&full).to(to).await;
    assert_eq!((reply.status, reply.charged()), (200, Some(2 * PRICE)));
    counter.assert_books(2 * PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn a_look_costs_nothing() {
    let counter = Counter::open().await;
    let payment = counter.purse(PRICE).payment(PRICE, PRICE);
    let mut head = get("/a/x").paid(&payment);
    head.method = "HEAD".to_owned();
    let reply = head.to(counter.address).await;
    assert_eq!((reply.status, reply.body.len()), (402, 0), "{reply:?}");
    assert!(!reply.header("payment-required").is_empty());
    let mut options = get("/a/x");
    options.method = "OPTIONS".to_owned();
    assert_eq!(options.to(counter.address).await.status, 200);
    counter.assert_books(0, 0, 0, 0).await;
}

#[tokio::test]
async fn what_was_bought_is_there_after_a_restart() {
    let counter = Counter::open().await;
    let payment = counter.purse(PRICE).payment(PRICE, PRICE);
    let ask = get("/a/cached").paid(&payment);
    let first = ask.to(counter.address).await;
    assert_eq!(first.status, 200);
    let Counter { shop, till, .. } = counter;
    till.close().await;
    let counter = Counter::on(shop).await;
    let again = ask.to(counter.address).await;
    assert_eq!((again.status, again.text()), (200, first.text()));
    assert_eq!(
        again.header("payment-response"),
        first.header("payment-response")
    );
    assert_eq!(
        (again.header("x-kept").as_str(), counter.runs()),
        ("yes", 0)
    );
    counter.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn a_till_without_a_way_to_be_paid_does_not_open() {
    let shop = Shop::closed().await;
    let mut config = shop.config.clone();
    config.payment = None;
    let opened = Box::pin(agent_server::paid::Till::open(config)).await;
    assert!(opened.unwrap_err().to_string().contains("[payment]"));
}
