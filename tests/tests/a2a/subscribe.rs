//! `SubscribeToTask`: the task as it is, then everything, to everyone, to the end.

use crate::house::{House, message, reason, state};
use crate::http::Stream;
use serde_json::{Value, json};

#[tokio::test]
async fn three_hundred_quick_events_reach_every_subscriber_in_order() {
    let house = House::open().await;
    let id = house.begun("pieces").await;
    let mut streams = Vec::new();
    for number in 0..6 {
        let mut stream = house.subscribe(&id, number % 2 == 1).await;
        let first = stream.next().await.unwrap();
        assert_eq!(
            (state(&first), &first["task"]["id"]),
            ("WORKING", &json!(id))
        );
        streams.push(stream);
    }
    // One goes away; nobody else notices.
    drop(streams.pop());
    house.open_door();
    // One comes while they fly, unless this machine is so busy that it finds the task ended; what it
    // missed is in its first event.
    let path = format!("/rest/tasks/{id}:subscribe");
    let late = Stream::try_open(house.address, "GET", &path, "").await;
    let late = late.map(|late| tokio::spawn(late.rest()));
    let mut all = Vec::new();
    for stream in streams {
        all.push(stream.rest().await);
    }
    for events in &all {
        assert_eq!(events, &all[0]);
        assert_eq!(events.len(), 302, "pieces, result, end");
        for (number, event) in events[..300].iter().enumerate() {
            let part = &event["artifactUpdate"]["artifact"]["parts"][0];
            assert_eq!(part["text"], format!("{number};"));
        }
        assert_eq!(state(&events[301]), "COMPLETED");
    }
    if let Some(late) = late {
        let late = late.await.unwrap();
        let whole: String = (0..300).map(|n| format!("{n};")).collect();
        assert_eq!(pieces(&late), whole);
        assert_eq!(late.last(), all[0].last());
    }
}

#[tokio::test]
async fn what_is_cancelled_while_it_speaks_is_heard_as_far_as_it_is_stored() {
    let house = House::open().await;
    for number in 0..20 {
        let id = house.begun("drip").await;
        let mut stream = house.subscribe(&id, number % 2 == 1).await;
        let first = stream.next().await.unwrap();
        for _ in 0..number {
            stream.next().await.unwrap();
        }
        let cancelled = house.call("CancelTask", json!({ "id": id })).await;
        assert_eq!(state(&cancelled), "CANCELED");
        let mut heard = drops(&first);
        heard += number + stream.rest().await.len() - 1;
        let task = house.call("GetTask", json!({ "id": id })).await;
        assert_eq!(heard, drops(&json!({ "task": task })));
        // And so does one who comes back for all of it.
        let path = format!("/rest/tasks/{id}:subscribe");
        let again = Stream::try_open_with(house.address, "POST", &path, "Last-Event-ID: 1\r\n", "");
        let again = again.await.unwrap().rest().await;
        assert_eq!(again.len() - 1, heard);
    }
}

/// How many drops are in a task.
fn drops(event: &Value) -> usize {
    let parts = event.pointer("/task/artifacts/0/parts");
    parts.and_then(Value::as_array).map_or(0, Vec::len)
}

#[tokio::test]
async fn an_agent_that_closes_waits_for_no_one_who_only_watches() {
    let house = House::open().await;
    let id = house.task("ask").await["id"].as_str().unwrap().to_owned();
    let mut stream = house.subscribe(&id, false).await;
    assert_eq!(state(&stream.next().await.unwrap()), "INPUT_REQUIRED");
    let closing = tokio::spawn(house.agent.stop());
    assert_eq!(stream.next().await, None);
    closing.await.unwrap();
}

/// The text of the artifact `pieces`, put together as a reader does.
fn pieces(events: &[Value]) -> String {
    let mut text = String::new();
    for event in events {
        let artifacts = event["task"]["artifacts"].as_array().into_iter().flatten();
        let artifacts = artifacts.chain(event.pointer("/artifactUpdate/artifact"));
        for artifact in artifacts.filter(|artifact| artifact["artifactId"] == "pieces") {
            for part in artifact["parts"].as_array().unwrap() {
                text.push_str(part["text"].as_str().unwrap());
            }
        }
    }
    text
}

#[tokio::test]
async fn a_parked_task_keeps_its_subscribers_through_the_run_that_goes_on() {
    let house = House::open().await;
    let task = house.task("ask").await;
    let id = task["id"].as_str().unwrap();
    let mut streams = Vec::new();
    for rest in [false, true] {
        let mut stream = house.subscribe(id, rest).await;
        assert_eq!(stream.next().await, Some(json!({ "task": task })));
        streams.push(stream);
    }
    assert_eq!(state(&house.answer(id, "red").await), "COMPLETED");
    for stream in streams {
        let events = stream.rest().await;
        let states: Vec<_> = events.iter().map(state).collect();
        assert_eq!(states, ["WORKING", "", "COMPLETED"], "{events:?}");
        let result = &events[1]["artifactUpdate"]["artifact"]["parts"][0]["data"];
        assert_eq!(result["text"], "it is red");
    }
}

#[tokio::test]
async fn a_subscriber_stays_from_one_question_to_the_next_state() {
    let house = House::open().await;
    let id = house.begun("ask-held").await;
    let mut stream = loop {
        let mut stream = house.subscribe(&id, false).await;
        if state(&stream.next().await.unwrap()) == "INPUT_REQUIRED" {
            break stream;
        }
    };
    let mut message = message("green");
    message["taskId"] = id.as_str().into();
    let body = json!({
        "jsonrpc": "2.0", "id": 1, "method": "SendStreamingMessage",
        "params": { "message": message }
    });
    let mut sent = Stream::open(house.address, "POST", "/a2a", &body.to_string()).await;
    assert_eq!(state(&sent.next().await.unwrap()), "WORKING");
    assert_eq!(state(&stream.next().await.unwrap()), "WORKING");
    // While it works again, one more may come.
    let mut second = house.subscribe(&id, true).await;
    let first = second.next().await.unwrap();
    assert_eq!(
        (
            state(&first),
            first["task"]["history"].as_array().unwrap().len()
        ),
        ("WORKING", 2)
    );
    house.open_door();
    let ends = [sent.rest().await, stream.rest().await, second.rest().await];
    assert!(
        ends.iter().all(|end| end == &ends[0] && end.len() == 2),
        "{ends:?}"
    );
}

#[tokio::test]
async fn a_parked_task_that_is_cancelled_tells_its_subscribers() {
    let house = House::open().await;
    let task = house.task("ask").await;
    let id = task["id"].as_str().unwrap();
    let mut stream = house.subscribe(id, true).await;
    stream.next().await.unwrap();
    house.call("CancelTask", json!({ "id": id })).await;
    let events = stream.rest().await;
    assert_eq!(events.iter().map(state).collect::<Vec<_>>(), ["CANCELED"]);
}

#[tokio::test]
async fn a_sent_stream_ends_at_a_question() {
    let house = House::open().await;
    let body = json!({ "message": message("ask") }).to_string();
    let stream = Stream::open(house.address, "POST", "/rest/message:stream", &body).await;
    let events = stream.rest().await;
    let states: Vec<_> = events.iter().map(state).collect();
    assert_eq!(states, ["WORKING", "INPUT_REQUIRED"]);
    assert!(events[0].get("task").is_some());
}

#[tokio::test]
async fn tasks_that_ended_or_never_were_have_no_stream() {
    let house = House::open().await;
    let done = house.task("x").await;
    let answer = house
        .rpc("SubscribeToTask", json!({ "id": done["id"] }))
        .await;
    assert_eq!(reason(&answer), "UNSUPPORTED_OPERATION", "{answer}");
    let answer = house
        .rpc("SubscribeToTask", json!({ "id": "no-such-task" }))
        .await;
    assert_eq!(reason(&answer), "TASK_NOT_FOUND", "{answer}");
}

#[tokio::test]
async fn who_goes_away_takes_nothing_along() {
    let house = House::open().await;
    let id = house.begun("hold").await;
    for rest in [false, true] {
        let mut stream = house.subscribe(&id, rest).await;
        stream.next().await.unwrap();
    }
    let watching = house.subscribe(&id, false).await;
    house.open_door();
    watching.rest().await;
    let task = house.call("GetTask", json!({ "id": id })).await;
    assert_eq!(state(&task), "COMPLETED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_follows_a_task_into_its_next_run_is_forgotten() {
    let house = House::open().await;
    for number in 0..60 {
        let task = house.task("ask").await;
        let id = task["id"].as_str().unwrap();
        let mut stream = house.subscribe(id, number % 2 == 1).await;
        assert_eq!(state(&stream.next().await.unwrap()), "INPUT_REQUIRED");
        // It looks again whenever the run is announced, stored or ended, in any order.
        let (answer, events) = tokio::join!(house.answer(id, "red"), stream.rest());
        assert_eq!(state(&answer), "COMPLETED");
        assert_eq!(state(events.last().unwrap()), "COMPLETED", "{events:?}");
    }
}
