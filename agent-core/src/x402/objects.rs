use crate::json::{Json, Metadata};
use crate::money::BaseUnits;
use serde::{Deserialize, Serialize};

/// Which protocol a message speaks; absent means [`Mode::X`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Plain x402.
    #[default]
    X,
    /// z402.
    Z,
}

impl Mode {
    /// Whether the field can be left out.
    #[must_use]
    pub const fn is_x(&self) -> bool {
        matches!(self, Self::X)
    }
}

/// What is paid for (x402 v2 `ResourceInfo`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceInfo {
    /// Its address.
    pub url: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The media type of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
}

/// One way to pay (x402 v2 `PaymentRequirements`). The amounts are base units of `asset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequirements {
    /// How.
    pub scheme: String,
    /// On which chain, CAIP-2.
    pub network: String,
    /// How much at most.
    pub amount: BaseUnits,
    /// In which token.
    pub asset: String,
    /// To whom.
    pub pay_to: String,
    /// How long the seller waits for the payment, and works on it.
    pub max_timeout_seconds: u64,
    /// What the scheme adds.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub extra: Metadata,
}

/// What a seller answers instead of working unpaid (x402 v2 `PaymentRequired`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequired {
    /// 2.
    pub x402_version: u8,
    /// `z` when z402 is among the ways to pay.
    #[serde(default, skip_serializing_if = "Mode::is_x")]
    pub mode: Mode,
    /// Why the payment that came, if one came, did not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is paid for.
    pub resource: ResourceInfo,
    /// The ways to pay, best first.
    pub accepts: Vec<PaymentRequirements>,
    /// What extensions add.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub extensions: Metadata,
}

/// A payment (x402 v2 `PaymentPayload`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentPayload {
    /// 2.
    pub x402_version: u8,
    /// `z` for z402.
    #[serde(default, skip_serializing_if = "Mode::is_x")]
    pub mode: Mode,
    /// What is paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceInfo>,
    /// The way to pay that was chosen, as it was offered.
    pub accepted: PaymentRequirements,
    /// What the scheme needs; for z402 a [`super::Z402Payload`].
    pub payload: Json,
    /// What extensions add, the payment identifier among them.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub extensions: Metadata,
}

/// What became of a payment (x402 v2 `SettleResponse`); over A2A a receipt.
///
/// For vouchers `transaction` is empty: they are settled later, many at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettleResponse {
    /// Whether the payment was taken.
    pub success: bool,
    /// `z` for z402.
    #[serde(default, skip_serializing_if = "Mode::is_x")]
    pub mode: Mode,
    /// A short code when it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Who paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// The transaction, if there is one.
    #[serde(default)]
    pub transaction: String,
    /// On which chain.
    pub network: String,
    /// What moved on chain, if something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// What the scheme adds; for z402 a [`super::Z402Receipt`].
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub extra: Json,
    /// What extensions add, a signed receipt among them.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub extensions: Metadata,
}
