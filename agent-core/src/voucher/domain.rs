use super::ChannelId;
use crate::money::BaseUnits;
use alloy_primitives::{Address, B256, U256, b256, keccak256};

/// `EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)`.
const DOMAIN_TYPE: B256 = b256!("8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f");

/// An escrow contract on a chain; every digest of z402 is bound to one.
///
/// The separator is hashed once here, because a digest is made for every payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EscrowDomain {
    chain_id: u64,
    contract: Address,
    separator: B256,
}

impl EscrowDomain {
    /// The domain of the escrow at `contract` on chain `chain_id`.
    #[must_use]
    pub fn new(chain_id: u64, contract: Address) -> Self {
        let separator = domain_separator("z402 Escrow", "1", chain_id, contract);
        Self {
            chain_id,
            contract,
            separator,
        }
    }

    /// The EIP-155 chain id.
    #[must_use]
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The escrow contract.
    #[must_use]
    pub const fn contract(&self) -> Address {
        self.contract
    }

    /// The EIP-712 domain separator.
    #[must_use]
    pub const fn separator(&self) -> B256 {
        self.separator
    }

    /// The digest of a struct hash under this domain.
    #[must_use]
    pub fn digest(&self, struct_hash: B256) -> B256 {
        typed_digest(self.separator, struct_hash)
    }

    /// The digest of `Voucher(bytes32 channelId,uint128 maxClaimableAmount)`.
    #[must_use]
    pub fn voucher_digest(&self, channel_id: ChannelId, ceiling: BaseUnits) -> B256 {
        let words = [
            VOUCHER_TYPE,
            channel_id.0,
            B256::from(U256::from(ceiling.get())),
        ];
        self.digest(hash_words(&words))
    }
}

/// keccak256 of `Voucher(bytes32 channelId,uint128 maxClaimableAmount)`.
const VOUCHER_TYPE: B256 =
    b256!("1e1bd6ff84c3e0d9029a292b212e039c0ca97ec497c55191a4a5874294609a69");

/// The EIP-712 separator of a domain with a name, a version, a chain and a contract.
#[must_use]
pub fn domain_separator(name: &str, version: &str, chain_id: u64, contract: Address) -> B256 {
    hash_words(&[
        DOMAIN_TYPE,
        keccak256(name),
        keccak256(version),
        B256::from(U256::from(chain_id)),
        contract.into_word(),
    ])
}

/// The EIP-712 digest of a struct hash under a domain.
pub(crate) fn typed_digest(separator: B256, struct_hash: B256) -> B256 {
    let mut bytes = [0u8; 66];
    let (prefix, rest) = bytes.split_at_mut(2);
    prefix.copy_from_slice(&[0x19, 0x01]);
    let (head, tail) = rest.split_at_mut(32);
    head.copy_from_slice(separator.as_slice());
    tail.copy_from_slice(struct_hash.as_slice());
    keccak256(bytes)
}

/// keccak256 of words laid end to end.
pub(crate) fn hash_words(words: &[B256]) -> B256 {
    keccak256(words.concat())
}
