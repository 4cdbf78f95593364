//! API keys: a shared secret in a header, a query parameter or a cookie.

use super::error::AuthConfigError;
use super::limits::{KEY_BYTES_MAX, KEY_BYTES_MIN, KEYS_MAX};
use super::{AuthError, Authenticator, Identity, Presented};
use agent_core::a2a::{APIKeySecurityScheme, Secret};
use agent_core::ledger::BoxFuture;
use alloy_primitives::hex;
use http::HeaderName;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;

/// Where an API key is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyLocation {
    /// A header of its own.
    Header,
    /// The query. Queries are logged by whatever passes them on: better not.
    Query,
    /// A cookie.
    Cookie,
}

impl KeyLocation {
    const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Query => "query",
            Self::Cookie => "cookie",
        }
    }
}

/// `type = "api_key"` in `[auth.schemes.…]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyConfig {
    /// Where the key is to be found.
    #[serde(rename = "in")]
    pub location: KeyLocation,
    /// The name of the header, parameter or cookie.
    pub name: String,
    /// The keys, by the name of the caller that has them. Several let one be replaced by another.
    pub callers: BTreeMap<String, KeyList>,
    /// A description for people, shown in the card.
    #[serde(default)]
    pub description: String,
}

/// The keys of one caller.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum KeyList {
    /// One key.
    One(StoredKey),
    /// Several.
    Many(Vec<StoredKey>),
}

/// An API key as it is kept. Never the key itself: files are copied, backed up and shown.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StoredKey {
    /// The SHA-256 digest of the key in hexadecimal: `printf %s "$KEY" | sha256sum`.
    Sha256(String),
    /// The environment variable that holds the key.
    Env(String),
}

/// Without the digest: of a weak key it would be enough to find it.
impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sha256(_) => f.write_str("Sha256(hidden)"),
            Self::Env(name) => f.debug_tuple("Env").field(name).finish(),
        }
    }
}

/// Knows callers by their API keys.
#[derive(Debug)]
pub struct ApiKeys {
    location: KeyLocation,
    name: String,
    header: Option<HeaderName>,
    keys: Vec<Known>,
}

struct Known {
    digest: [u8; 32],
    caller: String,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known")
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

impl ApiKeys {
    /// No keys yet, to be found at `location` by `name`.
    ///
    /// # Errors
    /// A name that cannot be one there.
    pub fn new(location: KeyLocation, name: &str) -> Result<Self, String> {
        let header = match location {
            KeyLocation::Header => Some(
                HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| format!("`{name}` is no name of a header"))?,
            ),
            _ if name.is_empty() => return Err("the name is empty".to_owned()),
            _ => None,
        };
        Ok(Self {
            location,
            name: name.to_owned(),
            header,
            keys: Vec::new(),
        })
    }

    /// Knows `caller` by `key` too.
    ///
    /// # Errors
    /// When the key is too short to be a secret, belongs to somebody else, or there are too many.
    pub fn add(&mut self, caller: &str, key: &Secret) -> Result<(), String> {
        if key.len() < KEY_BYTES_MIN || key.len() > KEY_BYTES_MAX {
            return Err(format!(
                "a key of `{caller}` has not between {KEY_BYTES_MIN} and {KEY_BYTES_MAX} bytes"
            ));
        }
        self.add_digest(caller, sha256(key.expose()))
    }

    fn add_digest(&mut self, caller: &str, digest: [u8; 32]) -> Result<(), String> {
        if self.keys.len() >= KEYS_MAX {
            return Err(format!("more than {KEYS_MAX} keys"));
        }
        if let Some(other) = self.keys.iter().find(|known| known.digest == digest) {
            return Err(format!("`{caller}` and `{}` have one key", other.caller));
        }
        self.keys.push(Known {
            digest,
            caller: caller.to_owned(),
        });
        Ok(())
    }

    pub(super) fn of(
        scheme: &str,
        config: &ApiKeyConfig,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, AuthConfigError> {
        let wrong = |reason: String| AuthConfigError::scheme(scheme, reason);
        let mut keys = Self::new(config.location, &config.name).map_err(wrong)?;
        for (caller, list) in &config.callers {
            let list = match list {
                KeyList::One(one) => std::slice::from_ref(one),
                KeyList::Many(many) => many.as_slice(),
            };
            for stored in list {
                match stored {
                    StoredKey::Sha256(text) => {
                        let digest = hex::decode_to_array(text);
                        let digest = digest.map_err(|_| {
                            wrong(format!(
                                "a digest of `{caller}` is not 64 hexadecimal digits"
                            ))
                        })?;
                        keys.add_digest(caller, digest).map_err(wrong)?;
                    }
                    StoredKey::Env(name) => {
                        let key = env(name);
                        let key = key.ok_or_else(|| wrong(format!("{name} is not set")))?;
                        keys.add(caller, &Secret::new(key)).map_err(wrong)?;
                    }
                }
            }
        }
        if keys.keys.is_empty() {
            return Err(wrong("no caller has a key".to_owned()));
        }
        Ok(keys)
    }

    /// What the card says of it.
    #[must_use]
    pub fn scheme(&self, description: &str) -> APIKeySecurityScheme {
        APIKeySecurityScheme {
            description: description.to_owned(),
            location: self.location.name().to_owned(),
            name: self.name.clone(),
        }
    }

    fn check(&self, presented: &Presented<'_>) -> Result<Identity, AuthError> {
        let digest = match (&self.header, self.location) {
            (Some(name), _) => presented.header(name)?.map(digest_of),
            (None, KeyLocation::Cookie) => presented.cookie(&self.name)?.map(digest_of),
            (None, _) => presented.parameter(&self.name)?.map(|key| digest_of(&key)),
        };
        let digest = digest.ok_or(AuthError::Missing)??;
        // All are compared, each in constant time: how long it took says nothing about any key.
        let mut found = None;
        for known in &self.keys {
            if bool::from(known.digest.ct_eq(&digest)) {
                found = Some(known);
            }
        }
        let known = found.ok_or(AuthError::Invalid("unknown_key"))?;
        Ok(Identity::new("key", &known.caller))
    }
}

impl Authenticator for ApiKeys {
    fn authenticate<'a>(
        &'a self,
        presented: &'a Presented<'a>,
    ) -> BoxFuture<'a, Result<Identity, AuthError>> {
        let checked = self.check(presented);
        Box::pin(std::future::ready(checked))
    }

    // HTTP knows no scheme for keys; this one is what people expect.
    fn challenge(&self, _error: AuthError, realm: &str) -> Option<String> {
        let (location, name) = (self.location.name(), &self.name);
        Some(format!(
            "ApiKey realm=\"{realm}\", in=\"{location}\", name=\"{}\"",
            super::quotable(name)
        ))
    }
}

fn digest_of(key: &str) -> Result<[u8; 32], AuthError> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(AuthError::Invalid("unknown_key"));
    }
    Ok(sha256(key))
}

fn sha256(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    bytes
}
