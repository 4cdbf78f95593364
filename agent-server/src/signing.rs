//! The key that signs the agent's card.

use agent_client::wallet::{KeyError, read_secret_file};
use agent_core::a2a::signing::{Algorithm, CardSigner, JwkSet, SigningError, SigningKey, limits};
use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;
use serde::Deserialize;
use std::path::PathBuf;

/// Where the key that signs the card is. Never in an argument or in the configuration itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CardKey {
    /// A file that only its owner can read: PKCS#8 in PEM for ES256 and EdDSA, 32 bytes in
    /// hexadecimal for ES256K.
    File(PathBuf),
    /// An environment variable with the same content.
    Env(String),
}

/// How the card is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardSigning {
    /// The key.
    pub key: CardKey,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Its name; its thumbprint (RFC 7638) unless set.
    pub kid: Option<String>,
    /// Where clients find the public half. The agent serves it at
    /// [`JwkSet::WELL_KNOWN_PATH`] too, but a key that comes from where the card comes from
    /// proves nothing; another host is better.
    pub jku: Option<String>,
}

impl CardSigning {
    /// Reads the key.
    ///
    /// # Errors
    /// [`CardKeyError`]; it never repeats the key.
    pub fn signer(&self) -> Result<CardSigner, CardKeyError> {
        let text = match &self.key {
            CardKey::File(path) => read_secret_file(path, limits::KEY_TEXT_BYTES_MAX)?,
            CardKey::Env(variable) => {
                std::env::var(variable).map_err(|_| KeyError::NoVariable {
                    variable: variable.clone(),
                })?
            }
        };
        let key = SigningKey::read(self.algorithm, &text)?;
        let signer = CardSigner::new(key, self.kid.as_deref())?;
        Ok(signer.with_jku(self.jku.clone()))
    }
}

/// Why the key that signs the card cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CardKeyError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] KeyError),
    /// What was read is no such key.
    #[error(transparent)]
    Key(#[from] SigningError),
}

/// The algorithm of that name, for keys that sign.
///
/// # Errors
/// Which names there are.
pub(crate) fn signing_algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::of_name(name)
        .filter(|algorithm| *algorithm != Algorithm::Rs256)
        .ok_or_else(|| "cards are signed with ES256, EdDSA or ES256K".to_owned())
}

/// Serves the public half of the key.
pub(crate) fn key_set(signer: &CardSigner) -> Result<Router, serde_json::Error> {
    let json = serde_json::to_string(&signer.jwks())?;
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/jwk-set+json"),
        ),
        (
            CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=300"),
        ),
    ];
    let serve = move || async move { (headers, json) };
    Ok(Router::new().route(JwkSet::WELL_KNOWN_PATH, get(serve)))
}
