//! Checking the signatures of a card that came from somewhere.

use serde_json::Value;

use super::form::{CardForm, canonical, differences, pruned, specified, without_signatures};
use super::header::{ProtectedHeader, signature_bytes, signing_input};
use super::jwk::Jwk;
use super::jwks::parse;
use super::{Algorithm, SignatureFault, SigningError, limits};
use crate::a2a::limits::MAX_JSON_DEPTH;
use crate::a2a::{AgentCard, AgentCardSignature};
use crate::json::check_depth;
use crate::untrusted::shorten;

/// A card as it was received, with what its signatures can be checked against.
///
/// The document is kept as well as the card read from it, since a signature may cover fields that
/// this version does not know.
#[derive(Clone, Debug)]
pub struct ReceivedCard {
    card: AgentCard,
    document: Value,
}

impl ReceivedCard {
    /// Reads a card. The size of the document is the caller's to bound.
    ///
    /// # Errors
    /// [`SigningError::NotACard`].
    pub fn read(json: &[u8]) -> Result<Self, SigningError> {
        check_depth(json, MAX_JSON_DEPTH)
            .map_err(|error| SigningError::NotACard(error.to_string()))?;
        let card = parse(json).map_err(SigningError::NotACard)?;
        let mut document = parse(json).map_err(SigningError::NotACard)?;
        without_signatures(&mut document);
        Ok(Self { card, document })
    }

    /// The card, as A2A 1.0 reads it.
    #[must_use]
    pub const fn card(&self) -> &AgentCard {
        &self.card
    }

    /// The same, to be kept.
    #[must_use]
    pub fn into_card(self) -> AgentCard {
        self.card
    }

    /// Whether there is anything to check.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        !self.card.signatures.is_empty()
    }

    /// What the signatures say about themselves, so that keys can be found for them.
    pub fn headers(&self) -> impl Iterator<Item = ProtectedHeader> {
        let looked_at = self.card.signatures.iter().take(limits::SIGNATURES_MAX);
        looked_at.flat_map(ProtectedHeader::read)
    }

    /// Checks every signature with the keys that `trusted` gives for it, of which
    /// [`limits::KEYS_PER_SIGNATURE_MAX`] are tried.
    ///
    /// The keys given must be trusted for this card: nothing here asks where they come from. A key
    /// is used for its own algorithm only, whatever the signature names.
    pub fn verify<'k, K>(
        &self,
        unix_secs: u64,
        mut trusted: impl FnMut(&ProtectedHeader) -> K,
    ) -> Verification
    where
        K: IntoIterator<Item = &'k Jwk>,
    {
        let mut forms = Forms::default();
        let check = |(at, signature): (usize, &AgentCardSignature)| {
            if at >= limits::SIGNATURES_MAX {
                return Err(SignatureFault::TooMany);
            }
            let header = ProtectedHeader::read(signature)?;
            let bytes = signature_bytes(signature)?;
            let keys = trusted(&header).into_iter();
            let key = Candidates {
                header: &header,
                unix_secs,
            };
            let mut fault = SignatureFault::UnknownKey(shorten(&header.kid));
            for jwk in keys.take(limits::KEYS_PER_SIGNATURE_MAX) {
                fault = match key.admit(jwk) {
                    Err(refused) => refused,
                    Ok(()) => {
                        let fits = |payload: &[u8]| {
                            jwk.verifies(&signing_input(&signature.protected, payload), &bytes)
                        };
                        match forms.find(self, fits) {
                            Ok(Some(form)) => return Ok(key.verified(form)),
                            Ok(None) => SignatureFault::Wrong(shorten(&header.kid)),
                            Err(fault) => fault,
                        }
                    }
                };
            }
            Err(fault)
        };
        let signatures = self.card.signatures.iter().enumerate().map(check).collect();
        Verification { signatures }
    }

    /// The fields of the document that a signature in that form does not cover, at most
    /// [`limits::NAMED_FIELDS_MAX`]: those of other versions of the protocol, and empty ones.
    ///
    /// A card that serves A2A 0.3 beside 1.0 has such fields; `url` and `security` among them.
    /// Nothing vouches for what is named here.
    #[must_use]
    pub fn uncovered(&self, form: CardForm) -> Vec<String> {
        let covered = match form {
            CardForm::Received => return Vec::new(),
            CardForm::Specified => specified(&self.card).ok(),
            CardForm::Pruned => specified(&self.card).ok().as_ref().and_then(pruned),
        };
        // What is at its default says nothing, so it needs no covering; but the weakest form lets
        // emptiness be added and removed where it does say something.
        let says_nothing = |value: &Value| match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => form != CardForm::Pruned && text.is_empty(),
            Value::Array(items) => form != CardForm::Pruned && items.is_empty(),
            Value::Object(fields) => form != CardForm::Pruned && fields.is_empty(),
            _ => false,
        };
        differences(&self.document, covered.as_ref(), &says_nothing)
    }
}

/// The canonical bytes, made when they are first needed.
#[derive(Default)]
struct Forms(Option<Vec<(CardForm, Vec<u8>)>>);

impl Forms {
    /// The strongest form for which `fits` is true.
    fn find(
        &mut self,
        received: &ReceivedCard,
        fits: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<CardForm>, SignatureFault> {
        let forms = self.0.get_or_insert_with(|| Self::of(received));
        if forms.is_empty() {
            return Err(SignatureFault::Uncanonical);
        }
        let found = forms.iter().find(|(_, payload)| fits(payload));
        Ok(found.map(|(form, _)| *form))
    }

    fn of(received: &ReceivedCard) -> Vec<(CardForm, Vec<u8>)> {
        let specified = specified(&received.card).ok();
        let values = [
            (CardForm::Received, Some(received.document.clone())),
            (CardForm::Pruned, specified.as_ref().and_then(pruned)),
            (CardForm::Specified, specified),
        ];
        let mut forms: Vec<(CardForm, Vec<u8>)> = values
            .into_iter()
            .filter_map(|(form, value)| Some((form, canonical(&value?).ok()?)))
            .collect();
        forms.sort();
        // Where two are the same bytes, the stronger name is the true one.
        forms.dedup_by(|later, earlier| later.1 == earlier.1);
        forms
    }
}

struct Candidates<'a> {
    header: &'a ProtectedHeader,
    unix_secs: u64,
}

impl Candidates<'_> {
    fn admit(&self, key: &Jwk) -> Result<(), SignatureFault> {
        let kid = || shorten(&self.header.kid);
        if key.algorithm() != self.header.algorithm {
            return Err(SignatureFault::KeyMismatch {
                kid: kid(),
                algorithm: self.header.algorithm.name(),
            });
        }
        if !key.is_valid_at(self.unix_secs) {
            return Err(SignatureFault::KeyExpired(kid()));
        }
        Ok(())
    }

    fn verified(&self, form: CardForm) -> VerifiedSignature {
        VerifiedSignature {
            kid: self.header.kid.clone(),
            jku: self.header.jku.clone(),
            algorithm: self.header.algorithm,
            form,
        }
    }
}

/// A signature that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedSignature {
    /// The name of the key.
    pub kid: String,
    /// Where the signature says that the key is.
    pub jku: Option<String>,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// What it covers.
    pub form: CardForm,
}

/// What became of each signature, in the card's order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// One result per signature.
    pub signatures: Vec<Result<VerifiedSignature, SignatureFault>>,
}

impl Verification {
    /// The signature that counts: of those that hold, the one that covers most. One is enough
    /// (A2A §8.4.3); others may be of keys that we do not know.
    #[must_use]
    pub fn best(&self) -> Option<&VerifiedSignature> {
        let valid = self.signatures.iter().flatten();
        valid.min_by_key(|signature| signature.form)
    }

    /// Why no signature counts, for people. Empty if one does or there are none.
    #[must_use]
    pub fn reasons(&self) -> String {
        if self.best().is_some() {
            return String::new();
        }
        let faults = self
            .signatures
            .iter()
            .enumerate()
            .filter_map(|(at, result)| {
                let fault = result.as_ref().err()?;
                Some(format!("signature {}: {fault}", at.saturating_add(1)))
            });
        let shown = faults.take(limits::SIGNATURES_MAX).collect::<Vec<_>>();
        shown.join("; ")
    }
}
