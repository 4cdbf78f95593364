//! HTTP+JSON: a route for each operation, and the bare objects (A2A §11).

mod route;

use ::http::StatusCode;
use agent_core::a2a::{A2aError, MEDIA_TYPE, Operation, Version, v03};
use agent_core::json::Json;
use futures_util::future::BoxFuture;
use url::Url;

use super::CallError;
use super::http::{self, Reading, headers, parse, status_in};
use super::speech::Speech;
use super::transport::{Binding, Events, Outgoing, Transport, Wire};
use crate::egress::{Egress, ExchangeLimits};
use route::Route;

const PLAIN: &str = "application/json";

/// A2A over HTTP and JSON.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    egress: Egress,
    base: Url,
    version: Version,
}

impl Rest {
    pub(super) const fn new(egress: Egress, base: Url, version: Version) -> Self {
        Self {
            egress,
            base,
            version,
        }
    }

    /// Where a request goes, and how its answer is read.
    fn framed(&self, outgoing: &Outgoing) -> Result<(Route, Bare), CallError> {
        let operation = outgoing.operation;
        let speech = Speech::of(self.wire());
        Ok((
            Route::of(&self.base, outgoing, speech)?,
            Bare { operation, speech },
        ))
    }

    /// The media types of a request and of its answer. 0.3 has none of its own.
    const fn media(&self) -> (&'static str, &'static str) {
        match self.version {
            Version::V0_3 => (PLAIN, PLAIN),
            Version::V1_0 => (MEDIA_TYPE, "application/a2a+json, application/json"),
        }
    }
}

impl Transport for Rest {
    fn wire(&self) -> Wire {
        Wire {
            binding: Binding::HttpJson,
            version: self.version,
        }
    }

    fn endpoint(&self) -> &Url {
        &self.base
    }

    fn unary<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Json, CallError>> {
        Box::pin(async {
            let (Route { method, url, body }, bare) = self.framed(outgoing)?;
            let (content, accept) = self.media();
            let mut head = headers(outgoing, content, accept);
            if body.is_empty() {
                head.remove(::http::header::CONTENT_TYPE);
            }
            let bounds = ExchangeLimits::default().within(outgoing.wait);
            let response = self
                .egress
                .send(method, url.as_str(), head, body, bounds)
                .await?;
            http::result(&bare, &response)
        })
    }

    fn stream<'a>(
        &'a self,
        outgoing: &'a Outgoing,
    ) -> BoxFuture<'a, Result<Box<dyn Events>, CallError>> {
        Box::pin(async {
            let (Route { method, url, body }, bare) = self.framed(outgoing)?;
            let accept = "text/event-stream, application/a2a+json, application/json";
            let sent = (headers(outgoing, self.media().0, accept), body);
            http::stream(&self.egress, (method, &url), sent, outgoing, bare).await
        })
    }
}

/// An object without an envelope.
struct Bare {
    operation: Operation,
    speech: Speech,
}

impl Bare {
    /// The error in a body, if there is one.
    fn error(&self, status: Option<StatusCode>, body: &[u8]) -> Option<CallError> {
        status_in(body).or_else(|| match self.speech {
            Speech::V1 => None,
            Speech::V03(_) => {
                let mut error: v03::RestError = parse(body).ok()?;
                if let Some(status) = status {
                    error = error.with_status(status.as_u16());
                }
                let known = error.code != 0 || !error.kind.is_empty();
                known.then(|| A2aError::from(&error).into())
            }
        })
    }
}

impl Reading for Bare {
    fn result(&self, body: &[u8]) -> Result<Json, CallError> {
        // Some servers answer a deletion with nothing at all.
        let deletes = self.operation == Operation::DeleteTaskPushNotificationConfig;
        if deletes && body.trim_ascii().is_empty() {
            return parse(b"{}");
        }
        self.speech.answer(self.operation, parse(body)?)
    }

    fn event(&self, data: &[u8]) -> Result<Json, CallError> {
        // A stream that breaks off ends with the error that a failure would have had.
        match self.error(None, data) {
            Some(error) => Err(error),
            None => self.speech.answer(self.operation, parse(data)?),
        }
    }

    fn failure(&self, status: StatusCode, body: &[u8]) -> Option<CallError> {
        self.error(Some(status), body)
    }
}
