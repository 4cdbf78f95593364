//! A task that waits for its first payment is in memory only, and can be followed all the same.

use crate::house::state;
use crate::http::Stream;
use agent_tests::e2e::{PRICE, Shop, message, with_payment};
use serde_json::json;

async fn subscribe(shop: &Shop, id: &str) -> Stream {
    let address = shop.agent().url().socket_addrs(|| None).unwrap()[0];
    let path = format!("/rest/tasks/{id}:subscribe");
    let mut stream = Stream::open(address, "GET", &path, "").await;
    let first = stream.next().await.unwrap();
    assert_eq!(
        (state(&first), &first["task"]["id"]),
        ("INPUT_REQUIRED", &json!(id))
    );
    stream
}

#[tokio::test]
async fn the_payment_and_the_work_are_seen() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let asked = peer.send(message("echo", "x")).await;
    let stream = subscribe(&shop, asked.id()).await;
    let mut paid = with_payment(message("echo", "x"), &purse.payment(PRICE, PRICE));
    paid["taskId"] = asked.id().into();
    assert_eq!(peer.send(paid).await.state(), "COMPLETED");
    let events = stream.rest().await;
    let states: Vec<_> = events.iter().map(state).collect();
    assert_eq!(states, ["WORKING", "", "COMPLETED"], "{events:?}");
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn its_end_without_a_payment_is_seen() {
    let shop = Shop::open().await;
    let peer = shop.peer();
    let asked = peer.send(message("echo", "x")).await;
    let stream = subscribe(&shop, asked.id()).await;
    let canceled = peer.call("CancelTask", json!({ "id": asked.id() })).await;
    assert_eq!(canceled.state(), "CANCELED");
    let events = stream.rest().await;
    assert_eq!(events.iter().map(state).collect::<Vec<_>>(), ["CANCELED"]);
    shop.assert_untouched().await;
}
