//! `[auth]` in `agent.toml`.

use super::api_key::{ApiKeyConfig, ApiKeys};
use super::certificate::{CertificateConfig, Certificates};
use super::error::AuthConfigError;
use super::jwt::{Jwt, JwtConfig};
use super::policy::AccessPolicy;
use agent_core::a2a::{SecurityRequirement, SecurityScheme, StringList};
use agent_core::clock::Clock;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// `[auth]`: with it, callers must say who they are; the public card and health remain open.
///
/// ```toml
/// [auth.schemes.key]
/// type = "api_key"
/// in = "header"
/// name = "X-API-Key"
/// callers.alice = { sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" }
///
/// [auth.schemes.token]
/// type = "jwt"
/// issuer = "https://issuer.example"
/// audience = ["https://agent.example"]
/// jwks = { url = "https://issuer.example/jwks.json" }
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// The ways of authentication, by the names that the card gives them.
    pub schemes: BTreeMap<String, SchemeConfig>,
    /// What suffices: any one of these, of each all schemes, each with the scopes that it must
    /// grant: `[{ token = ["tasks"] }, { key = [] }]`. Left out, any one scheme does.
    #[serde(default)]
    pub require: Vec<BTreeMap<String, Vec<String>>>,
    /// Whether callers may also stay anonymous. Those see the tasks whose ids they have, as without
    /// `[auth]`, and none that belongs to somebody.
    #[serde(default)]
    pub allow_anonymous: bool,
}

/// One way of authentication.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SchemeConfig {
    /// A shared secret.
    ApiKey(ApiKeyConfig),
    /// A token of an issuer.
    Jwt(Box<JwtConfig>),
    /// A certificate that a proxy has checked.
    Certificate(CertificateConfig),
}

impl AuthConfig {
    /// Puts the configured ways into a policy. `env` reads the environment.
    ///
    /// # Errors
    /// [`AuthConfigError`] names the setting and what is wrong with it.
    pub fn apply(
        &self,
        policy: &mut AccessPolicy,
        clock: &Arc<dyn Clock>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), AuthConfigError> {
        for (name, config) in &self.schemes {
            match config {
                SchemeConfig::ApiKey(config) => {
                    let keys = ApiKeys::of(name, config, env)?;
                    let card = SecurityScheme::ApiKey(keys.scheme(&config.description));
                    policy.add(name, card, Arc::new(keys))?;
                }
                SchemeConfig::Jwt(config) => {
                    let jwt = Jwt::of(name, config, clock)?;
                    policy.add(name, Jwt::scheme(config), Arc::new(jwt))?;
                }
                SchemeConfig::Certificate(config) => {
                    let certificates = Certificates::of(name, config)?;
                    let scheme = Certificates::scheme(&config.description);
                    policy.add(name, SecurityScheme::Mtls(scheme), Arc::new(certificates))?;
                }
            }
        }
        let entry = |schemes: &BTreeMap<String, Vec<String>>| SecurityRequirement {
            schemes: schemes
                .iter()
                .map(|(name, scopes)| {
                    let list = StringList {
                        list: scopes.clone(),
                    };
                    (name.clone(), list)
                })
                .collect(),
        };
        policy.require(self.require.iter().map(entry).collect())?;
        if self.allow_anonymous {
            policy.allow_anonymous();
        }
        Ok(())
    }
}
