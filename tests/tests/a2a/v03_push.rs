//! Webhooks that clients of 0.3 make: kept as all others, and told in the words of 0.3.

use crate::house::House;
use crate::push::open_to_hooks;
use crate::v03::{code, rest, rpc, text};
use crate::webhook::Hook;
use serde_json::{Value, json};

fn webhook(id: &str, url: &str) -> Value {
    json!({
        "id": id, "url": url, "token": "the-token",
        "authentication": { "schemes": ["Bearer"], "credentials": "c" },
    })
}

async fn asking(house: &House) -> String {
    let task = rpc(house, "message/send", json!({ "message": text("ask") })).await;
    task["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn webhooks_are_made_looked_up_listed_and_taken_back() {
    let house = House::open_with(open_to_hooks).await;
    let id = asking(&house).await;
    let (get, list) = (
        "tasks/pushNotificationConfig/get",
        "tasks/pushNotificationConfig/list",
    );
    let of_task = json!({ "id": id });
    assert_eq!(
        code(&rpc(&house, get, of_task.clone()).await),
        -32001,
        "there is none yet"
    );

    let params =
        json!({ "taskId": id, "pushNotificationConfig": webhook("h", "http://127.0.0.1:9/") });
    let made = rpc(&house, "tasks/pushNotificationConfig/set", params).await;
    assert_eq!(made["taskId"], json!(id));
    assert_eq!(made["pushNotificationConfig"]["id"], "h");
    assert_eq!(made["pushNotificationConfig"]["url"], "http://127.0.0.1:9/");

    let named = json!({ "id": id, "pushNotificationConfigId": "h" });
    let seen = rpc(&house, get, named.clone()).await;
    assert_eq!(
        rpc(&house, get, of_task.clone()).await,
        seen,
        "the only one needs no name"
    );
    assert_eq!(rpc(&house, list, of_task.clone()).await, json!([seen]));
    let over_http = rest(
        &house,
        "GET",
        &format!("/tasks/{id}/pushNotificationConfigs"),
        "",
    )
    .await;
    let name = format!("tasks/{id}/pushNotificationConfigs/h");
    assert_eq!(over_http.json()["configs"][0]["name"], json!(name));
    let one = rest(&house, "GET", &format!("/{name}"), "").await.json();
    assert_eq!(
        one["pushNotificationConfig"],
        seen["pushNotificationConfig"]
    );

    let delete = "tasks/pushNotificationConfig/delete";
    assert_eq!(rpc(&house, delete, named.clone()).await, Value::Null);
    assert_eq!(rpc(&house, list, of_task).await, json!([]));
    assert_eq!(code(&rpc(&house, get, named).await), -32001);
}

#[tokio::test]
async fn over_http_a_webhook_comes_in_either_of_two_bodies() {
    let house = House::open_with(open_to_hooks).await;
    let id = asking(&house).await;
    let path = format!("/tasks/{id}/pushNotificationConfigs");
    let config = json!({
        "name": format!("tasks/{id}/pushNotificationConfigs/a"),
        "pushNotificationConfig": webhook("a", "http://127.0.0.1:9/"),
    });
    let of_task = json!({ "parent": format!("tasks/{id}"), "configId": "b", "config": {
        "pushNotificationConfig": webhook("b", "http://127.0.0.1:9/"),
    } });
    for (body, name) in [(&config, "a"), (&of_task, "b")] {
        let reply = rest(&house, "POST", &path, &body.to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let name = format!("tasks/{id}/pushNotificationConfigs/{name}");
        assert_eq!(reply.json()["name"], json!(name));
    }
    let elsewhere = "/tasks/other/pushNotificationConfigs";
    let other = rest(&house, "POST", elsewhere, &config.to_string()).await;
    assert_eq!(other.status, 400, "the path names another task");
    let path = format!("{path}/a");
    assert_eq!(rest(&house, "DELETE", &path, "").await.json(), json!({}));
    assert_eq!(rest(&house, "GET", &path, "").await.status, 404);
}

#[tokio::test]
async fn each_webhook_is_told_in_the_version_that_made_it() {
    let (old, new) = (Hook::open().await, Hook::open().await);
    let house = House::open_with(open_to_hooks).await;
    let params = json!({
        "message": text("ask"),
        "configuration": { "pushNotificationConfig": webhook("old", &old.url("/")) },
    });
    let task = rpc(&house, "message/send", params).await;
    let id = task["id"].as_str().unwrap();
    let params = json!({ "taskId": id, "id": "new", "url": new.url("/") });
    house.call("CreateTaskPushNotificationConfig", params).await;
    house.answer(id, "blue").await;

    let told = old.told("completed").await;
    for note in &told {
        assert_eq!(note.header("content-type"), "application/json");
        assert_eq!(note.header("authorization"), "Bearer c");
        assert_eq!(note.header("x-a2a-notification-token"), "the-token");
        assert_eq!(
            (&note.body["kind"], &note.body["id"]),
            (&"task".into(), &json!(id))
        );
    }
    let states: Vec<&Value> = told
        .iter()
        .map(|note| &note.body["status"]["state"])
        .collect();
    assert!(states.contains(&&json!("input-required")), "{states:?}");
    let last = &told.last().unwrap().body;
    assert_eq!(last["artifacts"][0]["parts"][0]["kind"], "data");
    for note in new.told("COMPLETED").await {
        assert_eq!(note.header("content-type"), "application/a2a+json");
        assert_eq!(note.body.as_object().unwrap().len(), 1);
    }
}
