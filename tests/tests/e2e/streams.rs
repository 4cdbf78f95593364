//! Event streams: complete, in order, closed at the end, and nobody's brake.

use agent_tests::e2e::{PRICE, Shop, message, request, until, with_payment};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

/// The one member of an event's result.
fn kind(event: &Value) -> &str {
    event["result"]
        .as_object()
        .and_then(|result| result.keys().next())
        .map_or("", |kind| kind)
}

fn pieces(count: u32) -> Value {
    let mut message = message("streams", "x");
    message["parts"][0]["data"]["count"] = count.into();
    message
}

#[tokio::test]
async fn a_stream_begins_with_the_task_and_ends_with_its_end() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let events = peer
        .stream(with_payment(pieces(300), &purse.payment(PRICE, PRICE)))
        .await;
    let kinds: Vec<_> = events.iter().map(kind).collect();
    assert_eq!(
        (kinds[0], kinds[1]),
        ("task", "statusUpdate"),
        "{:?}",
        &events[..2]
    );
    // The skill's pieces, then its result and the end.
    assert_eq!(kinds.len(), 304);
    assert!(kinds[2..303].iter().all(|kind| *kind == "artifactUpdate"));
    for (number, event) in events[2..302].iter().enumerate() {
        let artifact = &event["result"]["artifactUpdate"]["artifact"];
        assert_eq!(artifact["parts"][0]["text"], format!("{number};"));
    }
    let last = &events[303]["result"]["statusUpdate"]["status"];
    assert_eq!(last["state"], "TASK_STATE_COMPLETED");
    let receipts = &last["message"]["metadata"]["x402.payment.receipts"];
    assert_eq!(receipts[0]["extra"]["chargedAmount"], PRICE.to_string());
    let id = events[0]["result"]["task"]["id"].as_str().unwrap();
    assert!(
        events
            .iter()
            .all(|event| event["id"] == 7 && event.to_string().contains(id))
    );
    // What is stored is what was streamed.
    let stored = peer.task(id).await;
    let all: String = (0..300).map(|number| format!("{number};")).collect();
    let parts = stored.task()["artifacts"][0]["parts"].as_array().unwrap();
    let joined: String = parts
        .iter()
        .filter_map(|part| part["text"].as_str())
        .collect();
    assert_eq!(joined, all);
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn readers_that_dawdle_or_leave_hold_nobody_up() {
    let shop = Shop::open().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let mut slow = Vec::new();
    for call in 1..=4 {
        let message = with_payment(pieces(300), &purse.payment(PRICE, call * PRICE));
        let body = request("SendStreamingMessage", json!({ "message": message }));
        let mut stream = peer.begin(&body).await;
        let mut first = [0; 64];
        stream.read_exact(&mut first).await.unwrap();
        // Half of them leave in the middle, half never read again.
        if call % 2 == 0 {
            drop(stream);
        } else {
            slow.push(stream);
        }
    }
    until("all end", || async { shop.agent().live_tasks() == 0 }).await;
    shop.assert_books(4 * PRICE, 4, 0, 0).await;
    let mut rest = String::new();
    slow[0].read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("299;") && rest.contains("TASK_STATE_COMPLETED"));
}

#[tokio::test]
async fn a_stream_that_cannot_begin_is_an_error_and_one_of_a_price_is_the_price() {
    let shop = Shop::open().await;
    let peer = shop.peer();
    let body = request(
        "SendStreamingMessage",
        json!({ "message": message("gold", "x") }),
    );
    assert_eq!(peer.raw(&body).await.code(), "unknown_skill");
    let events = peer.stream(message("echo", "x")).await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        events[0]["result"]["task"]["status"]["state"],
        "TASK_STATE_INPUT_REQUIRED"
    );
    shop.assert_untouched().await;
}
