//! Request bodies, bounded in size, time and depth before anything parses them.

use crate::limits::{BODY_READ_TIMEOUT, JSON_DEPTH_MAX};
use agent_core::a2a::{A2aError, ErrorCode};
use agent_core::json::check_depth;
use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// Why a body was not taken: the HTTP status and the error that says so.
pub(super) type Refused = (StatusCode, A2aError);

/// Reads a JSON body.
///
/// # Errors
/// When it is larger, slower or deeper than allowed, or its connection broke.
pub(super) async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Refused> {
    let too_large = || {
        let error = A2aError::new(
            ErrorCode::InvalidRequest,
            format!("the request is larger than {bytes_max} bytes; send a url part instead"),
        );
        (StatusCode::PAYLOAD_TOO_LARGE, error.with_detail("body_too_large"))
    };
    let read = tokio::time::timeout(BODY_READ_TIMEOUT, Limited::new(body, bytes_max).collect());
    let bytes = match read.await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
        Ok(Err(_)) => {
            let error = A2aError::new(ErrorCode::InvalidRequest, "the request broke off");
            return Err((StatusCode::BAD_REQUEST, error.with_detail("body_broken")));
        }
        Err(_) => {
            let error = A2aError::new(ErrorCode::InvalidRequest, "the request came too slowly");
            return Err((StatusCode::REQUEST_TIMEOUT, error.with_detail("body_too_slow")));
        }
    };
    check_depth(&bytes, JSON_DEPTH_MAX).map_err(|_| {
        let text = format!("the request is nested deeper than {JSON_DEPTH_MAX} levels");
        let error = A2aError::new(ErrorCode::InvalidRequest, text);
        (StatusCode::BAD_REQUEST, error.with_detail("json_too_deep"))
    })?;
    Ok(bytes)
}
