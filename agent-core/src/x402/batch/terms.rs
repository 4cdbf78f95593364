use super::{
    BatchDomain, BatchError, ChannelConfig, ChannelState, SCHEME_BATCH_SETTLEMENT, VoucherState,
};
use crate::json::Metadata;
use crate::money::BaseUnits;
use crate::voucher::ChannelId;
use crate::x402::uint::checksummed;
use crate::x402::{EvmTerms, PaymentRequirements, TermsError};
use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

/// The shortest delay of a withdrawal that the contract takes: 15 minutes.
pub const MIN_WITHDRAW_DELAY_SECS: u64 = 900;
/// The longest: 30 days.
pub const MAX_WITHDRAW_DELAY_SECS: u64 = 2_592_000;

/// How the token gets into the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AssetTransferMethod {
    /// `receiveWithAuthorization` of the token.
    #[default]
    Eip3009,
    /// Permit2, for any token.
    Permit2,
}

/// The `extra` of an `accepts` entry of the scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchExtra {
    /// Whose signature claims and gives back.
    #[serde(serialize_with = "checksummed::serialize")]
    pub receiver_authorizer: Address,
    /// Seconds; [`MIN_WITHDRAW_DELAY_SECS`] to [`MAX_WITHDRAW_DELAY_SECS`].
    pub withdraw_delay: u64,
    /// The token's EIP-712 domain name, for the deposit.
    pub name: String,
    /// The token's EIP-712 domain version.
    pub version: String,
    /// How to deposit; absent means EIP-3009.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_transfer_method: Option<AssetTransferMethod>,
    /// How much a first deposit should be at least. A hint, unless the seller insists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_deposit: Option<BaseUnits>,
    /// Only in a correction: the channel as the seller counts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_state: Option<ChannelState>,
    /// Only in a correction: the voucher that proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher_state: Option<VoucherState>,
}

impl BatchExtra {
    /// As the `extra` of requirements.
    ///
    /// # Errors
    /// None in practice: it is plain data.
    pub fn to_metadata(&self) -> Result<Metadata, serde_json::Error> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }
}

/// An offer of the scheme, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchTerms {
    /// Token, payee and the most that one request may cost.
    pub evm: EvmTerms,
    /// What the scheme adds.
    pub extra: BatchExtra,
}

impl BatchTerms {
    /// Reads an `accepts` entry.
    ///
    /// # Errors
    /// [`BatchError::Terms`] when it is not one of the scheme or a field is missing.
    pub fn read(requirements: &PaymentRequirements) -> Result<Self, BatchError> {
        let evm = EvmTerms::read(requirements, SCHEME_BATCH_SETTLEMENT)?;
        let text = serde_json::to_string(&requirements.extra).map_err(|_| TermsError::Domain)?;
        let extra = serde_json::from_str(&text).map_err(|_| TermsError::Domain)?;
        Ok(Self { evm, extra })
    }

    /// The contract's domain on the offer's chain.
    #[must_use]
    pub fn domain(&self) -> BatchDomain {
        BatchDomain::new(self.evm.token.network)
    }

    /// The channel that a payer opens for this offer. `signer` is the key that will sign the
    /// vouchers: the payer's own, or one that it lends.
    #[must_use]
    pub const fn channel(&self, payer: Address, signer: Address, salt: B256) -> ChannelConfig {
        ChannelConfig {
            payer,
            payer_authorizer: signer,
            receiver: self.evm.pay_to,
            receiver_authorizer: self.extra.receiver_authorizer,
            token: self.evm.token.address,
            withdraw_delay: self.extra.withdraw_delay,
            salt,
        }
    }

    /// Whether a channel is the one that its claimed id names, and fits the offer (verification
    /// rules 1 to 5 of the scheme, in the order of the stock facilitator).
    ///
    /// `domain` is that of the offer's chain; it is passed so that a seller hashes it once.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn check_channel(
        &self,
        config: &ChannelConfig,
        claimed: ChannelId,
        domain: &BatchDomain,
    ) -> Result<(), BatchError> {
        if domain.network() != self.evm.token.network {
            return Err(BatchError::Terms(TermsError::Network));
        }
        if config.id(domain) != claimed {
            return Err(BatchError::ChannelIdMismatch);
        }
        if config.receiver != self.evm.pay_to {
            return Err(BatchError::ReceiverMismatch);
        }
        let authorizer = self.extra.receiver_authorizer;
        if authorizer == Address::ZERO || config.receiver_authorizer != authorizer {
            return Err(BatchError::ReceiverAuthorizerMismatch);
        }
        if config.token != self.evm.token.address {
            return Err(BatchError::TokenMismatch);
        }
        if config.withdraw_delay != self.extra.withdraw_delay {
            return Err(BatchError::WithdrawDelayMismatch);
        }
        if !(MIN_WITHDRAW_DELAY_SECS..=MAX_WITHDRAW_DELAY_SECS).contains(&config.withdraw_delay) {
            return Err(BatchError::WithdrawDelayOutOfRange);
        }
        Ok(())
    }
}
