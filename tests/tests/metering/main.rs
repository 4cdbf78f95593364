//! Work that is paid for while it goes on: never delivered unpaid, and at most a slice paid for in
//! vain, whoever stops and whenever.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod buyers;
mod kills;
mod top_ups;

use agent_core::money::BaseUnits;
use agent_tests::e2e::message;
use serde_json::Value;

/// The price of a piece, in base units, as the skill `metered` has it.
const EACH: u128 = 10;
/// What is charged at once: a sixteenth of the hundred pieces that one payment buys.
const SLICE: u128 = 6 * EACH;

fn pieces(count: u32) -> Value {
    let mut message = message("metered", "x");
    message["parts"][0]["data"]["count"] = count.into();
    message
}

/// The same, for a task that is there.
fn on(mut message: Value, task_id: &str) -> Value {
    message["taskId"] = task_id.into();
    message
}

/// The pieces in a task as it is stored.
fn delivered(task: &Value) -> u128 {
    let artifacts = task["artifacts"].as_array().into_iter().flatten();
    let parts = artifacts
        .filter(|artifact| artifact["artifactId"] == "pieces")
        .flat_map(|artifact| artifact["parts"].as_array().into_iter().flatten());
    u128::try_from(parts.count()).unwrap()
}

/// Whether what was delivered was paid for, and no more than a slice beside it.
fn assert_fair(delivered: u128, charged: BaseUnits) {
    let (worth, charged) = (delivered * EACH, charged.get());
    assert!(worth <= charged, "{worth} delivered, {charged} charged");
    assert!(
        charged <= worth + SLICE,
        "{worth} delivered, {charged} charged"
    );
}
