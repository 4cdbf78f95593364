use super::domain::{EscrowDomain, hash_words};
use alloy_primitives::{Address, B256, U256, Uint, b256};
use serde::{Deserialize, Serialize};
use std::fmt;

/// keccak256 of
/// `Lock(address payer,address signer,address payee,address token,uint96 salt)`.
const LOCK_TYPE: B256 = b256!("d52bdd92e599e6c1104dc143d4ef0a119e325ffd7a6d5c15fecd9892504e0898");

/// Tells apart locks of one payer, signer, payee and token; 96 bits, on the wire a decimal string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Salt(pub Uint<96, 2>);

impl Serialize for Salt {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if text.is_empty() || text.len() > 29 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(serde::de::Error::custom(
                "a salt is a decimal string below 2^96",
            ));
        }
        Uint::from_str_radix(&text, 10)
            .map(Self)
            .map_err(|_| serde::de::Error::custom("a salt is a decimal string below 2^96"))
    }
}

/// Money that `payer` set aside for `payee` in the escrow, to be claimed with vouchers of `signer`.
///
/// The lock's id is the EIP-712 digest of these fields: change one and it is another lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lock {
    /// Whose money it is until it is claimed, and to whom the rest returns.
    pub payer: Address,
    /// Whose key signs the vouchers; often the payer's own.
    pub signer: Address,
    /// The only address that claims can pay.
    pub payee: Address,
    /// The token.
    pub token: Address,
    /// Distinguishes locks that agree in everything else.
    pub salt: Salt,
}

impl Lock {
    /// The lock's id on one chain and contract.
    #[must_use]
    pub fn id(&self, domain: &EscrowDomain) -> ChannelId {
        let words = [
            LOCK_TYPE,
            self.payer.into_word(),
            self.signer.into_word(),
            self.payee.into_word(),
            self.token.into_word(),
            B256::from(U256::from(self.salt.0)),
        ];
        ChannelId(domain.digest(hash_words(&words)))
    }
}

/// The id of a payment channel: for z402 the id of its lock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelId(pub B256);

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
