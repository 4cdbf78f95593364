//! Callers that go away: no money stays held for work that nobody does, and nothing is done twice.

use crate::counter::Counter;
use crate::skills::address;
use crate::wire::{get, post};
use agent_tests::e2e::{PRICE, Shop, until};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn a_connection_may_break_at_any_byte() {
    let counter = Counter::open().await;
    let purse = counter.purse(1_000 * PRICE);
    let mut paid = 0u128;
    let whole =
        |ceiling: u128| post("/a/x", "a body of some length").paid(&purse.payment(PRICE, ceiling));
    let length = whole(PRICE).bytes().len();
    // Around the end of the head and of the body, and here and there before.
    let cuts = (1..8).map(|part| length * part / 8);
    let cuts = cuts.chain(length - 24..=length);
    for cut in cuts {
        let ask = whole((paid + 1) * PRICE);
        let bytes = ask.bytes();
        let mut stream = TcpStream::connect(counter.address).await.unwrap();
        stream
            .write_all(&bytes[..cut.min(bytes.len())])
            .await
            .unwrap();
        drop(stream);
        // Whether it was taken or not: the same once more is answered, and charged once in all.
        let reply = ask.to(counter.address).await;
        assert_eq!(reply.status, 200, "{cut}: {reply:?}");
        paid += 1;
    }
    let count = u64::try_from(paid).unwrap();
    assert_eq!(counter.runs(), count);
    counter.assert_books(paid * PRICE, count, 0, 0).await;
}

#[tokio::test]
async fn work_goes_on_when_its_caller_has_gone() {
    let counter = Counter::open().await;
    let ask = get("/a/held").paid(&counter.purse(PRICE).payment(PRICE, PRICE));
    let mut stream = TcpStream::connect(counter.address).await.unwrap();
    stream.write_all(&ask.bytes()).await.unwrap();
    until("it runs", || async { counter.runs() == 1 }).await;
    drop(stream);
    // One that asks again waits for the same run.
    let to = counter.address;
    let again = tokio::spawn({
        let ask = ask.clone();
        async move { ask.to(to).await }
    });
    tokio::task::yield_now().await;
    counter.seen.door.send_replace(true);
    assert_eq!(again.await.unwrap().text(), "held 1");
    assert_eq!(ask.to(to).await.text(), "held 1");
    counter.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn callers_of_a_skill_that_leave_at_many_moments_pay_once() {
    let shop = Shop::open().await;
    let to = address(&shop);
    let purse = shop.purse(100 * PRICE);
    for number in 1..=20u64 {
        let payment = purse.payment(PRICE, u128::from(number) * PRICE);
        let ask = post("/skills/echo", r#"{"text":"x"}"#).paid(&payment);
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.write_all(&ask.bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_micros(150 * number)).await;
        drop(stream);
        assert_eq!(ask.to(to).await.status, 200);
        assert_eq!(shop.floor.runs("echo"), number);
    }
    shop.assert_books(20 * PRICE, 20, 0, 0).await;
}

#[tokio::test]
async fn a_body_that_never_ends_holds_no_money() {
    let counter = Counter::open().await;
    let ask = post("/a/x", "whole").paid(&counter.purse(PRICE).payment(PRICE, PRICE));
    let bytes = ask.bytes();
    let mut slow = TcpStream::connect(counter.address).await.unwrap();
    slow.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    // Others are served meanwhile, the very payment among them.
    let reply = ask.to(counter.address).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    counter.assert_books(PRICE, 1, 0, 0).await;
    slow.write_all(&bytes[bytes.len() - 1..]).await.unwrap();
    counter.assert_books(PRICE, 1, 0, 0).await;
    assert_eq!(counter.runs(), 1);
}
