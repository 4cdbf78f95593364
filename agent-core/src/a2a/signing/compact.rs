//! JWS in its compact form (RFC 7515 §7.1): one signature around bytes of any kind.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Map, Value, json};

use super::header::signature_bytes;
use super::{Jwk, ProtectedHeader, SignatureFault, SigningKey, limits};
use crate::a2a::AgentCardSignature;
use crate::untrusted::shorten;

/// Checks a token with the keys that `trusted` gives for its header, of which
/// [`limits::KEYS_PER_SIGNATURE_MAX`] are tried, and gives what was signed.
///
/// The keys given must be trusted for what the payload says: nothing here asks where they come
/// from. The payload may be anything; its length is the caller's to bound.
///
/// # Errors
/// Why the signature does not count.
pub fn verify_compact<'k, K>(
    token: &str,
    unix_secs: u64,
    trusted: impl FnOnce(&ProtectedHeader) -> K,
) -> Result<(ProtectedHeader, Vec<u8>), SignatureFault>
where
    K: IntoIterator<Item = &'k Jwk>,
{
    let malformed = SignatureFault::Malformed;
    let three = malformed("it is not three parts");
    let (signed, signature) = token.rsplit_once('.').ok_or(three.clone())?;
    let (protected, payload) = signed.split_once('.').ok_or(three)?;
    let parts = AgentCardSignature {
        protected: protected.to_owned(),
        signature: signature.to_owned(),
        ..AgentCardSignature::default()
    };
    let header = ProtectedHeader::read(&parts)?;
    let bytes = signature_bytes(&parts)?;
    let mut fault = SignatureFault::UnknownKey(shorten(&header.kid));
    let keys = trusted(&header).into_iter();
    for key in keys.take(limits::KEYS_PER_SIGNATURE_MAX) {
        fault = if key.algorithm() != header.algorithm {
            SignatureFault::KeyMismatch {
                kid: shorten(&header.kid),
                algorithm: header.algorithm.name(),
            }
        } else if !key.is_valid_at(unix_secs) {
            SignatureFault::KeyExpired(shorten(&header.kid))
        } else if !key.verifies(signed.as_bytes(), &bytes) {
            SignatureFault::Wrong(shorten(&header.kid))
        } else {
            let payload = BASE64URL.decode(payload);
            let payload = payload.map_err(|_| malformed("its payload is not base64url"))?;
            return Ok((header, payload));
        };
    }
    Err(fault)
}

/// Signs `payload` under the key name `kid`; `typ` says what it is (RFC 8725 §3.11).
#[must_use]
pub fn sign_compact(key: &SigningKey, kid: &str, typ: &str, payload: &[u8]) -> String {
    let mut header = Map::new();
    header.insert("alg".to_owned(), json!(key.algorithm().name()));
    header.insert("kid".to_owned(), json!(kid));
    header.insert("typ".to_owned(), json!(typ));
    let header = BASE64URL.encode(Value::Object(header).to_string());
    let signed = format!("{header}.{}", BASE64URL.encode(payload));
    let signature = BASE64URL.encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}
