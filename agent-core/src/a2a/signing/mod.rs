//! Signed Agent Cards (A2A §8.4): detached JSON Web Signatures (RFC 7515) over the canonical JSON
//! (RFC 8785) of a card.
//!
//! ```
//! use agent_core::a2a::AgentCard;
//! use agent_core::a2a::signing::{Algorithm, CardSigner, ReceivedCard, SigningKey};
//!
//! let key = SigningKey::from_seed(Algorithm::Es256, [7; 32])?;
//! let signer = CardSigner::new(key, Some("2026"))?;
//! let mut card = AgentCard { name: "shouter".to_owned(), ..AgentCard::default() };
//! signer.sign_into(&mut card)?;
//!
//! let received = ReceivedCard::read(&serde_json::to_vec(&card)?)?;
//! let keys = signer.jwks();
//! let verification = received.verify(1_800_000_000, |header| keys.of_kid(&header.kid));
//! assert_eq!(verification.best().map(|signature| signature.kid.as_str()), Some("2026"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a signature says
//!
//! That the holder of the key signed these bytes, no more: not that the holder is honest, not that
//! the card is new (an old card keeps its signature), and nothing about fields outside the form
//! that was signed; see [`CardForm`] and [`ReceivedCard::uncovered`].
//!
//! # Peers
//!
//! Signing and checking were tried both ways with `a2a-sdk` 1.3.0 (Python, `a2a.utils.signing`) and
//! `@a2a-js/sdk` 1.3.0, over cards with and without empty fields, and with the fields of A2A 0.3
//! beside those of 1.0. What there is to know of them:
//!
//! - Both read a card into their own types and then drop every empty value ([`CardForm::Pruned`]).
//!   So fields of 0.3 in the same document do not disturb their signatures or ours, as long as
//!   `supportedInterfaces` and `securityRequirements` are there too, and the members of a security
//!   scheme say the same in both versions: otherwise the Python client builds the newer fields from
//!   the older ones and checks a card that nobody signed.
//! - The JavaScript SDK loses `securitySchemes` when it is given a card that it has read into its
//!   types before; the check then fails for every card that has any. Given the JSON it holds.
//! - ES256, EdDSA and (made there, checked here) RS256 work with both; ES256K with Python only.

mod algorithm;
mod compact;
mod error;
mod form;
mod header;
mod jwk;
mod jwks;
mod key;
pub mod limits;
mod signer;
#[cfg(test)]
mod vectors;
mod verify;

pub use algorithm::Algorithm;
pub use compact::{sign_compact, verify_compact};
pub use error::{SignatureFault, SigningError};
pub use form::CardForm;
pub use header::ProtectedHeader;
pub use jwk::Jwk;
pub use jwks::JwkSet;
pub use key::SigningKey;
pub use signer::{CardSigner, empty_fields, signed_bytes};
pub use verify::{ReceivedCard, Verification, VerifiedSignature};
