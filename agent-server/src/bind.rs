//! The outside of the service: HTTP routes and the bindings behind them, each a thin adapter.

pub(crate) mod body;
mod cards;
mod door;
mod forwarded;
mod grpc;
mod jsonrpc;
pub(crate) mod page;
mod rest;
mod skills;
mod sse;

pub(crate) use body::BodyBudget;
pub(crate) use cards::Cards;
pub(crate) use door::{Door, Peer};
pub use forwarded::ProxyConfig;
mod v03;

use crate::service::{Service, Version};
use agent_core::a2a::v03::{LEGACY_WELL_KNOWN_PATH, hybrid_card};
use agent_core::a2a::{A2aError, AgentCard};
use agent_core::json::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LAST_MODIFIED, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use bytes::Bytes;
use jsonrpsee::Methods;
use std::sync::Arc;

/// What the routes share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) service: Service,
    pub(crate) methods: Methods,
    pub(crate) cards: Arc<Cards>,
    pub(crate) door: Arc<Door>,
    pub(crate) bodies: body::BodyBudget,
}

/// The Agent Card, serialised once for clients of each version.
///
/// Who asks in 1.0 gets the card as it is, and as it was signed; who does not say a version gets
/// one that clients of 0.3 read too. See [`hybrid_card`] for what that means for signatures.
#[derive(Debug)]
pub(crate) struct CardBytes {
    current: Document,
    hybrid: Document,
}

/// A text and its tag.
#[derive(Debug)]
struct Document {
    json: Bytes,
    etag: HeaderValue,
}

impl CardBytes {
    /// # Errors
    /// When the card cannot be written as JSON.
    pub(crate) fn new(card: &AgentCard) -> Result<Self, A2aError> {
        let current = Json::from_value(card);
        let current = current.map_err(|error| A2aError::internal(error.to_string()))?;
        Ok(Self {
            current: Document::of(&current),
            hybrid: Document::of(&hybrid_card(card)?),
        })
    }
}

impl Document {
    fn of(json: &Json) -> Self {
        let json = Bytes::copy_from_slice(json.get().as_bytes());
        let tag = format!("\"{:x}\"", alloy_primitives::keccak256(&json));
        let etag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"0\""));
        Self { json, etag }
    }
}

/// All routes of an agent.
///
/// # Errors
/// When two methods of one name are registered, which a test would show.
pub(crate) fn router(
    service: Service,
    door: Door,
    cards: Cards,
    body_bytes_max: usize,
) -> Result<Router, jsonrpsee::core::RegisterMethodError> {
    let methods = jsonrpc::methods(service.clone())?;
    let bodies = body::BodyBudget::new(body_bytes_max);
    let app = App {
        service,
        methods,
        cards: Arc::new(cards),
        door: Arc::new(door),
        bodies,
    };
    Ok(Router::new()
        .route("/", post(jsonrpc::post))
        .route("/a2a", post(jsonrpc::post))
        .route("/a2a/", post(jsonrpc::post))
        .route(&format!("{}/{{*path}}", rest::BASE), any(rest::serve))
        .route("/skills/{id}", get(skills::get).post(skills::post))
        .route(AgentCard::WELL_KNOWN_PATH, get(card_json))
        .route(LEGACY_WELL_KNOWN_PATH, get(card_json))
        .route("/health", get(|| async { "ok\n" }))
        .merge(grpc::routes())
        .with_state(app))
}

async fn card_json(State(app): State<App>, peer: Peer, headers: HeaderMap) -> Response {
    let base = peer.0.and_then(|peer| app.door.proxy.base(&headers, peer));
    let card = app.cards.at(base);
    let card = if door::names_version(Version::V1_0, &headers, None) {
        &card.current
    } else {
        &card.hybrid
    };
    let (status, body) = if is_known(&headers, &card.etag) {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::from(card.json.clone()))
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (
            CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=60"),
        ),
        (ETAG, card.etag.clone()),
        (LAST_MODIFIED, app.cards.modified.clone()),
        (VARY, HeaderValue::from_static("A2A-Version")),
    ];
    (status, headers, body).into_response()
}

/// Whether who asks has what this tag names. Caches name several, and what was compressed on its way
/// has a weak one (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let named = headers.get_all(IF_NONE_MATCH).iter();
    let mut named = named
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .map(str::trim);
    named.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
