//! From the bytes of a peer to an object, or to an error that the peer can use.

use super::error::{A2aError, FieldViolation};
use super::error_code::ErrorCode;
use super::protojson::split_path;
use serde::de::{DeserializeOwned, IgnoredAny};

/// Reads an A2A object from JSON.
///
/// It neither caps the size nor the depth of the text: see
/// [`check_depth`](crate::json::check_depth).
///
/// # Errors
/// [`ErrorCode::ParseError`] when the bytes are not JSON, and [`ErrorCode::InvalidParams`] with the
/// path to the field when they are not a `T`.
pub fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, A2aError> {
    serde_json::from_slice(json).map_err(|error| explain(json, &error))
}

fn explain(json: &[u8], error: &serde_json::Error) -> A2aError {
    // An error inside a field reads like one of its content, whatever it was, so the text is read
    // once more. Only those who send errors wait for it.
    if let Err(syntax) = serde_json::from_slice::<IgnoredAny>(json) {
        return A2aError::from(ErrorCode::ParseError)
            .with_metadata("line", syntax.line().to_string())
            .with_metadata("column", syntax.column().to_string());
    }
    let text = error.to_string();
    let violation = match split_path(&text) {
        Some((field, what)) => FieldViolation::new(field, what),
        None => FieldViolation::new("", text),
    };
    A2aError::from(ErrorCode::InvalidParams).with_violation(violation)
}
