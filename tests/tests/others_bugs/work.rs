//! Work that went on after its end, or never ended.

use crate::house::state;
use crate::wires::{WIRES, Wire, house};
use agent_server::Agent;
use agent_server::config::AgentConfig;
use agent_tests::process::{AgentProcess, files_of_child, serve_as_child};
use agent_tests::stage::{Stage, cue};
use serde_json::{Value, json};
use std::path::Path;
use tokio::task::JoinSet;

/// No issue, reproduced: callers of a skill that panicked waited for ever, and its task stayed
/// SUBMITTED.
#[tokio::test]
async fn a_skill_that_panics_fails_its_task_and_nothing_else() {
    let (house, stage) = house().await;
    let going_on = house.begun("hold").await;
    for wire in WIRES {
        let task = wire.task(&house, cue("panic")).await;
        assert_eq!(state(&task), "FAILED", "{wire:?}");
        let told = task["status"]["message"].to_string();
        assert!(!told.contains("as it was told to"), "{told}");
        let stream = wire.stream(&house, cue("panic")).await;
        assert_eq!(state(stream.rest().await.last().unwrap()), "FAILED");
    }
    let params = json!({ "message": cue("panic"), "configuration": { "returnImmediately": true } });
    let sent = house.call("SendMessage", params).await;
    until(&house, &sent["task"]["id"], "FAILED").await;
    stage.empty().await;
    house.open_door();
    until(&house, &going_on.into(), "COMPLETED").await;
    assert_eq!(state(&Wire::Grpc.task(&house, cue("x")).await), "COMPLETED");
}

/// No issue, reproduced: the task was CANCELED and its skill worked on.
#[tokio::test]
async fn what_is_cancelled_does_no_more() {
    let (house, stage) = house().await;
    for skill in ["tick", "hold"] {
        let params =
            json!({ "message": cue(skill), "configuration": { "returnImmediately": true } });
        let sent = house.call("SendMessage", params).await;
        stage.crowded(1).await;
        let cancelled = house
            .call("CancelTask", json!({ "id": sent["task"]["id"] }))
            .await;
        assert_eq!(state(&cancelled), "CANCELED");
        // The future of the run is gone, and with it all that it could do.
        stage.empty().await;
        let ticks = stage.ticks();
        assert!(ticks > 0 || skill == "hold");
        for _ in 0..20 {
            house.task("x").await;
        }
        assert_eq!(stage.ticks(), ticks);
    }
}

/// `a2a-python PR#952`, `A2A#2049`: a call that was not to wait waited for the work.
#[tokio::test]
async fn a_call_that_does_not_wait_is_answered_while_the_skill_waits() {
    let (house, stage) = house().await;
    let params = json!({ "message": cue("hold"), "configuration": { "returnImmediately": true } });
    let mut ids = Vec::new();
    for wire in WIRES {
        let mut sent = wire.send(&house, &params).await.unwrap();
        let task = sent["task"].take();
        assert!(["SUBMITTED", "WORKING"].contains(&state(&task)), "{task}");
        ids.push(task["id"].clone());
    }
    stage.open_gate(1);
    for id in ids {
        until(&house, &id, "COMPLETED").await;
    }
}

/// `a2a-python#1101`: many such calls at once filled a queue, and then nothing was answered any
/// more, not even for the card.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_calls_that_do_not_wait_wedges_nothing() {
    const CALLS: usize = 300;
    let (house, stage) = house().await;
    let house = std::sync::Arc::new(house);
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let house = std::sync::Arc::clone(&house);
        let wire = [Wire::JsonRpc, Wire::HttpJson][number % 2];
        let params = json!({
            "message": cue("hold"), "configuration": { "returnImmediately": true }
        });
        calls.spawn(async move {
            let sent = wire.send(&house, &params).await.unwrap();
            sent["task"]["id"].clone()
        });
    }
    let ids = calls.join_all().await;
    stage.crowded(u64::try_from(CALLS).unwrap()).await;
    let card = house.http("GET", "/.well-known/agent-card.json", "").await;
    assert_eq!(card.status, 200);
    assert_eq!(
        state(&Wire::JsonRpc.task(&house, cue("x")).await),
        "COMPLETED"
    );
    stage.open_gate(1);
    for id in ids {
        until(&house, &id, "COMPLETED").await;
    }
}

/// No issue, reproduced in `ra2a`: a blocking call brought the first event, or the task without its
/// artifacts.
#[tokio::test]
async fn a_blocking_call_returns_every_artifact() {
    let (house, _) = house().await;
    for wire in WIRES {
        let task = wire.task(&house, cue("three")).await;
        let artifacts = task["artifacts"].as_array().unwrap().iter();
        let ids: Vec<_> = artifacts
            .map(|a| a["artifactId"].as_str().unwrap())
            .collect();
        assert_eq!(ids, ["a", "b", "c", "result"], "{wire:?}");
        assert_eq!(state(&task), "COMPLETED");
    }
}

/// The agent's process; without its variable it does nothing.
#[test]
fn agent() {
    if let Some(files) = files_of_child() {
        serve_as_child(staged(&files));
    }
}

fn staged(files: &Path) -> Agent {
    let config = AgentConfig {
        data_dir: files.join("data"),
        ..AgentConfig::default()
    };
    Agent::named("stage").config(config).sell(Stage::default())
}

/// `a2a-dotnet#350`: a task that ran when its server died was WORKING for ever after.
#[tokio::test]
async fn a_task_that_ran_when_the_process_died_has_failed() {
    let files = tempfile::tempdir().unwrap();
    let rpc = async |agent: &AgentProcess, method: &str, params: Value| {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let body = body.to_string();
        let reply = crate::http::ask(agent.address, "POST", "/a2a", "", &body).await;
        reply.json()["result"].take()
    };
    let agent = AgentProcess::start("work::agent", files.path());
    let mut ids = Vec::new();
    for text in ["hold", "turns"] {
        let params =
            json!({ "message": cue(text), "configuration": { "returnImmediately": true } });
        ids.push(rpc(&agent, "SendMessage", params).await["task"]["id"].take());
    }
    // One asks by now and must still wait for its answer afterwards.
    while state(&rpc(&agent, "GetTask", json!({ "id": ids[1] })).await) != "INPUT_REQUIRED" {
        tokio::task::yield_now().await;
    }
    agent.kill();
    let agent = AgentProcess::start("work::agent", files.path());
    let held = rpc(&agent, "GetTask", json!({ "id": ids[0] })).await;
    assert_eq!(state(&held), "FAILED", "{held}");
    let asks = rpc(&agent, "GetTask", json!({ "id": ids[1] })).await;
    assert_eq!(state(&asks), "INPUT_REQUIRED", "{asks}");
    assert_eq!(asks["contextId"].as_str().map(str::is_empty), Some(false));
}

async fn until(house: &crate::house::House, id: &Value, wanted: &str) {
    while state(&house.call("GetTask", json!({ "id": id })).await) != wanted {
        tokio::task::yield_now().await;
    }
}
