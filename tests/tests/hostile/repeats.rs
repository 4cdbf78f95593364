//! The same twice is safe; anything else under the same name is not.

use agent_tests::e2e::{PRICE, Shop, message, with_payment};
use futures_util::future::join_all;
use serde_json::json;

#[tokio::test]
async fn the_same_payment_again_gets_the_same_answer_and_is_charged_once() {
    let shop = Shop::open().await;
    let (peer, payment) = (shop.peer(), shop.purse(100 * PRICE).payment(PRICE, PRICE));
    let first = peer.pay("echo", "x", &payment).await;
    assert_eq!((first.state(), first.said()), ("COMPLETED", "x"));
    for _ in 0..3 {
        assert_eq!(peer.pay("echo", "x", &payment).await.task(), first.task());
    }
    assert_eq!(peer.task(first.id()).await.task(), first.task());
    assert_eq!(shop.floor.runs("echo"), 1);
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_payment_many_times_at_once_runs_once() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(1_000 * PRICE));
    for round in 1..=8 {
        let payment = purse.payment(PRICE, round * PRICE);
        let calls = (0..32).map(|_| peer.pay("echo", "x", &payment));
        let answers = join_all(calls).await;
        for answer in &answers {
            assert_eq!(answer.task(), answers[0].task(), "round {round}");
            assert_eq!((answer.state(), answer.charged()), ("COMPLETED", PRICE));
        }
        assert_eq!(u128::from(shop.floor.runs("echo")), round);
    }
    shop.assert_books(8 * PRICE, 8, 0, 0).await;
}

#[tokio::test]
async fn the_same_payment_while_it_is_worked_on_waits_for_its_task() {
    let shop = Shop::open().await;
    let (peer, payment) = (shop.peer(), shop.purse(100 * PRICE).payment(PRICE, PRICE));
    let working = peer
        .send_on(with_payment(message("held", "x"), &payment))
        .await;
    assert_eq!(working.state(), "WORKING");
    let repeat = peer
        .send_on(with_payment(message("held", "x"), &payment))
        .await;
    assert_eq!((repeat.id(), repeat.state()), (working.id(), "WORKING"));
    let waiting = peer.pay("held", "x", &payment);
    let opening = async { shop.floor.open_door() };
    let (done, ()) = tokio::join!(waiting, opening);
    assert_eq!((done.id(), done.state()), (working.id(), "COMPLETED"));
    assert_eq!(shop.floor.runs("held"), 1);
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn one_payment_id_with_anything_else_is_refused() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let payment = purse.payment(PRICE, PRICE);
    let first = peer.pay("echo", "x", &payment).await;
    let id = payment.id();
    let other_lock = shop.purse(100 * PRICE);
    let table = [
        ("another input", "echo", "y", payment.clone()),
        ("another skill", "streams", "x", payment.clone()),
        (
            "another ceiling",
            "echo",
            "x",
            purse.payment(PRICE, 2 * PRICE).named(id),
        ),
        (
            "another amount",
            "echo",
            "x",
            payment.clone().with("accepted.amount", "2000"),
        ),
        (
            "another lock",
            "echo",
            "x",
            other_lock.payment(PRICE, PRICE).named(id),
        ),
    ];
    for (what, skill, text, payment) in table {
        let answer = peer.pay(skill, text, &payment).await;
        let code = answer.payment_error();
        assert_eq!(
            code, "invalid_z402_payment_id_conflict",
            "{what}: {answer:?}"
        );
        assert!(
            answer.text().contains("choose a fresh one"),
            "{what}: {answer:?}"
        );
    }
    assert_eq!(shop.floor.all_runs(), 1);
    shop.assert_books(PRICE, 1, 0, 0).await;
    assert_eq!(peer.pay("echo", "x", &payment).await.task(), first.task());
}

#[tokio::test]
async fn a_second_payment_for_the_same_task_is_refused() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let asked = peer.send(message("echo", "x")).await;
    let pay = |ceiling: u128| {
        let message = with_payment(message("echo", "ignored"), &purse.payment(PRICE, ceiling));
        for_task(message, asked.id())
    };
    let paying = pay(PRICE);
    let paid = peer.send(paying.clone()).await;
    assert_eq!(
        (paid.id(), paid.state(), paid.said()),
        (asked.id(), "COMPLETED", "x")
    );
    let second = peer.send(pay(2 * PRICE)).await;
    assert_eq!(second.reason(), "UNSUPPORTED_OPERATION", "{second:?}");
    assert_eq!(second.code(), "task_already_paid");
    // The first payment again is the first answer again.
    assert_eq!(peer.send(paying).await.task(), paid.task());
    shop.assert_books(PRICE, 1, 0, 0).await;
    assert_eq!(shop.floor.all_runs(), 1);
}

#[tokio::test]
async fn a_conflict_does_not_free_a_paid_task_for_another_payment() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let asked = peer.send(message("streams", "x")).await;
    let pay = |payment| for_task(with_payment(message("streams", "x"), payment), asked.id());
    let first = purse.payment(PRICE, PRICE);
    assert_eq!(peer.send(pay(&first)).await.state(), "COMPLETED");
    // The same name over another voucher is refused, which must not open the task again.
    let same_name = purse.payment(PRICE, 2 * PRICE).named(first.id());
    let conflict = peer.send(pay(&same_name)).await;
    assert_eq!(
        conflict.payment_error(),
        "invalid_z402_payment_id_conflict",
        "{conflict:?}"
    );
    let third = purse.payment(PRICE, 3 * PRICE);
    let events = peer.stream(pay(&third)).await;
    assert_eq!(shop.floor.all_runs(), 1, "{events:?}");
    let third = peer.send(pay(&third)).await;
    assert_eq!(third.code(), "task_already_paid", "{third:?}");
    shop.assert_books(PRICE, 1, 0, 0).await;
    assert_eq!(peer.task(asked.id()).await.state(), "COMPLETED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirty_two_payments_for_one_task_run_it_once() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let asked = peer.send(message("echo", "x")).await;
    let calls = (1..=32).map(|call| {
        let payment = purse.payment(PRICE, call * PRICE);
        peer.send(for_task(
            with_payment(message("echo", "x"), &payment),
            asked.id(),
        ))
    });
    let answers = join_all(calls).await;
    let completed = answers.iter().filter(|answer| answer.number() == 0).count();
    assert!(completed >= 1);
    assert_eq!(shop.floor.all_runs(), 1);
    // A ceiling that was lower than another's may have come first and been too low; never two.
    shop.assert_books(PRICE, 1, 0, 0).await;
}

fn for_task(mut message: serde_json::Value, id: &str) -> serde_json::Value {
    message["taskId"] = json!(id);
    message
}
