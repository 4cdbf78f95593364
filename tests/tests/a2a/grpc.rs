//! The operations over gRPC, and what gRPC has of its own: frames, metadata, trailers, deadlines.

mod caller;
mod connections;
mod v03;

use crate::house::{House, message, state};
use agent_core::a2a::proto::response_of;
use agent_core::a2a::{ErrorCode, Operation};
use bytes::Bytes;
pub use caller::Caller;
use caller::{framed, read};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn every_unary_operation_is_there() {
    let house = House::open().await;
    let caller = Caller::of(house.address);
    let sent = json!({ "message": message("x") });
    let task = caller.call("SendMessage", &sent).await.only()["task"].take();
    assert_eq!(state(&task), "COMPLETED");
    let got = caller.call("GetTask", &json!({ "id": task["id"] })).await;
    assert_eq!(got.only(), task);
    let list = caller.call("ListTasks", &json!({ "pageSize": 1 })).await;
    let list = list.only();
    assert_eq!(list["tasks"][0]["id"], task["id"]);
    assert_eq!(
        (&list["pageSize"], &list["totalSize"]),
        (&1.into(), &1.into())
    );
    let id = house.begun("hold").await;
    let cancelled = caller.call("CancelTask", &json!({ "id": id })).await.only();
    assert_eq!(state(&cancelled), "CANCELED");
}

#[tokio::test]
async fn streams_are_those_of_the_other_bindings() {
    let house = House::open().await;
    let caller = Caller::of(house.address);
    let sent = json!({ "message": message("ask-held") });
    let mut sending = caller.open("SendStreamingMessage", &sent).await;
    let mut first = sending.next().await.unwrap();
    let id = first["task"]["id"].take();
    let asked = std::iter::from_fn(|| Some(()));
    for () in asked {
        match sending.next().await {
            Some(event) if state(&event) == "INPUT_REQUIRED" => break,
            Some(_) => {}
            None => panic!("it did not ask"),
        }
    }
    assert_eq!(sending.next().await, None);
    assert_eq!(sending.status().code, 0);

    let mut watching = caller.open("SubscribeToTask", &json!({ "id": id })).await;
    let first = watching.next().await.unwrap();
    assert_eq!(first["task"]["id"], id);
    house.open_door();
    house.answer(id.as_str().unwrap(), "this").await;
    let mut last = Value::Null;
    while let Some(event) = watching.next().await {
        last = event;
    }
    assert_eq!(state(&last), "COMPLETED");
    assert_eq!(watching.status().code, 0);
    // A task that has ended is not followed, and that is known before anything is sent.
    let late = caller.call("SubscribeToTask", &json!({ "id": id })).await;
    assert_eq!(late.error().code(), ErrorCode::UnsupportedOperation);
}

#[tokio::test]
async fn errors_carry_their_reason_and_the_fields_that_are_wrong() {
    let house = House::open().await;
    let caller = Caller::of(house.address);
    let missing = caller.call("GetTask", &json!({ "id": "none" })).await;
    assert_eq!(missing.status.code, 5);
    let error = missing.error();
    assert_eq!(error.code(), ErrorCode::TaskNotFound);
    assert_eq!(error.metadata()["taskId"], "none");

    let empty = caller
        .call("SendMessage", &json!({ "message": { "messageId": "m" } }))
        .await;
    assert_eq!(empty.status.code, 3);
    let error = empty.error();
    assert_eq!(error.code(), ErrorCode::InvalidParams);
    let fields: Vec<&str> = error
        .violations()
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    assert!(fields.contains(&"message.parts"), "{fields:?}");

    let unknown = caller.send("Nothing", &[], framed(b"")).await;
    let unknown = read(unknown, response_of(Operation::GetTask)).await;
    assert_eq!(unknown.status.code, 12);
    assert_eq!(unknown.error().code(), ErrorCode::MethodNotFound);
}

#[tokio::test]
async fn version_and_extensions_are_metadata() {
    let house = House::open().await;
    let caller = Caller::of(house.address);
    let request = json!({ "pageSize": 1 });
    for version in ["1.0", "1.0.7"] {
        let metadata = [("a2a-version", version)];
        let answer = caller.call_with("ListTasks", &metadata, &request).await;
        assert_eq!(answer.status.code, 0, "{version}");
    }
    for version in ["99.0", "0.3", "x"] {
        let metadata = [("a2a-version", version)];
        let answer = caller.call_with("ListTasks", &metadata, &request).await;
        assert_eq!(answer.status.code, 9, "{version}");
        assert_eq!(answer.error().code(), ErrorCode::VersionNotSupported);
    }
    let unknown = [("a2a-extensions", "https://example.com/none")];
    let answer = caller.call_with("ListTasks", &unknown, &request).await;
    assert_eq!(answer.headers.get("a2a-extensions"), None);
    assert_eq!(answer.status.code, 0);
}

#[tokio::test]
async fn frames_that_are_not_one_message_are_refused() {
    let house = House::open().await;
    let caller = Caller::of(house.address);
    let compressed = Bytes::from_static(b"\x01\x00\x00\x00\x00");
    let cases: [(&str, Bytes, i32); 6] = [
        ("nothing", Bytes::new(), 13),
        ("half a head", Bytes::from_static(b"\x00\x00\x00"), 13),
        (
            "half a message",
            Bytes::from_static(b"\x00\x00\x00\x00\x09\x0a\x01"),
            13,
        ),
        ("compressed", compressed, 13),
        ("not Protocol Buffers", framed(b"\xff\xff\xff"), 3),
        ("text that is not UTF-8", framed(b"\x12\x02\xc3\x28"), 3),
    ];
    for (what, body, code) in cases {
        let answer = caller.send("GetTask", &[], body).await;
        let answer = read(answer, response_of(Operation::GetTask)).await;
        assert_eq!(
            answer.status.code, code,
            "{what}: {}",
            answer.status.message
        );
    }
    let answer = caller
        .send("GetTask", &[("grpc-encoding", "gzip")], framed(b""))
        .await;
    let answer = read(answer, response_of(Operation::GetTask)).await;
    assert_eq!(answer.status.code, 12);
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_refused_and_one_within_is_not() {
    let house = House::open_with(|config| config.limits.body_bytes = 4_096).await;
    let caller = Caller::of(house.address);
    let sent = |size| json!({ "message": message(&"x".repeat(size)) });
    let fits = caller.call("SendMessage", &sent(3_500)).await.only();
    assert_eq!(state(&fits), "COMPLETED");
    let large = caller.call("SendMessage", &sent(100_000)).await;
    assert_eq!(large.error().detail(), Some("body_too_large"));
}

#[tokio::test]
async fn a_deadline_ends_the_answer_and_not_the_task() {
    let house = House::open().await;
    let caller = Caller::of(house.address);
    let sent = json!({ "message": message("hold") });
    let metadata = [("grpc-timeout", "500m")];
    for method in ["SendMessage", "SendStreamingMessage"] {
        let late = caller.call_with(method, &metadata, &sent).await;
        assert_eq!(late.status.code, 4, "{}", late.status.message);
    }
    house.open_door();
    let ended = json!({ "status": "TASK_STATE_COMPLETED" });
    let both = async {
        while caller.call("ListTasks", &ended).await.only()["totalSize"] != 2 {
            tokio::task::yield_now().await;
        }
    };
    let both = tokio::time::timeout(Duration::from_secs(30), both).await;
    both.expect("both tasks end");
    let metadata = [("grpc-timeout", "soon")];
    let wrong = caller.call_with("SendMessage", &metadata, &sent).await;
    assert_eq!(wrong.error().detail(), Some("bad_grpc_timeout"));
}

#[tokio::test]
async fn what_is_not_grpc_is_told_so() {
    let house = House::open().await;
    let path = "/lf.a2a.v1.A2AService/GetTask";
    let plain = house.http("POST", path, "{}").await;
    assert_eq!(plain.status, 415);
    let caller = Caller::of(house.address);
    for kind in [
        "application/json",
        "application/grpc+json",
        "application/grpc-web",
    ] {
        let answer = caller
            .send("GetTask", &[("content-type", kind)], framed(b""))
            .await;
        assert_eq!(answer.status(), 415, "{kind}");
    }
    let kind = [("content-type", "application/grpc+proto")];
    let answer = caller.send("GetTask", &kind, framed(b"")).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn the_card_says_where_it_is() {
    let house = House::open().await;
    let card = house.agent.card();
    let mut named = card.supported_interfaces.iter();
    let grpc = named.find(|interface| interface.protocol_binding == "GRPC");
    let grpc = grpc.expect("a gRPC interface");
    assert_eq!(grpc.url, house.address.to_string());
    assert_eq!(grpc.protocol_version, "1.0");
}
