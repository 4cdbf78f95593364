//! `POST /skills/{id}`: what a client sees that knows x402 and nothing of A2A.

use crate::wire::{Reply, get, post};
use agent_core::x402::{HeaderObject, PaymentRequired};
use agent_tests::e2e::{PRICE, Shop, until};
use serde_json::{Value, json};
use std::net::SocketAddr;

pub fn address(shop: &Shop) -> SocketAddr {
    shop.agent().url().socket_addrs(|| None).unwrap()[0]
}

const HELLO: &str = r#"{"text":"hello"}"#;

#[tokio::test]
async fn a_skill_is_asked_for_its_price_and_paid() {
    let shop = Shop::open().await;
    let to = address(&shop);
    let unpaid = post("/skills/echo", HELLO).to(to).await;
    assert_eq!(unpaid.status, 402, "{unpaid:?}");
    unpaid.assert_private();
    // Readable by our own reader and by the strict one of stock clients.
    let required = PaymentRequired::from_header(&unpaid.header("payment-required")).unwrap();
    let raw = unpaid.object("payment-required");
    assert_eq!(raw["x402Version"], 2);
    let url = format!("http://{to}/skills/echo");
    assert_eq!(required.resource.url, url, "{raw}");
    assert_eq!(required.accepts[0].amount.get(), PRICE);
    assert_eq!(
        raw["extensions"]["payment-identifier"]["info"],
        json!({ "required": false })
    );
    // Clients of version 1 read the body, and fail over an offer that is none of theirs.
    let body = unpaid.json();
    assert_eq!(
        (&body["x402Version"], &body["error"]),
        (&json!(1), &json!("Payment required"))
    );
    assert!(
        body["accepts"]
            .as_array()
            .unwrap()
            .iter()
            .all(|offer| offer["scheme"] == "exact")
    );
    shop.assert_untouched().await;

    let purse = shop.purse(10 * PRICE);
    let payment = purse.payment(PRICE, PRICE);
    let paid = post("/skills/echo", HELLO).paid(&payment);
    let reply = paid.to(to).await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "text": "hello" })),
        "{reply:?}"
    );
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.charged(), Some(PRICE));
    reply.assert_private();
    assert!(reply.header("cache-control").contains("private"));
    // The same once more, here and over A2A, is the same answer and costs nothing.
    let again = paid.to(to).await;
    assert_eq!((again.status, again.json()), (200, reply.json()));
    assert_eq!(
        again.header("payment-response"),
        reply.header("payment-response")
    );
    let over_a2a = shop.peer().pay("echo", "hello", &payment).await;
    assert_eq!((over_a2a.state(), over_a2a.said()), ("COMPLETED", "hello"));
    assert_eq!(shop.floor.runs("echo"), 1);
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn a_free_skill_is_given_and_a_payment_for_it_is_not_taken() {
    let shop = Shop::open().await;
    let purse = shop.purse(PRICE);
    let ask = post("/skills/free", HELLO);
    for ask in [ask.clone(), ask.paid(&purse.payment(PRICE, PRICE))] {
        let reply = ask.to(address(&shop)).await;
        assert_eq!(
            (reply.status, reply.json()),
            (200, json!({ "text": "hello" }))
        );
        assert_eq!(reply.header("payment-response"), "");
    }
    shop.assert_untouched().await;
}

/// A stock client asks for the rest of its channel back with GET, after a look at the terms.
#[tokio::test]
async fn a_look_tells_the_terms_and_takes_no_payment_for_work() {
    let shop = Shop::open().await;
    let to = address(&shop);
    let looked = get("/skills/echo").to(to).await;
    assert_eq!(looked.status, 402, "{looked:?}");
    let terms = looked.object("payment-required");
    let unpaid = post("/skills/echo", HELLO).to(to).await;
    assert_eq!(terms, unpaid.object("payment-required"));
    let payment = shop.purse(PRICE).payment(PRICE, PRICE);
    let early = get("/skills/echo").paid(&payment).to(to).await;
    assert_eq!((early.status, early.code().as_str()), (405, "use_post"));
    assert_eq!(early.header("allow"), "GET, HEAD, POST");
    let refund = payment.clone().with("accepted.scheme", "batch-settlement");
    let none = format!("0x{}", "00".repeat(32));
    let zero = format!("0x{}", "00".repeat(20));
    let refund = refund.with(
        "payload",
        json!({
            "type": "refund",
            "channelConfig": {
                "payer": zero, "payerAuthorizer": zero, "receiver": zero,
                "receiverAuthorizer": zero, "token": zero, "withdrawDelay": 900, "salt": none,
            },
            "voucher": { "channelId": none, "maxClaimableAmount": "0", "signature": "0x" },
        }),
    );
    // This shop takes no channels, so there is none to give back.
    for ask in [get("/skills/echo"), post("/skills/echo", HELLO)] {
        let reply = ask.paid(&refund).to(to).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (402, "unsupported_scheme"),
            "{reply:?}"
        );
    }
    shop.assert_untouched().await;
    let paid = post("/skills/echo", HELLO).paid(&payment).to(to).await;
    assert_eq!(paid.status, 200);
}

#[tokio::test]
async fn text_is_given_to_those_who_take_no_json() {
    let shop = Shop::open().await;
    let ask = post("/skills/free", HELLO).with("accept", "text/plain");
    let reply = ask.to(address(&shop)).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "hello"));
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    let ask = post("/skills/free", HELLO).with("accept", "video/mp4");
    let refused = ask.to(address(&shop)).await;
    assert_eq!(refused.code(), "CONTENT_TYPE_NOT_SUPPORTED");
}

#[tokio::test]
async fn what_is_wrong_is_said_before_any_money_moves() {
    let shop = Shop::open().await;
    let to = address(&shop);
    let payment = shop.purse(PRICE).payment(PRICE, PRICE);
    let table = [
        (post("/skills/none", HELLO), 404, "unknown_skill"),
        (
            post("/skills/echo", r#"{"text":1}"#),
            400,
            "input_does_not_fit",
        ),
        (post("/skills/echo", "no json"), 400, ""),
        (post("/skills/echo", ""), 400, "input_does_not_fit"),
    ];
    for (ask, status, code) in table {
        let reply = ask.paid(&payment).to(to).await;
        assert_eq!(reply.status, status, "{reply:?}");
        assert!(code.is_empty() || reply.code() == code, "{reply:?}");
    }
    let mut form = post("/skills/echo", HELLO).paid(&payment);
    form.headers.retain(|(name, _)| name != "content-type");
    assert_eq!(form.to(to).await.status, 415);
    let plain = form.with("content-type", "text/plain").to(to).await;
    assert_eq!(plain.status, 400, "{plain:?}");
    // Who only asks for the price need not know what to send.
    assert_eq!(post("/skills/echo", "").to(to).await.status, 402);
    shop.assert_untouched().await;
    assert_eq!(
        post("/skills/echo", HELLO)
            .paid(&payment)
            .to(to)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn work_that_fails_is_not_charged() {
    let shop = Shop::open().await;
    let purse = shop.purse(10 * PRICE);
    let table = [
        ("fails", 500, "failed"),
        ("rejects", 422, "rejected"),
        ("panics", 500, "failed"),
    ];
    for (ended, (skill, status, code)) in (0u64..).zip(table) {
        let payment = purse.payment(PRICE, PRICE + u128::from(ended));
        let ask = post(&format!("/skills/{skill}"), HELLO).paid(&payment);
        let reply = ask.to(address(&shop)).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (status, code),
            "{reply:?}"
        );
        assert_eq!(reply.object("payment-response")["success"], false);
        assert_eq!(ask.to(address(&shop)).await.json(), reply.json());
        assert_eq!(shop.floor.runs(skill), 1);
        shop.assert_books(0, 0, ended + 1, 0).await;
    }
}

#[tokio::test]
async fn a_payment_that_is_not_taken_is_answered_with_why_and_what_would_be() {
    let shop = Shop::open().await;
    let to = address(&shop);
    let purse = shop.purse(10 * PRICE);
    let pay = async |payment: &agent_tests::e2e::Payment| {
        post("/skills/echo", HELLO).paid(payment).to(to).await
    };
    assert_eq!(pay(&purse.payment(PRICE, PRICE)).await.status, 200);
    // A buyer that lost count is told where it stands.
    let behind = pay(&purse.payment(PRICE, PRICE + 1)).await;
    assert_eq!(behind.status, 402, "{behind:?}");
    let required = behind.object("payment-required");
    assert_eq!(required["error"], "invalid_z402_ceiling_too_low");
    assert_eq!(behind.code(), "invalid_z402_ceiling_too_low");
    assert_eq!(
        required["extensions"]["z402"]["info"]["channel"]["charged"],
        "1000"
    );
    let less = pay(&purse.payment(PRICE - 1, 2 * PRICE)).await;
    assert_eq!(
        (less.status, less.code().as_str()),
        (402, "invalid_z402_amount_too_low")
    );
    let other = purse.payment(PRICE, 2 * PRICE);
    let forged = other.clone().signed(&purse.signature(3 * PRICE));
    assert_eq!(pay(&forged).await.status, 402);
    let scheme = other.clone().with("accepted.scheme", "exact");
    assert_eq!(pay(&scheme).await.status, 402);
    let payee = other.with("accepted.payTo", purse.lock.payer.to_string());
    assert_eq!(pay(&payee).await.code(), "invalid_z402_payee_mismatch");
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn long_work_is_told_where_its_task_is() {
    let shop = Shop::open().await;
    let to = address(&shop);
    let payment = shop.purse(PRICE).payment(PRICE, PRICE);
    let ask = post("/skills/held", HELLO).paid(&payment);
    let later = ask.clone().with("prefer", "respond-async").to(to).await;
    assert_eq!(later.status, 202, "{later:?}");
    assert_eq!(later.header("preference-applied"), "respond-async");
    later.assert_private();
    let link = later.header("location");
    assert_eq!(link, later.json()["taskUrl"]);
    let path = link
        .strip_prefix(&format!("http://{to}"))
        .unwrap()
        .to_owned();
    let task = async || -> Reply { get(&path).with("a2a-version", "1.0").to(to).await };
    assert_eq!(task().await.json()["status"]["state"], "TASK_STATE_WORKING");
    // A repeat that waits gets the output, and so does whoever looks at the task.
    let waiting = tokio::spawn({
        let ask = ask.clone();
        async move { ask.to(to).await }
    });
    shop.floor.open_door();
    let reply = waiting.await.unwrap();
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "text": "hello" })),
        "{reply:?}"
    );
    assert_eq!(reply.charged(), Some(PRICE));
    let done: Value = task().await.json();
    assert_eq!(done["status"]["state"], "TASK_STATE_COMPLETED");
    let waits = ask.with("prefer", "respond-async, wait=30").to(to).await;
    assert_eq!(waits.status, 200);
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn a_question_goes_on_over_a2a() {
    let shop = Shop::open().await;
    let payment = shop.purse(PRICE).payment(PRICE, PRICE);
    let asks = post("/skills/asks", HELLO)
        .paid(&payment)
        .to(address(&shop))
        .await;
    assert_eq!(
        (asks.status, asks.json()["message"].as_str()),
        (202, Some("Which language?"))
    );
    let id = asks.json()["taskId"].as_str().unwrap().to_owned();
    let answer = json!({
        "messageId": "m", "taskId": id, "role": "ROLE_USER", "parts": [{ "text": "Latin" }]
    });
    let done = shop.peer().send(answer).await;
    assert_eq!((done.state(), done.said()), ("COMPLETED", "hello in Latin"));
    let reply = post("/skills/asks", HELLO)
        .paid(&payment)
        .to(address(&shop))
        .await;
    assert_eq!(reply.json(), json!({ "text": "hello in Latin" }));
    until("it is settled", || async { shop.agent().live_tasks() == 0 }).await;
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn what_a_skill_charges_less_is_on_the_receipt() {
    let shop = Shop::open().await;
    let payment = shop.purse(PRICE).payment(PRICE, PRICE);
    let reply = post("/skills/less", HELLO)
        .paid(&payment)
        .to(address(&shop))
        .await;
    assert_eq!((reply.status, reply.charged()), (200, Some(400)));
    shop.assert_books(400, 1, 0, 0).await;
}

#[tokio::test]
async fn thirty_two_at_once_are_thirty_two_charges_and_a_repeat_none() {
    let shop = Shop::open().await;
    let to = address(&shop);
    let purse = shop.purse(100 * PRICE);
    let asks = (1..=32u128).map(|number| {
        let payment = purse.payment(PRICE, number * PRICE);
        post("/skills/echo", HELLO).paid(&payment)
    });
    let asks: Vec<_> = asks.collect();
    for _ in 0..2 {
        let sent = asks.iter().map(|ask| ask.to(to));
        let replies = futures_util::future::join_all(sent).await;
        assert!(
            replies.iter().all(|reply| reply.status == 200),
            "{replies:?}"
        );
        shop.assert_books(32 * PRICE, 32, 0, 0).await;
    }
    let same = purse.payment(PRICE, 33 * PRICE);
    let ask = post("/skills/echo", HELLO).paid(&same);
    let sent = (0..32).map(|_| ask.to(to));
    let replies = futures_util::future::join_all(sent).await;
    assert!(
        replies.iter().all(|reply| reply.status == 200),
        "{replies:?}"
    );
    assert_eq!(shop.floor.runs("echo"), 33);
    shop.assert_books(33 * PRICE, 33, 0, 0).await;
}
