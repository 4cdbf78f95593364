//! What JSON-RPC and HTTP+JSON have in common: a body there, a body or server-sent events back.

use std::fmt;

use agent_core::a2a::RestError;
use agent_core::a2a::limits::MAX_JSON_DEPTH;
use agent_core::json::{Json, check_depth};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::sse::SseParser;
use super::transport::{Event, Events, Outgoing};
use super::{CallError, Challenge};
use crate::egress::{BodyStream, Egress, EgressError, ExchangeLimits, Response};

/// How an answer and an event are read, which is where the bindings differ.
pub(super) trait Reading: Send + Sync + 'static {
    /// The result in the body of a success, or the error in it.
    fn result(&self, body: &[u8]) -> Result<Json, CallError>;

    /// The `StreamResponse` in the data of one event, or the error in it.
    fn event(&self, data: &[u8]) -> Result<Json, CallError>;

    /// The error in the body of an HTTP failure, if there is one.
    fn failure(&self, status: StatusCode, body: &[u8]) -> Option<CallError>;
}

/// The headers of one request: those given, and those of the framing, which win.
pub(super) fn headers(
    outgoing: &Outgoing,
    content: &'static str,
    accept: &'static str,
) -> HeaderMap {
    let mut headers = outgoing.headers.clone();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content));
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers
}

/// The result in a whole response.
pub(super) fn result(reading: &impl Reading, response: &Response) -> Result<Json, CallError> {
    if response.status.is_success() {
        reading
            .result(&response.bytes)
            .map_err(|error| demanding(error, &response.headers))
    } else {
        Err(refusal(reading, response))
    }
}

/// Sends a request and reads events, or the refusal that came instead.
pub(super) async fn stream<R: Reading>(
    egress: &Egress,
    (method, url): (Method, &Url),
    (headers, body): (HeaderMap, Bytes),
    outgoing: &Outgoing,
    reading: R,
) -> Result<Box<dyn Events>, CallError> {
    let bounds = ExchangeLimits::stream().within(outgoing.wait);
    let stream = egress
        .send_stream(method, url.as_str(), headers, body, bounds)
        .await?;
    let kind = stream.headers().get(CONTENT_TYPE);
    let events = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if stream.status().is_success() && events {
        return Ok(Box::new(SseEvents {
            body: stream,
            parser: SseParser::default(),
            reading: Box::new(reading),
        }));
    }
    // Errors that are known before the first event come as plain JSON (A2A §9.4.2).
    let response = stream.collect(crate::limits::RESPONSE_BYTES_MAX).await?;
    result(&reading, &response)?;
    Err(CallError::malformed(
        "a plain answer where a stream was asked for",
    ))
}

fn refusal(reading: &impl Reading, response: &Response) -> CallError {
    let told = reading.failure(response.status, &response.bytes);
    match (response.status, told) {
        (StatusCode::UNAUTHORIZED, Some(CallError::Agent { reason, .. })) => {
            CallError::Unauthenticated(Box::new(Challenge::new(&response.headers, Some(*reason))))
        }
        (StatusCode::UNAUTHORIZED, _) => {
            CallError::Unauthenticated(Box::new(Challenge::new(&response.headers, None)))
        }
        (_, Some(error)) => demanding(error, &response.headers),
        (status, None) => CallError::Http(status.as_u16()),
    }
}

/// An error by which the agent wants to know who calls, as the demand that it is.
fn demanding(error: CallError, headers: &HeaderMap) -> CallError {
    match error {
        CallError::Agent { reason, .. }
            if reason.code() == agent_core::a2a::ErrorCode::Unauthenticated =>
        {
            CallError::Unauthenticated(Box::new(Challenge::new(headers, Some(*reason))))
        }
        error => error,
    }
}

/// Reads a peer's JSON, which must not be nested too deep.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CallError> {
    check_depth(bytes, MAX_JSON_DEPTH).map_err(CallError::malformed)?;
    serde_json::from_slice(bytes).map_err(CallError::malformed)
}

/// The `google.rpc.Status` in a body (A2A §11.6), if it is one.
pub(super) fn status_in(bytes: &[u8]) -> Option<CallError> {
    /// Only to see that there is an error: every field of a status may be missing.
    #[derive(Deserialize)]
    struct Body {
        error: Option<Json>,
    }
    let body: Body = parse(bytes).ok()?;
    body.error.filter(Json::is_object)?;
    parse::<RestError>(bytes).ok().map(CallError::from)
}

struct SseEvents {
    body: BodyStream,
    parser: SseParser,
    reading: Box<dyn Reading>,
}

impl fmt::Debug for SseEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseEvents").finish_non_exhaustive()
    }
}

impl Events for SseEvents {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Event>, CallError>> {
        Box::pin(async {
            loop {
                if let Some(event) = self.parser.pop() {
                    let response = self.reading.event(&event.data)?;
                    let number = event.number;
                    return Ok(Some(Event { number, response }));
                }
                match self.body.next().await {
                    Ok(Some(piece)) => self.parser.push(&piece)?,
                    Ok(None) => return Ok(None),
                    Err(EgressError::TooLarge { .. }) => return Err(CallError::Endless),
                    Err(error) => return Err(error.into()),
                }
            }
        })
    }
}
