//! The only door out for HTTP.
//!
//! Agents fetch what strangers name: cards, registration files, callback URLs. Each such name is a
//! chance to make this process talk to its own neighbours (a metadata service, a database, the
//! node's own RPC). So nothing in this workspace makes an HTTP client of its own; everything goes
//! through [`Egress`], which
//!
//! - speaks `https` only, unless the operator's [`EgressPolicy`] opens a host for plain `http`;
//! - refuses addresses that are not public, both written out and resolved from a name. A name is
//!   resolved once per connection and the connection goes to exactly the addresses that were
//!   checked, so a second, different DNS answer changes nothing;
//! - follows no redirect and uses no proxy from the environment;
//! - bounds connecting, the whole exchange, silence on streams and the size of bodies.
//!
//! What it does not do: it does not limit how often a host is called, and it cannot tell an honest
//! public address from a malicious one.

mod address;
mod body;
mod cache;
mod error;
mod http2;
mod policy;
mod resolve;

use std::{sync::Arc, time::Duration};

use agent_core::clock::Clock;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::de::DeserializeOwned;
use url::Url;

pub use address::AddressClass;
pub use body::BodyStream;
pub use error::EgressError;
pub use http2::Frames;
pub use policy::EgressPolicy;
pub use resolve::{Lookup, Lookups, SystemLookup};

use crate::clock::SystemClock;
use crate::limits;

/// Bounds of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeLimits {
    /// From the first byte out to the last byte in; for a stream, to the response's head.
    pub total: Duration,
    /// Bytes of the body that are read before the exchange is given up.
    pub body_bytes_max: usize,
    /// Longest silence on a stream. Not used for whole bodies, which have `total`.
    pub idle: Duration,
}

impl Default for ExchangeLimits {
    fn default() -> Self {
        Self {
            total: limits::EXCHANGE_WAIT,
            body_bytes_max: limits::RESPONSE_BYTES_MAX,
            idle: limits::STREAM_IDLE_WAIT,
        }
    }
}

impl ExchangeLimits {
    /// The defaults for an event stream.
    #[must_use]
    pub fn stream() -> Self {
        Self {
            body_bytes_max: limits::STREAM_BYTES_MAX,
            ..Self::default()
        }
    }

    /// The same with another bound on the whole exchange.
    #[must_use]
    pub const fn within(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    /// The same with another bound on the body.
    #[must_use]
    pub const fn at_most(mut self, body_bytes_max: usize) -> Self {
        self.body_bytes_max = body_bytes_max;
        self
    }
}

/// A response whose whole body has arrived. Any status: what it means is the caller's business.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers, from a stranger.
    pub headers: HeaderMap,
    /// The body, from a stranger.
    pub bytes: Bytes,
}

impl Response {
    /// Parses the body.
    ///
    /// # Errors
    ///
    /// [`EgressError::Json`] if it is not JSON of this shape, or nested deeper than 128.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, EgressError> {
        serde_json::from_slice(&self.bytes).map_err(EgressError::Json)
    }
}

/// The head of a response whose body nobody needs. Any status: what it means is the caller's
/// business.
#[derive(Clone, Debug)]
pub struct Head {
    /// The status.
    pub status: StatusCode,
    /// The headers, from a stranger.
    pub headers: HeaderMap,
}

/// The door. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Egress {
    client: reqwest::Client,
    http2: Arc<http2::Http2>,
    policy: Arc<EgressPolicy>,
    cache: Arc<cache::Cache>,
}

impl Egress {
    /// A door with this policy and the system's resolver.
    ///
    /// # Errors
    ///
    /// [`EgressError::Setup`] if the TLS client cannot be made.
    pub fn new(policy: EgressPolicy) -> Result<Self, EgressError> {
        Self::with_lookup(policy, Arc::new(SystemLookup))
    }

    /// A door with a resolver of the caller's choice; its answers are checked all the same.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_lookup(policy: EgressPolicy, lookup: Arc<dyn Lookup>) -> Result<Self, EgressError> {
        install_tls_provider();
        let policy = Arc::new(policy);
        let resolver = Arc::new(resolve::Guarded::new(lookup, Arc::clone(&policy)));
        let http2 = http2::Http2::new(Arc::clone(&resolver));
        let client = client(Arc::clone(&resolver)).build().or_else(|error| {
            // A minimal container has no root certificates. Loopback and plain http still work
            // there, and https then fails closed for want of a trusted root.
            tracing::warn!(%error, "no system root certificates; https calls will fail");
            client(resolver)
                .tls_certs_only([])
                .build()
                .map_err(EgressError::setup)
        })?;
        Ok(Self {
            client,
            http2: Arc::new(http2),
            policy,
            cache: Arc::new(cache::Cache::new(Arc::new(SystemClock))),
        })
    }

    /// The same door with an empty cache of documents that ages by another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.cache = Arc::new(cache::Cache::new(clock));
        self
    }

    /// Checks a URL against the policy without connecting: its scheme, its form, and its address
    /// when it is written out. A host name can still be refused when it is resolved.
    ///
    /// # Errors
    ///
    /// The reason for refusing it.
    pub fn vet(&self, url: &str) -> Result<Url, EgressError> {
        self.policy.vet(url)
    }

    /// Fetches `url`.
    ///
    /// # Errors
    ///
    /// [`EgressError`]; a status that means failure is not an error here.
    pub async fn get(&self, url: &str, limits: ExchangeLimits) -> Result<Response, EgressError> {
        let request = self.client.get(self.policy.vet(url)?);
        self.exchange(request, limits).await
    }

    /// Fetches a document, unless one is known that its server lets be used (RFC 9111); an older
    /// one is asked for with its `ETag`. All clones of this door share what is known, which is
    /// bounded in number, bytes and age.
    ///
    /// What is known is told apart by its URL alone, so the same `headers` must be sent for it
    /// each time. The status is that of the answer, and 200 for a document that was known.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn get_document(
        &self,
        url: &str,
        headers: &HeaderMap,
        limits: ExchangeLimits,
    ) -> Result<Response, EgressError> {
        let url = self.policy.vet(url)?;
        let known = |bytes| Response {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            bytes,
        };
        let conditions = match self.cache.look_up(url.as_str()) {
            cache::Known::Fresh(bytes) => return Ok(known(bytes)),
            cache::Known::Stale(conditions) => conditions,
            cache::Known::Nothing => HeaderMap::new(),
        };
        let ask = |conditions| {
            let request = self.client.get(url.clone()).headers(headers.clone());
            self.exchange(request.headers(conditions), limits)
        };
        let response = ask(conditions).await?;
        match self.cache.note(url.as_str(), &response) {
            Some(bytes) if response.status == StatusCode::NOT_MODIFIED => Ok(known(bytes)),
            Some(_) => Ok(response),
            // It made room for others while it was asked for.
            None => ask(HeaderMap::new()).await,
        }
    }

    /// A document that is past its time, if its server allowed to use it when it cannot be asked
    /// (`stale-if-error`, RFC 5861).
    #[must_use]
    pub fn stale_document(&self, url: &str) -> Option<Bytes> {
        self.cache
            .despite_error(self.policy.vet(url).ok()?.as_str())
    }

    /// Posts a JSON body.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn post_json(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
        limits: ExchangeLimits,
    ) -> Result<Response, EgressError> {
        let request = self.post(url, headers, body, "application/json")?;
        self.exchange(request, limits).await
    }

    /// Sends a request of any method, with no header but those given.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
        limits: ExchangeLimits,
    ) -> Result<Response, EgressError> {
        let request = self.client.request(method, self.policy.vet(url)?);
        self.exchange(request.headers(headers).body(body), limits)
            .await
    }

    /// Sends a request and hands over the response's body as it arrives, for server-sent events.
    /// Nothing is added to the headers.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), up to the response's head; later failures come from the stream.
    pub async fn send_stream(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
        limits: ExchangeLimits,
    ) -> Result<BodyStream, EgressError> {
        let request = self.client.request(method, self.policy.vet(url)?);
        let request = request.headers(headers).body(body);
        let response = tokio::time::timeout(limits.total, request.send())
            .await
            .map_err(|_| EgressError::Timeout)?
            .map_err(EgressError::from_reqwest)?;
        Ok(BodyStream::new(response, limits))
    }

    /// Posts a body to one who is only told something: the head of the response is all that counts.
    ///
    /// The response's body is thrown away. It is read for as long as `limits.idle` and up to
    /// `limits.body_bytes_max`, so that the connection can be used again; a body that is longer, or
    /// breaks, costs the connection and is no error. The content type is JSON unless `headers` say
    /// otherwise.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), up to the response's head.
    pub async fn tell(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
        limits: ExchangeLimits,
    ) -> Result<Head, EgressError> {
        let request = self.post(url, headers, body, "*/*")?;
        let response = tokio::time::timeout(limits.total, request.send())
            .await
            .map_err(|_| EgressError::Timeout)?
            .map_err(EgressError::from_reqwest)?;
        let head = Head {
            status: response.status(),
            headers: response.headers().clone(),
        };
        let rest = body::collect(response, limits.body_bytes_max);
        drop(tokio::time::timeout(limits.idle, rest).await);
        Ok(head)
    }

    fn post(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
        accept: &'static str,
    ) -> Result<reqwest::RequestBuilder, EgressError> {
        let request = self.client.post(self.policy.vet(url)?);
        Ok(request
            .header(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )
            .header(header::ACCEPT, HeaderValue::from_static(accept))
            .headers(headers)
            .body(body))
    }

    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
        limits: ExchangeLimits,
    ) -> Result<Response, EgressError> {
        let exchange = async {
            let response = request.send().await.map_err(EgressError::from_reqwest)?;
            body::collect(response, limits.body_bytes_max).await
        };
        tokio::time::timeout(limits.total, exchange)
            .await
            .map_err(|_| EgressError::Timeout)?
    }
}

fn client(resolver: Arc<resolve::Guarded>) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("agent/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        // A retry below us would send a paid request twice without its sender knowing.
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .dns_resolver(resolver)
        .connect_timeout(limits::CONNECT_WAIT)
        .pool_idle_timeout(limits::IDLE_CONNECTION_AGE)
        .pool_max_idle_per_host(limits::IDLE_CONNECTIONS_PER_HOST_MAX)
        .tcp_nodelay(true)
}

/// rustls panics when it must choose between providers; ours is chosen here, once. An error means
/// that the program that embeds us has chosen already, which is its right.
fn install_tls_provider() {
    drop(rustls::crypto::ring::default_provider().install_default());
}
