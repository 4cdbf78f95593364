//! What is special to HTTP+JSON: statuses, error bodies and paths.

use crate::house::{House, message, reason, state};
use serde_json::json;

#[tokio::test]
async fn errors_are_a_status_with_the_reason_in_it() {
    let house = House::open_with(|config| config.push.enabled = false).await;
    let done = house.task("x").await["id"].as_str().unwrap().to_owned();
    let cancel = format!("/rest/tasks/{done}:cancel");
    let subscribe = format!("/rest/tasks/{done}:subscribe");
    let configs = format!("/rest/tasks/{done}/pushNotificationConfigs");
    let config = format!("{configs}/1");
    let hook = json!({ "url": "https://example.com/hook" }).to_string();
    let odd = json!({ "message": {
        "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": "x", "mediaType": "video/mp4" }]
    } });
    let odd = odd.to_string();
    for (method, path, body, status, grpc, why) in [
        (
            "GET",
            "/rest/tasks/none",
            "",
            404,
            "NOT_FOUND",
            "TASK_NOT_FOUND",
        ),
        (
            "POST",
            "/rest/tasks/none:cancel",
            "",
            404,
            "NOT_FOUND",
            "TASK_NOT_FOUND",
        ),
        (
            "POST",
            "/rest/tasks/none:subscribe",
            "",
            404,
            "NOT_FOUND",
            "TASK_NOT_FOUND",
        ),
        (
            "POST",
            &cancel,
            "",
            400,
            "FAILED_PRECONDITION",
            "TASK_NOT_CANCELABLE",
        ),
        (
            "POST",
            &subscribe,
            "",
            400,
            "FAILED_PRECONDITION",
            "UNSUPPORTED_OPERATION",
        ),
        (
            "GET",
            &subscribe,
            "",
            400,
            "FAILED_PRECONDITION",
            "UNSUPPORTED_OPERATION",
        ),
        (
            "POST",
            &configs,
            &hook,
            400,
            "FAILED_PRECONDITION",
            "PUSH_NOTIFICATION_NOT_SUPPORTED",
        ),
        (
            "GET",
            &configs,
            "",
            400,
            "FAILED_PRECONDITION",
            "PUSH_NOTIFICATION_NOT_SUPPORTED",
        ),
        (
            "GET",
            &config,
            "",
            400,
            "FAILED_PRECONDITION",
            "PUSH_NOTIFICATION_NOT_SUPPORTED",
        ),
        (
            "DELETE",
            &config,
            "",
            400,
            "FAILED_PRECONDITION",
            "PUSH_NOTIFICATION_NOT_SUPPORTED",
        ),
        (
            "GET",
            "/rest/extendedAgentCard",
            "",
            400,
            "FAILED_PRECONDITION",
            "UNSUPPORTED_OPERATION",
        ),
        (
            "POST",
            "/rest/message:send",
            &odd,
            400,
            "INVALID_ARGUMENT",
            "CONTENT_TYPE_NOT_SUPPORTED",
        ),
        (
            "POST",
            "/rest/message:send",
            "{",
            400,
            "INVALID_ARGUMENT",
            "PARSE_ERROR",
        ),
        (
            "POST",
            "/rest/message:send",
            "{}",
            400,
            "INVALID_ARGUMENT",
            "INVALID_PARAMS",
        ),
        (
            "POST",
            "/rest/message:stream",
            "{}",
            400,
            "INVALID_ARGUMENT",
            "INVALID_PARAMS",
        ),
        (
            "GET",
            "/rest/tasks?pageSize=0",
            "",
            400,
            "INVALID_ARGUMENT",
            "INVALID_PARAMS",
        ),
        (
            "GET",
            "/rest/tasks?includeArtifacts=1",
            "",
            400,
            "INVALID_ARGUMENT",
            "INVALID_PARAMS",
        ),
        (
            "GET",
            "/rest/nothing",
            "",
            404,
            "UNIMPLEMENTED",
            "METHOD_NOT_FOUND",
        ),
        (
            "PUT",
            "/rest/tasks",
            "",
            405,
            "UNIMPLEMENTED",
            "METHOD_NOT_FOUND",
        ),
    ] {
        let reply = house.http(method, path, body).await;
        let answer = reply.json();
        assert_eq!(
            (reply.status, reason(&answer)),
            (status, why),
            "{method} {path}: {answer}"
        );
        assert!(
            reply.head.contains("content-type: application/a2a+json"),
            "{}",
            reply.head
        );
        if status != 200 {
            let error = &answer["error"];
            assert_eq!(
                (error["code"].as_u64(), &error["status"]),
                (Some(u64::from(status)), &json!(grpc))
            );
            assert_eq!(error["details"][0]["domain"], "a2a-protocol.org", "{error}");
            assert!(!error["message"].as_str().unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn paths_may_begin_with_a_tenant_and_must_agree_with_the_body() {
    let house = House::open().await;
    let mut body = json!({ "tenant": "we", "message": message("ask") });
    let reply = house
        .http("POST", "/rest/we/message:send", &body.to_string())
        .await;
    let task = reply.json()["task"].take();
    assert_eq!(state(&task), "INPUT_REQUIRED");
    body["tenant"] = "they".into();
    let other = house
        .http("POST", "/rest/we/message:send", &body.to_string())
        .await;
    assert_eq!(reason(&other.json()), "INVALID_PARAMS");
    let id = task["id"].as_str().unwrap();
    let got = house
        .http("GET", &format!("/rest/we/tasks/{id}?historyLength=0"), "")
        .await
        .json();
    assert_eq!((&got["id"], got.get("history")), (&task["id"], None));
    let wrong = json!({ "id": "other" }).to_string();
    let cancel = format!("/rest/we/tasks/{id}:cancel");
    assert_eq!(
        reason(&house.http("POST", &cancel, &wrong).await.json()),
        "INVALID_PARAMS"
    );
    assert_eq!(
        state(&house.http("POST", &cancel, "").await.json()),
        "CANCELED"
    );
}

#[tokio::test]
async fn the_card_names_all_interfaces_and_where_they_are() {
    let house = House::open().await;
    let answer = house.http("GET", "/.well-known/agent-card.json", "").await;
    for header in [
        "etag: \"",
        "last-modified: ",
        "cache-control: public, max-age=",
    ] {
        assert!(answer.head.contains(header), "{}", answer.head);
    }
    let card = answer.json();
    let interfaces = card["supportedInterfaces"].as_array().unwrap();
    let named: Vec<_> = interfaces
        .iter()
        .map(|i| {
            (
                i["protocolBinding"].as_str().unwrap(),
                i["protocolVersion"].as_str().unwrap(),
            )
        })
        .collect();
    let versions = [
        ("1.0", ["JSONRPC", "HTTP+JSON", "GRPC"]),
        ("0.3", ["JSONRPC", "HTTP+JSON", "GRPC"]),
    ];
    let all = versions.map(|(version, bindings)| bindings.map(|binding| (binding, version)));
    assert_eq!(named, all.concat());
    let rest = interfaces[1]["url"].as_str().unwrap();
    assert_eq!(rest, house.agent.url().join("rest").unwrap().as_str());
}
