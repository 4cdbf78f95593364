//! The door of every binding: from what the transport says to a [`Call`], or to a refusal.

use super::forwarded::ProxyConfig;
use crate::auth::{AccessPolicy, Counted, Denied, Presented, RateLimiter};
use crate::service::{Call, Caller, Tenants, Version};
use agent_core::a2a::{A2aError, ErrorCode, PROTOCOL_VERSION, v03};
use agent_core::trace::TraceContext;
use agent_core::untrusted::shorten;
use axum::extract::FromRequestParts;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;
use url::form_urlencoded;

const VERSION_HEADER: &str = "a2a-version";
const EXTENSIONS_HEADERS: [&str; 2] = ["a2a-extensions", "x-a2a-extensions"];
const LAST_EVENT_HEADER: &str = "last-event-id";

/// The most extensions that a caller may name. There are a few in all.
const EXTENSIONS_MAX: usize = 32;

/// When callers may come again whose credentials cannot be checked: after the next fetch of keys.
const AUTH_RETRY_SECS: u64 = 30;

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

/// What the door knows of the agent.
#[derive(Debug)]
pub(crate) struct Door {
    /// How callers say who they are; without, everybody is anonymous.
    pub(crate) policy: Option<AccessPolicy>,
    pub(crate) limiter: RateLimiter,
    pub(crate) proxy: ProxyConfig,
    pub(crate) tenants: Tenants,
    /// The extensions that the card names.
    pub(crate) extensions: Vec<String>,
    /// Whether the card offers the older version.
    pub(crate) v0_3: bool,
}

/// Whose end of the connection it is: the caller, or a proxy in front of it. Put into every
/// request by whoever accepts connections; unknown where nobody did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_default())
    }
}

/// Reads who asks and how, in 1.0, from the headers (of gRPC, the metadata), the query without its
/// question mark, and the connection's other end.
///
/// # Errors
/// [`Refused`], before anything of the body is looked at.
pub(super) async fn open(
    door: &Door,
    peer: Peer,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Call, Refused> {
    let call = enter(door, peer, headers, query).await?;
    let version = version_in_query(query);
    Ok(speak(
        door,
        call,
        Version::V1_0,
        headers,
        version.as_deref(),
    )?)
}

/// Reads who asks and how, before it is known in which version.
///
/// # Errors
/// [`Refused`], in words of HTTP rather than of A2A: who is asked to say who they are, or to come
/// later.
pub(super) async fn enter(
    door: &Door,
    peer: Peer,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Call, Refused> {
    let client = peer.0.and_then(|peer| door.proxy.client(headers, peer));
    let mut call = Call::anonymous();
    call.caller = door.caller(peer, client, headers, query).await?;
    call.tenants = door.tenants.clone();
    call.extensions = extensions(headers, &door.extensions);
    call.after = headers
        .get(LAST_EVENT_HEADER)
        .and_then(|id| id.to_str().ok()?.trim().parse().ok());
    call.trace = trace(headers);
    Ok(call)
}

/// The same call, whose method or route is one of `spoken`.
///
/// # Errors
/// VersionNotSupported when the request names another version.
pub(super) fn speak(
    door: &Door,
    mut call: Call,
    spoken: Version,
    headers: &HeaderMap,
    version_in_query: Option<&str>,
) -> Result<Call, A2aError> {
    call.version = version(door, spoken, headers, version_in_query)?;
    Ok(call)
}

/// The version that a query names, for those who cannot set headers (A2A §3.6.1).
pub(super) fn version_in_query(query: Option<&str>) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query?.as_bytes());
    let named = pairs.find(|(name, _)| name == "A2A-Version");
    named.map(|(_, version)| version.into_owned())
}

impl Door {
    /// Who asks, if that is well and not too often.
    async fn caller(
        &self,
        peer: Peer,
        client: Option<IpAddr>,
        headers: &HeaderMap,
        query: Option<&str>,
    ) -> Result<Caller, Refused> {
        let address = client.map(Counted::Address);
        let named = match &self.policy {
            None => None,
            Some(policy) => {
                // Whoever fails too often is not even checked: guesses and forgeries cost work.
                address.map_or(Ok(()), |address| self.limiter.peek(address))?;
                let presented = Presented {
                    headers,
                    query,
                    peer: peer.0,
                };
                match policy.admit(&presented).await {
                    Ok(named) => named,
                    Err(denied) => {
                        let code = denied.error.detail().unwrap_or("no_credential");
                        tracing::info!(?client, code, "a caller was refused");
                        address.map_or(Ok(()), |address| self.limiter.take(address))?;
                        return Err(denied.into());
                    }
                }
            }
        };
        match (&named, address) {
            (Some(name), _) => self.limiter.take(Counted::Caller(name))?,
            (None, Some(address)) => self.limiter.take(address)?,
            (None, None) => {}
        }
        Ok(named.map_or(Caller::Anonymous, Caller::Named))
    }
}

impl Refused {
    /// The same with a challenge, if an operation and not the door asks who it is: anonymous callers
    /// may come in, but not everywhere.
    pub(super) fn challenged(mut self, door: &Door) -> Self {
        let missing = !self.headers.contains_key(WWW_AUTHENTICATE);
        if let Some(policy) = &door.policy
            && self.status == StatusCode::UNAUTHORIZED
            && missing
        {
            self.challenge(policy.invitations());
        }
        self
    }

    fn challenge(&mut self, challenges: Vec<String>) {
        for challenge in challenges {
            if let Ok(challenge) = HeaderValue::from_str(&challenge) {
                self.headers.append(WWW_AUTHENTICATE, challenge);
            }
        }
    }
}

/// Too often: come again in so long.
impl From<Duration> for Refused {
    fn from(wait: Duration) -> Self {
        let mut refused = Self::from(A2aError::from(ErrorCode::ResourceExhausted));
        let wait = wait.as_secs().saturating_add(1);
        refused.headers.insert(RETRY_AFTER, HeaderValue::from(wait));
        refused
    }
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Self {
        let mut refused = Self::from(denied.error);
        if refused.status == StatusCode::SERVICE_UNAVAILABLE {
            let wait = HeaderValue::from(AUTH_RETRY_SECS);
            refused.headers.insert(RETRY_AFTER, wait);
        }
        refused.challenge(denied.challenges);
        refused
    }
}

/// The trace that the request belongs to (W3C Trace Context). Two parents are none.
fn trace(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all(TraceContext::PARENT_HEADER).iter();
    let parent = parents.next()?.to_str().ok()?;
    if parents.next().is_some() {
        return None;
    }
    let trace = TraceContext::parse(parent)?;
    let states = headers.get_all(TraceContext::STATE_HEADER).iter();
    let states: Result<Vec<&str>, _> = states.map(HeaderValue::to_str).collect();
    Some(match states {
        Ok(states) if !states.is_empty() => trace.with_state(&states.join(",")),
        _ => trace,
    })
}

/// A missing version passes: the names of methods and routes are those of one version and of no
/// other (A2A §3.6 would have it mean 0.3, which clients that forget it seldom mean).
fn version(
    door: &Door,
    spoken: Version,
    headers: &HeaderMap,
    in_query: Option<&str>,
) -> Result<Version, A2aError> {
    let asked = asked_version(headers, in_query);
    if asked.is_empty() || names_version(spoken, headers, in_query) {
        return Ok(spoken);
    }
    let refused = A2aError::version_not_supported(&shorten(asked));
    if !door.v0_3 {
        return Err(refused);
    }
    let supported = format!("{PROTOCOL_VERSION}, {}", v03::PROTOCOL_VERSION);
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

/// The extensions that the caller named and the agent knows. Others are ignored (A2A §4.6).
fn extensions(headers: &HeaderMap, known: &[String]) -> Vec<String> {
    let named = EXTENSIONS_HEADERS
        .iter()
        .flat_map(|name| headers.get_all(*name));
    let named: Vec<&str> = named
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .take(EXTENSIONS_MAX)
        .collect();
    let known = known.iter().filter(|uri| named.contains(&uri.as_str()));
    known.cloned().collect()
}

/// Echoes the extensions that are active (A2A §4.6): those of ours that the caller named.
pub(super) fn echo_extensions(call: &Call, response: &mut HeaderMap) {
    if call.extensions.is_empty() {
        return;
    }
    if let Ok(named) = HeaderValue::from_str(&call.extensions.join(", ")) {
        response.insert(HeaderName::from_static("a2a-extensions"), named);
    }
}
