//! What plain HTTP answers: terms, refusals, and the headers that keep paid answers out of caches.

use super::desk::{is_conflict, is_malformed, is_unseen};
use super::limits::RETRY_AFTER_SECS;
use crate::gate::GateRefusal;
use agent_core::a2a::A2aError;
use agent_core::untrusted::shorten;
use agent_core::x402::{HeaderObject, PaymentRequired, SettleResponse, v1};
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, EXPIRES, HeaderName, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// What says to caches in front of us that they may keep an answer, whatever `Cache-Control` says.
const CACHES: [&str; 3] = [
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "surrogate-control",
];

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The body of a 402: the terms of version 1, whose clients read them there, and a sentence.
#[derive(Serialize)]
struct Unpaid<'a> {
    #[serde(flatten)]
    terms: v1::PaymentRequired,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// A 402 with its terms. With `page`, that is what a person sees.
pub(crate) fn payment_required(
    required: &PaymentRequired,
    message: Option<&str>,
    page: Option<Response>,
) -> Response {
    let Ok(header) = required.to_header() else {
        return fault("the terms do not fit into a header");
    };
    let Ok(header) = HeaderValue::try_from(header) else {
        return fault("the terms are no header");
    };
    let mut response = match page {
        Some(page) => page,
        None => json(&Unpaid {
            terms: in_v1(required),
            message,
        }),
    };
    *response.status_mut() = StatusCode::PAYMENT_REQUIRED;
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("payment-required"), header);
    no_store(headers);
    response
}

/// Only `exact` exists in version 1, and its clients fail over an offer of anything else.
pub(crate) fn in_v1(required: &PaymentRequired) -> v1::PaymentRequired {
    let exact = required
        .accepts
        .iter()
        .filter(|offer| offer.scheme == agent_core::x402::SCHEME_EXACT);
    v1::PaymentRequired {
        x402_version: v1::X402_VERSION,
        error: required.error.clone().unwrap_or_default(),
        accepts: exact
            .filter_map(|offer| v1::PaymentRequirements::of(offer, &required.resource))
            .collect(),
    }
}

/// A payment that was not taken: 400, 409 or 503, or 402 with the terms that `required` makes.
pub(crate) fn refused(
    refusal: &GateRefusal,
    required: impl FnOnce() -> Result<PaymentRequired, A2aError>,
) -> Response {
    if let Some(log) = &refusal.log {
        tracing::error!(code = refusal.code, log, "a payment could not be taken");
        return unavailable(refusal.code, &refusal.message);
    }
    if is_unseen(refusal) {
        return unavailable(refusal.code, &refusal.message);
    }
    if is_malformed(refusal) {
        return failure(StatusCode::BAD_REQUEST, refusal.code, &refusal.message);
    }
    if is_conflict(refusal) {
        return failure(StatusCode::CONFLICT, refusal.code, &refusal.message);
    }
    match required() {
        Ok(required) => payment_required(&required, Some(&refusal.message), None),
        Err(error) => fault(&error.to_string()),
    }
}

/// What became of a request to have the rest of a channel back.
pub(crate) fn given_back(answer: &SettleResponse) -> Response {
    let mut response = if answer.success {
        json(&serde_json::json!({ "message": "the rest of the channel is given back" }))
    } else {
        let code = answer.error_reason.as_deref().unwrap_or("not_refunded");
        let why = answer.error_message.as_deref().unwrap_or(code);
        let (code, why) = (shorten(code), shorten(why));
        failure(StatusCode::PAYMENT_REQUIRED, &code, &why)
    };
    seal(&mut response, Some(answer), false);
    response
}

/// An error in words: a stable code and a sentence.
pub(crate) fn failure(status: StatusCode, code: &str, message: &str) -> Response {
    #[derive(Serialize)]
    struct Failure<'a> {
        error: &'a str,
        message: &'a str,
    }
    let error = code;
    let mut response = json(&Failure { error, message });
    *response.status_mut() = status;
    no_store(response.headers_mut());
    response
}

/// Our own fault, which may be over soon. Nothing was charged that will not be answered.
pub(crate) fn unavailable(code: &str, message: &str) -> Response {
    busy(StatusCode::SERVICE_UNAVAILABLE, code, message)
}

/// Not now, with when to come again.
pub(crate) fn busy(status: StatusCode, code: &str, message: &str) -> Response {
    let mut response = failure(status, code, message);
    let wait = HeaderValue::from(RETRY_AFTER_SECS);
    response.headers_mut().insert(RETRY_AFTER, wait);
    response
}

/// Our own fault, which the log says more of.
pub(crate) fn fault(log: &str) -> Response {
    tracing::error!(log, "a paid route failed");
    let text = "the seller failed; nothing was charged";
    failure(StatusCode::INTERNAL_SERVER_ERROR, "internal", text)
}

/// Adds the receipt to an answer, and keeps the answer out of caches.
pub(crate) fn seal(response: &mut Response, receipt: Option<&SettleResponse>, is_v1: bool) {
    let headers = response.headers_mut();
    for name in ["payment-response", "x-payment-response", "payment-required"] {
        headers.remove(name);
    }
    if let Some(receipt) = receipt {
        let current = receipt.to_header();
        let older = is_v1.then(|| v1::SettleResponse::of(receipt).to_header());
        for (name, header) in [
            ("payment-response", Some(current)),
            ("x-payment-response", older),
        ] {
            let header = header.and_then(Result::ok);
            if let Some(header) = header.and_then(|text| HeaderValue::try_from(text).ok()) {
                headers.insert(HeaderName::from_static(name), header);
            }
        }
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    vary(headers);
}

fn no_store(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    vary(headers);
}

/// For caches that keep what they were told not to: at least under the payment that it is for.
fn vary(headers: &mut HeaderMap) {
    for name in CACHES {
        headers.remove(name);
    }
    headers.remove(EXPIRES);
    headers.append(
        VARY,
        HeaderValue::from_static("Accept, PAYMENT-SIGNATURE, X-PAYMENT"),
    );
}

/// A response of JSON that no browser takes for anything else.
pub(crate) fn json(value: &impl Serialize) -> Response {
    let nosniff = HeaderValue::from_static("nosniff");
    let headers = [(CONTENT_TYPE, JSON), (X_CONTENT_TYPE_OPTIONS, nosniff)];
    match serde_json::to_vec(value) {
        Ok(text) => (headers, Body::from(text)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
