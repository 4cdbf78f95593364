//! Tasks as they happen, and streams that go wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod call_fake;

use agent_client::call::{CallOptions, RemoteAgent};
use agent_core::a2a::{ErrorCode, Message, SendMessageRequest, StreamResponse, TaskState};
use call_fake::{Fake, Reply, Seen, egress};
use serde_json::{Value, json};

fn hello() -> SendMessageRequest {
    SendMessageRequest::new(Message::user("hi"))
}

fn task(state: &str) -> Value {
    json!({"id": "t", "contextId": "c", "status": {"state": state}})
}

async fn agent(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Fake, RemoteAgent) {
    let fake = Fake::agent(answer).await;
    let remote = RemoteAgent::connect(&egress(), &fake.url).await.unwrap();
    (fake, remote)
}

#[tokio::test]
async fn a_stream_brings_events_until_the_task_ends() {
    let (fake, remote) = agent(|seen| {
        let update = |state: &str| {
            json!({"statusUpdate": {"taskId": "t", "contextId": "c", "status": {"state": state}}})
        };
        Reply::Events(vec![
            ": hello\n\nid: 1\nevent: message\n".to_owned(),
            seen.event(json!({"task": task("TASK_STATE_SUBMITTED")})),
            seen.event(update("TASK_STATE_WORKING")),
            seen.event(update("TASK_STATE_COMPLETED")),
            seen.event(update("TASK_STATE_WORKING")),
        ])
    })
    .await;
    let mut events = remote.send_streaming(hello()).await.unwrap();
    let mut states = Vec::new();
    while let Some(event) = events.next().await.unwrap() {
        states.push(event.status().unwrap().state);
    }
    assert_eq!(
        states,
        [
            TaskState::Submitted,
            TaskState::Working,
            TaskState::Completed
        ]
    );
    assert_eq!(fake.posts()[0].rpc_method(), "SendStreamingMessage");
}

#[tokio::test]
async fn streams_that_go_wrong_end_in_an_error_and_then_for_good() {
    type Answer = fn(&Seen) -> Reply;
    let answers: [(Answer, &str); 5] = [
        (
            |seen| {
                Reply::Events(vec![
                    seen.event(json!({"task": task("TASK_STATE_WORKING")})),
                ])
            },
            "call.stream_cut",
        ),
        (
            |seen| {
                Reply::Events(vec![
                    seen.event(json!({"task": task("TASK_STATE_WORKING")})),
                    seen.event(json!({"statusUpdate": {"taskId": "other", "contextId": "c",
                        "status": {"state": "TASK_STATE_COMPLETED"}}})),
                ])
            },
            "call.malformed_answer",
        ),
        (
            |seen| {
                let id = seen.json()["id"].clone();
                let error = json!({"code": -32603, "message": "oops"});
                let event = json!({"jsonrpc": "2.0", "id": id, "error": error});
                Reply::Events(vec![format!("data: {event}\n\n")])
            },
            "call.agent_error",
        ),
        (
            |_| Reply::Forever(vec!["data: x".to_owned(), "x".repeat(65_536)]),
            "call.malformed_answer",
        ),
        (
            |_| Reply::Forever(vec!["data: {}\n\n".to_owned()]),
            "call.malformed_answer",
        ),
    ];
    for (answer, code) in answers {
        let (_fake, remote) = agent(answer).await;
        let remote = remote.with_options(CallOptions::without_resuming);
        let mut events = remote.send_streaming(hello()).await.unwrap();
        let error = loop {
            match events.next().await {
                Ok(Some(StreamResponse::Task(_))) => {}
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.code(), code);
        assert!(events.next().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn an_error_before_the_first_event_is_plain_json() {
    let (_fake, remote) = agent(|seen| seen.error(json!({"code": -32004, "message": "no"}))).await;
    let error = remote.send_streaming(hello()).await.unwrap_err();
    assert_eq!(error.agent_reason(), Some(ErrorCode::UnsupportedOperation));
}
