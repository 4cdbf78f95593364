use super::{BaseUnits, Money, MoneyError};
use crate::untrusted::shorten;
use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An EVM chain, written as CAIP-2 `eip155:<chain id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    /// The EIP-155 chain id.
    pub chain_id: u64,
}

impl Network {
    /// The chain with this EIP-155 id.
    #[must_use]
    pub const fn eip155(chain_id: u64) -> Self {
        Self { chain_id }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "eip155:{}", self.chain_id)
    }
}

impl FromStr for Network {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        text.strip_prefix("eip155:")
            .filter(|id| !id.is_empty() && !id.starts_with('0'))
            .filter(|id| id.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|id| id.parse().ok())
            .map(Self::eip155)
            .ok_or_else(|| MoneyError::BadNetwork(shorten(text)))
    }
}

impl TryFrom<String> for Network {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

/// Which token on which chain; what two amounts must share to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssetId {
    /// The chain.
    pub network: Network,
    /// The token contract.
    pub address: Address,
}

/// A token we know: what its base units mean and how its EIP-712 domain is written.
///
/// `decimals`, `name` and `version` always come from our own configuration, never from a peer: a
/// peer that could choose the decimals could choose the price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asset {
    /// The chain.
    pub network: Network,
    /// The token contract.
    pub address: Address,
    /// What people call it, for example `USDC`.
    pub symbol: String,
    /// How many decimal places one whole unit has.
    pub decimals: u8,
    /// The token's EIP-712 domain name.
    pub name: String,
    /// The token's EIP-712 domain version.
    pub version: String,
}

impl Asset {
    /// The identity of this token.
    #[must_use]
    pub const fn id(&self) -> AssetId {
        AssetId {
            network: self.network,
            address: self.address,
        }
    }

    /// Writes an amount for people, for example `0.001 USDC`.
    #[must_use]
    pub fn show(&self, amount: BaseUnits) -> String {
        let places = usize::from(self.decimals);
        let digits = format!(
            "{:0>width$}",
            amount.get(),
            width = places.saturating_add(1)
        );
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
        let fraction = fraction.trim_end_matches('0');
        match fraction {
            "" => format!("{whole} {}", self.symbol),
            _ => format!("{whole}.{fraction} {}", self.symbol),
        }
    }
}

/// The assets an agent is configured to take or spend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssetTable(Vec<Asset>);

impl AssetTable {
    /// A table of these assets; of two with one symbol the first is found.
    #[must_use]
    pub const fn new(assets: Vec<Asset>) -> Self {
        Self(assets)
    }

    /// The asset under this symbol.
    ///
    /// # Errors
    /// [`MoneyError::UnknownSymbol`].
    pub fn by_symbol(&self, symbol: &str) -> Result<&Asset, MoneyError> {
        self.0
            .iter()
            .find(|asset| asset.symbol == symbol)
            .ok_or_else(|| MoneyError::UnknownSymbol(shorten(symbol)))
    }

    /// The asset with this identity, if it is configured.
    #[must_use]
    pub fn by_id(&self, id: AssetId) -> Option<&Asset> {
        self.0.iter().find(|asset| asset.id() == id)
    }

    /// All of them, in the order of preference they were configured in.
    pub fn iter(&self) -> impl Iterator<Item = &Asset> {
        self.0.iter()
    }

    /// Converts an amount written for people to base units of its asset.
    ///
    /// # Errors
    /// [`MoneyError`] when the symbol is unknown or the amount is not exact.
    pub fn resolve(&self, money: &Money) -> Result<(&Asset, BaseUnits), MoneyError> {
        let asset = self.by_symbol(money.symbol())?;
        Ok((asset, money.in_base_units_of(asset)?))
    }
}
