//! What may be added to a request on its way out, and how a demand for authentication is met.

use std::fmt;

use agent_core::a2a::Operation;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use url::Url;

use super::{CallError, Challenge};

/// One sending of one request.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// What is asked.
    pub operation: Operation,
    /// Where it goes.
    pub url: &'a Url,
    /// Which sending it is: 1 for the first.
    pub number: u32,
}

impl Attempt<'_> {
    /// Whether it goes to the same origin (scheme, host and port) as `url`. What opens something
    /// at one origin must never be sent to another: a card may name any address.
    #[must_use]
    pub fn goes_to(&self, url: &Url) -> bool {
        url.origin().is_tuple() && self.url.origin() == url.origin()
    }
}

/// Adds headers to requests: credentials, traces.
///
/// # Contract
///
/// - [`before`](Self::before) runs before each sending, repetitions included, and only adds: the
///   headers of the framing and of the protocol are refused ([`RESERVED`]).
/// - A credential is added only where [`Attempt::goes_to`] says that it belongs. The address comes
///   from a card, which a stranger wrote.
/// - [`challenged`](Self::challenged) runs at most once for each sending that is answered with a
///   demand for authentication. `true` means that the next `before` will add something else, and
///   has the request sent once more. It must not follow an address that the challenge names unless
///   it is known from elsewhere.
/// - Both share the time of the request; when it is over the future is dropped. An error ends the
///   call.
/// - `Debug` shows no credential.
pub trait Interceptor: fmt::Debug + Send + Sync {
    /// Adds headers.
    fn before<'a>(
        &'a self,
        attempt: Attempt<'a>,
        headers: &'a mut HeaderMap,
    ) -> BoxFuture<'a, Result<(), CallError>>;

    /// Meets a demand for authentication; `sent` are the headers that were not enough.
    fn challenged<'a>(
        &'a self,
        attempt: Attempt<'a>,
        sent: &'a HeaderMap,
        challenge: &'a Challenge,
    ) -> BoxFuture<'a, Result<bool, CallError>> {
        let _ = (attempt, sent, challenge);
        Box::pin(async { Ok(false) })
    }
}

/// Headers that no interceptor may set, since the framing or the protocol does.
pub const RESERVED: [&str; 12] = [
    "a2a-extensions",
    "a2a-version",
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The headers that the interceptors add to one sending.
pub(super) async fn added(
    interceptors: &[std::sync::Arc<dyn Interceptor>],
    attempt: Attempt<'_>,
) -> Result<HeaderMap, CallError> {
    let mut headers = HeaderMap::new();
    for interceptor in interceptors {
        interceptor.before(attempt, &mut headers).await?;
    }
    match RESERVED.iter().find(|name| headers.contains_key(**name)) {
        Some(name) => Err(CallError::Request(format!(
            "an interceptor set the header `{name}`, which is not for it to set"
        ))),
        None => Ok(headers),
    }
}
