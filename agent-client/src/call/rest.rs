//! HTTP+JSON: a route for each operation, and the bare objects (A2A §11).

mod route;

use agent_core::a2a::{MEDIA_TYPE, Operation, Version};
use agent_core::json::Json;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use url::Url;

use super::CallError;
use super::http::{self, Reading, headers, parse, status_in};
use super::transport::{Binding, Events, Outgoing, Transport, Wire};
use crate::egress::{Egress, ExchangeLimits};
use route::Route;

/// A2A 1.0 over HTTP and JSON.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    egress: Egress,
    base: Url,
}

impl Rest {
    pub(super) const fn new(egress: Egress, base: Url) -> Self {
        Self { egress, base }
    }
}

impl Transport for Rest {
    fn wire(&self) -> Wire {
        Wire {
            binding: Binding::HttpJson,
            version: Version::V1_0,
        }
    }

    fn endpoint(&self) -> &Url {
        &self.base
    }

    fn unary<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Json, CallError>> {
        Box::pin(async {
            let Route { method, url, body } = Route::of(&self.base, outgoing)?;
            let mut head = headers(
                outgoing,
                MEDIA_TYPE,
                "application/a2a+json, application/json",
            );
            if body.is_empty() {
                head.remove(::http::header::CONTENT_TYPE);
            }
            let bounds = ExchangeLimits::default().within(outgoing.wait);
            let response = self
                .egress
                .send(method, url.as_str(), head, body, bounds)
                .await?;
            http::result(&Bare(outgoing.operation), &response)
        })
    }

    fn stream<'a>(
        &'a self,
        outgoing: &'a Outgoing,
    ) -> BoxFuture<'a, Result<Box<dyn Events>, CallError>> {
        Box::pin(async {
            let Route { url, body, .. } = Route::of(&self.base, outgoing)?;
            let accept = "text/event-stream, application/a2a+json, application/json";
            let sent = (headers(outgoing, MEDIA_TYPE, accept), body);
            let reading = Bare(outgoing.operation);
            http::stream(&self.egress, &url, sent, outgoing, reading).await
        })
    }
}

/// An object without an envelope.
struct Bare(Operation);

impl Reading for Bare {
    fn result(&self, body: &[u8]) -> Result<Json, CallError> {
        // Some servers answer a deletion with nothing at all.
        if self.0 == Operation::DeleteTaskPushNotificationConfig && body.trim_ascii().is_empty() {
            return parse(b"{}");
        }
        parse(body)
    }

    fn event(&self, data: &[u8]) -> Result<Json, CallError> {
        // A stream that breaks off ends with the status that a failure would have had.
        match status_in(data) {
            Some(error) => Err(error),
            None => parse(data),
        }
    }

    fn failure(&self, body: &[u8]) -> Option<CallError> {
        status_in(body)
    }
}

/// No body.
const fn nothing() -> Bytes {
    Bytes::new()
}
