use super::BATCH_SETTLEMENT;
use crate::money::{AssetId, BaseUnits, Network};
use crate::voucher::{ChannelId, domain_separator, hash_words, typed_digest};
use crate::x402::uint::checksummed;
use alloy_primitives::{Address, B256, U256, b256};
use serde::{Deserialize, Serialize};

/// keccak256 of `ChannelConfig(address payer,address payerAuthorizer,address receiver,
/// address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)`.
const CONFIG_TYPE: B256 = b256!("1c9a06ceab9b0ebbd3301dc56c9111bb6d9af421356dc9ccb3b7084c755db308");

/// keccak256 of `Voucher(bytes32 channelId,uint128 maxClaimableAmount)`.
const VOUCHER_TYPE: B256 =
    b256!("1e1bd6ff84c3e0d9029a292b212e039c0ca97ec497c55191a4a5874294609a69");

/// The settlement contract's EIP-712 domain on one chain.
///
/// It is a type of its own so that a digest of z402's escrow cannot be signed in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchDomain {
    network: Network,
    separator: B256,
}

impl BatchDomain {
    /// The domain of the canonical contract on `network`.
    #[must_use]
    pub fn new(network: Network) -> Self {
        let name = "x402 Batch Settlement";
        Self {
            network,
            separator: domain_separator(name, "1", network.chain_id, BATCH_SETTLEMENT),
        }
    }

    /// The chain.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.network
    }

    /// The EIP-712 domain separator.
    #[must_use]
    pub const fn separator(&self) -> B256 {
        self.separator
    }

    /// The digest of `Voucher(bytes32 channelId,uint128 maxClaimableAmount)`: what the payer signs
    /// for every payment.
    #[must_use]
    pub fn voucher_digest(&self, channel_id: ChannelId, ceiling: BaseUnits) -> B256 {
        self.digest(&[
            VOUCHER_TYPE,
            channel_id.0,
            B256::from(U256::from(ceiling.get())),
        ])
    }

    pub(super) fn digest(&self, words: &[B256]) -> B256 {
        typed_digest(self.separator, hash_words(words))
    }
}

/// What a channel is. None of it can change; another value makes another channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelConfig {
    /// Whose money it is until it is claimed.
    #[serde(serialize_with = "checksummed::serialize")]
    pub payer: Address,
    /// Whose key signs the vouchers. Zero leaves it to the payer's account on chain.
    #[serde(serialize_with = "checksummed::serialize")]
    pub payer_authorizer: Address,
    /// The only address that claims can pay.
    #[serde(serialize_with = "checksummed::serialize")]
    pub receiver: Address,
    /// Whose signature claims and gives back; never zero.
    #[serde(serialize_with = "checksummed::serialize")]
    pub receiver_authorizer: Address,
    /// The token.
    #[serde(serialize_with = "checksummed::serialize")]
    pub token: Address,
    /// Seconds between a payer's notice and its withdrawal; 40 bits on chain.
    pub withdraw_delay: u64,
    /// Tells apart channels that agree in everything else.
    pub salt: B256,
}

impl ChannelConfig {
    /// The channel's id: the EIP-712 digest of the configuration.
    ///
    /// A configuration that no contract takes (a delay of more than 40 bits, say) has an id too;
    /// [`super::BatchTerms::check_channel`] refuses it.
    #[must_use]
    pub fn id(&self, domain: &BatchDomain) -> ChannelId {
        ChannelId(domain.digest(&[
            CONFIG_TYPE,
            self.payer.into_word(),
            self.payer_authorizer.into_word(),
            self.receiver.into_word(),
            self.receiver_authorizer.into_word(),
            self.token.into_word(),
            B256::from(U256::from(self.withdraw_delay)),
            self.salt,
        ]))
    }

    /// The token, on the domain's chain.
    #[must_use]
    pub const fn token_on(&self, domain: &BatchDomain) -> AssetId {
        AssetId {
            network: domain.network,
            address: self.token,
        }
    }
}
