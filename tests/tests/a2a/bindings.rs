//! All bindings give equal answers to equal requests.

use crate::grpc::Caller;
use crate::house::{House, message};
use crate::http::Stream;
use agent_core::a2a::proto::{STREAM_RESPONSE, Schema, request_of, response_of};
use agent_core::a2a::{A2aError, JsonRpcError, Operation};
use agent_core::json::check_depth;
use agent_tests::fuzz::{Dice, input};
use agent_tests::repeats;
use serde_json::{Value, json};

/// A request in the words of both bindings.
struct Request {
    method: &'static str,
    params: Value,
    verb: &'static str,
    path: String,
}

/// Some of every kind, right and wrong, about these two tasks: one that ended, one that asks.
fn requests(done: &str, asks: &str) -> Vec<Request> {
    let mut all = Vec::new();
    let mut add = |method, params: Value, verb, path: String| {
        all.push(Request {
            method,
            params,
            verb,
            path,
        });
    };
    let messages = [
        message("x"),
        message("ask"),
        message("fail"),
        message("reject"),
        json!({}),
        json!(7),
        with("taskId", done.into()),
        with("taskId", "none".into()),
        with("parts", json!([])),
        with("taskId", asks.into())
            .as_object()
            .map(|m| {
                let mut m = m.clone();
                m.insert("contextId".to_owned(), "elsewhere".into());
                m.into()
            })
            .unwrap(),
        with("role", "ROLE_AGENT".into()),
        with("role", "king".into()),
        with("messageId", "".into()),
        with("parts", json!([{ "text": "x", "mediaType": "image/png" }])),
        with("parts", json!([{ "text": "x", "data": 1 }])),
        with("parts", json!([{ "data": 1 }])),
    ];
    for message in messages {
        for configuration in [
            json!(null),
            json!({ "historyLength": 0 }),
            json!({ "historyLength": -1 }),
            json!({ "taskPushNotificationConfig": { "url": "https://example.com" } }),
        ] {
            let params = json!({ "message": message, "configuration": configuration });
            add("SendMessage", params, "POST", "/message:send".to_owned());
        }
    }
    for id in [done, asks, "none"] {
        for history in ["", "0", "1", "-1", "x", "4294967296"] {
            let params = match history {
                "" => json!({ "id": id }),
                text => json!({ "id": id, "historyLength": text }),
            };
            add(
                "GetTask",
                params,
                "GET",
                format!("/tasks/{id}?historyLength={history}"),
            );
        }
    }
    for (query, params) in [
        ("", json!({})),
        ("pageSize=1", json!({ "pageSize": 1 })),
        (
            "pageSize=1&status=TASK_STATE_COMPLETED",
            json!({ "pageSize": 1, "status": "TASK_STATE_COMPLETED" }),
        ),
        ("status=nothing", json!({ "status": "nothing" })),
        ("pageSize=101", json!({ "pageSize": 101 })),
        ("pageToken=00", json!({ "pageToken": "00" })),
        (
            "includeArtifacts=true&historyLength=1",
            json!({ "includeArtifacts": true, "historyLength": 1 }),
        ),
        (
            "contextId=none&includeArtifacts=false",
            json!({ "contextId": "none", "includeArtifacts": false }),
        ),
        (
            "statusTimestampAfter=2020-01-01T00:00:00%2B01:00",
            json!({ "statusTimestampAfter": "2020-01-01T00:00:00+01:00" }),
        ),
        (
            "statusTimestampAfter=never",
            json!({ "statusTimestampAfter": "never" }),
        ),
    ] {
        add("ListTasks", params, "GET", format!("/tasks?{query}"));
    }
    for id in [done, "none"] {
        let params = || json!({ "id": id });
        add(
            "CancelTask",
            params(),
            "POST",
            format!("/tasks/{id}:cancel"),
        );
        add(
            "SubscribeToTask",
            params(),
            "POST",
            format!("/tasks/{id}:subscribe"),
        );
        let params = || json!({ "taskId": id, "id": "1", "url": "https://example.com" });
        let configs = format!("/tasks/{id}/pushNotificationConfigs");
        add(
            "CreateTaskPushNotificationConfig",
            params(),
            "POST",
            configs.clone(),
        );
        add(
            "ListTaskPushNotificationConfigs",
            params(),
            "GET",
            configs.clone(),
        );
        add(
            "GetTaskPushNotificationConfig",
            params(),
            "GET",
            format!("{configs}/1"),
        );
        add(
            "DeleteTaskPushNotificationConfig",
            params(),
            "DELETE",
            format!("{configs}/1"),
        );
    }
    add(
        "GetExtendedAgentCard",
        json!({}),
        "GET",
        "/extendedAgentCard".to_owned(),
    );
    all
}

fn with(field: &str, value: Value) -> Value {
    let mut message = message("x");
    message[field] = value;
    message
}

/// What differs from task to task.
fn plain(mut value: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (name, value) in map.iter_mut() {
                    match name.as_str() {
                        "id" | "contextId" | "taskId" | "messageId" | "timestamp" => {
                            *value = "?".into()
                        }
                        _ => walk(value),
                    }
                }
            }
            Value::Array(list) => list.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut value);
    value
}

/// The same with what gRPC leaves out, which is what is at its default, left out.
fn over_grpc(schema: &Schema, value: &Value) -> Value {
    let wire = schema.encode(&value.to_string()).unwrap();
    plain(serde_json::from_slice(&schema.decode(&wire).unwrap()).unwrap())
}

#[tokio::test]
async fn equal_requests_have_equal_answers() {
    let house = House::open().await;
    let done = house.task("x").await["id"].as_str().unwrap().to_owned();
    let asks = house.task("ask").await["id"].as_str().unwrap().to_owned();
    let caller = Caller::of(house.address);
    for Request {
        method,
        params,
        verb,
        path,
    } in requests(&done, &asks)
    {
        let body = match method {
            "SendMessage" | "CreateTaskPushNotificationConfig" => params.to_string(),
            _ => String::new(),
        };
        let rpc = house.rpc(method, params.clone()).await;
        let rest = house.http(verb, &format!("/rest{path}"), &body).await;
        let rest = rest.json();
        // Protocol Buffers cannot say all that is wrong in JSON: a number for an object, or two
        // contents of one part.
        let operation = Operation::of_name(method).unwrap();
        let part = &params["message"]["parts"][0];
        let two = part["text"].is_string() && part["data"].is_number();
        if !two && request_of(operation).encode(&params.to_string()).is_ok() {
            let grpc = caller.call(method, &params).await;
            match rpc.get("error") {
                None => assert_eq!(
                    plain(grpc.only()),
                    over_grpc(response_of(operation), &rpc["result"]),
                    "{method} {params}"
                ),
                Some(error) => {
                    let error: JsonRpcError = serde_json::from_value(error.clone()).unwrap();
                    assert_eq!(grpc.error(), A2aError::from(&error), "{method} {params}");
                }
            }
        }
        match rpc.get("error") {
            None => assert_eq!(
                plain(rest),
                plain(rpc["result"].clone()),
                "{method} {params}"
            ),
            Some(error) => {
                assert_eq!(rest["error"]["details"], error["data"], "{method} {params}");
                assert_eq!(
                    rest["error"]["message"], error["message"],
                    "{method} {params}"
                );
            }
        }
    }
}

/// The two bindings that carry JSON as it is carry whatever is in it: twice the same member, numbers
/// of any size, fields of any kind. `FUZZ_ROUNDS` says how many messages.
#[tokio::test]
async fn any_message_has_equal_answers() {
    // Nothing is to be called.
    let house = House::open_with(|config| config.push.enabled = false).await;
    let done = house.task("x").await["id"].take();
    let seeds = [
        json!({ "message": message("x"), "configuration": { "historyLength": 1 } }),
        json!({ "message": with("referenceTaskIds", json!([done])), "metadata": { "a": [1, 2.5, null] } }),
        json!({ "message": with("parts", json!([{ "data": { "text": "y" } }, { "raw": "AAEC", "filename": "f" }])) }),
        json!({ "tenant": "t", "message": with("extensions", json!(["urn:e"])), "configuration": {
            "acceptedOutputModes": ["text/plain"], "returnImmediately": false,
            "taskPushNotificationConfig": { "id": "h", "url": "https://example.com" }
        } }),
    ];
    let seeds = seeds.map(|seed| seed.to_string().into_bytes());
    let mut dice = Dice::new(1);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..repeats("FUZZ_ROUNDS", 250) {
        let Ok(params) = String::from_utf8(input(&mut dice, &seeds)) else {
            continue;
        };
        // Numbers beyond a double are carried as well, but cannot be read here.
        let is_json = serde_json::from_str::<Value>(&params).is_ok();
        // JSON-RPC has its own word for parameters that are no object, and takes one level.
        if !is_json || !params.starts_with('{') || check_depth(params.as_bytes(), 64).is_err() {
            continue;
        }
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{params}}}"#);
        let rpc = house.http("POST", "/a2a", &body).await.json();
        let rest = house.http("POST", "/rest/message:send", &params).await;
        let rest = rest.json();
        match rpc.get("error") {
            None => {
                assert_eq!(plain(rest), plain(rpc["result"].clone()), "{params}");
                good += 1;
            }
            Some(error) => {
                assert_eq!(rest["error"]["details"], error["data"], "{params}");
                assert_eq!(rest["error"]["message"], error["message"], "{params}");
                bad += 1;
            }
        }
    }
    assert!(
        good > 20 && bad > 20,
        "{good} were answered and {bad} refused"
    );
}

#[tokio::test]
async fn equal_streams_have_equal_events() {
    let house = House::open().await;
    house.open_door();
    let caller = Caller::of(house.address);
    for text in ["x", "ask", "fail", "reject", "hold", "pieces"] {
        let params = json!({ "message": message(text) });
        let body = json!({
            "jsonrpc": "2.0", "id": "s", "method": "SendStreamingMessage", "params": params
        });
        let rpc = Stream::open(house.address, "POST", "/a2a", &body.to_string()).await;
        let rest = "/rest/message:stream";
        let rest = Stream::open(house.address, "POST", rest, &params.to_string()).await;
        let (rpc, rest) = (rpc.rest().await, rest.rest().await);
        let grpc = caller.call("SendStreamingMessage", &params).await.messages;
        let events = rpc.iter().map(|event| over_grpc(&STREAM_RESPONSE, event));
        assert_eq!(plain(grpc.into()), events.collect::<Value>(), "{text}");
        assert_eq!(plain(rpc.into()), plain(rest.into()), "{text}");
    }
}
