use super::CreditToken;
use crate::channel::Channel;
use crate::money::BaseUnits;
use crate::voucher::{CanonicalSignature, ChannelId, Lock, Received, Voucher};
use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

/// The `extra` of an `accepts` entry with scheme `z402`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Z402Extra {
    /// The escrow contract.
    pub contract: Address,
    /// The token's EIP-712 domain name, for the signature that opens a lock.
    pub name: String,
    /// The token's EIP-712 domain version.
    pub version: String,
    /// A lock must have at least this long to run for payments to be admitted.
    pub min_deadline_seconds: u64,
    /// The most calls the seller has in flight on one lock.
    pub max_in_flight: u32,
}

/// What a z402 payment carries (`PaymentPayload.payload`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Z402Payload {
    /// A voucher on a lock that is open.
    Voucher {
        /// The lock, whole: the seller recomputes its id.
        lock: Lock,
        /// The voucher.
        voucher: VoucherText,
    },
    /// What a channel was left with, claimed with the token of an earlier receipt.
    Credit(CreditToken),
}

/// A voucher as x402's `batch-settlement` writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoucherText {
    /// The channel: for z402 the lock's id.
    pub channel_id: ChannelId,
    /// The ceiling, cumulative.
    pub max_claimable_amount: BaseUnits,
    /// 65 bytes, low s, v 27 or 28, as hexadecimal.
    pub signature: String,
}

impl VoucherText {
    /// The voucher, its signature in canonical form but not yet checked.
    ///
    /// # Errors
    /// [`crate::voucher::SignatureError`] when the signature is not canonical.
    pub fn receive(&self) -> Result<Voucher<Received>, crate::voucher::SignatureError> {
        let signature: CanonicalSignature = self.signature.parse()?;
        Ok(Voucher::received(
            self.channel_id,
            self.max_claimable_amount,
            signature,
        ))
    }
}

/// The value of the x402 extension `payment-identifier`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentIdentifier {
    /// The part that both sides read.
    pub info: PaymentIdentifierInfo,
}

/// The `info` of [`PaymentIdentifier`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentIdentifierInfo {
    /// Whether the seller insists on one.
    #[serde(default)]
    pub required: bool,
    /// The buyer's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl PaymentIdentifier {
    /// What a seller offers.
    #[must_use]
    pub const fn wanted() -> Self {
        Self {
            info: PaymentIdentifierInfo {
                required: true,
                id: None,
            },
        }
    }

    /// What a buyer sends.
    #[must_use]
    pub const fn of(id: String) -> Self {
        Self {
            info: PaymentIdentifierInfo {
                required: true,
                id: Some(id),
            },
        }
    }
}

/// What a z402 receipt adds (`SettleResponse.extra`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Z402Receipt {
    /// The buyer's key for this payment.
    pub payment_id: String,
    /// The lock that paid.
    pub channel_id: ChannelId,
    /// What was charged for this call; at most what was authorised for it.
    pub charged_amount: BaseUnits,
    /// What lets the buyer pay for another call with what it signed and was not charged, without
    /// a further voucher; absent when there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_token: Option<CreditToken>,
}

/// A channel as its seller counts it, sent with a refusal so that a buyer that lost count can
/// correct itself. The buyer must hold this against its own books before it believes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireChannel {
    /// What the lock authorizes in all.
    pub authorized: BaseUnits,
    /// What was claimed on chain.
    pub claimed: BaseUnits,
    /// The highest ceiling seen.
    pub signed: BaseUnits,
    /// What was charged.
    pub charged: BaseUnits,
    /// What is held for calls in flight.
    pub reserved: BaseUnits,
    /// Unix seconds.
    pub deadline: u64,
}

impl From<Channel> for WireChannel {
    fn from(channel: Channel) -> Self {
        Self {
            authorized: channel.authorized,
            claimed: channel.claimed,
            signed: channel.signed,
            charged: channel.charged,
            reserved: channel.reserved,
            deadline: channel.deadline_unix_secs,
        }
    }
}
