//! Clients of 0.3, beside those of 1.0 and on the same tasks.

use crate::house::{House, message, state};
use crate::http::{self, Reply, Stream};
use serde_json::{Value, json};

/// What clients of 0.3 say about their version: nothing.
const SILENT: &str = "a2a-version:\r\n";

pub fn text(text: &str) -> Value {
    json!({
        "kind": "message", "messageId": "m", "role": "user",
        "parts": [{ "kind": "text", "text": text }],
        "metadata": message("").get("metadata"),
    })
}

fn content(text: &str) -> Value {
    json!({
        "messageId": "m", "role": "ROLE_USER", "content": [{ "text": text }],
        "metadata": message("").get("metadata"),
    })
}

fn request(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": "one", "method": method, "params": params }).to_string()
}

/// A JSON-RPC call of 0.3: its result, or its error under `error`.
pub async fn rpc(house: &House, method: &str, params: Value) -> Value {
    let body = request(method, &params);
    let reply = http::ask(house.address, "POST", "/a2a", SILENT, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let mut answer = reply.json();
    assert_eq!(answer["id"], "one");
    match answer.get("error") {
        Some(_) => answer,
        None => answer["result"].take(),
    }
}

pub async fn rest(house: &House, method: &str, path: &str, body: &str) -> Reply {
    let path = format!("/rest/v1{path}");
    http::ask(house.address, method, &path, SILENT, body).await
}

async fn rpc_stream(house: &House, method: &str, params: Value) -> Stream {
    let body = request(method, &params);
    let stream = Stream::try_open_with(house.address, "POST", "/a2a", SILENT, &body).await;
    stream.expect("an event stream")
}

async fn rest_stream(house: &House, method: &str, path: &str, body: &str) -> Stream {
    let path = format!("/rest/v1{path}");
    let stream = Stream::try_open_with(house.address, method, &path, SILENT, body).await;
    stream.expect("an event stream")
}

pub fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or(0)
}

#[tokio::test]
async fn a_message_becomes_a_task_that_can_be_looked_at() {
    let house = House::open().await;
    let task = rpc(&house, "message/send", json!({ "message": text("hello") })).await;
    assert_eq!(
        (&task["kind"], &task["status"]["state"]),
        (&"task".into(), &"completed".into())
    );
    assert_eq!(task["history"][0]["role"], "user");
    assert_eq!(task["history"][0]["kind"], "message");
    assert_eq!(
        task["artifacts"][0]["parts"][0],
        json!({ "kind": "data", "data": { "text": "hello" } })
    );
    let id = task["id"].as_str().unwrap();
    assert_eq!(rpc(&house, "tasks/get", json!({ "id": id })).await, task);
    let bare = rpc(&house, "tasks/get", json!({ "id": id, "historyLength": 0 })).await;
    assert_eq!(bare.get("history"), None);

    let over_http = rest(&house, "GET", &format!("/tasks/{id}"), "").await;
    assert!(
        over_http.head.contains("content-type: application/json"),
        "{}",
        over_http.head
    );
    let over_http = over_http.json();
    assert_eq!(over_http["status"]["state"], "TASK_STATE_COMPLETED");
    assert_eq!(over_http["history"][0]["content"][0]["text"], "hello");
    assert_eq!(
        over_http["artifacts"][0]["parts"][0],
        json!({ "data": { "data": { "text": "hello" } } })
    );
    let same = house.call("GetTask", json!({ "id": id })).await;
    assert_eq!(state(&same), "COMPLETED");
    for query in ["historyLength=0", "history_length=0"] {
        let bare = rest(&house, "GET", &format!("/tasks/{id}?{query}"), "")
            .await
            .json();
        assert_eq!(bare.get("history"), None, "{bare}");
    }
}

#[tokio::test]
async fn over_http_a_message_comes_and_goes_in_the_words_of_the_proto_file() {
    let house = House::open().await;
    for name in ["message", "request"] {
        let body = json!({ name: content("x"), "configuration": { "blocking": true } });
        let reply = rest(&house, "POST", "/message:send", &body.to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(
            reply.json()["task"]["status"]["state"],
            "TASK_STATE_COMPLETED"
        );
    }
    let body = json!({ "request": content("hold"), "configuration": {} });
    let begun = rest(&house, "POST", "/message:send", &body.to_string())
        .await
        .json();
    let id = begun["task"]["id"].as_str().unwrap().to_owned();
    let canceled = rest(
        &house,
        "POST",
        &format!("/tasks/{id}:cancel"),
        r#"{"name":"tasks/x"}"#,
    )
    .await;
    assert_eq!(canceled.json()["status"]["state"], "TASK_STATE_CANCELLED");
}

#[tokio::test]
async fn a_task_is_canceled_and_then_is_not_cancelable() {
    let house = House::open().await;
    let params = json!({ "message": text("hold"), "configuration": { "blocking": false } });
    let task = rpc(&house, "message/send", params).await;
    let params = json!({ "id": task["id"] });
    let canceled = rpc(&house, "tasks/cancel", params.clone()).await;
    assert_eq!(canceled["status"]["state"], "canceled");
    assert_eq!(code(&rpc(&house, "tasks/cancel", params).await), -32002);
}

#[tokio::test]
async fn errors_have_the_codes_of_0_3() {
    let house = House::open().await;
    let none = json!({ "id": "none" });
    for (method, params, expected) in [
        ("tasks/get", none.clone(), -32001),
        ("tasks/cancel", none.clone(), -32001),
        ("tasks/get", json!({}), -32602),
        ("message/send", json!({}), -32602),
        (
            "message/send",
            json!({ "message": { "role": "user", "parts": [{ "kind": "text" }] } }),
            -32602,
        ),
        (
            "message/send",
            json!({ "message": text("x"), "configuration": { "historyLength": -1 } }),
            -32602,
        ),
        ("message/stream", json!({ "message": {} }), -32602),
        ("agent/getAuthenticatedExtendedCard", json!(null), -32007),
        ("tasks/list", json!({}), -32601),
        ("tasks/pushNotificationConfig/purge", none, -32601),
    ] {
        let answer = rpc(&house, method, params.clone()).await;
        assert_eq!(code(&answer), expected, "{method} {params}: {answer}");
        assert!(!answer["error"]["message"].as_str().unwrap().is_empty());
    }
    let field = rpc(
        &house,
        "message/send",
        json!({ "message": { "role": "king" } }),
    )
    .await;
    assert_eq!(
        field["error"]["data"][1]["fieldViolations"][0]["field"],
        "message.role"
    );

    for (method, path, body, status, expected, name) in [
        ("GET", "/tasks/none", "", 404, -32001, "TaskNotFoundError"),
        (
            "POST",
            "/tasks/none:cancel",
            "",
            404,
            -32001,
            "TaskNotFoundError",
        ),
        (
            "GET",
            "/tasks/none:subscribe",
            "",
            404,
            -32001,
            "TaskNotFoundError",
        ),
        (
            "POST",
            "/message:send",
            "{}",
            400,
            -32602,
            "InvalidParamsError",
        ),
        (
            "POST",
            "/message:stream",
            "{",
            400,
            -32700,
            "JSONParseError",
        ),
        (
            "GET",
            "/card",
            "",
            400,
            -32007,
            "AuthenticatedExtendedCardNotConfiguredError",
        ),
        ("GET", "/tasks", "", 404, -32601, "MethodNotFoundError"),
        (
            "GET",
            "/extendedAgentCard",
            "",
            404,
            -32601,
            "MethodNotFoundError",
        ),
        (
            "GET",
            "/a/tasks/none",
            "",
            404,
            -32601,
            "MethodNotFoundError",
        ),
    ] {
        let reply = rest(&house, method, path, body).await;
        let answer = reply.json();
        assert_eq!(reply.status, status, "{path}: {answer}");
        assert_eq!(
            (&answer["code"], &answer["type"]),
            (&expected.into(), &name.into()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_version_is_told_by_the_method_and_must_not_be_contradicted() {
    let house = House::open().await;
    let old = request("message/send", &json!({ "message": text("x") }));
    let new = request("SendMessage", &json!({ "message": message("x") }));
    for (version, body, expected) in [
        ("", &old, 0),
        ("0.3", &old, 0),
        ("0.3.0", &old, 0),
        ("1.0", &old, -32009),
        ("0.2", &old, -32009),
        ("", &new, 0),
        ("1.0", &new, 0),
        ("0.3", &new, -32009),
    ] {
        let header = format!("a2a-version: {version}\r\n");
        let answer = http::ask(house.address, "POST", "/a2a", &header, body)
            .await
            .json();
        assert_eq!(code(&answer), expected, "{version}: {answer}");
    }
    // `v1` is a tenant for those who say that they speak 1.0, and the old routes for all others.
    let body = json!({ "message": message("x") }).to_string();
    let new = http::ask(house.address, "POST", "/rest/v1/message:send", "", &body).await;
    assert_eq!(state(&new.json()), "COMPLETED");
    let body = json!({ "message": content("x") }).to_string();
    let path = "/rest/v1/message:send";
    let refused = http::ask(house.address, "POST", path, "a2a-version: 0.2\r\n", &body)
        .await
        .json();
    assert_eq!(refused["type"], "VersionNotSupportedError");
}

#[tokio::test]
async fn a_stream_begins_with_the_task_and_ends_with_what_is_final() {
    let house = House::open().await;
    let rpc = rpc_stream(&house, "message/stream", json!({ "message": text("x") })).await;
    let body = json!({ "message": content("x") }).to_string();
    let rest = rest_stream(&house, "POST", "/message:stream", &body).await;
    let events = rpc.rest().await;
    assert_eq!(events[0]["kind"], "task");
    let last = events.last().unwrap();
    assert_eq!(last["status"]["state"], "completed");
    assert!(last["kind"] == "task" || last["final"] == true, "{last}");
    assert!(
        events
            .iter()
            .any(|event| event["kind"] == "artifact-update"),
        "{events:?}"
    );
    let again = rest.rest().await;
    assert_eq!(again.len(), events.len());
    assert_eq!(again[0]["task"]["kind"], Value::Null);
    let names = ["task", "message", "statusUpdate", "artifactUpdate"];
    for event in again {
        assert_eq!(
            names
                .iter()
                .filter(|name| event.get(**name).is_some())
                .count(),
            1,
            "{event}"
        );
    }
}

#[tokio::test]
async fn a_question_is_final_in_the_stream_of_a_message() {
    let house = House::open().await;
    let stream = rpc_stream(&house, "message/stream", json!({ "message": text("ask") })).await;
    let last = stream.rest().await.pop().unwrap();
    assert_eq!(last["status"]["state"], "input-required");
    assert_eq!(
        (&last["kind"], &last["final"]),
        (&"status-update".into(), &true.into())
    );
    assert_eq!(last["status"]["message"]["role"], "agent");
}

#[tokio::test]
async fn clients_of_both_versions_share_a_task() {
    let house = House::open().await;
    let asked = rpc(&house, "message/send", json!({ "message": text("ask") })).await;
    assert_eq!(asked["status"]["state"], "input-required");
    let id = asked["id"].as_str().unwrap();
    let mut old = rpc_stream(&house, "tasks/resubscribe", json!({ "id": id })).await;
    let mut old_get = rest_stream(&house, "GET", &format!("/tasks/{id}:subscribe"), "").await;
    let mut old_post = rest_stream(&house, "POST", &format!("/tasks/{id}:subscribe"), "").await;
    let mut new = house.subscribe(id, false).await;
    assert_eq!(old.next().await.unwrap()["kind"], "task");
    for stream in [&mut old_get, &mut old_post, &mut new] {
        assert!(stream.next().await.unwrap().get("task").is_some());
    }
    let done = house.answer(id, "blue").await;
    assert_eq!(state(&done), "COMPLETED");
    let (old, new) = (old.rest().await, new.rest().await);
    assert_eq!(old.len(), new.len());
    assert_eq!(old_get.rest().await, old_post.rest().await);
    assert_eq!(old.last().unwrap()["status"]["state"], "completed");

    let seen = rpc(&house, "tasks/get", json!({ "id": id })).await;
    let said: Vec<&Value> = seen["history"].as_array().unwrap().iter().collect();
    assert_eq!(said[0]["parts"][0]["text"], "ask");
    assert!(
        said.iter()
            .any(|message| message["parts"][0]["text"] == "blue"),
        "{seen}"
    );
}

#[tokio::test]
async fn a_subscription_to_an_ended_task_gives_the_task_and_one_to_none_an_error_as_an_event() {
    let house = House::open().await;
    let done = rpc(&house, "message/send", json!({ "message": text("x") })).await;
    let id = done["id"].as_str().unwrap();
    let events = rpc_stream(&house, "tasks/resubscribe", json!({ "id": id }))
        .await
        .rest()
        .await;
    assert_eq!(events, std::slice::from_ref(&done));
    let events = rest_stream(&house, "GET", &format!("/tasks/{id}:subscribe"), "")
        .await
        .rest()
        .await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["task"]["id"], done["id"]);

    let body = request("tasks/resubscribe", &json!({ "id": "none" }));
    let reply = http::ask(house.address, "POST", "/a2a", SILENT, &body).await;
    assert!(
        reply.head.contains("content-type: text/event-stream"),
        "{}",
        reply.head
    );
    let event = reply
        .body
        .lines()
        .find_map(|line| line.split_once("data: "))
        .unwrap()
        .1;
    let event: Value = serde_json::from_str(event).unwrap();
    assert_eq!((code(&event), &event["id"]), (-32001, &"one".into()));
}

#[tokio::test]
async fn the_card_is_read_by_clients_of_both_versions() {
    let house = House::open().await;
    let get =
        async |path: &str, headers: &str| http::ask(house.address, "GET", path, headers, "").await;
    let path = "/.well-known/agent-card.json";
    let silent = get(path, SILENT).await;
    let card = silent.json();
    let url = |path: &str| json!(house.agent.url().join(path).unwrap());
    assert_eq!(card["protocolVersion"], "0.3.0");
    assert_eq!(card["preferredTransport"], "JSONRPC");
    assert_eq!(card["url"], url("a2a"));
    assert_eq!(
        card["additionalInterfaces"],
        json!([
            { "url": url("a2a"), "transport": "JSONRPC" },
            { "url": url("rest"), "transport": "HTTP+JSON" },
            { "url": house.address, "transport": "GRPC" },
        ])
    );
    let mut versions: Vec<&str> = card["supportedInterfaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|interface| interface["protocolVersion"].as_str().unwrap())
        .collect();
    assert!(
        versions.is_sorted_by(|a, b| a >= b),
        "the newer first: {versions:?}"
    );
    versions.dedup();
    assert_eq!(versions, ["1.0", "0.3"]);
    assert_eq!(get("/.well-known/agent.json", SILENT).await.json(), card);
    assert_eq!(get(path, "a2a-version: 0.3\r\n").await.json(), card);

    let new = get(path, "").await;
    assert_eq!(new.json().get("url"), None);
    assert_eq!(
        new.json()["supportedInterfaces"],
        card["supportedInterfaces"]
    );
    let tag = |reply: &Reply| {
        let line = reply
            .head
            .lines()
            .find_map(|line| line.strip_prefix("etag: "));
        line.unwrap().to_owned()
    };
    for reply in [&silent, &new] {
        assert!(reply.head.contains("vary: a2a-version"), "{}", reply.head);
    }
    let known = format!("{SILENT}if-none-match: {}\r\n", tag(&silent));
    assert_eq!(get(path, &known).await.status, 304);
    let known = format!("if-none-match: {}\r\n", tag(&silent));
    assert_eq!(get(path, &known).await.status, 200, "of the other document");
    // Weak, as it is after a proxy that compresses; beside others, as caches keep them; any.
    for (tags, status) in [
        (format!("W/{}", tag(&new)), 304),
        (format!("\"a\", W/\"b\", {}", tag(&new)), 304),
        ("*".to_owned(), 304),
        ("\"a\", W/\"b\"".to_owned(), 200),
    ] {
        let reply = get(path, &format!("if-none-match: {tags}\r\n")).await;
        assert_eq!(reply.status, status, "{tags}");
    }
}
