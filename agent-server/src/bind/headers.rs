//! What both bindings read from headers: the protocol's version and its extensions.

use agent_core::a2a::{A2aError, PROTOCOL_VERSION};
use agent_core::untrusted::shorten;
use agent_core::x402::EXTENSION_URI;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

const VERSION_HEADER: &str = "a2a-version";
const EXTENSIONS_HEADERS: [&str; 2] = ["a2a-extensions", "x-a2a-extensions"];

/// A missing version passes: the names of methods and routes are those of 1.0 and of no other
/// version (A2A §3.6 would have it mean 0.3, which has none of them).
pub(super) fn check_version(headers: &HeaderMap, in_query: Option<&str>) -> Result<(), A2aError> {
    let header = headers
        .get(VERSION_HEADER)
        .map(|value| value.to_str().unwrap_or("?"));
    let asked = header.or(in_query).unwrap_or("");
    let mut numbers = asked.splitn(3, '.');
    let major_minor = (numbers.next(), numbers.next());
    let mut ours = PROTOCOL_VERSION.splitn(2, '.');
    if asked.is_empty() || major_minor == (ours.next(), ours.next()) {
        Ok(())
    } else {
        Err(A2aError::version_not_supported(&shorten(asked)))
    }
}

/// Echoes the extensions that are active (A2A §4.6): ours, if the caller named it.
pub(super) fn echo_extensions(request: &HeaderMap, response: &mut HeaderMap) {
    let named = EXTENSIONS_HEADERS
        .iter()
        .flat_map(|name| request.get_all(*name));
    let ours = named
        .filter_map(|value| value.to_str().ok())
        .any(|list| list.split(',').any(|uri| uri.trim() == EXTENSION_URI));
    if ours {
        let name = HeaderName::from_static("a2a-extensions");
        response.insert(name, HeaderValue::from_static(EXTENSION_URI));
    }
}
