use super::{ChannelConfig, DepositAuthorization, VoucherClaim};
use crate::json::Json;
use crate::money::BaseUnits;
use crate::voucher::ChannelId;
use crate::x402::uint::checksummed;
use crate::x402::{Uint256, VoucherText};
use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

/// What a buyer's payment carries (`PaymentPayload.payload`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum BatchPayload {
    /// Pays into the channel, opening it if need be, and for the request.
    Deposit {
        /// The channel.
        channel_config: ChannelConfig,
        /// For the request.
        voucher: VoucherText,
        /// For the channel.
        deposit: Box<Deposit>,
    },
    /// Pays for the request.
    Voucher {
        /// The channel.
        channel_config: ChannelConfig,
        /// For the request.
        voucher: VoucherText,
    },
    /// Asks for what is left of the channel.
    Refund {
        /// The channel.
        channel_config: ChannelConfig,
        /// For what was charged so far, and nothing more.
        voucher: VoucherText,
        /// How much; absent means all of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<BaseUnits>,
    },
}

impl BatchPayload {
    /// The channel.
    #[must_use]
    pub const fn channel(&self) -> &ChannelConfig {
        match self {
            Self::Deposit { channel_config, .. }
            | Self::Voucher { channel_config, .. }
            | Self::Refund { channel_config, .. } => channel_config,
        }
    }

    /// The voucher.
    #[must_use]
    pub const fn voucher(&self) -> &VoucherText {
        match self {
            Self::Deposit { voucher, .. }
            | Self::Voucher { voucher, .. }
            | Self::Refund { voucher, .. } => voucher,
        }
    }
}

/// What is paid into a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    /// How much, in base units.
    pub amount: BaseUnits,
    /// With what right.
    pub authorization: DepositAuthorization,
}

/// What a seller's server sends to a facilitator's `/settle` (as `PaymentPayload.payload`).
///
/// The signatures of the receiver's authorizer are absent when the facilitator lends that key; it
/// then signs itself, and must know who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum BatchSettlePayload {
    /// Pay into a channel; as the buyer sent it.
    Deposit {
        /// The channel.
        channel_config: ChannelConfig,
        /// For the request.
        voucher: VoucherText,
        /// For the channel.
        deposit: Box<Deposit>,
    },
    /// Book what was charged. Nothing is transferred yet.
    Claim {
        /// Rows of one receiver authorizer.
        claims: Vec<VoucherClaim>,
        /// Over [`super::claim_batch_digest`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claim_authorizer_signature: Option<String>,
    },
    /// Pay out all that was booked.
    Settle {
        /// To whom.
        #[serde(serialize_with = "checksummed::serialize")]
        receiver: Address,
        /// Of which token.
        #[serde(serialize_with = "checksummed::serialize")]
        token: Address,
    },
    /// Book what was charged, and give back of the rest.
    Refund {
        /// The channel.
        channel_config: ChannelConfig,
        /// The buyer's, as it came.
        voucher: VoucherText,
        /// How much to give back.
        amount: BaseUnits,
        /// The channel's refund nonce on chain.
        refund_nonce: Uint256,
        /// What to book before.
        claims: Vec<VoucherClaim>,
        /// Over [`super::refund_digest`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refund_authorizer_signature: Option<String>,
        /// Over [`super::claim_batch_digest`] of the claims.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claim_authorizer_signature: Option<String>,
    },
}

/// A channel as the chain shows it, and in a seller's answers as the seller counts it: the `extra`
/// of `/verify`, and `extra.channelState` elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelState {
    /// Which channel.
    pub channel_id: ChannelId,
    /// What was paid in, less what was taken out again.
    pub balance: BaseUnits,
    /// What was claimed of it.
    pub total_claimed: BaseUnits,
    /// Unix seconds at which the payer gave notice of withdrawal; 0 if it did not.
    pub withdraw_requested_at: u64,
    /// What the next refund's signature must name.
    pub refund_nonce: Uint256,
    /// What the seller charged in all; only the seller knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged_cumulative_amount: Option<BaseUnits>,
}

/// The newest voucher that a seller has, in a correction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoucherState {
    /// Its ceiling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_max_claimable: Option<BaseUnits>,
    /// Its signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// What an answer of the scheme adds (`SettleResponse.extra`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchReceipt {
    /// What the request cost; absent after a refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged_amount: Option<BaseUnits>,
    /// The channel after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_state: Option<ChannelState>,
    /// The seller's newest voucher, if it shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher_state: Option<VoucherState>,
}

impl BatchReceipt {
    /// Reads the `extra` of an answer; nothing there is an empty receipt.
    ///
    /// # Errors
    /// When it is not of this shape.
    pub fn read(extra: &Json) -> Result<Self, serde_json::Error> {
        if extra.is_null() {
            return Ok(Self::default());
        }
        extra.parse()
    }
}
