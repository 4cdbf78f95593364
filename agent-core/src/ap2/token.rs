//! A mandate as it is handed over: signed (JWS or SD-JWT, compact) or as plain JSON.

use serde_json::{Map, Value};

use super::disclose::Disclosures;
use super::limits::{MANDATE_BYTES_MAX, MANDATE_DEPTH_MAX};
use super::{MandateError, OpenPaymentMandate};
use crate::a2a::signing::{JwkSet, verify_compact};
use crate::json::check_depth;
use crate::untrusted::shorten;

/// Reads a mandate and checks that its signature is by one of `keys`, which must be trusted to
/// speak for the user. Plain JSON is taken only with `allow_unsigned`.
///
/// # Errors
/// [`MandateError`].
pub fn read_mandate(
    text: &str,
    keys: &JwkSet,
    allow_unsigned: bool,
    now_unix_secs: u64,
) -> Result<OpenPaymentMandate, MandateError> {
    if text.len() > MANDATE_BYTES_MAX {
        return Err(MandateError::TooLarge("it is too long"));
    }
    let text = text.trim();
    if text.starts_with('{') {
        if !allow_unsigned {
            return Err(MandateError::Unsigned);
        }
        let value = Value::Object(object(text.as_bytes())?);
        let plain = Disclosures::read(std::iter::empty())?.put_back(value, MANDATE_DEPTH_MAX)?;
        return OpenPaymentMandate::read(plain, false);
    }
    let (token, disclosed) = match text.split_once('~') {
        None => (text, ""),
        // What follows the last tilde would be a proof of the holder's: a chain of delegation.
        Some((token, rest)) => match rest.strip_suffix('~') {
            Some(disclosed) => (token, disclosed),
            None if rest.is_empty() => (token, ""),
            None => {
                return Err(MandateError::Unsupported(
                    "a chain of delegation".to_owned(),
                ));
            }
        },
    };
    let (_, payload) = verify_compact(token, now_unix_secs, |header| keys.of_kid(&header.kid))
        .map_err(MandateError::Signature)?;
    let mut claims = object(&payload)?;
    let disclosed = disclosed.split('~').filter(|text| !text.is_empty());
    let mut disclosures = Disclosures::read(disclosed)?;
    match claims.remove("_sd_alg") {
        None => {}
        Some(Value::String(name)) if name == "sha-256" => {}
        Some(_) => {
            return Err(MandateError::Unsupported(
                "digests other than sha-256".to_owned(),
            ));
        }
    }
    let filled = disclosures.put_back(Value::Object(claims), MANDATE_DEPTH_MAX)?;
    disclosures.all_used()?;
    OpenPaymentMandate::read(delegated(filled)?, true)
}

/// The mandate that a token of AP2 carries: the one element of `delegate_payload`, or the claims
/// themselves.
fn delegated(claims: Value) -> Result<Value, MandateError> {
    let Value::Object(mut claims) = claims else {
        return Ok(claims);
    };
    let Some(payload) = claims.remove("delegate_payload") else {
        return Ok(Value::Object(claims));
    };
    if !claims.is_empty() {
        // A lifetime beside the mandate would otherwise be lost.
        let names: Vec<_> = claims.keys().map(String::as_str).collect();
        let names = shorten(&names.join(", "));
        return Err(MandateError::Unsupported(format!(
            "claims beside the mandate: {names}"
        )));
    }
    match payload {
        Value::Array(items) => match <[Value; 1]>::try_from(items) {
            Ok([one]) => Ok(one),
            Err(_) => Err(MandateError::Malformed(
                "it does not carry exactly one mandate".to_owned(),
            )),
        },
        _ => Err(MandateError::Malformed(
            "its delegate_payload is no list".to_owned(),
        )),
    }
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, MandateError> {
    check_depth(bytes, MANDATE_DEPTH_MAX)
        .map_err(|_| MandateError::TooLarge("it nests too deep"))?;
    serde_json::from_slice(bytes)
        .map_err(|error| MandateError::Malformed(shorten(&error.to_string())))
}
