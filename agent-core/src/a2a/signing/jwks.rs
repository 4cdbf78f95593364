//! Sets of public keys (RFC 7517 §5).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::jwk::Jwk;
use super::{SigningError, limits};
use crate::untrusted::shorten;

/// A JSON Web Key Set (RFC 7517 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    /// The keys, in the order of the set.
    pub keys: Vec<Jwk>,
}

impl JwkSet {
    /// Where a server that signs its card serves its set. A custom, not a standard: `jku` names
    /// the place.
    pub const WELL_KNOWN_PATH: &str = "/.well-known/jwks.json";

    /// Reads a set. A key of a kind that is not known here, or one that may not check signatures,
    /// is left out (RFC 7517 §5); so is every private one.
    ///
    /// # Errors
    /// [`SigningError::NotAJwks`] when it is not a set, or larger than
    /// [`limits::JWKS_BYTES_MAX`] and [`limits::JWKS_KEYS_MAX`] allow.
    pub fn read(json: &[u8]) -> Result<Self, SigningError> {
        #[derive(Deserialize)]
        struct Read {
            keys: Vec<Map<String, Value>>,
        }
        if json.len() > limits::JWKS_BYTES_MAX {
            let max = limits::JWKS_BYTES_MAX;
            return Err(SigningError::NotAJwks(format!("more than {max} bytes")));
        }
        let read: Read = parse(json).map_err(SigningError::NotAJwks)?;
        if read.keys.len() > limits::JWKS_KEYS_MAX {
            let max = limits::JWKS_KEYS_MAX;
            return Err(SigningError::NotAJwks(format!("more than {max} keys")));
        }
        let keys = read.keys.iter().flat_map(Jwk::from_members).collect();
        Ok(Self { keys })
    }

    /// The keys of that name, at most [`limits::KEYS_PER_SIGNATURE_MAX`].
    #[must_use]
    pub fn of_kid(&self, kid: &str) -> Vec<&Jwk> {
        let named = self.keys.iter().filter(|key| key.kid() == kid);
        named.take(limits::KEYS_PER_SIGNATURE_MAX).collect()
    }
}

/// Parses a peer's JSON; its parser's words are shortened, since they quote the peer.
pub(super) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    serde_json::from_slice(json).map_err(|error| shorten(&error.to_string()))
}
