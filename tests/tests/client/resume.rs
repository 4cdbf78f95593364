//! Streams that are cut, at every place, and lose nothing.

use crate::proxy::{Cut, Proxy};
use crate::shop::{PIECES, Shop, WIRES, client, over_http, refused, says};
use agent_client::call::{CallError, CallOptions, EventStream, RemoteAgent, Wire};
use agent_core::a2a::{GetTaskRequest, Part, StreamResponse, SubscribeToTaskRequest, Version};
use futures_util::future::join_all;
use std::net::SocketAddr;

/// One word for each event, in which nothing is random.
fn word(event: &StreamResponse) -> String {
    match event {
        StreamResponse::Task(_) => "task".to_owned(),
        StreamResponse::Message(message) => message.text(),
        StreamResponse::StatusUpdate(update) => format!("{:?}", update.status.state),
        StreamResponse::ArtifactUpdate(update) => {
            let texts = update.artifact.parts.iter().filter_map(Part::as_text);
            let id = &update.artifact.artifact_id;
            format!("{id} {}", texts.collect::<String>())
        }
    }
}

/// All events to the end; after each, `seen` is called.
async fn words(mut events: EventStream, mut seen: impl FnMut(usize)) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(event) = events.next().await.unwrap() {
        words.push(word(&event));
        seen(words.len());
    }
    words
}

async fn address(shop: &Shop) -> SocketAddr {
    shop.agent.url().socket_addrs(|| None).unwrap()[0]
}

/// A client whose streams are cut there, one after the other.
async fn cut_client(shop: &Shop, wire: Wire, cuts: Vec<Cut>) -> (Proxy, RemoteAgent) {
    let proxy = Proxy::before(address(shop).await, cuts).await;
    let client = client(&proxy.url, wire).await;
    (proxy, client)
}

async fn counted(client: &RemoteAgent) -> Vec<String> {
    let events = client.send_streaming(says("count")).await.unwrap();
    words(events, |_| {}).await
}

#[tokio::test]
async fn a_stream_that_is_cut_anywhere_brings_every_event_once() {
    let shop = Shop::open().await;
    shop.open_gate(PIECES);
    for wire in over_http() {
        let whole = counted(&shop.client(wire).await).await;
        assert_eq!(whole.first().map(String::as_str), Some("task"));
        assert_eq!(whole.last().map(String::as_str), Some("Completed"));
        assert!(whole.len() > PIECES + 2, "{whole:?}");
        let places = (1..whole.len()).flat_map(|events| [0, 9].map(|bytes| Cut { events, bytes }));
        let shop = &shop;
        let runs = places.map(|cut| async move {
            let (proxy, client) = cut_client(shop, wire, vec![cut]).await;
            (cut, counted(&client).await, proxy.streams().len())
        });
        for (cut, events, streams) in join_all(runs).await {
            assert_eq!(events, whole, "{wire} {cut:?}");
            assert_eq!(streams, 2, "{wire} {cut:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_after_each_event_brings_every_event_once_while_they_happen() {
    let shop = Shop::open().await;
    for wire in over_http() {
        shop.open_gate(0);
        let cut = Cut {
            events: 1,
            bytes: 0,
        };
        let (proxy, client) = cut_client(&shop, wire, vec![cut; 100]).await;
        let events = client.send_streaming(says("count")).await.unwrap();
        let events = words(events, |seen| shop.open_gate(seen)).await;
        let numbers: Vec<_> = events.iter().filter(|e| e.starts_with("pieces")).collect();
        let expected: Vec<_> = (0..PIECES).map(|n| format!("pieces {n};")).collect();
        assert_eq!(numbers, expected.iter().collect::<Vec<_>>(), "{events:?}");
        assert_eq!(events.iter().filter(|e| *e == "task").count(), 1);
        assert_eq!(events.last().unwrap(), "Completed");
        let resumed = &proxy.streams()[1..];
        assert!(resumed.iter().all(|head| head.contains("last-event-id: ")));
    }
}

#[tokio::test]
async fn a_subscription_is_resumed_before_its_first_event_too() {
    let shop = Shop::open().await;
    for wire in over_http() {
        shop.open_gate(0);
        let cuts = vec![
            Cut {
                events: 0,
                bytes: 0,
            },
            Cut {
                events: 2,
                bytes: 5,
            },
        ];
        let (_proxy, client) = cut_client(&shop, wire, cuts).await;
        let mut sent = client.send_streaming(says("count")).await;
        // That one is cut before it names its task, so nobody can go on with it.
        let error = sent.as_mut().unwrap().next().await.unwrap_err();
        assert!(error.is_lost(), "{error:?}");

        let mut sent = shop.client(wire).await.send_streaming(says("count")).await;
        let first = sent.as_mut().unwrap().next().await.unwrap().unwrap();
        let id = first.task_id().to_owned();
        let request = SubscribeToTaskRequest {
            id,
            ..Default::default()
        };
        let events = client.subscribe(request).await.unwrap();
        let events = words(events, |seen| shop.open_gate(seen)).await;
        let once = |word: &str| events.iter().filter(|e| e.starts_with(word)).count() == 1;
        assert!(
            once("task") && once("result") && once("Completed"),
            "{events:?}"
        );
        let pieces = events.iter().filter(|e| e.starts_with("pieces")).count();
        assert_eq!(pieces, PIECES, "{events:?}");
    }
}

#[tokio::test]
async fn another_process_goes_on_where_one_stopped() {
    let shop = Shop::open().await;
    shop.open_gate(2);
    for wire in over_http() {
        let mut events = shop
            .client(wire)
            .await
            .send_streaming(says("count"))
            .await
            .unwrap();
        let mut before = Vec::new();
        while before.last().is_none_or(|word| word != "pieces 0;") {
            before.push(word(&events.next().await.unwrap().unwrap()));
        }
        let number = events.last_number();
        assert!(number.is_some());
        let first = shop.client(wire).await;
        drop(events);
        shop.open_gate(PIECES);
        let tasks = shop
            .client(WIRES[0])
            .await
            .list_tasks(Default::default())
            .await
            .unwrap();
        let id = tasks.tasks[0].id.clone();
        let request = SubscribeToTaskRequest {
            id: id.clone(),
            ..Default::default()
        };
        let after = first
            .subscribe_after(request.clone(), number)
            .await
            .unwrap();
        let after = words(after, |_| {}).await;
        assert_eq!(after[0], "pieces 1;", "{wire} {after:?}");
        assert_eq!(after.last().unwrap(), "Completed");

        // Of a task that ended, nobody gets more than GetTask gives: 1.0 refuses, 0.3 gives it.
        match (wire.version, first.subscribe(request).await) {
            (Version::V1_0, again) => assert_eq!(refused(again).await.code(), "call.agent_error"),
            (Version::V0_3, again) => assert_eq!(words(again.unwrap(), |_| {}).await, ["task"]),
        }
        let get = GetTaskRequest {
            id,
            ..Default::default()
        };
        assert!(
            first
                .get_task(get)
                .await
                .unwrap()
                .status
                .state
                .is_terminal()
        );
        shop.open_gate(2);
    }
}

#[tokio::test]
async fn who_does_not_want_to_resume_gets_the_cut() {
    let shop = Shop::open().await;
    for wire in over_http() {
        let cut = Cut {
            events: 1,
            bytes: 0,
        };
        let (proxy, client) = cut_client(&shop, wire, vec![cut]).await;
        let client = client.with_options(CallOptions::without_resuming);
        let mut events = client.send_streaming(says("count")).await.unwrap();
        assert!(events.next().await.unwrap().is_some());
        let error = events.next().await.unwrap_err();
        assert!(
            matches!(error, CallError::Egress(_) | CallError::Cut),
            "{error:?}"
        );
        assert!(events.next().await.unwrap().is_none());
        assert_eq!(proxy.streams().len(), 1);
    }
}
