//! Who calls, and whether they may (A2A §7).
//!
//! | module | what it decides |
//! |---|---|
//! | [`policy`](AccessPolicy) | which ways of authentication suffice, and what a caller is called |
//! | [`api_key`](ApiKeys) | callers with a shared secret |
//! | [`jwt`](Jwt) | callers with a token of an issuer |
//! | [`certificate`](Certificates) | callers whose certificate a proxy has checked |
//! | [`peers`](TrustedPeers) | whose word counts for others |
//! | [`rate`](RateLimiter) | how often one caller may ask |
//!
//! Identity comes from the transport alone and is settled before anything of the body is read.
//! What a caller may see of others is not decided here: each task has an owner.

mod api_key;
mod certificate;
mod config;
mod error;
mod jwt;
pub mod limits;
mod peers;
mod policy;
mod presented;
mod rate;

pub use api_key::{ApiKeyConfig, ApiKeys, KeyList, KeyLocation, StoredKey};
pub use certificate::{CertificateConfig, CertificateIdentity, Certificates};
pub use config::{AuthConfig, SchemeConfig};
pub use error::{AuthConfigError, AuthError};
pub use jwt::{JwksConfig, Jwt, JwtConfig};
pub use peers::TrustedPeers;
pub use policy::{AccessPolicy, Denied};
pub use presented::Presented;
pub use rate::{Counted, RateConfig, RateLimiter};

use agent_core::ledger::BoxFuture;
use limits::CALLER_BYTES_MAX;
use std::fmt::Debug;

/// Finds out who calls by one kind of credential.
///
/// # Contract
///
/// - The answer depends on what is [`Presented`] and on time, and on nothing in the request's body.
/// - [`AuthError::Missing`] is for a request without a credential of this kind, and for nothing
///   else: other ways may be tried then. A credential that does not hold is [`AuthError::Invalid`].
/// - Two callers never get one [`Identity`], and one caller always gets the same: tasks belong to
///   it.
/// - It returns within seconds, and nothing of a credential goes into an error, a log or `Debug`.
pub trait Authenticator: Send + Sync + Debug {
    /// Who calls.
    fn authenticate<'a>(
        &'a self,
        presented: &'a Presented<'a>,
    ) -> BoxFuture<'a, Result<Identity, AuthError>>;

    /// What `WWW-Authenticate` says to callers that failed with `error`; nothing if HTTP has no
    /// word for it. `realm` may stand between quotes.
    fn challenge(&self, error: AuthError, realm: &str) -> Option<String>;
}

/// Who calls, by one kind of credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: String,
    scopes: Vec<String>,
}

impl Identity {
    /// The caller that is called `name` among those of this `kind`, a short word.
    #[must_use]
    pub fn new(kind: &str, name: &str) -> Self {
        // Escaped, so that names can be joined with ` & ` and stay apart.
        let name = name.replace('%', "%25").replace('&', "%26");
        Self {
            name: format!("{kind}:{name}"),
            scopes: Vec::new(),
        }
    }

    /// The same for a name that somebody else chose.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] when it is too long or has control characters.
    pub fn bounded(kind: &str, name: &str) -> Result<Self, AuthError> {
        if name.len() > CALLER_BYTES_MAX || name.chars().any(char::is_control) {
            return Err(AuthError::Invalid("caller_name"));
        }
        Ok(Self::new(kind, name))
    }

    /// The same, with what the credential grants.
    #[must_use]
    pub fn with_scopes(mut self, scopes: Vec<String>) -> Self {
        self.scopes = scopes;
        self
    }

    /// A name that no other caller has.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the credential grants all of these.
    #[must_use]
    pub fn grants(&self, scopes: &[String]) -> bool {
        scopes.iter().all(|scope| self.scopes.contains(scope))
    }
}

/// A text that may stand between quotes in a header.
fn quotable(text: &str) -> String {
    let fits = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    text.chars().filter(fits).collect()
}
