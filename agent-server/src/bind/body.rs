//! Request bodies, bounded in size, time and depth before anything parses them.

use crate::limits::{BODIES_KIB_MAX, BODY_READ_TIMEOUT, JSON_DEPTH_MAX};
use agent_core::a2a::{A2aError, ErrorCode};
use agent_core::json::check_depth;
use agent_core::untrusted::shorten;
use axum::body::{Body, HttpBody};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a body of JSON may say that it is: clients of HTTP+JSON send either (A2A §11.1 prefers the
/// first).
const JSON_TYPES: [&str; 2] = ["application/a2a+json", "application/json"];

/// Why a body was not taken: the HTTP status and the error that says so.
pub(crate) type Refused = (StatusCode, A2aError);

/// What all bodies in flight may hold together.
#[derive(Debug, Clone)]
pub(crate) struct BodyBudget {
    kib: Arc<Semaphore>,
    bytes_max: usize,
}

impl BodyBudget {
    /// A budget in which the largest single body has `bytes_max` bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let all = BODIES_KIB_MAX.max(bytes_max.div_ceil(1_024));
        Self {
            kib: Arc::new(Semaphore::new(all)),
            bytes_max,
        }
    }

    /// Room for one body: what it declares, or the most that it may be.
    fn room(&self, headers: &HeaderMap) -> Option<OwnedSemaphorePermit> {
        let declared = headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok());
        let declared = declared
            .and_then(|length| length.parse().ok())
            .unwrap_or(self.bytes_max);
        let kib = u32::try_from(declared.min(self.bytes_max).div_ceil(1_024)).ok()?;
        Arc::clone(&self.kib).try_acquire_many_owned(kib).ok()
    }
}

/// Reads a JSON body.
///
/// # Errors
/// As for [`collect`], and when it says that it is something else, or is deeper than allowed.
pub(super) async fn read(
    body: Body,
    headers: &HeaderMap,
    budget: &BodyBudget,
) -> Result<(Bytes, OwnedSemaphorePermit), Refused> {
    let (bytes, room) = collect(body, headers, budget).await?;
    if !bytes.is_empty() {
        check_type(headers)?;
    }
    check_depth(&bytes, JSON_DEPTH_MAX).map_err(|_| {
        let text = format!("the request is nested deeper than {JSON_DEPTH_MAX} levels");
        let error = A2aError::new(ErrorCode::InvalidRequest, text);
        (StatusCode::BAD_REQUEST, error.with_detail("json_too_deep"))
    })?;
    Ok((bytes, room))
}

/// Only what says that it is JSON is taken for it. A page in a browser can send a form, plain text or
/// bytes of no type to any address without being asked whether it may, and JSON it cannot.
///
/// Of another type A2A says which status it has (§5.4); of none it says nothing, and HTTP does.
fn check_type(headers: &HeaderMap) -> Result<(), Refused> {
    let Some(declared) = headers.get(CONTENT_TYPE) else {
        let error = A2aError::content_type_not_supported("").with_detail("content_type_missing");
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    };
    let declared = declared.to_str().unwrap_or("?");
    let essence = declared.split(';').next().unwrap_or("").trim();
    let known = |taken: &str| essence.eq_ignore_ascii_case(taken);
    if JSON_TYPES.iter().any(|taken| known(taken)) {
        Ok(())
    } else {
        let error = A2aError::content_type_not_supported(&shorten(declared));
        Err((StatusCode::BAD_REQUEST, error))
    }
}

/// Reads a body of any kind.
///
/// # Errors
/// When it is larger or slower than allowed, or its connection broke.
pub(crate) async fn collect(
    body: Body,
    headers: &HeaderMap,
    budget: &BodyBudget,
) -> Result<(Bytes, OwnedSemaphorePermit), Refused> {
    let bytes_max = budget.bytes_max;
    let too_large = || {
        let error = A2aError::new(
            ErrorCode::InvalidRequest,
            format!("the request is larger than {bytes_max} bytes; send a url part instead"),
        );
        (
            StatusCode::PAYLOAD_TOO_LARGE,
            error.with_detail("body_too_large"),
        )
    };
    // What says that it is too large is not waited for, and takes no room from others.
    if body.size_hint().lower() > u64::try_from(bytes_max).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let Some(room) = budget.room(headers) else {
        let error = A2aError::new(
            ErrorCode::ResourceExhausted,
            "too much is being sent at once",
        );
        return Err((
            StatusCode::SERVICE_UNAVAILABLE,
            error.with_detail("bodies_in_flight"),
        ));
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
            return Err((
                StatusCode::REQUEST_TIMEOUT,
                error.with_detail("body_too_slow"),
            ));
        }
    };
    Ok((bytes, room))
}
