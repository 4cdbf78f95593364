//! Why a key, a card or a signature cannot be used.

use super::limits;
use crate::jcs::JcsError;

/// Why a card cannot be signed, or a key or a card not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The text is not a private key of that kind. It is never repeated here.
    #[error("this is not a private key: {0}")]
    NotAKey(&'static str),
    /// The key id is empty or too long.
    #[error("a key id has 1 to {} bytes", limits::KID_BYTES_MAX)]
    KeyId,
    /// The public key cannot be used.
    #[error("this is not a usable public key: {0}")]
    NotAJwk(&'static str),
    /// The key set is too large, or not one.
    #[error("this is not a JSON Web Key Set: {0}")]
    NotAJwks(String),
    /// The document is not an Agent Card.
    #[error("this is not an Agent Card: {0}")]
    NotACard(String),
    /// The card has no canonical form, so nothing can sign it.
    #[error("the card has no canonical form: {0}")]
    Uncanonical(#[from] JcsError),
}

impl SigningError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAKey(_) => "signing.not_a_key",
            Self::KeyId => "signing.bad_key_id",
            Self::NotAJwk(_) => "signing.bad_jwk",
            Self::NotAJwks(_) => "signing.bad_jwks",
            Self::NotACard(_) => "signing.bad_card",
            Self::Uncanonical(_) => "signing.uncanonical",
        }
    }
}

/// Why one signature of a card does not count.
///
/// What it shows of the peer's is shortened and escaped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureFault {
    /// It is not a signature in the form of A2A §8.4.2.
    #[error("it is malformed: {0}")]
    Malformed(&'static str),
    /// It names an algorithm that is not trusted: `none` and HMACs among them.
    #[error("its algorithm {0} is not trusted")]
    Algorithm(String),
    /// No trusted key has its key id.
    #[error("no trusted key has its key id {0}")]
    UnknownKey(String),
    /// The key of that id is for another algorithm: somebody mixes them up on purpose.
    #[error("key {kid} is not one for {algorithm}")]
    KeyMismatch {
        /// The key id.
        kid: String,
        /// The algorithm that the signature names.
        algorithm: &'static str,
    },
    /// The key was revoked, has expired, or is not valid yet.
    #[error("key {0} is not valid at this time")]
    KeyExpired(String),
    /// The card has no canonical form, so no signature over it can be checked.
    #[error("the card has no canonical form")]
    Uncanonical,
    /// It is not a signature of that key over this card: the card was changed, or never signed.
    #[error("it is not a signature of key {0} over this card")]
    Wrong(String),
    /// More signatures than are looked at.
    #[error(
        "it comes after the first {}, which are all that are looked at",
        limits::SIGNATURES_MAX
    )]
    TooMany,
}
