//! Documents of other agents, asked for no more often than their servers want it (A2A §8.6).

use agent_core::a2a::PROTOCOL_VERSION;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::retry::{Repeat, repeat};
use super::{CallError, limits};
use crate::egress::{Egress, ExchangeLimits};

/// Fetches a document of at most `bytes_max` bytes, unless one that is fresh is known.
///
/// When the server cannot be asked or is in trouble, an older one is given if the server allowed
/// that (`stale-if-error`).
pub(super) async fn fetch(
    egress: &Egress,
    url: &Url,
    bytes_max: usize,
) -> Result<Bytes, CallError> {
    // A server of two versions gives a client of the newer one a card that is signed as a whole.
    let version = HeaderValue::from_static(PROTOCOL_VERSION);
    let headers = HeaderMap::from_iter([(HeaderName::from_static("a2a-version"), version)]);
    let bounds = ExchangeLimits::default()
        .within(limits::CARD_WAIT)
        .at_most(bytes_max);
    let fetched = repeat(Repeat::Safe, limits::CARD_ATTEMPTS_MAX, || async {
        let document = egress.get_document(url.as_str(), &headers, bounds);
        let document = document.await?;
        if document.status.is_success() {
            Ok(document.bytes)
        } else {
            Err(CallError::Http(document.status.as_u16()))
        }
    })
    .await;
    let in_trouble = |error: &CallError| match error {
        CallError::Egress(_) => true,
        CallError::Http(status) => matches!(status, 500 | 502 | 503 | 504),
        _ => false,
    };
    match fetched {
        Err(error) if in_trouble(&error) => egress.stale_document(url.as_str()).ok_or(error),
        fetched => fetched,
    }
}
