//! The HTTP interface of a facilitator (x402 v2 §7, v1 §7, and `/authorize` of z402).

use super::lending::{self, Lends};
use super::limits::{BODY_WAIT, BUSY_RETRY_SECS, CALLS_MAX, IDEMPOTENCY_KEY_CHARS_MAX};
use crate::auth::{AccessPolicy, Counted, Presented, RateConfig, RateLimiter};
use crate::bind::Peer;
use agent_core::json::Metadata;
use agent_core::x402::facilitator::{
    Facilitator, FacilitatorError, FacilitatorRequest, RequestError, VerifyResponse,
};
use agent_core::x402::limits::MAX_BODY_BYTES;
use agent_core::x402::{AuthorizeRequest, Mode, SettleResponse};
use alloy_primitives::{B256, keccak256};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The header by which a request is known that is sent again (draft-ietf-httpapi-idempotency-key).
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Who may call a facilitator over HTTP, and how often.
#[derive(Debug, Default)]
pub struct FacilitatorOptions {
    /// How callers say who they are. Without it everybody is anonymous, and nobody is lent the
    /// receiver authorizer.
    pub policy: Option<AccessPolicy>,
    /// For which receivers a caller is lent the receiver authorizer, by the caller's name as the
    /// policy says it (`key:alice`).
    pub lends: Lends,
    /// How often one caller may ask.
    pub rate: RateConfig,
    /// What is answered to those that ask for a payment that was made.
    pub repeats: Repeats,
}

/// What is answered when a payment that was made, and told of, is to be settled again. The second
/// to ask may be the same server, or another request that the same payment was sent with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeats {
    /// That its nonce is used, unless it is the same request by its `Idempotency-Key`: one success
    /// for one payment, as stock servers expect it.
    #[default]
    Refuse,
    /// The first answer, for servers that all admit each payment once themselves.
    Answer,
}

struct Shared {
    facilitator: Arc<dyn Facilitator>,
    policy: Option<AccessPolicy>,
    lends: Lends,
    limiter: RateLimiter,
    repeats: Repeats,
    places: Semaphore,
}

/// `GET /supported` and `POST /verify`, `/settle`, `/authorize`, for bodies of v1 and v2. Mount it
/// under a prefix with [`Router::nest`].
///
/// A refused payment is a 200 with a reason, as stock servers expect it. Other statuses: 400 for
/// what cannot be read, 401 and 403 for callers, 413, 429 and 503 (with `Retry-After`) for too
/// much, 503 with `error` `facilitator_unavailable` when nothing was done, and 502 with
/// `facilitator_unknown` when that is not known.
pub fn router(facilitator: Arc<dyn Facilitator>, options: FacilitatorOptions) -> Router {
    let shared = Arc::new(Shared {
        facilitator,
        policy: options.policy.map(AccessPolicy::settled),
        lends: options.lends,
        limiter: RateLimiter::new(&options.rate),
        repeats: options.repeats,
        places: Semaphore::new(CALLS_MAX),
    });
    Router::new()
        .route("/supported", get(supported))
        .route("/verify", post(verify))
        .route("/settle", post(settle))
        .route("/authorize", post(authorize))
        .with_state(shared)
}

type Answer = Result<Response, Box<Response>>;

async fn supported(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let answer = async {
        let (parts, _) = request.into_parts();
        shared.admit(&parts).await?;
        let supported = shared.facilitator.supported().await;
        let supported = supported.map_err(|error| failed(&error, What::Supported))?;
        Ok(json(StatusCode::OK, &supported))
    };
    one(answer.await)
}

async fn verify(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let answer = async {
        let Entered { body, .. } = shared.enter(request).await?;
        let _place = shared.place()?;
        let asked = read(&body, What::Verify)?;
        let is_v1 = matches!(asked, FacilitatorRequest::V1(_));
        let Some(request) = asked.to_v2() else {
            return Ok(invalid("invalid_network"));
        };
        let response = shared.facilitator.verify(request).await;
        let mut response = response.map_err(|error| failed(&error, What::Verify))?;
        if is_v1 {
            let in_v1 = |code: String| v1_reason(&code, "unexpected_verify_error");
            response.invalid_reason = response.invalid_reason.map(in_v1);
        }
        Ok(json(StatusCode::OK, &response))
    };
    one(answer.await)
}

async fn settle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let answer = async {
        let Entered { caller, name, body } = shared.enter(request).await?;
        let _place = shared.place()?;
        let asked = read(&body, What::Settle)?;
        let v1_network = match &asked {
            FacilitatorRequest::V1(asked) => Some(asked.payment_requirements.network.clone()),
            _ => None,
        };
        let Some(request) = asked.to_v2() else {
            let network = v1_network.unwrap_or_default();
            return Ok(json(StatusCode::OK, &unsettled("invalid_network", network)));
        };
        if let Some(receivers) = lending::needed(&request)
            && !shared.lends.covers(caller.as_deref(), &receivers)
        {
            return Err(Box::new(shared.not_lent(caller.is_some(), &request)));
        }
        let response = match shared.repeats {
            Repeats::Refuse => shared.facilitator.settle_once(request, name).await,
            Repeats::Answer => shared.facilitator.settle(request).await,
        };
        let mut response = response.map_err(|error| failed(&error, What::Settle))?;
        if let Some(network) = v1_network {
            let in_v1 = |code: String| v1_reason(&code, "unexpected_settle_error");
            response.error_reason = response.error_reason.map(in_v1);
            response.network = network;
        }
        Ok(json(StatusCode::OK, &response))
    };
    one(answer.await)
}

async fn authorize(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let answer = async {
        let Entered { body, .. } = shared.enter(request).await?;
        let _place = shared.place()?;
        let asked = AuthorizeRequest::read(&body);
        let asked = asked.map_err(|error| unreadable(error, What::Settle))?;
        let response = shared.facilitator.authorize(asked).await;
        let response = response.map_err(|error| failed(&error, What::Settle))?;
        Ok(json(StatusCode::OK, &response))
    };
    one(answer.await)
}

/// A request that was let in.
struct Entered {
    /// Who calls, if that is known.
    caller: Option<String>,
    /// What the caller calls this request.
    name: Option<B256>,
    body: Bytes,
}

/// The `Idempotency-Key` of a request, hashed: it is kept with the transaction. Whose it is does not
/// matter, since who is to be told of a payment once is the server, which chooses the key.
fn name(request: &Parts) -> Result<Option<B256>, Box<Response>> {
    let mut keys = request.headers.get_all(IDEMPOTENCY_KEY).iter();
    match (keys.next(), keys.next()) {
        (None, _) => Ok(None),
        (Some(key), None) if (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&key.len()) => {
            Ok(Some(keccak256(key.as_bytes())))
        }
        _ => Err(Box::new(json(
            StatusCode::BAD_REQUEST,
            &Told::new("invalid_idempotency_key", What::Settle),
        ))),
    }
}

fn one(answer: Answer) -> Response {
    answer.unwrap_or_else(|refused| *refused)
}

impl Shared {
    /// Who calls, if that is known and they may.
    async fn admit(&self, request: &Parts) -> Result<Option<String>, Box<Response>> {
        let peer = peer(request);
        let presented = Presented {
            headers: &request.headers,
            query: request.uri.query(),
            peer: Some(peer),
        };
        // An address is counted before its credentials are looked at, which costs work.
        self.limiter
            .take(Counted::Address(peer))
            .map_err(too_often)?;
        let caller = match &self.policy {
            Some(policy) => policy.admit(&presented).await.map_err(|denied| {
                let status = denied.error.code().http_status();
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED);
                let mut response = json(status, &Told::new("unauthorized", What::Settle));
                for challenge in &denied.challenges {
                    if let Ok(value) = HeaderValue::from_str(challenge) {
                        response.headers_mut().append(WWW_AUTHENTICATE, value);
                    }
                }
                Box::new(response)
            })?,
            None => None,
        };
        if let Some(caller) = &caller {
            self.limiter
                .take(Counted::Caller(caller))
                .map_err(too_often)?;
        }
        Ok(caller)
    }

    async fn enter(&self, request: Request) -> Result<Entered, Box<Response>> {
        let (parts, stream) = request.into_parts();
        Ok(Entered {
            caller: self.admit(&parts).await?,
            name: name(&parts)?,
            body: body(stream).await?,
        })
    }

    fn place(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Box<Response>> {
        self.places.try_acquire().map_err(|_| {
            let told = Told::new("facilitator_unavailable", What::Settle);
            Box::new(later(
                StatusCode::SERVICE_UNAVAILABLE,
                BUSY_RETRY_SECS,
                &told,
            ))
        })
    }

    fn not_lent(
        &self,
        is_known: bool,
        request: &agent_core::x402::facilitator::RequestV2,
    ) -> Response {
        let code = agent_core::x402::batch::codes::AUTHORIZER_NOT_CONFIGURED;
        let network = request.payment_requirements.network.clone();
        let told = unsettled(code, network);
        if is_known {
            return json(StatusCode::FORBIDDEN, &told);
        }
        let mut response = json(StatusCode::UNAUTHORIZED, &told);
        for challenge in self.policy.iter().flat_map(AccessPolicy::invitations) {
            if let Ok(value) = HeaderValue::from_str(&challenge) {
                response.headers_mut().append(WWW_AUTHENTICATE, value);
            }
        }
        response
    }
}

/// Whose end of the connection it is. Where nobody said, all callers share one bucket.
fn peer(request: &Parts) -> IpAddr {
    let extensions = &request.extensions;
    let ours = extensions.get::<Peer>().and_then(|peer| peer.0);
    let axums = extensions.get::<ConnectInfo<SocketAddr>>();
    ours.or(axums.map(|info| info.0.ip().to_canonical()))
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

async fn body(body: Body) -> Result<Bytes, Box<Response>> {
    let whole = Limited::new(body, MAX_BODY_BYTES).collect();
    match tokio::time::timeout(BODY_WAIT, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(_)) => Err(Box::new(json(
            StatusCode::PAYLOAD_TOO_LARGE,
            &Told::new("invalid_payload", What::Settle),
        ))),
        Err(_) => Err(Box::new(json(
            StatusCode::REQUEST_TIMEOUT,
            &Told::new("invalid_payload", What::Settle),
        ))),
    }
}

fn read(body: &[u8], what: What) -> Result<FacilitatorRequest, Box<Response>> {
    FacilitatorRequest::read(body).map_err(|error| unreadable(error, what))
}

#[derive(Clone, Copy)]
enum What {
    Supported,
    Verify,
    Settle,
}

/// A failure in the words of both answers, so that stock peers find a reason in it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_valid: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<&'a str>,
}

impl<'a> Told<'a> {
    fn new(code: &'a str, what: What) -> Self {
        let (is_verify, is_settle) = (matches!(what, What::Verify), matches!(what, What::Settle));
        let reason = match code {
            "facilitator_unavailable" | "facilitator_unknown" if is_verify => {
                "unexpected_verify_error"
            }
            "facilitator_unavailable" | "facilitator_unknown" => "unexpected_settle_error",
            code => code,
        };
        Self {
            error: code,
            is_valid: is_verify.then_some(false),
            invalid_reason: is_verify.then_some(reason),
            success: is_settle.then_some(false),
            error_reason: is_settle.then_some(reason),
            transaction: is_settle.then_some(""),
            network: is_settle.then_some(""),
        }
    }
}

fn unreadable(error: RequestError, what: What) -> Box<Response> {
    let status = match error {
        RequestError::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    Box::new(json(status, &Told::new(error.code(), what)))
}

fn failed(error: &FacilitatorError, what: What) -> Box<Response> {
    tracing::warn!(code = error.code(), %error, "the facilitator has no answer");
    let status = match error {
        FacilitatorError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    };
    Box::new(json(status, &Told::new(error.code(), what)))
}

fn too_often(wait: Duration) -> Box<Response> {
    let secs = wait.as_secs().saturating_add(1);
    let told = Told::new("too_many_requests", What::Supported);
    Box::new(later(StatusCode::TOO_MANY_REQUESTS, secs, &told))
}

fn later(status: StatusCode, secs: u64, told: &Told<'_>) -> Response {
    let mut response = json(status, told);
    response.headers_mut().insert(RETRY_AFTER, secs.into());
    response
}

fn invalid(code: &str) -> Response {
    json(StatusCode::OK, &VerifyResponse::invalid(code, None))
}

fn unsettled(code: &str, network: String) -> SettleResponse {
    SettleResponse {
        success: false,
        mode: Mode::X,
        error_reason: Some(code.to_owned()),
        error_message: None,
        payer: None,
        transaction: String::new(),
        network,
        amount: None,
        extra: agent_core::json::Json::default(),
        extensions: Metadata::default(),
    }
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let (status, bytes) = match serde_json::to_vec(value) {
        Ok(bytes) => (status, bytes),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, b"{}".to_vec()),
    };
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // An answer is about one payment at one time.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A reason in the words of v1, whose packages (`x402` 1.2.0, `ErrorReasons`) refuse an answer with
/// one that they do not know.
fn v1_reason(code: &str, unexpected: &'static str) -> String {
    match code {
        "invalid_exact_evm_payload_authorization_value_mismatch" => {
            "invalid_exact_evm_payload_authorization_value"
        }
        "invalid_exact_evm_insufficient_balance" => "insufficient_funds",
        "invalid_exact_evm_payload_authorization_valid_after"
        | "invalid_exact_evm_payload_authorization_valid_before"
        | "invalid_exact_evm_payload_signature"
        | "invalid_exact_evm_payload_recipient_mismatch"
        | "invalid_network"
        | "invalid_payload"
        | "invalid_payment_requirements"
        | "invalid_scheme"
        | "unsupported_scheme"
        | "invalid_x402_version"
        | "invalid_transaction_state"
        | "insufficient_funds" => code,
        "invalid_exact_evm_nonce_already_used"
        | "invalid_exact_evm_transfer_event_mismatch"
        | super::refusal::PENDING => "invalid_transaction_state",
        _ => unexpected,
    }
    .to_owned()
}
