//! HTTP+JSON with another agent, well-behaved and not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod call_fake;

use agent_client::call::{Binding, CallOptions, RemoteAgent};
use agent_core::a2a::{
    CancelTaskRequest, DeleteTaskPushNotificationConfigRequest, ErrorCode,
    GetTaskPushNotificationConfigRequest, GetTaskRequest, ListTaskPushNotificationConfigsRequest,
    ListTasksRequest, Message, SendMessageRequest, SendMessageResponse, TaskPushNotificationConfig,
    TaskState,
};
use call_fake::{Fake, Reply, Seen, card, egress};
use serde_json::{Value, json};

fn task(state: &str) -> Value {
    json!({"id": "t/1", "contextId": "c", "status": {"state": state}})
}

fn ok(value: &Value) -> Reply {
    Reply::Json(200, value.to_string())
}

/// An agent that speaks HTTP+JSON below `/rest`, as the tenant `t-1`.
async fn agent(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Fake, RemoteAgent) {
    let fake = Fake::start(move |base, seen| {
        if seen.path.ends_with("agent-card.json") {
            let mut card = card(base);
            card["supportedInterfaces"][2]["protocolBinding"] = json!("HTTP+JSON");
            card["supportedInterfaces"][2]["url"] = json!(format!("{base}/rest/"));
            return ok(&card);
        }
        answer(seen)
    })
    .await;
    let options = CallOptions::default().over(Binding::HttpJson);
    let remote = RemoteAgent::connect_with(&egress(), &fake.url, options).await;
    (fake, remote.unwrap())
}

fn hello() -> SendMessageRequest {
    SendMessageRequest::new(Message::user("hi"))
}

fn get() -> GetTaskRequest {
    GetTaskRequest {
        id: "t/1".to_owned(),
        history_length: Some(0),
        ..Default::default()
    }
}

fn webhook() -> TaskPushNotificationConfig {
    TaskPushNotificationConfig {
        task_id: "t/1".to_owned(),
        id: "w".to_owned(),
        url: "https://example.com/".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn each_operation_has_its_route_its_headers_and_its_answer() {
    let config = json!({"taskId": "t/1", "id": "w", "url": "https://example.com/"});
    let (fake, remote) = agent(move |seen| {
        let (path, _) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
        match (
            seen.method.as_str(),
            path.strip_prefix("/rest/t-1").unwrap(),
        ) {
            ("POST", "/message:send") => ok(&json!({"task": task("TASK_STATE_COMPLETED")})),
            ("GET", "/tasks/t%2F1") => ok(&task("TASK_STATE_WORKING")),
            ("POST", "/tasks/t%2F1:cancel") => ok(&task("TASK_STATE_CANCELED")),
            ("GET", "/tasks") => ok(&json!({
                "tasks": [task("TASK_STATE_WORKING")], "nextPageToken": "", "pageSize": 5,
                "totalSize": 1,
            })),
            ("POST", "/tasks/t%2F1/pushNotificationConfigs") => ok(&config),
            ("GET", "/tasks/t%2F1/pushNotificationConfigs/w") => ok(&config),
            ("GET", "/tasks/t%2F1/pushNotificationConfigs") => ok(&json!({"configs": [config]})),
            // As some servers do it.
            ("DELETE", _) => Reply::Json(200, String::new()),
            ("GET", "/extendedAgentCard") => {
                let mut card = card("http://127.0.0.1:9");
                card["name"] = json!("extended");
                ok(&card)
            }
            _ => Reply::Json(404, String::new()),
        }
    })
    .await;
    let SendMessageResponse::Task(sent) = remote.send(hello()).await.unwrap() else {
        panic!()
    };
    assert_eq!(sent.status.state, TaskState::Completed);
    remote.get_task(get()).await.unwrap();
    let id = "t/1".to_owned();
    let cancel = CancelTaskRequest {
        id,
        ..Default::default()
    };
    remote.cancel_task(cancel).await.unwrap();
    let list = ListTasksRequest {
        page_size: Some(5),
        status: TaskState::Working,
        ..Default::default()
    };
    assert_eq!(remote.list_tasks(list).await.unwrap().total_size, 1);
    let TaskPushNotificationConfig { task_id, id, .. } = webhook();
    assert_eq!(
        remote.create_push_config(webhook()).await.unwrap(),
        webhook()
    );
    let one = GetTaskPushNotificationConfigRequest {
        task_id: task_id.clone(),
        id: id.clone(),
        ..Default::default()
    };
    assert_eq!(remote.get_push_config(one).await.unwrap(), webhook());
    let all = ListTaskPushNotificationConfigsRequest {
        task_id: task_id.clone(),
        ..Default::default()
    };
    assert_eq!(
        remote.list_push_configs(all).await.unwrap().configs,
        [webhook()]
    );
    let gone = DeleteTaskPushNotificationConfigRequest {
        task_id,
        id,
        ..Default::default()
    };
    remote.delete_push_config(gone).await.unwrap();

    assert_eq!(remote.card().name, "fake");
    let clone = remote.clone();
    assert_eq!(remote.extended_card().await.unwrap().name, "extended");
    assert_eq!(clone.card().name, "extended");

    let seen = fake.seen();
    assert!(seen[2].path.ends_with("/tasks/t%2F1?historyLength=0"));
    assert!(
        seen[4]
            .path
            .ends_with("/tasks?pageSize=5&status=TASK_STATE_WORKING")
    );
    for request in &seen[1..] {
        assert!(request.headers.contains("a2a-version: 1.0"));
        assert!(request.headers.contains("accept: application/a2a+json"));
        let body = !request.body.is_empty();
        assert_eq!(body, request.method == "POST", "{}", request.path);
        if body {
            assert!(
                request
                    .headers
                    .contains("content-type: application/a2a+json")
            );
            assert_eq!(request.json()["tenant"], "t-1");
        }
    }
}

#[tokio::test]
async fn errors_are_told_apart_by_their_reason_and_not_by_their_status() {
    let status = |code: u16, reason: &'static str| {
        Reply::Json(
            code,
            json!({"error": {"code": code, "status": "X", "message": "no", "details": [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
                 "domain": "a2a-protocol.org", "metadata": {"code": "finer"}}]}})
            .to_string(),
        )
    };
    for (reply, code, reason) in [
        (
            status(404, "TASK_NOT_FOUND"),
            "call.agent_error",
            Some(ErrorCode::TaskNotFound),
        ),
        (
            status(409, "TASK_NOT_CANCELABLE"),
            "call.agent_error",
            Some(ErrorCode::TaskNotCancelable),
        ),
        (
            status(401, "UNAUTHENTICATED"),
            "call.unauthenticated",
            Some(ErrorCode::Unauthenticated),
        ),
        (
            Reply::Json(401, "no".to_owned()),
            "call.unauthenticated",
            Some(ErrorCode::Unauthenticated),
        ),
        (Reply::Json(404, "no".to_owned()), "call.http_status", None),
        (
            Reply::Json(400, "{\"error\": 7}".to_owned()),
            "call.http_status",
            None,
        ),
        (
            Reply::Json(200, "{".to_owned()),
            "call.malformed_answer",
            None,
        ),
        (
            Reply::Json(200, "[".repeat(5_000)),
            "call.malformed_answer",
            None,
        ),
        (
            Reply::Json(200, r#"{"id": "other", "status": {}}"#.to_owned()),
            "call.malformed_answer",
            None,
        ),
    ] {
        let shown = format!("{reply:?}");
        let (fake, remote) = agent(move |_| reply.clone()).await;
        let error = remote.get_task(get()).await.unwrap_err();
        assert_eq!(
            (error.code(), error.agent_reason()),
            (code, reason),
            "{shown}"
        );
        assert_eq!(fake.seen().len(), 2, "it is not asked again");
        if code == "call.agent_error" {
            assert_eq!(error.agent_detail(), Some("finer"));
        }
    }
}

#[tokio::test]
async fn events_come_bare_and_an_error_among_them_ends_the_stream() {
    let (fake, remote) = agent(|_| {
        let event = |value: Value| format!("id: 1\ndata: {value}\n\n");
        Reply::Events(vec![
            event(json!({"task": task("TASK_STATE_WORKING")})),
            event(json!({"error": {"code": 500, "status": "INTERNAL", "message": "oops"}})),
        ])
    })
    .await;
    let mut events = remote.send_streaming(hello()).await.unwrap();
    assert!(events.next().await.unwrap().is_some());
    let error = events.next().await.unwrap_err();
    assert_eq!(error.agent_reason(), Some(ErrorCode::Internal));
    assert!(events.next().await.unwrap().is_none());
    let post = &fake.posts()[0];
    assert_eq!(post.path, "/rest/t-1/message:stream");
    assert!(post.headers.contains("accept: text/event-stream"));
}

#[tokio::test]
async fn oversized_events_and_endless_pages_are_given_up() {
    let (_fake, remote) = agent(|seen| match seen.path.contains("message:stream") {
        true => Reply::Forever(vec!["data: x".to_owned(), "x".repeat(65_536)]),
        false => ok(&json!({"tasks": [], "nextPageToken": "p", "pageSize": 1, "totalSize": 1})),
    })
    .await;
    let mut events = remote.send_streaming(hello()).await.unwrap();
    let error = events.next().await.unwrap_err();
    assert_eq!(error.code(), "call.malformed_answer");

    let mut pages = remote.task_pages(ListTasksRequest::default());
    assert!(pages.next().await.unwrap().is_some());
    let error = pages.next().await.unwrap_err();
    assert_eq!(error.code(), "call.malformed_answer");
    assert!(pages.next().await.unwrap().is_none());
}
