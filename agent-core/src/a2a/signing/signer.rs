//! Signing a card.

use super::form::{CardForm, canonical, differences, pruned, specified};
use super::header::{ProtectedHeader, encode_signature, signing_input};
use super::jwk::Jwk;
use super::jwks::JwkSet;
use super::{SigningError, SigningKey, limits};
use crate::a2a::{AgentCard, AgentCardSignature};
use crate::json::Metadata;
use serde_json::Value;

/// A key, its name, and where others find its public half: all that signing a card needs.
#[derive(Clone, Debug)]
pub struct CardSigner {
    key: SigningKey,
    header: ProtectedHeader,
}

impl CardSigner {
    /// A signer with that key under the name `kid`; without a name it is the key's thumbprint
    /// (RFC 7638).
    ///
    /// # Errors
    /// [`SigningError::KeyId`] when the name is empty or too long.
    pub fn new(key: SigningKey, kid: Option<&str>) -> Result<Self, SigningError> {
        let kid = kid.map_or_else(|| key.public("").thumbprint(), str::to_owned);
        if kid.is_empty() || kid.len() > limits::KID_BYTES_MAX {
            return Err(SigningError::KeyId);
        }
        let header = ProtectedHeader {
            algorithm: key.algorithm(),
            kid,
            jku: None,
        };
        Ok(Self { key, header })
    }

    /// Says in every signature where the key set is. Clients that trust the host of that URL
    /// fetch the key there, over `https`.
    #[must_use]
    pub fn with_jku(mut self, jku: Option<String>) -> Self {
        self.header.jku = jku;
        self
    }

    /// The name of the key.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.header.kid
    }

    /// The public half, to be given to others.
    #[must_use]
    pub fn public(&self) -> Jwk {
        self.key.public(&self.header.kid)
    }

    /// The public half as a set of one, as it is served.
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        JwkSet {
            keys: vec![self.public()],
        }
    }

    /// Signatures over the fields of A2A 1.0 of `card`, which cover no others: not those of A2A
    /// 0.3 that may stand beside them.
    ///
    /// One signature, or two when the card holds something empty that the official SDKs leave out
    /// ([`CardForm::Pruned`]): one for those who go by the specification, one for those who use the
    /// SDKs. A verifier needs one that it can check, so both kinds are served.
    ///
    /// # Errors
    /// [`SigningError::Uncanonical`] when the card holds a number that does not survive JSON.
    pub fn sign(&self, card: &AgentCard) -> Result<Vec<AgentCardSignature>, SigningError> {
        let whole = canonical(&specified(card)?)?;
        let part = canonical(&pruned_card(card)?)?;
        let mut signatures = vec![self.sign_bytes(&whole)];
        if part != whole {
            signatures.push(self.sign_bytes(&part));
        }
        Ok(signatures)
    }

    /// Replaces the signatures of `card` with new ones, as [`sign`](Self::sign) makes them.
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn sign_into(&self, card: &mut AgentCard) -> Result<(), SigningError> {
        card.signatures = self.sign(card)?;
        Ok(())
    }

    fn sign_bytes(&self, payload: &[u8]) -> AgentCardSignature {
        let protected = self.header.encode();
        let signature = self.key.sign(&signing_input(&protected, payload));
        AgentCardSignature {
            signature: encode_signature(&signature),
            protected,
            header: Metadata::new(),
        }
    }
}

/// The bytes of a card that are signed in that form, for those who sign elsewhere: in a hardware
/// module, say. [`CardForm::Received`] of a typed card is its [`CardForm::Specified`].
///
/// # Errors
/// [`SigningError::Uncanonical`].
pub fn signed_bytes(card: &AgentCard, form: CardForm) -> Result<Vec<u8>, SigningError> {
    match form {
        CardForm::Pruned => canonical(&pruned_card(card)?),
        CardForm::Received | CardForm::Specified => canonical(&specified(card)?),
    }
}

/// The fields that are empty and so not covered by a signature of the official SDKs. Filled, or
/// left out where the specification allows it, both forms are the same bytes and one signature
/// does.
///
/// # Errors
/// [`SigningError::NotACard`], which plain data does not meet.
pub fn empty_fields(card: &AgentCard) -> Result<Vec<String>, SigningError> {
    let whole = specified(card)?;
    Ok(differences(&whole, pruned(&whole).as_ref(), &|_| false))
}

fn pruned_card(card: &AgentCard) -> Result<Value, SigningError> {
    let empty = || Value::Object(serde_json::Map::new());
    Ok(pruned(&specified(card)?).unwrap_or_else(empty))
}
