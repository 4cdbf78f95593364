//! Where sellers push their exports.

use super::book::{TowerBook, TowerError};
use super::export::WatchExport;
use crate::settle::limits;
use agent_core::clock::Clock;
use agent_core::untrusted::shorten;
use alloy_primitives::{B256, keccak256};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// The secret that a seller shows to push. Kept as a hash.
#[derive(Clone)]
pub struct PushToken(B256);

impl PushToken {
    /// A token; `None` if it is shorter than anybody could not guess.
    #[must_use]
    pub fn new(secret: &str) -> Option<Self> {
        let secret = secret.trim();
        (secret.len() >= limits::PUSH_TOKEN_CHARS_MIN).then(|| Self(keccak256(secret)))
    }

    fn is(&self, shown: &str) -> bool {
        // Hashes are of one length, so that the time it takes says nothing.
        keccak256(shown).ct_eq(self.0.as_slice()).into()
    }
}

impl fmt::Debug for PushToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushToken(..)")
    }
}

#[derive(Clone)]
struct Tower {
    book: TowerBook,
    token: PushToken,
    clock: Arc<dyn Clock>,
}

/// `POST /v1/claims` with an export as JSON and `Authorization: Bearer` takes what is new in it.
pub fn tower_router(book: TowerBook, token: PushToken, clock: Arc<dyn Clock>) -> Router {
    let tower = Tower { book, token, clock };
    Router::new()
        .route("/v1/claims", post(push))
        .layer(DefaultBodyLimit::max(limits::EXPORT_BYTES_MAX))
        .with_state(tower)
}

async fn push(State(tower): State<Tower>, headers: HeaderMap, body: Bytes) -> Response {
    let shown = headers.get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if !shown.is_some_and(|shown| tower.token.is(shown.trim())) {
        return refuse(
            StatusCode::UNAUTHORIZED,
            "watch.token",
            "the token is not right",
        );
    }
    let export: WatchExport = match serde_json::from_slice(&body) {
        Ok(export) => export,
        Err(error) => {
            let why = shorten(&error.to_string());
            return refuse(StatusCode::BAD_REQUEST, "watch.malformed", &why);
        }
    };
    match tower
        .book
        .take(&export, tower.clock.now_unix_millis())
        .await
    {
        Ok(taken) => Json(taken).into_response(),
        Err(TowerError::Export(error)) => {
            refuse(StatusCode::BAD_REQUEST, error.code(), &error.to_string())
        }
        Err(error) => {
            tracing::error!(code = error.code(), %error, "an export could not be stored");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            refuse(status, error.code(), "it could not be stored; push again")
        }
    }
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({"code": code, "message": message}))).into_response()
}
