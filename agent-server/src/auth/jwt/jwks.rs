//! Where an issuer's keys come from: fixed, or fetched and kept for a while.

use super::read_keys;
use crate::auth::AuthError;
use crate::auth::limits::{JWKS_FRESH, JWKS_PAUSE, JWKS_STALE_MAX, JWKS_WAIT};
use agent_client::egress::{Egress, ExchangeLimits};
use agent_core::a2a::signing::JwkSet;
use agent_core::a2a::signing::limits::JWKS_BYTES_MAX;
use agent_core::clock::Clock;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;
use url::Url;

/// Where an issuer's keys come from.
#[derive(Debug)]
pub(super) enum KeySource {
    /// Keys that were read at the start.
    Fixed(Arc<JwkSet>),
    /// Keys at a URL.
    Fetched(Arc<Fetched>),
}

impl KeySource {
    /// The keys to check a token with that names `kid`.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] when there are none that are fresh enough to believe.
    pub(super) async fn keys(&self, kid: Option<&str>) -> Result<Arc<JwkSet>, AuthError> {
        match self {
            Self::Fixed(keys) => Ok(Arc::clone(keys)),
            Self::Fetched(fetched) => fetched.keys(kid).await,
        }
    }
}

/// Keys at a URL, fetched when they are needed: first, when they are no longer fresh, and when a
/// token names one that is not among them, since issuers change keys without a word.
pub(super) struct Fetched {
    url: Url,
    egress: Egress,
    clock: Arc<dyn Clock>,
    kept: RwLock<Kept>,
    fetching: Mutex<()>,
}

#[derive(Debug, Clone, Default)]
struct Kept {
    keys: Option<Arc<JwkSet>>,
    fetched_unix_millis: u64,
    tried_unix_millis: Option<u64>,
}

impl Fetched {
    pub(super) fn new(url: Url, egress: Egress, clock: Arc<dyn Clock>) -> Self {
        Self {
            url,
            egress,
            clock,
            kept: RwLock::default(),
            fetching: Mutex::new(()),
        }
    }

    async fn keys(self: &Arc<Self>, kid: Option<&str>) -> Result<Arc<JwkSet>, AuthError> {
        if let Some(keys) = self.serving(kid) {
            return Ok(keys);
        }
        // In a task of its own: a caller that goes away must not stop what others wait for too.
        let (this, kid) = (Arc::clone(self), kid.map(str::to_owned));
        let fetched = tokio::spawn(async move { this.refresh(kid.as_deref()).await });
        if fetched.await.is_err() {
            tracing::error!("fetching the keys of an issuer broke off");
        }
        self.believable()
            .ok_or(AuthError::Unavailable("issuer_keys"))
    }

    /// The keys at hand, if they will do for this token.
    fn serving(&self, kid: Option<&str>) -> Option<Arc<JwkSet>> {
        let kept = self.kept();
        let fresh = self.age(kept.fetched_unix_millis) < JWKS_FRESH;
        let keys = kept.keys.filter(|_| fresh)?;
        kid.is_none_or(|kid| !keys.of_kid(kid).is_empty())
            .then_some(keys)
    }

    /// The keys at hand, unless they are too old to be believed at all.
    fn believable(&self) -> Option<Arc<JwkSet>> {
        let kept = self.kept();
        let age = self.age(kept.fetched_unix_millis);
        kept.keys.filter(|_| age < JWKS_STALE_MAX)
    }

    async fn refresh(&self, kid: Option<&str>) {
        let _one_at_a_time = self.fetching.lock().await;
        // Somebody else may have fetched them meanwhile, or tried to.
        let tried = self.kept().tried_unix_millis;
        if self.serving(kid).is_some() || tried.is_some_and(|at| self.age(at) < JWKS_PAUSE) {
            return;
        }
        let now = self.clock.now_unix_millis();
        self.change(|kept| kept.tried_unix_millis = Some(now));
        match self.fetch().await {
            Ok(keys) => self.change(|kept| {
                kept.keys = Some(Arc::new(keys));
                kept.fetched_unix_millis = now;
            }),
            Err(reason) => {
                let host = self.url.host_str().unwrap_or("");
                tracing::warn!(host, reason, "the keys of an issuer cannot be had");
            }
        }
    }

    async fn fetch(&self) -> Result<JwkSet, String> {
        let limits = ExchangeLimits::default()
            .within(JWKS_WAIT)
            .at_most(JWKS_BYTES_MAX);
        let response = self.egress.get(self.url.as_str(), limits).await;
        let response = response.map_err(|error| error.to_string())?;
        if !response.status.is_success() {
            return Err(format!("HTTP status {}", response.status.as_u16()));
        }
        read_keys(&response.bytes)
    }

    /// How long ago that was. A clock that was set back makes it now.
    fn age(&self, unix_millis: u64) -> Duration {
        let now = self.clock.now_unix_millis();
        Duration::from_millis(now.saturating_sub(unix_millis))
    }

    fn kept(&self) -> Kept {
        let kept = self.kept.read();
        kept.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut kept);
    }
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetched")
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}
