//! The door of every binding: from what the transport says to a [`Call`], or to a refusal.

use crate::service::{Call, Version};
use agent_core::a2a::{A2aError, PROTOCOL_VERSION, v03};
use agent_core::untrusted::shorten;
use agent_core::x402::EXTENSION_URI;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

const VERSION_HEADER: &str = "a2a-version";
const EXTENSIONS_HEADERS: [&str; 2] = ["a2a-extensions", "x-a2a-extensions"];
const LAST_EVENT_HEADER: &str = "last-event-id";

/// The most extensions that a caller may name. There are a few in all.
const EXTENSIONS_MAX: usize = 32;

/// A request that does not get in, and how HTTP says so.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) error: A2aError,
    /// What goes with it: a challenge, or when to come again.
    pub(super) headers: HeaderMap,
}

impl From<A2aError> for Refused {
    fn from(error: A2aError) -> Self {
        Self {
            status: status_of(&error),
            error,
            headers: HeaderMap::new(),
        }
    }
}

/// The HTTP status of an error (A2A §5.4).
pub(super) fn status_of(error: &A2aError) -> StatusCode {
    StatusCode::from_u16(error.code().http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Reads who asks and how. `version_in_query` is for those who cannot set headers (A2A §3.6.1).
///
/// # Errors
/// [`Refused`], before anything of the body is looked at.
pub(super) async fn open(
    headers: &HeaderMap,
    version_in_query: Option<&str>,
) -> Result<Call, Refused> {
    open_as(Version::V1_0, headers, version_in_query).await
}

/// The same for a request whose method or route is one of `spoken`.
///
/// # Errors
/// As for [`open`], and VersionNotSupported when the request names another version.
pub(super) async fn open_as(
    spoken: Version,
    headers: &HeaderMap,
    version_in_query: Option<&str>,
) -> Result<Call, Refused> {
    let mut call = Call::anonymous();
    call.version = version(spoken, headers, version_in_query)?;
    call.extensions = extensions(headers);
    call.after = headers
        .get(LAST_EVENT_HEADER)
        .and_then(|id| id.to_str().ok()?.trim().parse().ok());
    Ok(call)
}

/// A missing version passes: the names of methods and routes are those of one version and of no
/// other (A2A §3.6 would have it mean 0.3, which clients that forget it seldom mean).
fn version(
    spoken: Version,
    headers: &HeaderMap,
    in_query: Option<&str>,
) -> Result<Version, A2aError> {
    let asked = asked_version(headers, in_query);
    if asked.is_empty() || names_version(spoken, headers, in_query) {
        return Ok(spoken);
    }
    let supported = format!("{PROTOCOL_VERSION}, {}", v03::PROTOCOL_VERSION);
    let refused = A2aError::version_not_supported(&shorten(asked));
    Err(refused.with_metadata("supportedVersions", supported))
}

/// Whether the request says that it is of that version. A patch number does not count.
pub(super) fn names_version(version: Version, headers: &HeaderMap, in_query: Option<&str>) -> bool {
    let name = match version {
        Version::V0_3 => v03::PROTOCOL_VERSION,
        Version::V1_0 => PROTOCOL_VERSION,
    };
    let mut asked = asked_version(headers, in_query).splitn(3, '.');
    let mut known = name.splitn(2, '.');
    (asked.next(), asked.next()) == (known.next(), known.next())
}

fn asked_version<'a>(headers: &'a HeaderMap, in_query: Option<&'a str>) -> &'a str {
    let header = headers
        .get(VERSION_HEADER)
        .map(|value| value.to_str().unwrap_or("?"));
    header.or(in_query).unwrap_or("")
}

fn extensions(headers: &HeaderMap) -> Vec<String> {
    let named = EXTENSIONS_HEADERS
        .iter()
        .flat_map(|name| headers.get_all(*name));
    named
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .filter(|uri| !uri.is_empty())
        .take(EXTENSIONS_MAX)
        .map(str::to_owned)
        .collect()
}

/// Echoes the extensions that are active (A2A §4.6): ours, if the caller named it.
pub(super) fn echo_extensions(call: &Call, response: &mut HeaderMap) {
    if call.extensions.iter().any(|uri| uri == EXTENSION_URI) {
        let name = HeaderName::from_static("a2a-extensions");
        response.insert(name, HeaderValue::from_static(EXTENSION_URI));
    }
}
