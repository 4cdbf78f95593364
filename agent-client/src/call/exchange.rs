//! One request from beginning to end: headers, sending, a demand for authentication met once,
//! repetition where it is safe.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use agent_core::a2a::{Operation, Version};
use agent_core::json::Json;
use agent_core::x402::EXTENSION_URI;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::intercept::{Attempt, added};
use super::remote::RemoteAgent;
use super::retry::{Repeat, repeat};
use super::transport::{Events, Outgoing, Transport};
use super::{CallError, limits};

const A2A_VERSION: HeaderName = HeaderName::from_static("a2a-version");
const A2A_EXTENSIONS: HeaderName = HeaderName::from_static("a2a-extensions");
/// The name that A2A 0.3 has for it.
const X_A2A_EXTENSIONS: HeaderName = HeaderName::from_static("x-a2a-extensions");
/// Not of A2A: servers that number their events go on after this one (HTML, "Server-sent events").
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A request to be sent.
pub(super) struct Ask<'a, P> {
    pub(super) operation: Operation,
    pub(super) request: &'a P,
    pub(super) again: Repeat,
}

impl RemoteAgent {
    /// Asks for one answer.
    pub(super) async fn ask<P: Serialize, T: DeserializeOwned>(
        &self,
        ask: Ask<'_, P>,
    ) -> Result<T, CallError> {
        let outgoing = self.outgoing(&ask, None)?;
        let json = self
            .repeated(&outgoing, ask.again, <dyn Transport>::unary)
            .await?;
        json.parse().map_err(CallError::malformed)
    }

    /// Asks for events, after number `after` if the server numbers them.
    pub(super) async fn listen<P: Serialize>(
        &self,
        ask: Ask<'_, P>,
        after: Option<u64>,
    ) -> Result<Box<dyn Events>, CallError> {
        let outgoing = self.outgoing(&ask, after)?;
        self.repeated(&outgoing, ask.again, <dyn Transport>::stream)
            .await
    }

    /// Asks for events once, for whoever repeats by another rule.
    pub(super) async fn listen_once<P: Serialize>(
        &self,
        ask: Ask<'_, P>,
        after: Option<u64>,
    ) -> Result<Box<dyn Events>, CallError> {
        let outgoing = self.outgoing(&ask, after)?;
        self.attempt(&outgoing, 1, <dyn Transport>::stream).await
    }

    async fn repeated<T, S>(
        &self,
        outgoing: &Outgoing,
        again: Repeat,
        send: S,
    ) -> Result<T, CallError>
    where
        S: for<'a> Fn(
            &'a (dyn Transport + 'static),
            &'a Outgoing,
        ) -> BoxFuture<'a, Result<T, CallError>>,
    {
        let count = AtomicU32::new(0);
        repeat(again, limits::ATTEMPTS_MAX, || {
            let number = count.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            self.attempt(outgoing, number, &send)
        })
        .await
    }

    async fn attempt<T, S>(&self, outgoing: &Outgoing, number: u32, send: S) -> Result<T, CallError>
    where
        S: for<'a> Fn(
            &'a (dyn Transport + 'static),
            &'a Outgoing,
        ) -> BoxFuture<'a, Result<T, CallError>>,
    {
        let transport = self.transport();
        let attempt = Attempt {
            operation: outgoing.operation,
            url: transport.endpoint(),
            number,
        };
        let sent = self.prepared(outgoing, attempt).await?;
        let challenge = match send(transport, &sent).await {
            Err(CallError::Unauthenticated(challenge)) => challenge,
            other => return other,
        };
        let mut met = false;
        for interceptor in self.interceptors() {
            let meeting = interceptor.challenged(attempt, &sent.headers, &challenge);
            met |= in_time(outgoing.wait, meeting).await?;
        }
        if !met {
            return Err(CallError::Unauthenticated(challenge));
        }
        // It was refused before anything was done, so sending it again does nothing twice.
        let sent = self.prepared(outgoing, attempt).await?;
        send(transport, &sent).await
    }

    /// The request with what the interceptors add to it.
    async fn prepared(
        &self,
        outgoing: &Outgoing,
        attempt: Attempt<'_>,
    ) -> Result<Outgoing, CallError> {
        let mut prepared = outgoing.clone();
        if !self.interceptors().is_empty() {
            let adding = added(self.interceptors(), attempt);
            prepared
                .headers
                .extend(in_time(outgoing.wait, adding).await?);
        }
        Ok(prepared)
    }

    fn outgoing<P: Serialize>(
        &self,
        ask: &Ask<'_, P>,
        after: Option<u64>,
    ) -> Result<Outgoing, CallError> {
        let request = Json::from_value(ask.request);
        let mut headers = self.protocol_headers()?;
        if let Some(after) = after {
            headers.insert(LAST_EVENT_ID, HeaderValue::from(after));
        }
        Ok(Outgoing {
            operation: ask.operation,
            id: Uuid::new_v4().to_string(),
            request: request.map_err(|error| CallError::Request(error.to_string()))?,
            headers,
            wait: self.wait(ask.operation),
        })
    }

    /// How long an answer may take, unless the caller says: a message may be worked on before it
    /// is answered, everything else is looked up.
    fn wait(&self, operation: Operation) -> Duration {
        let asked = self.options().wait;
        asked.unwrap_or_else(|| match operation {
            Operation::SendMessage | Operation::SendStreamingMessage => self.answer_wait(),
            _ => crate::limits::EXCHANGE_WAIT,
        })
    }

    fn protocol_headers(&self) -> Result<HeaderMap, CallError> {
        let mut headers = HeaderMap::new();
        let mut extensions = EXTENSION_URI.to_owned();
        for extension in &self.options().extensions {
            extensions.push(',');
            extensions.push_str(extension);
        }
        let extensions = HeaderValue::from_str(&extensions).map_err(|_| {
            CallError::Request("the URI of an extension does not fit into a header".to_owned())
        })?;
        match self.wire().version {
            Version::V0_3 => headers.insert(X_A2A_EXTENSIONS, extensions),
            Version::V1_0 => {
                let version = HeaderValue::from_static(Version::V1_0.name());
                headers.insert(A2A_VERSION, version);
                headers.insert(A2A_EXTENSIONS, extensions)
            }
        };
        Ok(headers)
    }
}

async fn in_time<T>(
    wait: Duration,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let late = || CallError::Request("an interceptor took too long".to_owned());
    tokio::time::timeout(wait, work)
        .await
        .unwrap_or_else(|_| Err(late()))
}
