//! What a message may lead to besides a result: a message, a file, a wait for somebody's consent.

use crate::house::{House, message, reason, soon, state, studio};
use crate::http::{self, Stream};
use agent_client::clock::SystemClock;
use agent_core::clock::{Clock, ManualClock};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_direct_answer_is_a_message_and_leaves_no_task() {
    let house = House::open().await;
    let answer = house.studio("hello", json!({})).await;
    assert_eq!(answer["message"]["role"], "ROLE_AGENT", "{answer}");
    assert_eq!(
        answer["message"]["parts"],
        json!([{ "text": "hello to you" }])
    );
    assert!(answer["message"]["contextId"].is_string() && answer["message"]["taskId"].is_null());

    // A stream of it is that message, and the end.
    let events = house.studio_stream("hello").await.rest().await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["message"]["parts"], answer["message"]["parts"]);

    let listed = house.call("ListTasks", json!({})).await;
    assert_eq!(listed["totalSize"], 0);
}

#[tokio::test]
async fn who_has_said_something_or_does_not_wait_has_a_task() {
    let house = House::open().await;
    let answer = house.studio("murmur", json!({})).await;
    assert_eq!(state(&answer), "COMPLETED");
    let events = house.studio_stream("murmur").await.rest().await;
    let states: Vec<_> = events.iter().map(state).collect();
    assert_eq!(
        states,
        ["WORKING", "WORKING", "", "COMPLETED"],
        "{events:?}"
    );

    let answer = house
        .studio("hello", json!({ "returnImmediately": true }))
        .await;
    let id = answer["task"]["id"].as_str().unwrap();
    soon(async || state(&house.call("GetTask", json!({ "id": id })).await) == "COMPLETED").await;
}

#[tokio::test]
async fn artifacts_are_of_any_kind_and_nothing_is_added_to_them() {
    let house = House::open().await;
    let artifacts =
        async |text: &str| house.studio(text, json!({})).await["task"]["artifacts"].take();
    assert_eq!(
        artifacts("file").await,
        json!([{ "artifactId": "picture", "parts": [
            { "raw": "iVBORw==", "filename": "a.png", "mediaType": "image/png" }] }])
    );
    assert_eq!(
        artifacts("url").await,
        json!([{ "artifactId": "page", "parts": [
            { "url": "https://example.com/a", "mediaType": "text/html" }] }])
    );
    assert_eq!(
        artifacts("two").await,
        json!([{ "artifactId": "both", "parts": [{ "text": "one" }, { "text": "two" }] }])
    );
    let events = house.studio_stream("two").await.rest().await;
    let pieces = events
        .iter()
        .filter_map(|event| event.get("artifactUpdate"));
    let marks: Vec<_> = pieces
        .map(|piece| (piece["append"] == true, piece["lastChunk"] == true))
        .collect();
    assert_eq!(marks, [(false, false), (true, true)]);
}

#[tokio::test]
async fn a_result_is_of_a_type_that_the_caller_takes() {
    let house = House::open().await;
    let ask = |modes: Value| json!({ "message": message("hi"), "configuration": { "acceptedOutputModes": modes } });
    let part = async |modes: Value| {
        let answer = house.call("SendMessage", ask(modes)).await;
        answer["task"]["artifacts"][0]["parts"][0].clone()
    };
    assert_eq!(part(json!([])).await, json!({ "data": { "text": "hi" } }));
    assert_eq!(
        part(json!(["application/json"])).await,
        json!({ "data": { "text": "hi" } })
    );
    assert_eq!(part(json!(["text/plain"])).await, json!({ "text": "hi" }));
    let refused = house.rpc("SendMessage", ask(json!(["image/png"]))).await;
    assert_eq!(reason(&refused), "CONTENT_TYPE_NOT_SUPPORTED");
    // The other skill makes pictures.
    let taken = studio("file", json!({ "acceptedOutputModes": ["image/*"] }));
    assert_eq!(state(&house.call("SendMessage", taken).await), "COMPLETED");
}

#[tokio::test]
async fn a_task_waits_to_be_allowed_something_with_its_streams_open() {
    let house = House::open().await;
    let mut sent = house.studio_stream("allow").await;
    let first = sent.next().await.unwrap();
    let id = first["task"]["id"].as_str().unwrap().to_owned();
    let waits = sent.next().await.unwrap();
    assert_eq!(state(&waits), "AUTH_REQUIRED");
    let said = &waits["statusUpdate"]["status"]["message"]["parts"][0]["text"];
    assert_eq!(said, "say the word to go on");
    let mut watching = house.subscribe(&id, true).await;
    assert_eq!(state(&watching.next().await.unwrap()), "AUTH_REQUIRED");

    // The consent comes from elsewhere, and not in a message.
    let word = agent_core::json::Json::from_value("please").unwrap();
    house.agent.answer(&id, word.clone()).await.unwrap();
    for stream in [sent, watching] {
        let events = stream.rest().await;
        let states: Vec<_> = events.iter().map(state).collect();
        assert_eq!(states, ["WORKING", "", "COMPLETED"], "{events:?}");
        let result = &events[1]["artifactUpdate"]["artifact"]["parts"][0]["data"];
        assert_eq!(result["word"], "please");
    }
    assert!(house.agent.answer(&id, word).await.is_err(), "it has ended");

    // Or else it comes in one, and a blocking call returns when it is needed.
    let task = house.studio("allow", json!({})).await["task"].take();
    assert_eq!(state(&task), "AUTH_REQUIRED");
    let answered = house.answer(task["id"].as_str().unwrap(), "please").await;
    assert_eq!(state(&answered), "COMPLETED");
    let other = house.studio("allow", json!({})).await["task"].take();
    let cancelled = house.call("CancelTask", json!({ "id": other["id"] })).await;
    assert_eq!(state(&cancelled), "CANCELED");
}

#[tokio::test]
async fn a_skill_sees_the_tasks_of_its_caller() {
    let house = House::open().await;
    let task = house.task("hi").await;
    let id = task["id"].as_str().unwrap();
    let found = async |id: &str| {
        let answer = house.studio(&format!("recall {id}"), json!({})).await;
        answer["task"]["artifacts"][0]["parts"][0]["data"]["found"].clone()
    };
    assert_eq!(found(id).await, task["id"]);
    assert_eq!(found("another").await, Value::Null);
    // A tenant is another caller.
    let mut params = studio(&format!("recall {id}"), json!({}));
    params["tenant"] = "acme".into();
    let answer = house.call("SendMessage", params).await;
    let data = &answer["task"]["artifacts"][0]["parts"][0]["data"];
    assert_eq!(data["found"], Value::Null);
}

#[tokio::test]
async fn a_stream_that_was_cut_goes_on_after_any_number() {
    let house = House::open().await;
    house.open_door();
    let id = house.begun("pieces").await;
    let path = format!("/rest/tasks/{id}:subscribe");
    let whole = async {
        loop {
            // From the first event on, wherever the task is by now.
            if let Some(events) = resume(&house, &path, 1).await {
                break events;
            }
        }
    };
    let whole = tokio::time::timeout(Duration::from_secs(30), whole).await;
    let whole = whole.expect("the task is never begun");
    assert_eq!(
        whole.len(),
        302,
        "300 pieces, the result and the end, after the task itself"
    );
    for after in [2, 150, 301, 302] {
        let path = format!("/rest/tasks/{id}:subscribe");
        let rest = resume(&house, &path, after).await.unwrap();
        assert_eq!(rest, whole[after - 1..], "after {after}");
    }
    // Who has all of it, or names what never was, is told that the task has ended.
    for after in [303, 9_000] {
        let header = format!("Last-Event-ID: {after}\r\n");
        let path = format!("/rest/tasks/{id}:subscribe");
        let reply = http::ask(house.address, "POST", &path, &header, "").await;
        assert_eq!(reason(&reply.json()), "UNSUPPORTED_OPERATION");
    }
}

/// A task that was made while its caller waited has numbers that nobody was told.
#[tokio::test]
async fn a_number_that_nobody_was_told_is_none() {
    let house = House::open().await;
    let ask = async |id: &str, after: u64| {
        let path = format!("/rest/tasks/{id}:subscribe");
        let header = format!("Last-Event-ID: {after}\r\n");
        Stream::try_open_with(house.address, "POST", &path, &header, "").await
    };
    let ended = house.task("echo").await;
    let waits = house.task("ask").await;
    for after in 0..4 {
        let refused = ask(ended["id"].as_str().unwrap(), after).await;
        assert!(refused.is_none(), "the task has ended, after {after}");
    }
    let begun = house.begun("hold").await;
    for id in [waits["id"].as_str().unwrap(), &begun] {
        let first = ask(id, 0).await.unwrap().next().await.unwrap();
        assert_eq!(first["task"]["id"], id, "{first}");
    }
    // The number of a snapshot is told, whatever is stored below it.
    let id = waits["id"].as_str().unwrap();
    house.answer(id, "this").await;
    let rest = ask(id, 1).await.unwrap().rest().await;
    let states: Vec<_> = rest.iter().map(state).collect();
    assert_eq!(states, ["WORKING", "", "COMPLETED"], "{rest:?}");
}

async fn resume(house: &House, path: &str, after: usize) -> Option<Vec<Value>> {
    let header = format!("Last-Event-ID: {after}\r\n");
    let stream = Stream::try_open_with(house.address, "POST", path, &header, "").await?;
    Some(stream.rest().await)
}

#[tokio::test]
async fn what_nobody_answers_ends_and_what_ended_long_ago_is_forgotten() {
    let day = 24 * 60 * 60;
    let now = SystemClock.now_unix_secs();
    let at = |days: u64| Arc::new(ManualClock::at_unix_secs(now + days * day));
    let house = House::open().await.reopen_at(at(0)).await;
    let asks = house.task("ask").await["id"].clone();
    let done = house.task("hi").await["id"].clone();

    let house = house.reopen_at(at(8)).await;
    let get = async |house: &House, id: &Value| house.rpc("GetTask", json!({ "id": id })).await;
    soon(async || state(&get(&house, &asks).await["result"]) == "FAILED").await;
    assert_eq!(state(&get(&house, &done).await["result"]), "COMPLETED");

    let house = house.reopen_at(at(40)).await;
    for id in [asks, done] {
        soon(async || reason(&get(&house, &id).await) == "TASK_NOT_FOUND").await;
    }
}
