//! Event streams (A2A §9.4.2): one JSON-RPC response a line, from a task's log to a reader.
//!
//! The reader's pace is the stream's: nothing is buffered for it beyond the log that the task keeps
//! anyway, and when it goes away nothing happens to the task.

use super::jsonrpc::error_text;
use crate::limits::SSE_KEEP_ALIVE;
use crate::service::Streamed;
use crate::tasks::{Ended, LiveTask};
use agent_core::json::Json;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;

/// The response that carries a stream; `id` is the request's id as JSON.
pub(super) fn response(streamed: Streamed, id: String) -> Response {
    let body = match streamed {
        Streamed::Once(task) => {
            let event = format!(r#"{{"task":{}}}"#, task.get());
            Body::from(frame(1, &id, &event))
        }
        Streamed::Live(task) => {
            Body::from_stream(stream::unfold(Some(Reader::new(task, id)), read))
        }
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let mut response = (headers, body).into_response();
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

struct Reader {
    task: Arc<LiveTask>,
    id: String,
    read: usize,
}

impl Reader {
    const fn new(task: Arc<LiveTask>, id: String) -> Self {
        Self { task, id, read: 0 }
    }

    fn frames(&mut self, events: &[Json]) -> String {
        let mut text = String::new();
        for event in events {
            self.read = self.read.saturating_add(1);
            text.push_str(&frame(self.read, &self.id, event.get()));
        }
        text
    }
}

async fn read(reader: Option<Reader>) -> Option<(Result<Bytes, Infallible>, Option<Reader>)> {
    let mut reader = reader?;
    let next = tokio::time::timeout(SSE_KEEP_ALIVE, reader.task.next(reader.read)).await;
    let Ok((events, ended)) = next else {
        return Some((Ok(Bytes::from_static(b": still here\n\n")), Some(reader)));
    };
    let mut text = reader.frames(&events);
    let reader = match ended {
        None => Some(reader),
        Some(Ended::Stored(_)) => None,
        Some(Ended::Lost(error)) => {
            let _ = write!(text, "data: {}\n\n", error_text(&reader.id, &error));
            None
        }
    };
    Some((Ok(Bytes::from(text)), reader))
}

/// One event. `Json` never holds a line break, so one `data:` line carries it.
fn frame(number: usize, id: &str, event: &str) -> String {
    format!("id: {number}\ndata: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{event}}}\n\n")
}
