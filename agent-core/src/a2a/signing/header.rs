//! The protected header of a signature (A2A §8.4.2, RFC 7515 §4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Map, Value, json};

use super::{Algorithm, SignatureFault, limits};
use crate::a2a::AgentCardSignature;
use crate::untrusted::shorten;

/// What a signature says about itself, under its own protection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtectedHeader {
    /// With what it was made.
    pub algorithm: Algorithm,
    /// The name of the key.
    pub kid: String,
    /// Where the signer says that its keys are. A claim: nothing is fetched for it here, and a
    /// client that did so without a list of its own would believe whoever signs.
    pub jku: Option<String>,
}

impl ProtectedHeader {
    /// The `protected` member.
    pub(super) fn encode(&self) -> String {
        let mut header = Map::new();
        let mut set = |name: &str, value: &str| header.insert(name.to_owned(), json!(value));
        set("alg", self.algorithm.name());
        set("kid", &self.kid);
        // The specification only recommends it; the JavaScript SDK refuses a card without.
        set("typ", "JOSE");
        if let Some(jku) = &self.jku {
            set("jku", jku);
        }
        BASE64URL.encode(Value::Object(header).to_string())
    }

    /// Reads the protected header. The one that is not protected is never looked at: nobody
    /// vouches for it.
    pub(super) fn read(signature: &AgentCardSignature) -> Result<Self, SignatureFault> {
        let malformed = SignatureFault::Malformed;
        if signature.protected.len() > limits::PROTECTED_CHARS_MAX {
            return Err(malformed("its protected header is too long"));
        }
        let json = BASE64URL
            .decode(&signature.protected)
            .map_err(|_| malformed("its protected header is not base64url"))?;
        let header: Map<String, Value> = serde_json::from_slice(&json)
            .map_err(|_| malformed("its protected header is not a JSON object"))?;
        if header.contains_key("crit") {
            // RFC 7515 §4.1.11: what is critical and not understood makes it invalid.
            return Err(malformed("it has critical extensions"));
        }
        if header.get("b64").is_some_and(|b64| *b64 != true) {
            return Err(malformed("its payload is not base64url"));
        }
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        let name = text("alg").ok_or(malformed("it names no algorithm"))?;
        let algorithm =
            Algorithm::of_name(name).ok_or_else(|| SignatureFault::Algorithm(shorten(name)))?;
        let kid = text("kid").filter(|kid| !kid.is_empty());
        let kid = kid.ok_or(malformed("it names no key (kid)"))?;
        if kid.len() > limits::KID_BYTES_MAX {
            return Err(malformed("its key id is too long"));
        }
        Ok(Self {
            algorithm,
            kid: kid.to_owned(),
            jku: text("jku").map(str::to_owned),
        })
    }
}

/// The bytes that are signed (RFC 7515 §5.1).
pub(super) fn signing_input(protected: &str, payload: &[u8]) -> Vec<u8> {
    format!("{protected}.{}", BASE64URL.encode(payload)).into_bytes()
}

/// The bytes of the signature itself.
pub(super) fn signature_bytes(signature: &AgentCardSignature) -> Result<Vec<u8>, SignatureFault> {
    if signature.signature.len() > limits::SIGNATURE_CHARS_MAX {
        return Err(SignatureFault::Malformed("it is too long"));
    }
    BASE64URL
        .decode(&signature.signature)
        .map_err(|_| SignatureFault::Malformed("it is not base64url"))
}

pub(super) fn encode_signature(bytes: &[u8]) -> String {
    BASE64URL.encode(bytes)
}
