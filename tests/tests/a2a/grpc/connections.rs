//! Connections that begin like HTTP/2 and go on otherwise.

use super::Caller;
use crate::house::{House, message};
use agent_server::limits::HEADER_READ_TIMEOUT;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// Far later than a server that keeps its own time hangs up.
const LATE: Duration = HEADER_READ_TIMEOUT.saturating_mul(3);

/// Says some words and returns what was answered until the server hung up.
async fn say(house: &House, words: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(words).await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(LATE, stream.read_to_end(&mut answer)).await;
    // A reset is as good an end as any.
    let _ = read.expect("the server hangs up");
    answer
}

async fn still_answers(house: &House) {
    let sent = json!({ "message": message("x") });
    let answer = Caller::of(house.address).call("SendMessage", &sent).await;
    assert_eq!(answer.status.code, 0);
}

#[tokio::test]
async fn garbage_after_the_preface_ends_the_connection() {
    let house = House::open().await;
    for garbage in [
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".as_slice(),
        &[0xff; 64],
        // A frame of 16 MiB; data for no stream; a head of a client's even stream.
        b"\xff\xff\xff\x00\x00\x00\x00\x00\x01",
        b"\x00\x00\x01\x00\x00\x00\x00\x00\x01x",
        b"\x00\x00\x01\x01\x05\x00\x00\x00\x02\x82",
    ] {
        let words = [PREFACE, SETTINGS, garbage].concat();
        let answer = say(&house, &words).await;
        // Frames of ours, of which the last says why.
        assert!(answer.len() >= 9, "{answer:?}");
    }
    still_answers(&house).await;
}

#[tokio::test]
async fn those_who_say_nothing_more_are_hung_up_on() {
    let house = House::open().await;
    // A head that never ends: END_HEADERS is not set, and nothing follows.
    let head = b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x83";
    let (half, greeted, begun) = (
        PREFACE.split_at(12).0.to_vec(),
        [PREFACE, SETTINGS].concat(),
        [PREFACE, SETTINGS, head].concat(),
    );
    tokio::join!(
        say(&house, &half),
        say(&house, PREFACE),
        say(&house, &greeted),
        say(&house, &begun),
        still_answers(&house),
    );
    still_answers(&house).await;
}

#[tokio::test]
async fn a_stream_that_its_reader_gives_up_leaves_the_task_and_the_others_alone() {
    let house = House::open().await;
    let caller = Caller::of(house.address);
    let id = house.begun("hold").await;
    let subscribed = json!({ "id": id });
    let mut first = caller.open("SubscribeToTask", &subscribed).await;
    let mut second = caller.open("SubscribeToTask", &subscribed).await;
    first.next().await.unwrap();
    second.next().await.unwrap();
    drop(first);
    house.open_door();
    let mut last = json!(null);
    while let Some(event) = second.next().await {
        last = event;
    }
    assert_eq!(crate::house::state(&last), "COMPLETED");
}

#[tokio::test]
async fn requests_on_one_connection_are_bounded_by_those_on_many() {
    let house = House::open_with(|config| config.limits.connections = 4).await;
    let caller = Caller::of(house.address);
    let id = house.begun("hold").await;
    let subscribed = json!({ "id": id });
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut events = caller.open("SubscribeToTask", &subscribed).await;
        events.next().await.unwrap();
        open.push(events);
    }
    let request = agent_core::a2a::proto::request_of(agent_core::a2a::Operation::GetTask);
    let request = request.encode(&subscribed.to_string()).unwrap();
    let refused = caller.send("GetTask", &[], super::framed(&request)).await;
    assert_eq!(refused.status(), 503);
    open.pop();
    // The place is free once the server has seen that nobody reads.
    let free = async {
        while caller
            .send("GetTask", &[], super::framed(&request))
            .await
            .status()
            != 200
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(LATE, free).await.expect("a place becomes free");
}
