//! gRPC: a message in a frame there, messages in frames back, and a status at the end (A2A §10).
//!
//! The messages are carried from and to the JSON of the other bindings by the table in
//! [`agent_core::a2a::proto`].

mod frame;
mod status;

use agent_core::a2a::proto::{SERVICE, Schema, request_of, response_of};
use agent_core::a2a::{AgentInterface, Version};
use agent_core::json::Json;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::CallError;
use super::http::parse;
use super::transport::{Binding, Event, Events, Outgoing, Transport, Wire};
use crate::egress::{Egress, EgressError, ExchangeLimits, Frames};
use frame::{Frame, Unframed};

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const CONTENT: &[u8] = b"application/grpc";

/// A2A over gRPC.
#[derive(Clone, Debug)]
pub(super) struct Grpc {
    egress: Egress,
    base: Url,
}

impl Grpc {
    pub(super) const fn new(egress: Egress, base: Url) -> Self {
        Self { egress, base }
    }

    /// The address of a gRPC interface, which a card writes as `host:port` (A2A §5.8.2 has no
    /// scheme for it). Where the policy opens the host for plain http it is that, else TLS: a card
    /// cannot talk us out of it.
    pub(super) fn vet(egress: &Egress, interface: &AgentInterface) -> Result<Url, EgressError> {
        let url = &interface.url;
        if url.contains("://") {
            return egress.vet(url);
        }
        egress
            .vet(&format!("http://{url}"))
            .or_else(|_| egress.vet(&format!("https://{url}")))
    }

    async fn send(
        &self,
        outgoing: &Outgoing,
        message: Bytes,
        bounds: ExchangeLimits,
        timeout: Option<HeaderValue>,
    ) -> Result<Frames, CallError> {
        let mut url = self.base.clone();
        url.set_path(&format!("/{SERVICE}/{}", outgoing.operation.name()));
        let mut headers = outgoing.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        if let Some(timeout) = timeout {
            headers.insert(TIMEOUT, timeout);
        }
        let frames = self
            .egress
            .post_http2(url.as_str(), headers, message, bounds)
            .await?;
        let kind = frames.headers().get(CONTENT_TYPE);
        if !frames.status().is_success() {
            return Err(status::of_http(frames.status(), frames.headers()));
        }
        if kind.is_none_or(|kind| !kind.as_bytes().starts_with(CONTENT)) {
            return Err(CallError::malformed("the answer is not gRPC"));
        }
        // An error that is known at once comes without a body.
        match status::of(frames.headers()) {
            Some(Err(error)) => Err(error),
            _ => Ok(frames),
        }
    }

    async fn one(&self, outgoing: &Outgoing) -> Result<Json, CallError> {
        let message = framed(outgoing)?;
        let bounds = ExchangeLimits::default().within(outgoing.wait);
        let millis = outgoing.wait.as_millis().min(99_999_999);
        let timeout = HeaderValue::from_str(&format!("{millis}m")).ok();
        let mut frames = self.send(outgoing, message, bounds, timeout).await?;
        let mut unframed = Unframed::default();
        while let Some(piece) = frames.next().await? {
            unframed.push(&piece)?;
        }
        end(&frames)?;
        let Some(Frame(message)) = unframed.pop()? else {
            return Err(CallError::malformed("a success without a message"));
        };
        unframed.finish()?;
        read(response_of(outgoing.operation), &message)
    }
}

impl Transport for Grpc {
    fn wire(&self) -> Wire {
        Wire {
            binding: Binding::Grpc,
            version: Version::V1_0,
        }
    }

    fn endpoint(&self) -> &Url {
        &self.base
    }

    fn unary<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Json, CallError>> {
        Box::pin(async {
            tokio::time::timeout(outgoing.wait, self.one(outgoing))
                .await
                .map_err(|_| EgressError::Timeout)?
        })
    }

    fn stream<'a>(
        &'a self,
        outgoing: &'a Outgoing,
    ) -> BoxFuture<'a, Result<Box<dyn Events>, CallError>> {
        Box::pin(async {
            let message = framed(outgoing)?;
            let bounds = ExchangeLimits::stream().within(outgoing.wait);
            let frames = self.send(outgoing, message, bounds, None).await?;
            let events: Box<dyn Events> = Box::new(GrpcEvents {
                frames,
                unframed: Unframed::default(),
                schema: response_of(outgoing.operation),
            });
            Ok(events)
        })
    }
}

/// The request of an operation, in its frame.
fn framed(outgoing: &Outgoing) -> Result<Bytes, CallError> {
    let schema = request_of(outgoing.operation);
    let message = schema.encode(outgoing.request.get());
    let message = message.map_err(|error| CallError::Request(error.to_string()))?;
    frame::around(&message)
}

/// A peer's message as JSON.
fn read(schema: &Schema, message: &[u8]) -> Result<Json, CallError> {
    parse(&schema.decode(message).map_err(CallError::malformed)?)
}

/// The status after the body. A body without one was cut.
fn end(frames: &Frames) -> Result<(), CallError> {
    let empty = HeaderMap::new();
    let trailers = frames.trailers().unwrap_or(&empty);
    match status::of(trailers).or_else(|| status::of(frames.headers())) {
        Some(status) => status,
        None => Err(EgressError::Broken("no gRPC status".to_owned()).into()),
    }
}

#[derive(Debug)]
struct GrpcEvents {
    frames: Frames,
    unframed: Unframed,
    schema: &'static Schema,
}

impl Events for GrpcEvents {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Event>, CallError>> {
        Box::pin(async {
            loop {
                if let Some(Frame(message)) = self.unframed.pop()? {
                    let response = read(self.schema, &message)?;
                    return Ok(Some(Event {
                        number: None,
                        response,
                    }));
                }
                match self.frames.next().await {
                    Ok(Some(piece)) => self.unframed.push(&piece)?,
                    Ok(None) => {
                        end(&self.frames)?;
                        return self.unframed.finish().map(|()| None);
                    }
                    Err(EgressError::TooLarge { .. }) => return Err(CallError::Endless),
                    Err(error) => return Err(error.into()),
                }
            }
        })
    }
}
