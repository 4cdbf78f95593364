//! What a facilitator is asked and answers: `/verify`, `/settle`, `/supported` (x402 v2 §7, v1 §7).

use super::limits::{MAX_BODY_BYTES, MAX_JSON_DEPTH, MAX_KINDS};
use super::{AuthorizeRequest, AuthorizeResponse, SettleResponse};
use super::{Mode, PaymentPayload, PaymentRequirements, X402_VERSION, v1};
use crate::json::{Json, Metadata, check_depth};
use crate::ledger::BoxFuture;
use alloy_primitives::B256;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The body of `/verify` and of `/settle`, in either version.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FacilitatorRequest {
    /// x402 v2.
    V2(Box<RequestV2>),
    /// x402 v1.
    V1(Box<RequestV1>),
}

/// A request of v2.
///
/// For scheme `upto`, `payment_requirements.amount` is the maximum in `/verify` and the charge in
/// `/settle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestV2 {
    /// 2.
    pub x402_version: u8,
    /// `z` for z402.
    #[serde(default, skip_serializing_if = "Mode::is_x")]
    pub mode: Mode,
    /// The payment, as the seller got it, or as it made it itself to claim and pay out.
    pub payment_payload: PaymentPayload,
    /// What the seller asked for.
    pub payment_requirements: PaymentRequirements,
}

/// A request of v1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestV1 {
    /// 1.
    pub x402_version: u8,
    /// The payment.
    pub payment_payload: v1::PaymentPayload,
    /// What the seller asked for.
    pub payment_requirements: v1::PaymentRequirements,
}

/// What tells the version of a request. Some v1 clients say it in the payment alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Versions {
    x402_version: Option<u8>,
    payment_payload: Version,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    x402_version: u8,
}

/// [`RequestV1`] as clients of v1 send it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BareV1 {
    payment_payload: v1::PaymentPayload,
    payment_requirements: v1::PaymentRequirements,
}

impl FacilitatorRequest {
    /// Reads a request's body, which came from a peer.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn read(body: &[u8]) -> Result<Self, RequestError> {
        let versions: Versions = read_bounded(body)?;
        let version = versions.payment_payload.x402_version;
        // Two versions in one request would be two readings of it.
        if versions.x402_version.is_some_and(|said| said != version) {
            return Err(RequestError::Version);
        }
        match version {
            X402_VERSION => Ok(Self::V2(Box::new(parse(body)?))),
            v1::X402_VERSION => {
                let bare: BareV1 = parse(body)?;
                Ok(Self::V1(Box::new(RequestV1 {
                    x402_version: version,
                    payment_payload: bare.payment_payload,
                    payment_requirements: bare.payment_requirements,
                })))
            }
            _ => Err(RequestError::Version),
        }
    }

    /// The request in the words of v2, which is what payments are checked in; `None` when a v1
    /// request names a chain that is not known or payment and requirements disagree.
    #[must_use]
    pub fn to_v2(&self) -> Option<RequestV2> {
        match self {
            Self::V2(request) => Some(request.as_ref().clone()),
            Self::V1(request) => {
                let payment_requirements = request.payment_requirements.to_v2()?;
                Some(RequestV2 {
                    x402_version: X402_VERSION,
                    mode: Mode::X,
                    payment_payload: request.payment_payload.to_v2(&payment_requirements)?,
                    payment_requirements,
                })
            }
        }
    }
}

impl RequestV2 {
    /// Whether the payment says it takes what the seller says it asked for. Schemes that charge by
    /// use are settled for less than they were offered at, so their `amount` is not compared
    /// here: compare it with the maximum that is signed.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let accepted = &self.payment_payload.accepted;
        accepted.scheme == self.payment_requirements.scheme
            && accepted.network == self.payment_requirements.network
            && accepted.asset == self.payment_requirements.asset
            && accepted.pay_to == self.payment_requirements.pay_to
    }
}

/// What `/verify` answers. Valid says nothing on whether the payment will be settled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyResponse {
    /// Whether the payment is good.
    pub is_valid: bool,
    /// `z` for z402.
    #[serde(default, skip_serializing_if = "Mode::is_x")]
    pub mode: Mode,
    /// A code when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_reason: Option<String>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_message: Option<String>,
    /// Who pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// What extensions add.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub extensions: Metadata,
    /// What the scheme adds; for `batch-settlement` a [`super::batch::ChannelState`].
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub extra: Json,
}

impl VerifyResponse {
    /// The payment is good.
    #[must_use]
    pub fn valid(payer: String) -> Self {
        Self {
            is_valid: true,
            payer: Some(payer),
            ..Self::default()
        }
    }

    /// The payment is not; `code` is one of x402's or of the scheme's.
    #[must_use]
    pub fn invalid(code: &str, payer: Option<String>) -> Self {
        Self {
            invalid_reason: Some(code.to_owned()),
            payer,
            ..Self::default()
        }
    }
}

/// What a facilitator can do for a seller (`GET /supported`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Supported {
    /// Schemes and chains.
    pub kinds: Vec<SupportedKind>,
    /// The ids of the extensions that it knows. Facilitators of v1 leave it out.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// The addresses that it sends transactions from, by pattern of chains (`eip155:*`).
    #[serde(default)]
    pub signers: BTreeMap<String, Vec<String>>,
}

/// One scheme on one chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SupportedKind {
    /// The version of the objects.
    pub x402_version: u8,
    /// `z` for z402.
    #[serde(default, skip_serializing_if = "Mode::is_x")]
    pub mode: Mode,
    /// The scheme.
    pub scheme: String,
    /// The chain: CAIP-2, or for v1 a name.
    pub network: String,
    /// What the scheme adds: for `upto` the facilitator's address, for `batch-settlement` the
    /// receiver authorizer that it lends.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub extra: Metadata,
}

impl Supported {
    /// Reads an answer. Kinds after the first [`MAX_KINDS`] are left out.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn read(body: &[u8]) -> Result<Self, RequestError> {
        let mut supported: Self = read_bounded(body)?;
        supported.kinds.truncate(MAX_KINDS);
        Ok(supported)
    }

    /// The kind of this scheme and chain, in v2.
    #[must_use]
    pub fn kind(&self, scheme: &str, network: &str) -> Option<&SupportedKind> {
        self.kinds.iter().find(|kind| {
            kind.x402_version == X402_VERSION && kind.scheme == scheme && kind.network == network
        })
    }
}

/// Who checks payments against the chain for a seller, and makes them there: inside of the same
/// process or behind a facilitator's HTTP interface (x402 v2 §7).
///
/// # Contract
///
/// - **`verify` moves nothing** and promises nothing: a payment that is good now may fail to settle.
/// - **`settle` is idempotent.** The same payment twice is made once; the second answer names the
///   first's transaction. It answers after the transaction is in a block, or with the error reason
///   `settlement_pending` and the transaction's hash: then ask again.
/// - **`settle_once` says yes once**, where who made payments is known. It is for those who may have
///   let one payment in twice: of all calls with it one is told of success, and after that only
///   calls of the same `name`.
/// - **A payment that is refused is an answer** (`is_valid` or `success` is false), not an error.
pub trait Facilitator: Send + Sync + std::fmt::Debug {
    /// What it can do.
    fn supported(&self) -> BoxFuture<'_, Result<Supported, FacilitatorError>>;
    /// Checks a payment.
    fn verify(&self, request: RequestV2)
    -> BoxFuture<'_, Result<VerifyResponse, FacilitatorError>>;
    /// Makes a payment on chain.
    fn settle(&self, request: RequestV2)
    -> BoxFuture<'_, Result<SettleResponse, FacilitatorError>>;
    /// Makes a payment on chain for one that may not count payments itself; `name` is what it calls
    /// this request, the same when it is sent again. Facilitators that keep nothing answer as
    /// [`settle`](Self::settle) does.
    fn settle_once(
        &self,
        request: RequestV2,
        _name: Option<B256>,
    ) -> BoxFuture<'_, Result<SettleResponse, FacilitatorError>> {
        self.settle(request)
    }
    /// Opens a lock of z402 for a buyer, or adds to it. A facilitator of plain x402 refuses.
    fn authorize(
        &self,
        request: AuthorizeRequest,
    ) -> BoxFuture<'_, Result<AuthorizeResponse, FacilitatorError>> {
        let refusal = AuthorizeResponse::refused("unsupported_scheme", &request);
        Box::pin(std::future::ready(Ok(refusal)))
    }
}

/// Why a facilitator gave no answer. The texts are for the log, never for a peer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FacilitatorError {
    /// It was not reached, or refused to look; nothing was settled.
    #[error("the facilitator did not look at the payment: {0}")]
    Unavailable(String),
    /// It may have been settled: the request left and no answer came that can be read. Ask again.
    #[error("whether the payment was settled is not known: {0}")]
    Unknown(String),
}

impl FacilitatorError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "facilitator_unavailable",
            Self::Unknown(_) => "facilitator_unknown",
        }
    }
}

/// Reads a facilitator's answer to `/verify` or `/settle`
/// ([`VerifyResponse`], [`super::SettleResponse`]).
///
/// # Errors
/// [`RequestError`]. After `/settle` that leaves open whether the payment was made.
pub fn read_answer<T: DeserializeOwned>(body: &[u8]) -> Result<T, RequestError> {
    read_bounded(body)
}

fn read_bounded<T: DeserializeOwned>(body: &[u8]) -> Result<T, RequestError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(RequestError::TooLong(body.len()));
    }
    check_depth(body, MAX_JSON_DEPTH).map_err(|_| RequestError::TooDeep)?;
    parse(body)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, RequestError> {
    serde_json::from_slice(body).map_err(|_| RequestError::Shape)
}

/// Why a body of a facilitator's protocol cannot be read. None of it repeats what the peer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Too large.
    #[error("the body has {0} bytes and may have {MAX_BODY_BYTES}")]
    TooLong(usize),
    /// Nests too deep.
    #[error("the body's JSON nests deeper than {MAX_JSON_DEPTH} levels")]
    TooDeep,
    /// Not the object that x402 defines.
    #[error("the body is not the object that x402 defines")]
    Shape,
    /// No version that is known, or two.
    #[error("x402Version must be 1 or 2, and the same throughout")]
    Version,
}

impl RequestError {
    /// The error code of x402 (specification §9).
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Version => "invalid_x402_version",
            _ => "invalid_payload",
        }
    }
}
