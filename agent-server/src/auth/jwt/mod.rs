//! Bearer tokens that are JSON Web Tokens, checked with the public keys of their issuer.
//!
//! What is checked, in this order: size and form; the algorithm, against the configured list and
//! against the kind of the key; the signature; issuer, audience, expiry and begin; the subject. The
//! header's `jwk`, `jku` and `x5u` are not looked at: whoever wrote the token would choose the key.

mod jwks;
mod token;

use super::error::AuthConfigError;
use super::limits::{LEEWAY_SECS, LEEWAY_SECS_MAX};
use super::{AuthError, Authenticator, Identity, Presented};
use agent_client::egress::{Egress, EgressPolicy};
use agent_core::a2a::signing::{Algorithm, Jwk, JwkSet};
use agent_core::a2a::{HTTPAuthSecurityScheme, OpenIdConnectSecurityScheme, SecurityScheme};
use agent_core::clock::Clock;
use agent_core::ledger::BoxFuture;
use http::header::AUTHORIZATION;
use jwks::{Fetched, KeySource};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use token::Token;
use url::Url;

/// `type = "jwt"` in `[auth.schemes.…]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtConfig {
    /// Who issues the tokens: their `iss`, to the letter.
    pub issuer: String,
    /// What tokens for this agent name in `aud`; one of these suffices.
    pub audience: Vec<String>,
    /// The algorithms that are taken: some of `ES256`, `ES256K`, `EdDSA` and `RS256`. Only those
    /// with a public key are known: whoever checks a shared-secret signature can also make one.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<String>,
    /// Where the issuer's public keys are.
    pub jwks: JwksConfig,
    /// Seconds that the clocks of issuer and agent may be apart.
    #[serde(default = "leeway_secs")]
    pub leeway_secs: u64,
    /// The discovery document of the issuer. With it the card names OpenID Connect, without it a
    /// bearer token.
    #[serde(default)]
    pub openid_connect_url: Option<Url>,
    /// A description for people, shown in the card.
    #[serde(default)]
    pub description: String,
}

/// Where an issuer's public keys are.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum JwksConfig {
    /// In a file, read once at the start.
    File(PathBuf),
    /// At a URL, fetched when they are needed.
    Url(Url),
    /// At a URL on this machine or in a private network, over plain HTTP if it says so.
    PrivateUrl(Url),
}

fn algorithms() -> Vec<String> {
    let usual = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256];
    usual.map(|algorithm| algorithm.name().to_owned()).to_vec()
}

const fn leeway_secs() -> u64 {
    LEEWAY_SECS
}

/// Knows callers by the tokens that an issuer gave them: by issuer and subject.
#[derive(Debug)]
pub struct Jwt {
    issuer: String,
    audience: Vec<String>,
    algorithms: Vec<Algorithm>,
    leeway_secs: u64,
    keys: KeySource,
    clock: Arc<dyn Clock>,
}

impl Jwt {
    pub(super) fn of(
        scheme: &str,
        config: &JwtConfig,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, AuthConfigError> {
        let wrong = |reason: &str| AuthConfigError::scheme(scheme, reason);
        if config.issuer.is_empty() || config.issuer.contains('|') {
            return Err(wrong("`issuer` is empty or has a `|` in it"));
        }
        if config.audience.is_empty() {
            return Err(wrong(
                "`audience` is empty: tokens for others would be taken too",
            ));
        }
        let known = config
            .algorithms
            .iter()
            .map(|name| Algorithm::of_name(name));
        let algorithms: Option<Vec<Algorithm>> = known.collect();
        let algorithms = algorithms.filter(|algorithms| !algorithms.is_empty());
        let algorithms =
            algorithms.ok_or_else(|| wrong("`algorithms` takes ES256, ES256K, EdDSA and RS256"))?;
        if config.leeway_secs > LEEWAY_SECS_MAX {
            return Err(wrong("`leeway_secs` is above 600"));
        }
        let fetched = |policy, url: &Url| {
            let egress = Egress::new(policy).map_err(|error| wrong(&error.to_string()))?;
            let url = egress.vet(url.as_str());
            let url = url.map_err(|error| wrong(&error.to_string()))?;
            let fetched = Fetched::new(url, egress, Arc::clone(clock));
            Ok(KeySource::Fetched(Arc::new(fetched)))
        };
        let keys = match &config.jwks {
            JwksConfig::File(path) => {
                let shown = path.display();
                let bytes = std::fs::read(path);
                let bytes = bytes.map_err(|error| wrong(&format!("{shown}: {error}")))?;
                let keys = read_keys(&bytes);
                let keys = keys.map_err(|reason| wrong(&format!("{shown}: {reason}")))?;
                KeySource::Fixed(Arc::new(keys))
            }
            JwksConfig::Url(url) => fetched(EgressPolicy::strict(), url)?,
            JwksConfig::PrivateUrl(url) => {
                let policy = EgressPolicy::strict().allow_loopback().allow_private();
                let policy = policy.allow_plain_http(url.host_str().unwrap_or(""));
                fetched(policy, url)?
            }
        };
        Ok(Self {
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            algorithms,
            leeway_secs: config.leeway_secs,
            keys,
            clock: Arc::clone(clock),
        })
    }

    /// What the card says of it.
    pub(super) fn scheme(config: &JwtConfig) -> SecurityScheme {
        let description = config.description.clone();
        match &config.openid_connect_url {
            Some(url) => SecurityScheme::OpenIdConnect(OpenIdConnectSecurityScheme {
                description,
                open_id_connect_url: url.to_string(),
            }),
            None => SecurityScheme::HttpAuth(HTTPAuthSecurityScheme {
                description,
                scheme: "Bearer".to_owned(),
                bearer_format: "JWT".to_owned(),
            }),
        }
    }

    async fn check(&self, presented: &Presented<'_>) -> Result<Identity, AuthError> {
        let header = presented.header(&AUTHORIZATION)?;
        let (scheme, token) = header
            .and_then(|header| header.split_once(' '))
            .ok_or(AuthError::Missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(AuthError::Missing);
        }
        let token = Token::read(token.trim())?;
        if !self.algorithms.contains(&token.algorithm) {
            return Err(AuthError::Invalid("algorithm"));
        }
        let claims = token.claims()?;
        // Checked before the signature too, so that strangers' tokens cost no fetch and no
        // arithmetic.
        if claims.iss.as_deref() != Some(&self.issuer) {
            return Err(AuthError::Invalid("issuer"));
        }
        let keys = self.keys.keys(token.kid.as_deref()).await?;
        let now_secs = self.clock.now_unix_secs();
        check_signature(&token, &keys, now_secs)?;
        if !claims.is_for(&self.audience) {
            return Err(AuthError::Invalid("audience"));
        }
        claims.check_time(now_secs, self.leeway_secs)?;
        let subject = claims.sub.as_deref().filter(|sub| !sub.is_empty());
        let subject = subject.ok_or(AuthError::Invalid("no_subject"))?;
        let caller = format!("{}|{subject}", self.issuer);
        Ok(Identity::bounded("jwt", &caller)?.with_scopes(claims.scopes()))
    }
}

/// Checks a signature with the keys of that id; without an id, with the only key for its algorithm.
/// That the key has one algorithm is what stops a public key from being taken for a shared secret.
fn check_signature(token: &Token<'_>, keys: &JwkSet, now_secs: u64) -> Result<(), AuthError> {
    let fits = |key: &&Jwk| key.algorithm() == token.algorithm && key.is_valid_at(now_secs);
    let holds = |key: &Jwk| key.verifies(token.signed.as_bytes(), &token.signature);
    let held = if let Some(kid) = &token.kid {
        let mut fitting = keys.of_kid(kid).into_iter().filter(fits).peekable();
        fitting.peek().ok_or(AuthError::Invalid("unknown_key"))?;
        fitting.any(holds)
    } else {
        // Trying one key after another would let whoever sends tokens decide how much work it is.
        let mut fitting = keys.keys.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => holds(only),
            _ => return Err(AuthError::Invalid("unknown_key")),
        }
    };
    if held {
        Ok(())
    } else {
        Err(AuthError::Invalid("bad_signature"))
    }
}

/// Reads a set of keys with which something can be checked.
fn read_keys(bytes: &[u8]) -> Result<JwkSet, String> {
    let keys = JwkSet::read(bytes).map_err(|error| error.to_string())?;
    if keys.keys.is_empty() {
        return Err("no public key for signatures in it".to_owned());
    }
    Ok(keys)
}

impl Authenticator for Jwt {
    fn authenticate<'a>(
        &'a self,
        presented: &'a Presented<'a>,
    ) -> BoxFuture<'a, Result<Identity, AuthError>> {
        Box::pin(self.check(presented))
    }

    /// RFC 6750 §3.
    fn challenge(&self, error: AuthError, realm: &str) -> Option<String> {
        Some(match error {
            AuthError::Invalid(code) => format!(
                "Bearer realm=\"{realm}\", error=\"invalid_token\", error_description=\"{code}\""
            ),
            AuthError::Forbidden(_) => {
                format!("Bearer realm=\"{realm}\", error=\"insufficient_scope\"")
            }
            _ => format!("Bearer realm=\"{realm}\""),
        })
    }
}
