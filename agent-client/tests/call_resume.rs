//! Streams of other servers that break: those without numbers, with numbers of their own, and those
//! that mean no good.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod call_fake;

use std::sync::Mutex;

use agent_client::call::{CallError, EventStream, RemoteAgent, limits};
use agent_core::a2a::{Message, SendMessageRequest, StreamResponse, SubscribeToTaskRequest};
use call_fake::{Fake, Reply, Seen, egress};
use serde_json::{Value, json};

type Answer = Box<dyn Fn(&Seen) -> Reply + Send>;

/// An agent that gives these answers one after the other, the last for ever.
async fn agent(answers: Vec<Answer>) -> (Fake, RemoteAgent) {
    let answers = Mutex::new(answers);
    let fake = Fake::agent(move |seen| {
        let mut answers = answers.lock().unwrap();
        match answers.len() {
            1 => answers[0](seen),
            _ => answers.remove(0)(seen),
        }
    })
    .await;
    let remote = RemoteAgent::connect(&egress(), &fake.url).await.unwrap();
    (fake, remote)
}

/// A stream of events, each with its number if it has one, that then ends.
fn stream(events: Vec<(Option<u64>, Value)>) -> Answer {
    Box::new(move |seen| {
        let pieces = events.iter().map(|(number, event)| {
            let id = number.map_or(String::new(), |number| format!("id: {number}\n"));
            format!("{id}{}", seen.event(event.clone()))
        });
        Reply::Events(pieces.collect())
    })
}

fn task(state: &str) -> Value {
    json!({"task": bare(state)})
}

fn bare(state: &str) -> Value {
    json!({"id": "t", "contextId": "c", "status": {"state": format!("TASK_STATE_{state}")}})
}

fn update(state: &str) -> Value {
    let status = json!({"state": format!("TASK_STATE_{state}")});
    json!({"statusUpdate": {"taskId": "t", "contextId": "c", "status": status}})
}

fn piece(text: &str) -> Value {
    let artifact = json!({"artifactId": "a", "parts": [{"text": text}]});
    json!({"artifactUpdate": {"taskId": "t", "contextId": "c", "artifact": artifact}})
}

fn word(event: &StreamResponse) -> String {
    match event {
        StreamResponse::Task(task) => format!("task {:?}", task.status.state),
        StreamResponse::StatusUpdate(update) => format!("{:?}", update.status.state),
        StreamResponse::ArtifactUpdate(update) => {
            update.artifact.parts[0].as_text().unwrap().to_owned()
        }
        StreamResponse::Message(message) => message.text(),
    }
}

async fn sent(remote: &RemoteAgent) -> EventStream {
    let request = SendMessageRequest::new(Message::user("hi"));
    remote.send_streaming(request).await.unwrap()
}

async fn rest(mut events: EventStream) -> Result<Vec<String>, CallError> {
    let mut words = Vec::new();
    while let Some(event) = events.next().await? {
        words.push(word(&event));
    }
    Ok(words)
}

#[tokio::test]
async fn without_numbers_the_task_as_it_is_takes_the_place_of_what_was_missed() {
    let (fake, remote) = agent(vec![
        stream(vec![(None, task("SUBMITTED")), (None, piece("one"))]),
        stream(vec![
            (None, task("WORKING")),
            (None, piece("three")),
            (None, update("COMPLETED")),
        ]),
    ])
    .await;
    let events = rest(sent(&remote).await).await.unwrap();
    let expected = [
        "task Submitted",
        "one",
        "task Working",
        "three",
        "Completed",
    ];
    assert_eq!(events, expected);
    let again = &fake.posts()[1];
    assert_eq!(again.rpc_method(), "SubscribeToTask");
    assert_eq!(again.json()["params"], json!({"tenant": "t-1", "id": "t"}));
    assert!(!again.headers.contains("last-event-id"));
}

#[tokio::test]
async fn a_task_that_still_asks_what_was_just_answered_does_not_end_the_answer() {
    let (_fake, remote) = agent(vec![stream(vec![
        (None, task("INPUT_REQUIRED")),
        (None, piece("one")),
        (None, update("INPUT_REQUIRED")),
        (None, piece("nobody hears this")),
    ])])
    .await;
    let answer = SendMessageRequest::new(Message::user("blue").for_task("t"));
    let events = remote.send_streaming(answer).await.unwrap();
    let expected = ["task InputRequired", "one", "InputRequired"];
    assert_eq!(rest(events).await.unwrap(), expected);
}

#[tokio::test]
async fn a_task_that_only_still_asks_is_over_when_its_server_says_so() {
    let (fake, remote) = agent(vec![stream(vec![(None, task("INPUT_REQUIRED"))])]).await;
    let answer = SendMessageRequest::new(Message::user("blue").for_task("t"));
    let events = remote.send_streaming(answer).await.unwrap();
    assert_eq!(rest(events).await.unwrap(), ["task InputRequired"]);
    assert_eq!(fake.posts().len(), 1);
}

#[tokio::test]
async fn a_refusal_without_a_name_is_looked_into_too() {
    let (fake, remote) = agent(vec![
        stream(vec![(None, task("SUBMITTED"))]),
        Box::new(|seen| seen.error(json!({"code": -32602, "message": "in terminal state"}))),
        Box::new(|seen| seen.result(bare("CANCELED"))),
    ])
    .await;
    let events = rest(sent(&remote).await).await.unwrap();
    assert_eq!(events, ["task Submitted", "task Canceled"]);
    assert_eq!(fake.posts()[2].rpc_method(), "GetTask");
}

#[tokio::test]
async fn numbers_that_begin_anew_with_each_connection_hide_nothing() {
    let (fake, remote) = agent(vec![
        stream(vec![
            (Some(0), task("SUBMITTED")),
            (Some(1), piece("one")),
            (Some(2), piece("two")),
        ]),
        stream(vec![
            (Some(0), task("WORKING")),
            (Some(1), piece("three")),
            (Some(2), update("COMPLETED")),
        ]),
    ])
    .await;
    let events = rest(sent(&remote).await).await.unwrap();
    let expected = [
        "task Submitted",
        "one",
        "two",
        "task Working",
        "three",
        "Completed",
    ];
    assert_eq!(events, expected);
    assert!(fake.posts()[1].headers.contains("last-event-id: 2"));
}

#[tokio::test]
async fn events_that_come_twice_by_their_number_are_given_once() {
    let (_fake, remote) = agent(vec![
        stream(vec![
            (Some(1), task("SUBMITTED")),
            (Some(2), piece("one")),
            (Some(3), piece("two")),
        ]),
        stream(vec![
            (Some(2), piece("one")),
            (Some(3), piece("two")),
            (Some(4), piece("three")),
            (Some(5), update("COMPLETED")),
        ]),
    ])
    .await;
    let mut events = sent(&remote).await;
    let mut words = Vec::new();
    while let Some(event) = events.next().await.unwrap() {
        words.push(word(&event));
    }
    assert_eq!(
        words,
        ["task Submitted", "one", "two", "three", "Completed"]
    );
    assert_eq!(events.last_number(), Some(5));
}

#[tokio::test]
async fn a_task_that_ended_meanwhile_is_the_last_event() {
    let refusal = |seen: &Seen| seen.error(json!({"code": -32004, "message": "ended"}));
    let (fake, remote) = agent(vec![
        stream(vec![(None, task("WORKING"))]),
        Box::new(refusal),
        Box::new(|seen| seen.result(bare("COMPLETED"))),
    ])
    .await;
    let events = rest(sent(&remote).await).await.unwrap();
    assert_eq!(events, ["task Working", "task Completed"]);
    let methods: Vec<_> = fake.posts().iter().map(Seen::rpc_method).collect();
    assert_eq!(
        methods,
        ["SendStreamingMessage", "SubscribeToTask", "GetTask"]
    );
}

#[tokio::test]
async fn an_agent_that_cannot_subscribe_leaves_the_cut() {
    let refusal = |seen: &Seen| seen.error(json!({"code": -32004, "message": "no streams"}));
    let (_fake, remote) = agent(vec![
        stream(vec![(None, task("WORKING"))]),
        Box::new(refusal),
        Box::new(|seen| seen.result(bare("WORKING"))),
    ])
    .await;
    let error = rest(sent(&remote).await).await.unwrap_err();
    assert!(matches!(error, CallError::Cut), "{error:?}");
}

#[tokio::test]
async fn a_stream_that_ends_where_the_task_waits_for_consent_is_over() {
    let (fake, remote) = agent(vec![stream(vec![
        (None, task("WORKING")),
        (None, update("AUTH_REQUIRED")),
    ])])
    .await;
    let events = rest(sent(&remote).await).await.unwrap();
    assert_eq!(events, ["task Working", "AuthRequired"]);
    assert_eq!(fake.posts().len(), 1);
}

#[tokio::test]
async fn a_subscription_stays_through_a_question_and_a_sent_stream_does_not() {
    let question = vec![
        (None, task("WORKING")),
        (None, update("INPUT_REQUIRED")),
        (None, update("COMPLETED")),
    ];
    let (_fake, remote) = agent(vec![stream(question)]).await;
    let request = SubscribeToTaskRequest {
        id: "t".to_owned(),
        ..Default::default()
    };
    let subscribed = remote.subscribe(request).await.unwrap();
    let words = ["task Working", "InputRequired", "Completed"];
    assert_eq!(rest(subscribed).await.unwrap(), words);
    assert_eq!(rest(sent(&remote).await).await.unwrap(), words[..2]);
}

#[tokio::test]
async fn a_server_that_never_gets_further_is_given_up() {
    let (fake, remote) = agent(vec![stream(vec![(None, task("WORKING"))])]).await;
    let mut events = sent(&remote).await;
    let mut given = 0;
    let error = loop {
        match events.next().await {
            Ok(Some(_)) => given += 1,
            Ok(None) => panic!("it never ended"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, CallError::Cut), "{error:?}");
    assert!(events.next().await.unwrap().is_none());
    let connections = usize::try_from(limits::RESUMES_IN_A_ROW_MAX).unwrap() + 1;
    assert_eq!((fake.posts().len(), given), (connections, connections));
}

#[tokio::test]
async fn another_task_in_a_resumed_stream_is_refused() {
    let other = json!({"task": {"id": "other", "status": {"state": "TASK_STATE_WORKING"}}});
    let (_fake, remote) = agent(vec![
        stream(vec![(None, task("WORKING"))]),
        stream(vec![(None, other)]),
    ])
    .await;
    let error = rest(sent(&remote).await).await.unwrap_err();
    assert_eq!(error.code(), "call.malformed_answer");
}
