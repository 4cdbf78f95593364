use crate::money::{Asset, AssetId, Network};
use crate::voucher::{domain_separator, hash_words, typed_digest};
use alloy_primitives::{Address, B256, U256, address, b256, keccak256};

/// The canonical Permit2 contract, at one address on every chain.
pub const PERMIT2: Address = address!("0x000000000022D473030F116dDEE9F6B43aC78BA3");

/// keccak256 of `EIP712Domain(string name,uint256 chainId,address verifyingContract)`.
const PERMIT2_DOMAIN_TYPE: B256 =
    b256!("8cad95687ba82c2ce50e74f7b754645e5117c3a5bec8151c0726d5857980a866");

/// The EIP-712 domain of a token; EIP-3009 authorizations are signed under it.
///
/// Name and version decide what a signature is for. A buyer or seller takes them from its own
/// table of assets; only a facilitator, which has no such table of every token, takes them from
/// the requirements, and finds out by simulation whether they are the token's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenDomain {
    token: AssetId,
    separator: B256,
}

impl TokenDomain {
    /// The domain of `token`, with the name and version that the token contract reports.
    #[must_use]
    pub fn new(name: &str, version: &str, token: AssetId) -> Self {
        let chain_id = token.network.chain_id;
        Self {
            token,
            separator: domain_separator(name, version, chain_id, token.address),
        }
    }

    /// The domain of an asset of our own table.
    #[must_use]
    pub fn of(asset: &Asset) -> Self {
        Self::new(&asset.name, &asset.version, asset.id())
    }

    /// Which token on which chain.
    #[must_use]
    pub const fn token(&self) -> AssetId {
        self.token
    }

    /// The EIP-712 domain separator.
    #[must_use]
    pub const fn separator(&self) -> B256 {
        self.separator
    }

    pub(super) fn digest(&self, words: &[B256]) -> B256 {
        typed_digest(self.separator, hash_words(words))
    }
}

/// The EIP-712 domain of Permit2 on one chain. It has no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit2Domain {
    network: Network,
    separator: B256,
}

impl Permit2Domain {
    /// The domain on `network`.
    #[must_use]
    pub fn new(network: Network) -> Self {
        let separator = hash_words(&[
            PERMIT2_DOMAIN_TYPE,
            keccak256("Permit2"),
            B256::from(U256::from(network.chain_id)),
            PERMIT2.into_word(),
        ]);
        Self { network, separator }
    }

    /// The chain.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.network
    }

    pub(super) fn digest(&self, words: &[B256]) -> B256 {
        typed_digest(self.separator, hash_words(words))
    }
}
