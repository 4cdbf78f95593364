//! Credentials, each for one origin and sent to no other.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use agent_core::a2a::Secret;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

use super::intercept::{Attempt, Interceptor};
use super::{CallError, Challenge};

/// A secret in a header of its own, such as `X-API-Key` (A2A §4.5.1).
#[derive(Debug)]
pub struct ApiKey {
    origin: Url,
    name: HeaderName,
    value: HeaderValue,
}

impl ApiKey {
    /// Sends `key` in the header `name` to the origin of `url`, and nowhere else.
    ///
    /// # Errors
    /// [`CallError::Request`] when a header cannot have that name or value.
    pub fn new(url: &Url, name: &str, key: &Secret) -> Result<Self, CallError> {
        let name = name
            .parse()
            .map_err(|_| CallError::Request("no header can have that name".to_owned()))?;
        let (origin, value) = (url.clone(), value(key.expose())?);
        Ok(Self {
            origin,
            name,
            value,
        })
    }
}

impl Interceptor for ApiKey {
    fn before<'a>(
        &'a self,
        attempt: Attempt<'a>,
        headers: &'a mut HeaderMap,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        if attempt.goes_to(&self.origin) {
            headers.insert(self.name.clone(), self.value.clone());
        }
        Box::pin(async { Ok(()) })
    }
}

/// Asks somebody for another token. The words of an error are shown to the caller.
type Renewal = Box<dyn Fn() -> BoxFuture<'static, Result<Secret, String>> + Send + Sync>;

/// A bearer token (RFC 6750), renewed when the agent does not take it any more.
pub struct Bearer {
    origin: Url,
    token: Mutex<HeaderValue>,
    renewal: Option<Renewal>,
    /// One asks for a token at a time; the others then find it.
    renewing: tokio::sync::Mutex<()>,
}

impl Bearer {
    /// Sends `token` to the origin of `url`, and nowhere else.
    ///
    /// # Errors
    /// [`CallError::Request`] when no header can have that value.
    pub fn new(url: &Url, token: Secret) -> Result<Self, CallError> {
        Ok(Self {
            origin: url.clone(),
            token: Mutex::new(bearer(&token)?),
            renewal: None,
            renewing: tokio::sync::Mutex::new(()),
        })
    }

    /// The same, asking `renewal` for another token when the agent answers that this one is not
    /// enough. A request is sent again once with the new one; when that is refused too, the error
    /// is the caller's.
    #[must_use]
    pub fn renewed_by(
        mut self,
        renewal: impl Fn() -> BoxFuture<'static, Result<Secret, String>> + Send + Sync + 'static,
    ) -> Self {
        self.renewal = Some(Box::new(renewal));
        self
    }

    fn token(&self) -> HeaderValue {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        token.clone()
    }
}

/// Without the token.
impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer")
            .field("origin", &self.origin.origin())
            .finish_non_exhaustive()
    }
}

impl Interceptor for Bearer {
    fn before<'a>(
        &'a self,
        attempt: Attempt<'a>,
        headers: &'a mut HeaderMap,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        if attempt.goes_to(&self.origin) {
            headers.insert(header::AUTHORIZATION, self.token());
        }
        Box::pin(async { Ok(()) })
    }

    fn challenged<'a>(
        &'a self,
        attempt: Attempt<'a>,
        sent: &'a HeaderMap,
        _: &'a Challenge,
    ) -> BoxFuture<'a, Result<bool, CallError>> {
        Box::pin(async move {
            let Some(renewal) = &self.renewal else {
                return Ok(false);
            };
            if !attempt.goes_to(&self.origin) {
                return Ok(false);
            }
            let _one = self.renewing.lock().await;
            if sent.get(header::AUTHORIZATION) != Some(&self.token()) {
                // Another request got a new one meanwhile.
                return Ok(true);
            }
            let renewed = renewal().await;
            let renewed =
                renewed.map_err(|why| CallError::Request(format!("no new token: {why}")))?;
            *self.token.lock().unwrap_or_else(PoisonError::into_inner) = bearer(&renewed)?;
            Ok(true)
        })
    }
}

fn bearer(token: &Secret) -> Result<HeaderValue, CallError> {
    value(&format!("Bearer {}", token.expose()))
}

/// Marked as sensitive, which hides it in `Debug` and keeps it out of header compression tables.
fn value(text: &str) -> Result<HeaderValue, CallError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| CallError::Request("no header can have that value".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}
