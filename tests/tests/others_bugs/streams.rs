//! Streams that broke, came late, or began with a gap.

use crate::house::{House, state};
use crate::http::Stream;
use crate::wires::{WIRES, house, pieces};
use agent_tests::stage::{cue, piece};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// `a2a-rs#148`, `a2a-rs#131`: a skill that said more than 32 things at once failed with an internal
/// error, streaming or not, because the channel to its readers was full.
#[tokio::test]
async fn three_hundred_quick_chunks_are_no_error_and_all_arrive_in_order() {
    let (house, _) = house().await;
    let whole: String = (0..300).map(|number| piece(number, 0)).collect();
    for wire in WIRES {
        let task = wire.task(&house, cue("say 300 0")).await;
        assert_eq!(state(&task), "COMPLETED", "{wire:?}");
        assert_eq!(pieces(&[json!({ "task": task })]), whole, "{wire:?}");
    }
    let mut streams = Vec::new();
    for wire in WIRES {
        for _ in 0..2 {
            streams.push(wire.stream(&house, cue("say 300 0")).await);
        }
    }
    for stream in streams {
        let events = stream.rest().await;
        assert_eq!(pieces(&events), whole);
        assert_eq!(events.len(), 1 + 300 + 2, "the task, pieces, result, end");
        assert_eq!(state(events.last().unwrap()), "COMPLETED");
    }
}

/// No issue, measured: the first event of a stream waited for something else to be sent, 44 ms or
/// for ever. Here the skill waits until the reader has heard it.
#[tokio::test]
async fn the_first_events_come_while_the_skill_still_waits() {
    let (house, stage) = house().await;
    let mut streams = Vec::new();
    for wire in WIRES {
        let mut stream = wire.stream(&house, cue("hold")).await;
        let mut states = Vec::new();
        for _ in 0..2 {
            let event = stream.next().await.unwrap();
            states.push(state(&event).to_owned());
        }
        assert_eq!(states, ["WORKING", "WORKING"], "{wire:?}");
        streams.push(stream);
    }
    stage.crowded(3).await;
    stage.open_gate(1);
    for stream in streams {
        assert_eq!(state(stream.rest().await.last().unwrap()), "COMPLETED");
    }
}

/// `mezmo/aura#145`, `a2a-python#832`, `a2a-python#1188`: what happened between the snapshot and the
/// subscription was lost, or the snapshot was an old one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_subscribes_at_any_moment_has_the_whole() {
    const BURSTS: u64 = 30;
    const BURST: u64 = 20;
    let (house, stage) = house().await;
    let house = std::sync::Arc::new(house);
    let first = crate::wires::Wire::JsonRpc
        .send(
            &house,
            &json!({ "message": cue(&format!("steps {}", BURSTS * BURST)),
                     "configuration": { "returnImmediately": true } }),
        )
        .await
        .unwrap();
    let id = first["task"]["id"].as_str().unwrap().to_owned();
    let mut readers = JoinSet::new();
    let here = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    for burst in 1..BURSTS {
        for wire in WIRES {
            let (house, id) = (std::sync::Arc::clone(&house), id.clone());
            let here = std::sync::Arc::clone(&here);
            readers.spawn(async move {
                let mut stream = wire.subscribe(&house, &id).await;
                let mut events = vec![stream.next().await.unwrap()];
                here.add_permits(1);
                while let Some(event) = stream.next().await {
                    events.push(event);
                }
                events
            });
        }
        stage.open_gate(burst * BURST);
        tokio::task::yield_now().await;
    }
    // The last burst waits until all are there: one that came after it would find no task to follow.
    let all = u32::try_from(readers.len()).unwrap();
    drop(here.acquire_many(all).await.unwrap());
    stage.open_gate(u64::MAX);
    let whole: String = (0..BURSTS * BURST).map(|number| piece(number, 0)).collect();
    let mut beginnings = std::collections::BTreeSet::new();
    while let Some(events) = readers.join_next().await {
        let events = events.unwrap();
        assert_eq!(pieces(&events), whole);
        assert_eq!(state(events.last().unwrap()), "COMPLETED");
        beginnings.insert(pieces(&events[..1]).len());
    }
    assert!(beginnings.len() > 1, "all came at one moment");
}

/// `a2a-go#439`, `a2a-java#754`, `a2a-java#791`, and the official Rust SDK: a task that asks its
/// caller something was not found when subscribed to, or its stream ended at once.
#[tokio::test]
async fn a_task_that_asks_can_be_subscribed_to_on_every_binding() {
    let (house, _) = house().await;
    let task = house.task_of(cue("turns")).await;
    let id = task["id"].as_str().unwrap();
    let mut streams = Vec::new();
    for wire in WIRES {
        let mut stream = wire.subscribe(&house, id).await;
        assert_eq!(
            stream.next().await,
            Some(json!({ "task": task })),
            "{wire:?}"
        );
        streams.push(stream);
    }
    let legacy = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tasks/resubscribe", "params": { "id": id }
    });
    let headers = "a2a-version: 0.3\r\n";
    let legacy = legacy.to_string();
    let legacy = Stream::try_open_with(house.address, "POST", "/a2a", headers, &legacy).await;
    let mut legacy = legacy.expect("a stream");
    let first = legacy.next().await.unwrap();
    assert_eq!(first["status"]["state"], "input-required", "{first}");
    for _ in 0..3 {
        house.answer_in(id, "stage").await;
    }
    for stream in streams {
        let events = stream.rest().await;
        let asked = events.iter().filter(|e| state(e) == "INPUT_REQUIRED");
        assert_eq!(asked.count(), 2, "{events:?}");
        assert_eq!(state(events.last().unwrap()), "COMPLETED");
    }
    let last = legacy.rest().await.pop().unwrap();
    assert_eq!(last["status"]["state"], "completed", "{last}");
}

impl House {
    async fn task_of(&self, message: Value) -> Value {
        let params = json!({ "message": message });
        self.call("SendMessage", params).await["task"].take()
    }

    /// An answer to a task of that skill.
    pub async fn answer_in(&self, id: &str, skill: &str) -> Value {
        let mut message = cue("an answer");
        message["metadata"][agent_core::x402::keys::SKILL] = skill.into();
        message["taskId"] = id.into();
        self.task_of(message).await
    }
}
