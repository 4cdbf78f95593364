//! How a call ended, as the trailers of gRPC say it.

use agent_core::a2a::A2aError;
use agent_core::a2a::proto::GrpcStatus;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::{HeaderMap, StatusCode};

use crate::call::{CallError, Challenge};

/// The status in trailers, or in headers if there is no body; `None` if there is none.
pub(super) fn of(trailers: &HeaderMap) -> Option<Result<(), CallError>> {
    let code = trailers.get("grpc-status")?;
    // What is no number is not OK either.
    let code = code.to_str().ok().and_then(|code| code.parse().ok());
    if code == Some(0) {
        return Some(Ok(()));
    }
    let text = |name| trailers.get(name).and_then(|value| value.to_str().ok());
    let details = text("grpc-status-details-bin").unwrap_or("");
    let details = match details.ends_with('=') {
        true => STANDARD.decode(details),
        false => STANDARD_NO_PAD.decode(details),
    };
    let status = GrpcStatus {
        code: code.unwrap_or(2),
        message: unescape(text("grpc-message").unwrap_or("")),
        details: details.unwrap_or_default(),
    };
    let unauthenticated = status.code == 16;
    let reason = A2aError::from(&status);
    Some(Err(if unauthenticated {
        CallError::Unauthenticated(Box::new(Challenge::new(trailers, Some(reason))))
    } else {
        reason.into()
    }))
}

/// An answer of somebody who does not speak gRPC, such as a proxy.
pub(super) fn of_http(status: StatusCode, headers: &HeaderMap) -> CallError {
    match (of(headers), status) {
        (Some(Err(error)), _) => error,
        (_, StatusCode::UNAUTHORIZED) => {
            CallError::Unauthenticated(Box::new(Challenge::new(headers, None)))
        }
        _ => CallError::Http(status.as_u16()),
    }
}

/// The text behind percent escapes. What is not one stands for itself.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%')
            .then(|| after.split_first_chunk::<2>())
            .flatten()
            .and_then(|(digits, after)| {
                let digits = std::str::from_utf8(digits).ok()?;
                let byte = u8::from_str_radix(digits, 16).ok()?;
                Some((byte, after))
            });
        let (byte, after) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn escapes_are_undone_and_nothing_else() {
        assert_eq!(unescape("a%20b%C3%A9%"), "a bé%");
        assert_eq!(unescape("100%zz"), "100%zz");
        assert_eq!(unescape("%FF"), "\u{fffd}");
    }

    #[test]
    fn what_is_not_zero_is_an_error() {
        for (text, ok) in [("0", true), ("5", false), ("", false), ("x", false)] {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static(text));
            assert_eq!(of(&trailers).unwrap().is_ok(), ok, "{text}");
        }
        assert!(of(&HeaderMap::new()).is_none());
    }
}
