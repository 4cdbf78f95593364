//! The measure of all things: what axum and serde do when nothing else is done.

use super::served::Served;
use crate::Result;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::IntoResponse;
use axum::serve::ListenerExt;
use axum::{Json, Router, routing::post};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// What answers with a task, with nothing checked, kept or made up; none for agents.
pub(super) fn router(served: Served) -> Option<Router> {
    match served {
        Served::Echo => Some(Router::new().route("/a2a", post(answer))),
        Served::Axum => Some(Router::new().route("/a2a", post(in_four_lines))),
        Served::Memory | Served::Disk => None,
    }
}

pub(super) async fn serve(router: Router) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(address)
}

#[derive(Deserialize)]
struct Call<'a> {
    id: u64,
    #[serde(borrow)]
    params: Params<'a>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    message: Message<'a>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    message_id: &'a str,
    role: &'a str,
    #[serde(borrow)]
    parts: Vec<Part<'a>>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize, Serialize, Clone, Copy)]
struct Part<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Serialize)]
struct Answer<'a> {
    jsonrpc: &'static str,
    id: u64,
    result: Sent<'a>,
}

#[derive(Serialize)]
struct Sent<'a> {
    task: Task<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task<'a> {
    id: &'static str,
    context_id: &'static str,
    status: Status,
    artifacts: [Artifact<'a>; 1],
    history: [Message<'a>; 1],
}

#[derive(Serialize)]
struct Status {
    state: &'static str,
    timestamp: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact<'a> {
    artifact_id: &'static str,
    parts: Vec<Part<'a>>,
}

async fn in_four_lines(Json(call): Json<Value>) -> Json<Value> {
    let member = |path| call.pointer(path);
    let task = json!({
        "id": "01890c24-905b-7122-b170-b60814e6ee06",
        "contextId": "01890c24-905b-7122-b170-b60814e6ee07",
        "status": { "state": "TASK_STATE_COMPLETED", "timestamp": "2026-01-01T00:00:00.000Z" },
        "artifacts": [{ "artifactId": "result", "parts": member("/params/message/parts") }],
        "history": [member("/params/message")]
    });
    Json(json!({ "jsonrpc": "2.0", "id": member("/id"), "result": { "task": task } }))
}

async fn answer(body: Bytes) -> impl IntoResponse {
    let Ok(call) = serde_json::from_slice::<Call<'_>>(&body) else {
        return (StatusCode::BAD_REQUEST, "not the message").into_response();
    };
    let message = call.params.message;
    let task = Task {
        id: "01890c24-905b-7122-b170-b60814e6ee06",
        context_id: "01890c24-905b-7122-b170-b60814e6ee07",
        status: Status {
            state: "TASK_STATE_COMPLETED",
            timestamp: "2026-01-01T00:00:00.000Z",
        },
        artifacts: [Artifact {
            artifact_id: "result",
            parts: message.parts.clone(),
        }],
        history: [message],
    };
    let answer = Answer {
        jsonrpc: "2.0",
        id: call.id,
        result: Sent { task },
    };
    match serde_json::to_vec(&answer) {
        Ok(json) => {
            let json_type = HeaderValue::from_static("application/json");
            ([(CONTENT_TYPE, json_type)], json).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
