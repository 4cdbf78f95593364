//! Replay in every form: a payment is for one request.

use crate::counter::Counter;
use crate::skills::address;
use crate::wire::{Ask, get, post};
use agent_tests::e2e::{PRICE, Shop};

#[tokio::test]
async fn a_payment_for_one_request_buys_no_other() {
    let counter = Counter::open().await;
    let to = counter.address;
    for named in [true, false] {
        let payment = counter.purse(10 * PRICE).payment(PRICE, PRICE);
        let payment = match named {
            true => payment,
            false => payment.without("extensions.payment-identifier"),
        };
        let ask = post("/a/x?page=1", "one");
        let first = ask.clone().paid(&payment).to(to).await;
        assert_eq!(first.status, 200, "{first:?}");
        let runs = counter.runs();
        let change = |change: &dyn Fn(&mut Ask)| {
            let mut other = ask.clone();
            change(&mut other);
            other.paid(&payment)
        };
        let others = [
            ("body", change(&|ask| ask.body = b"two".to_vec())),
            ("no body", change(&|ask| ask.body.clear())),
            (
                "path",
                change(&|ask| "/a/y?page=1".clone_into(&mut ask.path)),
            ),
            (
                "route",
                change(&|ask| "/b/x?page=1".clone_into(&mut ask.path)),
            ),
            (
                "nested",
                change(&|ask| "/deep/x?page=1".clone_into(&mut ask.path)),
            ),
            (
                "query",
                change(&|ask| "/a/x?page=2".clone_into(&mut ask.path)),
            ),
            ("no query", change(&|ask| "/a/x".clone_into(&mut ask.path))),
            ("method", change(&|ask| "PUT".clone_into(&mut ask.method))),
            ("host", change(&|ask| "other".clone_into(&mut ask.host))),
            (
                "type",
                change(&|ask| ask.headers[0].1 = "text/plain".to_owned()),
            ),
        ];
        for (what, other) in others {
            let reply = other.to(to).await;
            assert_eq!(reply.status, 409, "{what}: {reply:?}");
            reply.assert_private();
        }
        // Headers of whoever is on the way are no part of it.
        let again = ask.paid(&payment).with("x-request-id", "7").to(to).await;
        assert_eq!((again.status, again.text()), (200, first.text()));
        assert_eq!(counter.runs(), runs);
    }
    counter.assert_books(2 * PRICE, 2, 0, 0).await;
}

#[tokio::test]
async fn a_payment_for_one_skill_buys_no_other() {
    let shop = Shop::open().await;
    let to = address(&shop);
    let body = r#"{"text":"one"}"#;
    for named in [true, false] {
        let payment = shop.purse(10 * PRICE).payment(PRICE, PRICE);
        let payment = match named {
            true => payment,
            false => payment.without("extensions.payment-identifier"),
        };
        let first = post("/skills/echo", body).paid(&payment).to(to).await;
        assert_eq!(first.status, 200, "{first:?}");
        for other in [
            post("/skills/less", body),
            post("/skills/echo", r#"{"text":"two"}"#),
        ] {
            assert_eq!(other.paid(&payment).to(to).await.status, 409);
        }
        let again = post("/skills/echo", body).paid(&payment).to(to).await;
        assert_eq!((again.status, again.json()), (200, first.json()));
    }
    assert_eq!((shop.floor.runs("echo"), shop.floor.runs("less")), (2, 0));
    shop.assert_books(2 * PRICE, 2, 0, 0).await;
}

/// The voucher of a payment is on chain once it is claimed. Whoever reads it there gets nothing.
#[tokio::test]
async fn a_voucher_read_on_chain_buys_nothing_and_tells_nothing() {
    let counter = Counter::open().await;
    let to = counter.address;
    let payment = counter.purse(10 * PRICE).payment(PRICE, PRICE);
    let bare = payment.clone().without("extensions.payment-identifier");
    assert_eq!(get("/a/x").paid(&payment).to(to).await.status, 200);
    // With the buyer's own name gone, or another in its place, it is another payment.
    for copied in [bare, payment.clone().named("a-name-of-the-thief-s")] {
        let stolen = get("/a/x").paid(&copied).to(to).await;
        assert_eq!(
            (stolen.status, stolen.code().as_str()),
            (402, "invalid_z402_voucher_reused")
        );
    }
    // A payment that had no name is given its answer again for a while, and not for ever.
    let bare = counter.purse(PRICE).payment(PRICE, PRICE);
    let bare = bare.without("extensions.payment-identifier");
    let first = get("/a/y").paid(&bare).to(to).await;
    assert_eq!(first.status, 200);
    assert_eq!(get("/a/y").paid(&bare).to(to).await.text(), first.text());
    counter.clock.by_secs(301);
    let late = get("/a/y").paid(&bare).to(to).await;
    assert_eq!(
        (late.status, late.code().as_str()),
        (409, "payment_already_used")
    );
    assert_eq!(late.charged(), Some(PRICE));
    assert_eq!(get("/a/x").paid(&payment).to(to).await.status, 200);
    counter.assert_books(2 * PRICE, 2, 0, 0).await;
}

#[tokio::test]
async fn nobody_takes_the_name_that_a_nameless_payment_will_have() {
    let counter = Counter::open().await;
    let payment = counter.purse(PRICE).payment(PRICE, PRICE);
    let squatter = payment.named(&format!("auto-{}", "0".repeat(64)));
    let reply = get("/a/x").paid(&squatter).to(counter.address).await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (400, "invalid_payment_identifier")
    );
    let strict = counter.purse(PRICE).payment(PRICE, PRICE);
    let nameless = strict.clone().without("extensions.payment-identifier");
    let refused = get("/strict").paid(&nameless).to(counter.address).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (400, "invalid_payment_identifier")
    );
    counter.assert_books(0, 0, 0, 0).await;
    let named = get("/strict").paid(&strict).to(counter.address).await;
    assert_eq!(named.status, 200, "{named:?}");
}
