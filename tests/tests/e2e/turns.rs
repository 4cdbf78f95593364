//! Tasks of more than one message: a question, a payment that comes later.

use agent_tests::e2e::{Answer, PRICE, Shop, message, with_payment};
use serde_json::{Value, json};

fn for_task(mut message: Value, task: &Answer) -> Value {
    message["taskId"] = task.task()["id"].clone();
    message["contextId"] = task.task()["contextId"].clone();
    message
}

fn reply(text: &str, task: &Answer) -> Value {
    let mut message = message("asks", text);
    message["parts"] = json!([{ "text": text }]);
    for_task(message, task)
}

#[tokio::test]
async fn a_question_holds_the_money_until_it_is_answered_also_across_a_restart() {
    let mut shop = Shop::open().await;
    let purse = shop.purse(100 * PRICE);
    let payment = purse.payment(PRICE, PRICE);
    let asked = shop.peer().pay("asks", "good day", &payment).await;
    assert_eq!(
        (asked.state(), asked.text()),
        ("INPUT_REQUIRED", "Which language?")
    );
    assert_eq!(shop.books().await.reserved.get(), PRICE);
    shop.assert_books(0, 0, 0, 1).await;
    // The same payment again is the same question again.
    assert_eq!(
        shop.peer().pay("asks", "good day", &payment).await.task(),
        asked.task()
    );

    shop.stop().await;
    shop.start().await;
    assert_eq!(
        (
            shop.agent().recovery().parked,
            shop.agent().recovery().voided
        ),
        (1, 0)
    );
    let peer = shop.peer();
    let elsewhere = json!("another-context");
    let mut stray = reply("French", &asked);
    stray["contextId"] = elsewhere;
    assert_eq!(peer.send(stray).await.fields(), ["message.contextId"]);
    let done = peer.send(reply("French", &asked)).await;
    assert_eq!(
        (done.state(), done.said()),
        ("COMPLETED", "good day in French"),
        "{done:?}"
    );
    assert_eq!((done.charged(), done.id()), (PRICE, asked.id()));
    assert_eq!(
        peer.send(reply("Latin", &asked)).await.reason(),
        "UNSUPPORTED_OPERATION"
    );
    assert_eq!(
        peer.pay("asks", "good day", &payment).await.task(),
        done.task()
    );
    assert_eq!(shop.floor.runs("asks"), 2);
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_answers_to_one_question_charge_once() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let asked = peer
        .pay("asks", "good day", &purse.payment(PRICE, PRICE))
        .await;
    let answers = (0..32).map(|n| peer.send(reply(&format!("tongue {n}"), &asked)));
    let answers = futures_util::future::join_all(answers).await;
    let done: Vec<_> = answers
        .iter()
        .filter(|answer| answer.number() == 0)
        .collect();
    assert_eq!(done.len(), 1, "{answers:?}");
    assert_eq!((done[0].state(), done[0].charged()), ("COMPLETED", PRICE));
    assert_eq!(shop.floor.runs("asks"), 2);
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn a_question_that_is_cancelled_gives_the_money_back() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let asked = peer
        .pay("asks", "good day", &purse.payment(PRICE, PRICE))
        .await;
    let canceled = peer.call("CancelTask", json!({ "id": asked.id() })).await;
    assert_eq!(
        (canceled.state(), canceled.charged()),
        ("CANCELED", 0),
        "{canceled:?}"
    );
    assert_eq!(
        peer.send(reply("French", &asked)).await.reason(),
        "UNSUPPORTED_OPERATION"
    );
    shop.assert_books(0, 0, 1, 0).await;
}

#[tokio::test]
async fn payment_may_come_with_the_next_message() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let asked = peer.send(message("echo", "x")).await;
    assert_eq!(
        (asked.state(), asked.payment_status()),
        ("INPUT_REQUIRED", "payment-required")
    );
    assert_eq!(asked.required()["accepts"][0]["amount"], PRICE.to_string());
    assert_eq!(asked.required()["mode"], "z");
    assert_eq!(shop.floor.all_runs(), 0);
    assert_eq!(peer.task(asked.id()).await.state(), "INPUT_REQUIRED");
    // A payment that is not enough leaves the task waiting for one that is.
    let low = purse.payment(PRICE, PRICE - 1);
    let refused = peer
        .send(for_task(with_payment(message("echo", ""), &low), &asked))
        .await;
    assert_eq!(refused.id(), asked.id());
    assert_eq!(refused.payment_error(), "invalid_z402_ceiling_too_low");
    shop.assert_untouched().await;

    let enough = purse.payment(PRICE, PRICE);
    let paid = peer
        .send(for_task(with_payment(message("echo", ""), &enough), &asked))
        .await;
    assert_eq!(
        (paid.id(), paid.state(), paid.said()),
        (asked.id(), "COMPLETED", "x")
    );
    assert_eq!(
        (paid.payment_status(), paid.charged()),
        ("payment-completed", PRICE)
    );
    assert_eq!(paid.receipt()["extra"]["paymentId"], enough.id());
    let second = purse.payment(PRICE, 2 * PRICE);
    let second = peer
        .send(for_task(with_payment(message("echo", ""), &second), &asked))
        .await;
    assert_eq!(second.code(), "task_already_paid", "{second:?}");
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn a_voucher_is_not_kept_where_others_can_read_it() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let payment = purse.payment(PRICE, PRICE);
    let paid = peer.pay("echo", "x", &payment).await;
    let signature = payment.0["payload"]["voucher"]["signature"]
        .as_str()
        .unwrap();
    for seen in [&paid, &peer.task(paid.id()).await] {
        assert!(!seen.0.to_string().contains(signature), "{seen:?}");
    }
}
