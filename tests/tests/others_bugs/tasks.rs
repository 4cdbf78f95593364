//! Tasks that lost their context, came from nowhere, or came back changed.

use crate::caller::Caller;
use crate::house::{House, state};
use crate::http;
use crate::wires::{WIRES, Wire, house};
use agent_tests::stage::cue;
use serde_json::{Value, json};

/// No issue, run with `a2a-python` 1.3.0: a message that named only its task got a new context, and
/// the third turn failed the task. §3.4.3 wants the context of the task.
#[tokio::test]
async fn three_turns_that_name_only_the_task_keep_its_context() {
    let (house, _) = house().await;
    for wire in WIRES {
        let begun = wire.task(&house, cue("turns")).await;
        let mut states = Vec::new();
        for _ in 0..3 {
            let mut message = cue("an answer");
            message["taskId"] = begun["id"].clone();
            let task = wire.task(&house, message).await;
            assert_eq!(task["contextId"], begun["contextId"], "{wire:?}");
            assert_eq!(task["id"], begun["id"], "{wire:?}");
            let history = task["history"].as_array().unwrap();
            assert!(history.iter().all(|m| m["contextId"] == begun["contextId"]));
            states.push(state(&task).to_owned());
        }
        assert_eq!(states, ["INPUT_REQUIRED", "INPUT_REQUIRED", "COMPLETED"]);
    }
}

/// No issue, reproduced with two Rust SDKs: a task that is SUBMITTED for ever was left in the list by
/// an answer that was a message; and `a2a-rs#275`: by a message that was refused.
#[tokio::test]
async fn neither_messages_nor_refusals_leave_tasks_behind() {
    let (house, _) = house().await;
    let mut odd = Vec::new();
    for (member, value) in [
        ("parts", json!([])),
        ("parts", json!([{ "data": 1 }])),
        ("parts", json!([{ "text": "x", "mediaType": "image/png" }])),
        ("role", json!("ROLE_AGENT")),
        ("messageId", json!("")),
        ("taskId", json!("none")),
    ] {
        let mut message = cue("x");
        message[member] = value;
        odd.push(json!({ "message": message }));
    }
    let mut unknown = cue("x");
    unknown["metadata"][agent_core::x402::keys::SKILL] = "no such".into();
    odd.push(json!({ "message": unknown }));
    odd.push(json!({ "message": cue("x"),
        "configuration": { "acceptedOutputModes": ["image/png"] } }));
    odd.push(json!({ "message": cue("x"), "configuration": { "historyLength": -1 } }));
    // The official Rust SDK took a request without a message, too.
    odd.push(json!({}));
    for wire in WIRES {
        let direct = wire
            .send(&house, &json!({ "message": cue("direct") }))
            .await;
        assert!(direct.unwrap()["message"].is_object(), "{wire:?}");
        for params in &odd {
            let refused = wire.send(&house, params).await;
            assert!(refused.is_err(), "{wire:?} {params}");
        }
    }
    let listed = house.call("ListTasks", json!({})).await;
    assert_eq!(
        (&listed["totalSize"], &listed["tasks"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(listed["nextPageToken"], "", "it is always there: {listed}");
    assert_eq!(house.agent.live_tasks(), 0);
}

/// `A2A#1987`: it is not said what a message id means that comes twice. Clients and test kits use one
/// for many tasks, so here it means nothing; what must not happen twice has a payment.
#[tokio::test]
async fn one_message_id_twice_is_two_tasks() {
    let (house, _) = house().await;
    let mut ids = std::collections::BTreeSet::new();
    for wire in WIRES {
        for _ in 0..2 {
            let task = wire.task(&house, cue("x")).await;
            assert_eq!(state(&task), "COMPLETED");
            ids.insert(task["id"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(ids.len(), 6);
}

/// No issue, run with `a2a-rs` 0.5.3: integers in data came back as floats.
#[tokio::test]
async fn integers_in_data_stay_integers_on_the_json_bindings() {
    let (house, _) = house().await;
    let numbers = json!({
        "zero": 0, "one": 1, "minus": -1, "beyond_a_double": 9_007_199_254_740_993_u64,
        "largest": u64::MAX, "least": i64::MIN, "half": 0.5, "in": [1, [2, { "three": 3 }]],
    });
    let message = |metadata: &Value| {
        json!({
            "messageId": "m", "role": "ROLE_USER", "metadata": metadata,
            "parts": [{ "data": { "text": "give", "data": numbers } }]
        })
    };
    let message = message(&cue("")["metadata"]);
    for wire in [Wire::JsonRpc, Wire::HttpJson] {
        let task = wire.task(&house, message.clone()).await;
        // What is compared is the text: a float is not written as an integer is.
        let given = task["artifacts"][0]["parts"][0]["data"].to_string();
        assert_eq!(given, numbers.to_string(), "{wire:?}");
        let asked = task["history"][0]["parts"][0]["data"]["data"].to_string();
        assert_eq!(asked, numbers.to_string(), "{wire:?}");
    }
    // Protocol Buffers have doubles alone; whole ones are written as such again.
    let mut small = message.clone();
    small["parts"][0]["data"]["data"] = json!({ "one": 1, "minus": -7, "half": 0.5 });
    let task = Wire::Grpc.task(&house, small).await;
    let given = house.call("GetTask", json!({ "id": task["id"] })).await;
    let given = &given["artifacts"][0]["parts"][0]["data"];
    assert_eq!(given.to_string(), r#"{"half":0.5,"minus":-7,"one":1}"#);
}

/// `a2a-rs#275` and those it lists: a status had no time, or, run with 0.5.3, one in nanoseconds, and
/// lists were oldest first.
#[tokio::test]
async fn every_status_has_a_time_in_milliseconds_and_lists_are_newest_first() {
    let (house, _) = house().await;
    for text in ["x", "turns", "panic", "hold"] {
        let params =
            json!({ "message": cue(text), "configuration": { "returnImmediately": true } });
        house.call("SendMessage", params).await;
    }
    let listed = house
        .call("ListTasks", json!({ "includeArtifacts": true }))
        .await;
    let tasks = listed["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 4);
    let times: Vec<_> = tasks
        .iter()
        .map(|task| task["status"]["timestamp"].as_str().unwrap())
        .collect();
    for time in &times {
        let shape: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, "0000-00-00T00:00:00.000Z");
    }
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
}

/// No issue: clients add a slash to an endpoint or take it away, and some servers then answer with
/// nothing, or with a redirect that loses the body.
#[tokio::test]
async fn the_endpoint_answers_with_and_without_a_slash_at_its_end() {
    let (house, _) = house().await;
    let body = json!({
        "jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": { "message": cue("x") }
    });
    for path in ["/", "/a2a", "/a2a/"] {
        let reply = house.http("POST", path, &body.to_string()).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(state(&reply.json()["result"]), "COMPLETED", "{path}");
    }
}

/// No issue, run with four SDKs: a request without a version was refused, and 0.3 was not spoken.
#[tokio::test]
async fn who_names_no_version_is_answered_in_the_one_that_its_method_is_of() {
    let (house, _) = house().await;
    let ask = async |method: &str, message: Value| {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": method, "params": { "message": message }
        });
        let reply = agent_tests::e2e::Peer::new(house.address)
            .post(&body.to_string())
            .await;
        serde_json::from_str::<Value>(&reply.body).unwrap()["result"].take()
    };
    assert_eq!(state(&ask("SendMessage", cue("x")).await), "COMPLETED");
    let mut old = cue("x");
    old["role"] = "user".into();
    old["kind"] = "message".into();
    old["parts"] = json!([{ "kind": "text", "text": "x" }]);
    let task = ask("message/send", old).await;
    assert_eq!(task["status"]["state"], "completed", "{task}");
}

/// No issue, run with `a2a-python` 1.3.0 and `a2a-rs` 0.5.3: a version that nobody speaks was served
/// over gRPC, and a stream over HTTP that could not begin was an event after a status of 200.
#[tokio::test]
async fn a_stream_that_may_not_begin_is_refused_and_not_begun() {
    let (house, _) = house().await;
    let done = house.task("x").await["id"].as_str().unwrap().to_owned();
    for (id, status) in [("none", 404), (done.as_str(), 400)] {
        let path = format!("/rest/tasks/{id}:subscribe");
        let reply = house.http("POST", &path, "").await;
        assert_eq!(reply.status, status);
        assert!(reply.head.contains("content-type: application/a2a+json"));
    }
    let caller = Caller::of(house.address);
    for method in ["SendMessage", "SendStreamingMessage", "ListTasks"] {
        let request = match method {
            "ListTasks" => json!({}),
            _ => json!({ "message": cue("x") }),
        };
        let metadata = [("a2a-version", "99.0")];
        let answer = caller.call_with(method, &metadata, &request).await;
        assert_eq!(answer.error().code().reason(), "VERSION_NOT_SUPPORTED");
        assert!(answer.messages.is_empty());
    }
    let headers = "a2a-version: 99.0\r\n";
    let body = json!({ "message": cue("x") }).to_string();
    let path = "/rest/message:stream";
    let reply = http::ask(house.address, "POST", path, headers, &body).await;
    assert_eq!(reply.status, 400);
    assert_eq!(count(&house).await, 1);
}

async fn count(house: &House) -> u64 {
    let listed = house.call("ListTasks", json!({})).await;
    listed["totalSize"].as_u64().unwrap()
}
