//! Several callers, or one in a hurry, at one task at the same moment.

use crate::house::{House, message, reason, state};
use serde_json::{Value, json};

const ROUNDS: usize = 24;

async fn answers(house: &House, id: &str, text: &str) -> Value {
    let mut message = message(text);
    message["taskId"] = id.into();
    house
        .rpc("SendMessage", json!({ "message": message }))
        .await
}

/// A task that asks on can be cancelled whenever it is, whoever answers it meanwhile; and whoever
/// answers too late is told that, and not that something broke.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_asks_on_is_cancelled_whoever_answers_it() {
    let house = House::open().await;
    for _ in 0..ROUNDS {
        let task = house.task("ask-on").await;
        let id = task["id"].as_str().unwrap();
        let (first, canceled, second) = tokio::join!(
            answers(&house, id, "one"),
            house.rpc("CancelTask", json!({ "id": id })),
            answers(&house, id, "two"),
        );
        assert_eq!(state(&canceled["result"]), "CANCELED", "{canceled}");
        let task = house.call("GetTask", json!({ "id": id })).await;
        assert_eq!(state(&task), "CANCELED");
        for answer in [first, second] {
            match answer.get("error") {
                Some(_) => assert_eq!(reason(&answer), "UNSUPPORTED_OPERATION", "{answer}"),
                None => assert!(
                    ["INPUT_REQUIRED", "CANCELED"].contains(&state(&answer["result"])),
                    "{answer}"
                ),
            }
        }
    }
}

/// Every answer that was taken is in the task, and no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_that_was_taken_is_lost() {
    let house = House::open().await;
    for _ in 0..ROUNDS {
        let task = house.task("ask-on").await;
        let id = task["id"].as_str().unwrap();
        let texts: Vec<String> = (0..6).map(|number| number.to_string()).collect();
        let all = texts.iter().map(|text| answers(&house, id, text));
        let all = futures_util::future::join_all(all).await;
        let taken = texts.iter().zip(&all);
        let taken = taken.filter(|(_, answer)| answer.get("result").is_some());
        let mut taken: Vec<&str> = taken.map(|(text, _)| text.as_str()).collect();
        let task = house.call("GetTask", json!({ "id": id })).await;
        let history = task["history"].as_array().unwrap();
        let mut kept: Vec<&str> = history[1..]
            .iter()
            .map(|message| message["parts"][0]["text"].as_str().unwrap())
            .collect();
        kept.sort_unstable();
        taken.sort_unstable();
        assert_eq!(kept, taken, "{all:?}");
    }
}
