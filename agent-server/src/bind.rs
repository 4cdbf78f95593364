//! The outside of the service: HTTP routes and the bindings behind them, each a thin adapter.

mod body;
mod door;
mod jsonrpc;
mod rest;
mod sse;

use crate::service::Service;
use agent_core::a2a::AgentCard;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
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
    pub(crate) card: Arc<CardBytes>,
    pub(crate) bodies: body::BodyBudget,
}

/// The Agent Card, serialised once, and its tag.
#[derive(Debug)]
pub(crate) struct CardBytes {
    json: Bytes,
    etag: HeaderValue,
}

impl CardBytes {
    /// # Errors
    /// When the card cannot be written as JSON.
    pub(crate) fn new(card: &AgentCard) -> Result<Self, serde_json::Error> {
        let json = Bytes::from(serde_json::to_vec(card)?);
        let tag = format!("\"{:x}\"", alloy_primitives::keccak256(&json));
        let etag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"0\""));
        Ok(Self { json, etag })
    }
}

/// All routes of an agent.
///
/// # Errors
/// When two methods of one name are registered, which a test would show.
pub(crate) fn router(
    service: Service,
    card: CardBytes,
    body_bytes_max: usize,
) -> Result<Router, jsonrpsee::core::RegisterMethodError> {
    let methods = jsonrpc::methods(service.clone())?;
    let bodies = body::BodyBudget::new(body_bytes_max);
    let app = App {
        service,
        methods,
        card: Arc::new(card),
        bodies,
    };
    Ok(Router::new()
        .route("/", post(jsonrpc::post))
        .route("/a2a", post(jsonrpc::post))
        .route("/a2a/", post(jsonrpc::post))
        .route(&format!("{}/{{*path}}", rest::BASE), any(rest::serve))
        .route(AgentCard::WELL_KNOWN_PATH, get(card_json))
        .route("/health", get(|| async { "ok\n" }))
        .with_state(app))
}

async fn card_json(State(app): State<App>, headers: HeaderMap) -> Response {
    let known = headers
        .get(IF_NONE_MATCH)
        .is_some_and(|tag| tag == app.card.etag);
    let (status, body) = if known {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::from(app.card.json.clone()))
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (
            CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=60"),
        ),
        (ETAG, app.card.etag.clone()),
    ];
    (status, headers, body).into_response()
}
