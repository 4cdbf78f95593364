//! `ListTasks`: filters, pages and what is shown.

use crate::house::{House, reason, state};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

fn ids(page: &Value) -> Vec<String> {
    let tasks = page["tasks"].as_array().unwrap();
    tasks
        .iter()
        .map(|task| task["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn pages_give_every_task_once_the_newest_status_first() {
    let house = House::open().await;
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(house.task("x").await["id"].as_str().unwrap().to_owned());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    made.reverse();
    let (mut found, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = house
            .call("ListTasks", json!({ "pageSize": 3, "pageToken": token }))
            .await;
        assert_eq!(
            (page["pageSize"].as_i64(), page["totalSize"].as_i64()),
            (Some(3), Some(7))
        );
        found.extend(ids(&page));
        pages += 1;
        token = page["nextPageToken"]
            .as_str()
            .expect("always there")
            .to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((found, pages), (made, 3));
    let all = house.call("ListTasks", json!({})).await;
    assert_eq!((all["pageSize"].as_i64(), ids(&all).len()), (Some(50), 7));
    // A full last page has nothing after it.
    let full = house.call("ListTasks", json!({ "pageSize": 7 })).await;
    assert_eq!(full["nextPageToken"], "");
}

#[tokio::test]
async fn tasks_of_one_millisecond_are_not_lost_between_pages() {
    let house = House::open().await;
    let made: Vec<_> = (0..20).map(|_| house.task("x")).collect();
    let made: BTreeSet<String> = futures_util::future::join_all(made)
        .await
        .iter()
        .map(|task| task["id"].as_str().unwrap().to_owned())
        .collect();
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let page = house
            .call("ListTasks", json!({ "pageSize": 1, "pageToken": token }))
            .await;
        found.extend(ids(&page));
        token = page["nextPageToken"].as_str().unwrap().to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(found.len(), 20);
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), made);
}

#[tokio::test]
async fn filters_narrow_and_count() {
    let house = House::open().await;
    let first = house.task("ask").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let second = house.task("x").await;
    let running = house.begun("hold").await;
    let list = |params: Value| house.call("ListTasks", params);

    let of_context = list(json!({ "contextId": first["contextId"] })).await;
    assert_eq!(ids(&of_context), [first["id"].as_str().unwrap()]);
    assert_eq!(of_context["totalSize"], 1);
    let asking = list(json!({ "status": "TASK_STATE_INPUT_REQUIRED" })).await;
    assert_eq!(ids(&asking), ids(&of_context));
    let working = list(json!({ "status": "TASK_STATE_WORKING" })).await;
    assert_eq!(ids(&working), [running.as_str()]);
    let since = second["status"]["timestamp"].clone();
    let late = list(json!({ "statusTimestampAfter": since })).await;
    assert_eq!(late["totalSize"], 2, "the time itself counts: {late}");
    let none = list(json!({ "contextId": "nowhere" })).await;
    assert_eq!(
        (none["totalSize"].as_i64(), none["nextPageToken"].as_str()),
        (Some(0), Some(""))
    );
    assert_eq!(none["tasks"], json!([]));
    house.open_door();
}

#[tokio::test]
async fn artifacts_and_history_come_as_asked_for() {
    let house = House::open().await;
    house.task("x").await;
    let list = async |params: Value| house.call("ListTasks", params).await["tasks"][0].take();
    let bare = list(json!({})).await;
    assert!(
        bare.get("artifacts").is_none() && bare.get("history").is_some(),
        "{bare}"
    );
    let whole = list(json!({ "includeArtifacts": true, "historyLength": 0 })).await;
    assert!(
        whole.get("artifacts").is_some() && whole.get("history").is_none(),
        "{whole}"
    );
}

#[tokio::test]
async fn a_running_task_is_listed_with_the_pieces_it_has_so_far() {
    let house = House::open().await;
    let id = house.begun("pieces").await;
    let mut stream = house.subscribe(&id, false).await;
    stream.next().await.unwrap();
    house.open_door();
    stream.next().await.unwrap();
    let page = house
        .call("ListTasks", json!({ "includeArtifacts": true }))
        .await;
    let parts = page["tasks"][0]["artifacts"][0]["parts"]
        .as_array()
        .unwrap();
    assert!(parts[0]["text"] == "0;", "{page}");
    stream.rest().await;
}

#[tokio::test]
async fn what_is_not_a_page_is_refused_by_field() {
    let house = House::open().await;
    for (params, field) in [
        (json!({ "pageSize": 0 }), "pageSize"),
        (json!({ "pageSize": 101 }), "pageSize"),
        (json!({ "pageSize": -1 }), "pageSize"),
        (json!({ "pageToken": "beef" }), "pageToken"),
        (json!({ "pageToken": "not hex" }), "pageToken"),
        (json!({ "historyLength": -1 }), "historyLength"),
        (json!({ "status": "TASK_STATE_ASLEEP" }), "status"),
        (
            json!({ "statusTimestampAfter": "yesterday" }),
            "statusTimestampAfter",
        ),
    ] {
        let answer = house.rpc("ListTasks", params.clone()).await;
        assert_eq!(reason(&answer), "INVALID_PARAMS", "{params}: {answer}");
        assert!(
            answer
                .to_string()
                .contains(&format!("\"field\":\"{field}\"")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn who_names_no_context_sees_nothing_of_others() {
    let house = House::open_with(|_| {}).await;
    let task = house.task("a secret").await;
    let all = house.call("ListTasks", json!({})).await;
    assert_eq!((ids(&all).len(), all["totalSize"].as_i64()), (0, Some(0)));
    let own = house
        .call("ListTasks", json!({ "contextId": task["contextId"] }))
        .await;
    assert_eq!(ids(&own), [task["id"].as_str().unwrap()]);
    assert_eq!(state(&own["tasks"][0]), "COMPLETED");
}
