//! x402 version 1, for buyers that have not moved on: `X-PAYMENT`, chains by name, and offers in
//! the body of the 402.
//!
//! Only scheme `exact` with EIP-3009 exists in it. Its payload is that of v2
//! ([`super::ExactPayload`]), so a payment is translated with [`PaymentPayload::to_v2`] and checked
//! there.

mod network;

pub use network::{network_name, network_of};

use super::limits::{MAX_ACCEPTS, MAX_BODY_BYTES, MAX_JSON_DEPTH};
use super::{HeaderError, ResourceInfo};
use crate::json::{Json, Metadata, check_depth};
use crate::money::BaseUnits;
use serde::{Deserialize, Serialize};

/// The version these objects are of.
pub const X402_VERSION: u8 = 1;

/// One way to pay (v1 `PaymentRequirements`). Amounts are base units of `asset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequirements {
    /// How.
    pub scheme: String,
    /// On which chain, by name: [`network_name`].
    pub network: String,
    /// How much.
    pub max_amount_required: BaseUnits,
    /// The URL of what is paid for. Old clients refuse what is not a whole URL.
    pub resource: String,
    /// What it is. Old clients insist on a text, if an empty one.
    #[serde(default)]
    pub description: String,
    /// The media type of the answer. Old clients insist on a text here too.
    #[serde(default)]
    pub mime_type: String,
    /// What the answer looks like. Old clients refuse `null`, so it is left out instead.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub output_schema: Json,
    /// To whom.
    pub pay_to: String,
    /// How long the payment may take.
    pub max_timeout_seconds: u64,
    /// In which token.
    pub asset: String,
    /// What the scheme adds.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub extra: Metadata,
}

impl PaymentRequirements {
    /// An offer of v2 in the words of v1; `None` when v1 has no name for its chain.
    #[must_use]
    pub fn of(offer: &super::PaymentRequirements, resource: &ResourceInfo) -> Option<Self> {
        let network = network_name(offer.network.parse().ok()?)?;
        Some(Self {
            scheme: offer.scheme.clone(),
            network: network.to_owned(),
            max_amount_required: offer.amount,
            resource: resource.url.clone(),
            description: resource.description.clone().unwrap_or_default(),
            mime_type: resource.mime_type.clone().unwrap_or_default(),
            output_schema: Json::default(),
            pay_to: offer.pay_to.clone(),
            max_timeout_seconds: offer.max_timeout_seconds,
            asset: offer.asset.clone(),
            extra: offer.extra.clone(),
        })
    }

    /// The same in the words of v2; `None` when the chain's name is not known.
    #[must_use]
    pub fn to_v2(&self) -> Option<super::PaymentRequirements> {
        Some(super::PaymentRequirements {
            scheme: self.scheme.clone(),
            network: network_of(&self.network)?.to_string(),
            amount: self.max_amount_required,
            asset: self.asset.clone(),
            pay_to: self.pay_to.clone(),
            max_timeout_seconds: self.max_timeout_seconds,
            extra: self.extra.clone(),
        })
    }
}

/// The body of a 402 of v1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequired {
    /// 1.
    pub x402_version: u8,
    /// Why there is nothing yet.
    #[serde(default)]
    pub error: String,
    /// The ways to pay, best first.
    pub accepts: Vec<PaymentRequirements>,
}

impl PaymentRequired {
    /// Reads the body of a 402. Ways to pay that we cannot read are left out, as in
    /// [`super::HeaderObject`].
    ///
    /// # Errors
    /// [`HeaderError`], as for the header that carries this in v2.
    pub fn read_body(body: &[u8]) -> Result<Self, HeaderError> {
        const NAME: &str = "the body of a 402";
        if body.len() > MAX_BODY_BYTES {
            return Err(HeaderError::TooLong(body.len()));
        }
        check_depth(body, MAX_JSON_DEPTH).map_err(|_| HeaderError::TooDeep)?;
        let wide: WideRequired =
            serde_json::from_slice(body).map_err(|_| HeaderError::Shape(NAME))?;
        if wide.x402_version != X402_VERSION {
            let expected = X402_VERSION;
            return Err(HeaderError::Version { expected });
        }
        let entries = wide.accepts.iter().take(MAX_ACCEPTS);
        Ok(Self {
            x402_version: wide.x402_version,
            error: wide.error,
            accepts: entries.filter_map(|entry| entry.parse().ok()).collect(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WideRequired {
    x402_version: u8,
    #[serde(default)]
    error: String,
    accepts: Vec<Json>,
}

/// A payment (v1 `PaymentPayload`, the header `X-PAYMENT`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentPayload {
    /// 1.
    pub x402_version: u8,
    /// How.
    pub scheme: String,
    /// On which chain, by name.
    pub network: String,
    /// What the scheme needs: for `exact` a [`super::ExactPayload`].
    pub payload: Json,
}

impl PaymentPayload {
    /// The payment as one of v2 for `offer`; `None` when it names another scheme or chain.
    ///
    /// A v1 payment does not say which offer it takes beyond that, so a seller with several of one
    /// scheme and chain tries each.
    #[must_use]
    pub fn to_v2(&self, offer: &super::PaymentRequirements) -> Option<super::PaymentPayload> {
        let network = network_of(&self.network)?.to_string();
        if self.scheme != offer.scheme || network != offer.network {
            return None;
        }
        Some(super::PaymentPayload {
            x402_version: super::X402_VERSION,
            mode: super::Mode::X,
            resource: None,
            accepted: offer.clone(),
            payload: self.payload.clone(),
            extensions: Metadata::new(),
        })
    }
}

/// What became of a payment (v1, the header `X-PAYMENT-RESPONSE`, and a facilitator's answer).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettleResponse {
    /// Whether it was taken.
    pub success: bool,
    /// A code when it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    /// The transaction; empty if there is none.
    #[serde(default)]
    pub transaction: String,
    /// On which chain, by name.
    pub network: String,
    /// Who paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
}

impl SettleResponse {
    /// The answer of v2 in the words of v1. A chain that v1 has no name for keeps its CAIP-2 id:
    /// no v1 payment is on such a chain.
    #[must_use]
    pub fn of(response: &super::SettleResponse) -> Self {
        let network = response.network.parse().ok().and_then(network_name);
        Self {
            success: response.success,
            error_reason: response.error_reason.clone(),
            transaction: response.transaction.clone(),
            network: network.map_or_else(|| response.network.clone(), ToOwned::to_owned),
            payer: response.payer.clone(),
        }
    }
}
