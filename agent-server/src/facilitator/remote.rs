//! Somebody else's facilitator, over HTTP.

use super::http::IDEMPOTENCY_KEY;
use super::limits::{
    REMOTE_PAUSE_MAX, REMOTE_RETRIES_MAX, REMOTE_SETTLE_WAIT, REMOTE_WAIT, SUPPORTED_TTL,
};
use agent_client::egress::{Egress, EgressError, ExchangeLimits, Response};
use agent_core::a2a::Secret;
use agent_core::ledger::BoxFuture;
use agent_core::x402::facilitator::{
    Facilitator, FacilitatorError, RequestV2, Supported, VerifyResponse, read_answer,
};
use agent_core::x402::limits::MAX_BODY_BYTES;
use agent_core::x402::{AuthorizeRequest, AuthorizeResponse, SettleResponse};
use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A header that says who we are.
#[derive(Debug, Clone)]
pub struct RemoteHeader {
    /// Its name.
    pub name: HeaderName,
    /// Its value.
    pub value: Secret,
}

/// How a remote facilitator is called.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// Sent with `/verify`.
    pub verify: Vec<RemoteHeader>,
    /// Sent with `/settle` and `/authorize`.
    pub settle: Vec<RemoteHeader>,
    /// Sent with `/supported`.
    pub supported: Vec<RemoteHeader>,
    /// The longest wait for `/settle`.
    pub settle_wait: Duration,
    /// How long an answer to `/supported` is believed.
    pub supported_ttl: Duration,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            verify: Vec::new(),
            settle: Vec::new(),
            supported: Vec::new(),
            settle_wait: REMOTE_SETTLE_WAIT,
            supported_ttl: SUPPORTED_TTL,
        }
    }
}

impl RemoteOptions {
    /// The same with this header on every path.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: Secret) -> Self {
        let header = RemoteHeader { name, value };
        self.verify.push(header.clone());
        self.settle.push(header.clone());
        self.supported.push(header);
        self
    }
}

/// The port [`Facilitator`] over a facilitator's HTTP interface, in v2.
///
/// The facilitator is believed: it can say that a payment was made that was not. Whoever needs more
/// than its word looks at the chain.
///
/// A failure of `settle` is [`FacilitatorError::Unknown`] as soon as the request may have been
/// read, since the facilitator may settle all the same; only an answer that says that nothing was
/// done is [`FacilitatorError::Unavailable`].
#[derive(Debug)]
pub struct RemoteFacilitator {
    egress: Egress,
    base: String,
    options: RemoteOptions,
    supported: Mutex<Option<(Instant, Supported)>>,
}

impl RemoteFacilitator {
    /// The facilitator at `url`, under which its paths are.
    ///
    /// # Errors
    /// [`EgressError`] when the door does not let out to it.
    pub fn new(egress: Egress, url: &str, options: RemoteOptions) -> Result<Self, EgressError> {
        let base = egress.vet(url)?;
        Ok(Self {
            egress,
            base: base.as_str().trim_end_matches('/').to_owned(),
            options,
            supported: Mutex::default(),
        })
    }

    fn known(&self) -> Option<Supported> {
        let known = self.supported.lock();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        let (when, supported) = known.as_ref()?;
        (when.elapsed() < self.options.supported_ttl).then(|| supported.clone())
    }

    async fn ask_supported(&self) -> Result<Supported, FacilitatorError> {
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let headers = headers(&self.options.supported)?;
        let sent = self.send(Method::GET, "supported", headers, Bytes::new(), REMOTE_WAIT);
        let response = sent.await.map_err(unavailable)?;
        if response.status != StatusCode::OK {
            return Err(status(&response));
        }
        let supported = Supported::read(&response.bytes).map_err(unavailable)?;
        let mut known = self
            .supported
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *known = Some((Instant::now(), supported.clone()));
        Ok(supported)
    }

    /// Asks what moves nothing: every failure is that it was not looked at.
    async fn ask_verify(&self, request: &RequestV2) -> Result<VerifyResponse, FacilitatorError> {
        let (headers, body) = (headers(&self.options.verify)?, body(request)?);
        let sent = self.send(Method::POST, "verify", headers, body, REMOTE_WAIT);
        let response = sent.await.map_err(unavailable)?;
        // Some facilitators say with a status too that a payment is invalid.
        if !has_answer(&response) {
            return Err(status(&response));
        }
        read_answer(&response.bytes).map_err(unavailable)
    }

    /// Asks what may move money.
    async fn act<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        request: &Q,
        name: Option<B256>,
    ) -> Result<A, FacilitatorError> {
        let (mut headers, body) = (headers(&self.options.settle)?, body(request)?);
        // The same payment is the same request: asked for again, it is answered again.
        let name = name.unwrap_or_else(|| keccak256(&body));
        if let Ok(name) = HeaderValue::from_str(&name.to_string()) {
            headers.insert(IDEMPOTENCY_KEY, name);
        }
        let wait = self.options.settle_wait;
        let response = match self.send(Method::POST, path, headers, body, wait).await {
            Ok(response) => response,
            Err(error) if error.is_unsent() => return Err(unavailable(error)),
            Err(error) => return Err(unknown(error)),
        };
        if !has_answer(&response) {
            return Err(if was_not_done(&response) {
                status(&response)
            } else {
                unknown(response.status)
            });
        }
        read_answer(&response.bytes).map_err(unknown)
    }

    /// Sends, and again after 429, a bounded number of times: that answer says that nothing was
    /// done.
    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        wait: Duration,
    ) -> Result<Response, EgressError> {
        let url = format!("{}/{path}", self.base);
        let limits = ExchangeLimits::default()
            .within(wait)
            .at_most(MAX_BODY_BYTES);
        for _ in 0..REMOTE_RETRIES_MAX {
            let sent =
                self.egress
                    .send(method.clone(), &url, headers.clone(), body.clone(), limits);
            let response = sent.await?;
            if response.status != StatusCode::TOO_MANY_REQUESTS {
                return Ok(response);
            }
            tokio::time::sleep(pause(&response)).await;
        }
        self.egress.send(method, &url, headers, body, limits).await
    }
}

fn pause(response: &Response) -> Duration {
    let said = response.headers.get(RETRY_AFTER);
    let secs = said
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(1);
    Duration::from_secs(secs).min(REMOTE_PAUSE_MAX)
}

fn headers(more: &[RemoteHeader]) -> Result<HeaderMap, FacilitatorError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for header in more {
        let mut value = HeaderValue::from_str(header.value.expose())
            .map_err(|_| unavailable("a credential is no header's value"))?;
        value.set_sensitive(true);
        headers.insert(header.name.clone(), value);
    }
    Ok(headers)
}

fn body<T: Serialize>(request: &T) -> Result<Bytes, FacilitatorError> {
    Ok(serde_json::to_vec(request).map_err(unavailable)?.into())
}

/// Whether the body is an answer about the payment. A 200 must be one; of other statuses those
/// that carry our own failures are told apart by their `error`.
fn has_answer(response: &Response) -> bool {
    response.status.is_success()
        || (matches!(
            response.status,
            StatusCode::BAD_REQUEST | StatusCode::PAYMENT_REQUIRED
        ) && failure(response).is_none())
}

/// The member `error` of a failure's body, if it has one.
fn failure(response: &Response) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Failure {
        error: String,
    }
    read_answer::<Failure>(&response.bytes)
        .ok()
        .map(|failure| failure.error)
}

/// Whether a failure says for sure that nothing was done.
fn was_not_done(response: &Response) -> bool {
    let status = response.status;
    (status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT)
        || failure(response).is_some_and(|error| error == "facilitator_unavailable")
}

fn status(response: &Response) -> FacilitatorError {
    FacilitatorError::Unavailable(format!("status {}", response.status))
}

fn unavailable(why: impl ToString) -> FacilitatorError {
    FacilitatorError::Unavailable(why.to_string())
}

fn unknown(why: impl ToString) -> FacilitatorError {
    FacilitatorError::Unknown(why.to_string())
}

impl Facilitator for RemoteFacilitator {
    fn supported(&self) -> BoxFuture<'_, Result<Supported, FacilitatorError>> {
        Box::pin(self.ask_supported())
    }

    fn verify(
        &self,
        request: RequestV2,
    ) -> BoxFuture<'_, Result<VerifyResponse, FacilitatorError>> {
        Box::pin(async move { self.ask_verify(&request).await })
    }

    fn settle(
        &self,
        request: RequestV2,
    ) -> BoxFuture<'_, Result<SettleResponse, FacilitatorError>> {
        Box::pin(async move { self.act("settle", &request, None).await })
    }

    fn settle_once(
        &self,
        request: RequestV2,
        name: Option<B256>,
    ) -> BoxFuture<'_, Result<SettleResponse, FacilitatorError>> {
        // Without a name of the caller's each call is another one.
        let name = name.unwrap_or_else(B256::random);
        Box::pin(async move { self.act("settle", &request, Some(name)).await })
    }

    fn authorize(
        &self,
        request: AuthorizeRequest,
    ) -> BoxFuture<'_, Result<AuthorizeResponse, FacilitatorError>> {
        Box::pin(async move { self.act("authorize", &request, None).await })
    }
}
