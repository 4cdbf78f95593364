//! Header confusion: two readers of one request must not see two payments.

use crate::counter::Counter;
use crate::skills::address;
use crate::wire::{Ask, get, header, post};
use agent_tests::e2e::{PRICE, Shop};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

#[tokio::test]
async fn hostile_headers_are_refused_and_hold_no_money() {
    let shop = Shop::open().await;
    let to = address(&shop);
    let payment = shop.purse(10 * PRICE).payment(PRICE, PRICE);
    let good = header(&payment.0);
    let bomb = STANDARD.encode("[".repeat(12_000));
    let wide = STANDARD.encode(format!(
        "{{\"x402Version\":2,\"a\":[{}1]}}",
        "1,".repeat(6_000)
    ));
    let v1 = header(&json!({
        "x402Version": 1, "scheme": "exact", "network": "base", "payload": {}
    }));
    let long = "A".repeat(16_385);
    let twice = format!("{good}, {good}");
    let escaped = URL_SAFE.encode(r#"{"x402Version":2,"?":"???>>>"}"#);
    let cases: Vec<Vec<(&str, &str)>> = vec![
        vec![("PAYMENT-SIGNATURE", "")],
        vec![("PAYMENT-SIGNATURE", "not base64!")],
        vec![("PAYMENT-SIGNATURE", "bnVsbA==")],
        vec![("PAYMENT-SIGNATURE", &bomb)],
        vec![("PAYMENT-SIGNATURE", &wide)],
        vec![("PAYMENT-SIGNATURE", &long)],
        vec![("PAYMENT-SIGNATURE", &twice)],
        vec![("PAYMENT-SIGNATURE", &escaped)],
        vec![("PAYMENT-SIGNATURE", &v1)],
        vec![("X-PAYMENT", &good)],
        vec![("PAYMENT-SIGNATURE", &good), ("PAYMENT-SIGNATURE", &good)],
        vec![("PAYMENT-SIGNATURE", &good), ("X-PAYMENT", &v1)],
        vec![("X-PAYMENT", &v1), ("PAYMENT-SIGNATURE", &good)],
        vec![("X-PAYMENT", &v1), ("x-payment", &v1)],
        vec![("PAYMENT-SIGNATURE", "\u{e9}\u{e9}")],
    ];
    for case in cases {
        let mut ask = post("/skills/echo", r#"{"text":"x"}"#);
        for (name, value) in &case {
            ask = ask.with(name, value);
        }
        let reply = ask.to(to).await;
        let names: Vec<&str> = case.iter().map(|(name, _)| *name).collect();
        assert_eq!(reply.status, 400, "{names:?} {reply:?}");
        assert!(
            reply.text().len() < 1_000,
            "a hostile header is not sent back"
        );
    }
    // More than any server takes of headers is refused by whoever reads them.
    let huge = "A".repeat(100_000);
    let ask = post("/skills/echo", "{}").with("PAYMENT-SIGNATURE", &huge);
    assert_eq!(ask.to(to).await.status, 431);
    shop.assert_untouched().await;
    assert_eq!(shop.floor.all_runs(), 0);
    let ask = post("/skills/echo", r#"{"text":"x"}"#).with("payment-signature", &good);
    assert_eq!(ask.to(to).await.status, 200);
}

/// Whatever payment headers come, in whatever order and case: one that is right pays, and anything
/// beside it makes the request nobody's.
#[test]
fn any_mixture_of_payment_headers_is_at_most_one_payment() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let counter = runtime.block_on(Counter::open());
    let purse = counter.purse(1_000 * PRICE);
    let kind = prop_oneof![
        Just("PAYMENT-SIGNATURE"),
        Just("Payment-Signature"),
        Just("X-PAYMENT"),
        Just("x-payment")
    ];
    let value = prop_oneof![Just(0u8), Just(1u8), Just(2u8)];
    let headers = prop::collection::vec((kind, value), 0..4);
    let mut runner = TestRunner::new(Config {
        cases: agent_tests::repeats("HTTP402_CASES", 64),
        failure_persistence: None,
        ..Config::default()
    });
    let mut paid = 0u128;
    let paid = std::cell::RefCell::new(&mut paid);
    let run = runner.run(&headers, |headers| {
        let mut paid = paid.borrow_mut();
        let good = header(&purse.payment(PRICE, (**paid + 1) * PRICE).0);
        let mut ask = get("/a/x");
        for (name, value) in &headers {
            let value = match value {
                0 => good.as_str(),
                1 => "bm90IGpzb24=",
                _ => "!",
            };
            ask = ask.with(name, value);
        }
        let pays = headers.len() == 1
            && headers[0].1 == 0
            && headers[0].0.eq_ignore_ascii_case("payment-signature");
        let reply = runtime.block_on(ask.to(counter.address));
        let expected = match (headers.len(), pays) {
            (0, _) => 402,
            (_, true) => 200,
            (_, false) => 400,
        };
        prop_assert_eq!(reply.status, expected, "{:?} {:?}", headers, reply);
        **paid += u128::from(pays);
        let books = runtime.block_on(counter.till.books()).unwrap();
        prop_assert_eq!(books.charged.get(), **paid * PRICE);
        Ok(())
    });
    run.unwrap();
}

#[tokio::test]
async fn a_payment_elsewhere_than_in_its_header_is_none() {
    let counter = Counter::open().await;
    let payment = counter.purse(PRICE).payment(PRICE, PRICE);
    let good = header(&payment.0);
    let asks: [Ask; 4] = [
        get(&format!("/a/x?PAYMENT-SIGNATURE={good}")),
        get("/a/x").with("cookie", &format!("PAYMENT-SIGNATURE={good}")),
        get("/a/x").with("PAYMENT-RESPONSE", &good),
        post("/a/x", &payment.0.to_string()),
    ];
    for ask in asks {
        let reply = ask.to(counter.address).await;
        assert_eq!(reply.status, 402, "{reply:?}");
    }
    counter.assert_books(0, 0, 0, 0).await;
}
