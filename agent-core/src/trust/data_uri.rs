//! `data:application/json;base64,` URIs: a file that lives on chain, in the URI itself.
//!
//! EIP-8004 ("Agent URI and Agent Registration File") names this form for fully on-chain files.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// What a URI we write starts with.
const PREFIX: &str = "data:application/json;base64,";

/// Writes padding, and reads with or without it: others leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a URI gave no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataUriError {
    /// Another scheme; the file has to be fetched.
    #[error("not a data: URI")]
    OtherScheme,
    /// A `data:` URI of another media type, or not in base64.
    #[error("a data: URI, but not of the form data:application/json;base64,…")]
    OtherForm,
    /// The payload is not base64.
    #[error("the payload of the data: URI is not base64")]
    NotBase64,
    /// The payload is larger than the caller allows.
    #[error("the data: URI holds more than {0} bytes")]
    TooLarge(usize),
}

/// Writes `json` as a `data:` URI. The bytes are not looked at.
#[must_use]
pub fn encode(json: &[u8]) -> String {
    let mut uri = PREFIX.to_owned();
    BASE64.encode_string(json, &mut uri);
    uri
}

/// The bytes inside a `data:` URI, at most `max_bytes` of them.
///
/// Case in the scheme and media type, a `charset=utf-8` parameter, and missing padding are
/// forgiven. That the bytes are JSON is not checked.
///
/// # Errors
///
/// [`DataUriError`]; [`DataUriError::OtherScheme`] means "fetch it instead".
pub fn decode(uri: &str, max_bytes: usize) -> Result<Vec<u8>, DataUriError> {
    let rest = match uri.split_at_checked(5) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("data:") => rest,
        _ => return Err(DataUriError::OtherScheme),
    };
    let (head, payload) = rest.split_once(',').ok_or(DataUriError::OtherForm)?;
    let head = head.to_ascii_lowercase();
    let mut parameters = head.split(';').map(str::trim);
    let json = parameters.next() == Some("application/json");
    let base64 = parameters.next_back() == Some("base64");
    if !json || !base64 || parameters.any(|p| p != "charset=utf-8") {
        return Err(DataUriError::OtherForm);
    }
    // Four characters carry three bytes; refused before anything is allocated.
    let about = payload.trim_end_matches('=').len().saturating_mul(3) / 4;
    if about > max_bytes {
        return Err(DataUriError::TooLarge(max_bytes));
    }
    BASE64.decode(payload).map_err(|_| DataUriError::NotBase64)
}
