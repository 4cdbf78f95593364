//! Event streams (A2A §9.4.2, §11.7): one event a line, from a task's log to a reader.
//!
//! The reader's pace is the stream's: nothing is buffered for it beyond the log that the task keeps
//! anyway, and when it goes away nothing happens to the task.

use super::jsonrpc::error_text;
use super::{rest, v03};
use crate::limits::SSE_KEEP_ALIVE;
use crate::service::{Feed, Portion};
use agent_core::a2a::A2aError;
use agent_core::a2a::v03::{Dialect, event_from_v1};
use agent_core::json::Json;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use std::convert::Infallible;
use std::fmt::Write;

/// What stands around an event.
#[derive(Debug)]
pub(super) enum Framing {
    /// A JSON-RPC response to the request with this id, which is JSON.
    JsonRpc(String),
    /// Nothing: the `StreamResponse` itself.
    Bare,
    /// The same in the words of 0.3: in JSON-RPC with the id of the request, else bare.
    V03 {
        id: Option<String>,
        /// Whether the stream ends when the agent asks its caller something.
        ends_when_asking: bool,
    },
}

/// The response that carries a stream.
pub(super) fn response(feed: Feed, framing: Framing) -> Response {
    let reader = Reader { feed, framing };
    events(Body::from_stream(stream::unfold(Some(reader), read)))
}

/// The response that carries one event, which is JSON on one line.
pub(super) fn once(event: &str) -> Response {
    events(Body::from(format!("data: {event}\n\n")))
}

fn events(body: Body) -> Response {
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
    feed: Feed,
    framing: Framing,
}

async fn read(reader: Option<Reader>) -> Option<(Result<Bytes, Infallible>, Option<Reader>)> {
    let mut reader = reader?;
    let next = tokio::time::timeout(SSE_KEEP_ALIVE, reader.feed.next()).await;
    let Ok(Portion { events, end }) = next else {
        return Some((Ok(Bytes::from_static(b": still here\n\n")), Some(reader)));
    };
    let mut text = String::new();
    for (number, event) in events {
        reader.framing.frame(&mut text, number, &event);
    }
    let reader = match end {
        None => Some(reader),
        Some(Ok(())) => None,
        Some(Err(error)) => {
            reader.framing.fail(&mut text, &error);
            None
        }
    };
    Some((Ok(Bytes::from(text)), reader))
}

impl Framing {
    /// One event. `Json` never holds a line break, so one `data:` line carries it. Its number lets
    /// a reader that was cut off go on after it (`Last-Event-ID`).
    fn frame(&self, text: &mut String, number: u64, event: &Json) {
        if number > 0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "id: {number}");
        }
        let _ = match self {
            Self::V03 {
                id,
                ends_when_asking,
            } => {
                let dialect = match id {
                    Some(_) => Dialect::JsonRpc,
                    None => Dialect::Rest,
                };
                match event_from_v1(event, dialect, *ends_when_asking) {
                    Ok(event) => return v03_frame(text, id.as_deref(), event.get()),
                    Err(error) => return self.fail(text, &error),
                }
            }
            Self::JsonRpc(id) => write!(
                text,
                "data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{event}}}\n\n"
            ),
            Self::Bare => write!(text, "data: {event}\n\n"),
        };
    }

    /// The error after which nothing comes.
    fn fail(&self, text: &mut String, error: &A2aError) {
        let error = match self {
            Self::JsonRpc(id) => error_text(id, error),
            Self::Bare => rest::error_text(error),
            Self::V03 { id: Some(id), .. } => error_text(id, error),
            Self::V03 { id: None, .. } => {
                // By this word the clients of 0.3 tell an error from an event.
                text.push_str("event: error\n");
                v03::rest::error_text(error)
            }
        };
        let _ = write!(text, "data: {error}\n\n");
    }
}

fn v03_frame(text: &mut String, id: Option<&str>, event: &str) {
    let _ = match id {
        Some(id) => write!(
            text,
            "data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{event}}}\n\n"
        ),
        None => write!(text, "data: {event}\n\n"),
    };
}
