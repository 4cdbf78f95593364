use super::{BatchDomain, BatchError, ChannelConfig, InChannel};
use crate::money::BaseUnits;
use crate::voucher::{ChannelId, Voucher, hash_words};
use crate::x402::Uint256;
use crate::x402::limits::MAX_CLAIM_ROWS;
use alloy_primitives::{B256, U256, b256};
use serde::{Deserialize, Serialize};

/// keccak256 of
/// `ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)`.
const ENTRY_TYPE: B256 = b256!("30b9a0367528fca13c3e8ec6134c3113f1887ebe7a1ad61de0955aac288b0cf5");

/// keccak256 of `ClaimBatch(ClaimEntry[] claims)ClaimEntry(bytes32 channelId,
/// uint128 maxClaimableAmount,uint128 totalClaimed)`.
const BATCH_TYPE: B256 = b256!("42bd57c010b870c2e96203c66341f28a6a19b4d56a74533a8eb5f706b9fd6d57");

/// keccak256 of `Refund(bytes32 channelId,uint256 nonce,uint128 amount)`.
const REFUND_TYPE: B256 = b256!("be23ad087435072cd69b49cc5b92de10ee610fce7ae0ab428307972d764bb216");

/// The part of a claim's row that the payer signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimVoucher {
    /// The channel, whole: the contract recomputes its id.
    pub channel: ChannelConfig,
    /// The ceiling.
    pub max_claimable_amount: BaseUnits,
}

/// One row of a claim: how much of a channel its receiver is owed in all, and the voucher for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoucherClaim {
    /// What the payer signed.
    pub voucher: ClaimVoucher,
    /// The payer's signature, `0x` and hexadecimal digits.
    pub signature: String,
    /// What was charged in all; at most the ceiling. The contract skips a row that is not above
    /// what it has.
    pub total_claimed: BaseUnits,
}

impl VoucherClaim {
    /// The row that claims `charged` with a checked voucher of `channel`.
    ///
    /// # Errors
    /// [`BatchError::ChannelIdMismatch`] when the voucher is of another channel,
    /// [`BatchError::ChargeAboveMax`] when the charge is above its ceiling: the contract would
    /// revert the whole batch.
    pub fn of(
        channel: ChannelConfig,
        voucher: &Voucher<InChannel>,
        charged: BaseUnits,
        domain: &BatchDomain,
    ) -> Result<Self, BatchError> {
        if channel.id(domain) != voucher.channel_id() {
            return Err(BatchError::ChannelIdMismatch);
        }
        if charged > voucher.ceiling() {
            return Err(BatchError::ChargeAboveMax);
        }
        Ok(Self {
            voucher: ClaimVoucher {
                channel,
                max_claimable_amount: voucher.ceiling(),
            },
            signature: voucher.signature().to_string(),
            total_claimed: charged,
        })
    }

    /// What the receiver's authorizer signs of this row.
    #[must_use]
    pub fn entry(&self, domain: &BatchDomain) -> ClaimEntry {
        ClaimEntry {
            channel_id: self.voucher.channel.id(domain),
            max_claimable_amount: self.voucher.max_claimable_amount,
            total_claimed: self.total_claimed,
        }
    }
}

/// One row as the receiver's authorizer signs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimEntry {
    /// The channel.
    pub channel_id: ChannelId,
    /// The ceiling.
    pub max_claimable_amount: BaseUnits,
    /// What is claimed in all.
    pub total_claimed: BaseUnits,
}

impl ClaimEntry {
    fn hash(&self) -> B256 {
        hash_words(&[
            ENTRY_TYPE,
            self.channel_id.0,
            B256::from(U256::from(self.max_claimable_amount.get())),
            B256::from(U256::from(self.total_claimed.get())),
        ])
    }
}

/// What the receiver's authorizer signs so that anybody may submit the claim. The order counts.
///
/// `None` for a batch of no rows, which the contract refuses, or of more than [`MAX_CLAIM_ROWS`].
#[must_use]
pub fn claim_batch_digest(domain: &BatchDomain, entries: &[ClaimEntry]) -> Option<B256> {
    if entries.is_empty() || entries.len() > MAX_CLAIM_ROWS {
        return None;
    }
    let hashes: Vec<B256> = entries.iter().map(ClaimEntry::hash).collect();
    Some(domain.digest(&[BATCH_TYPE, hash_words(&hashes)]))
}

/// What the receiver's authorizer signs to give `amount` of a channel back to its payer.
///
/// `nonce` is the channel's refund nonce on chain. Every refund uses one up, even one that moves
/// nothing.
#[must_use]
pub fn refund_digest(
    domain: &BatchDomain,
    channel_id: ChannelId,
    nonce: Uint256,
    amount: BaseUnits,
) -> B256 {
    domain.digest(&[
        REFUND_TYPE,
        channel_id.0,
        B256::from(nonce.0),
        B256::from(U256::from(amount.get())),
    ])
}
