use crate::money::{Amount, AssetId, BaseUnits};
use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a buyer would pay for a request; it commits to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bid {
    /// How much, in base units of the asset.
    pub amount: BaseUnits,
    /// On which chain, CAIP-2.
    pub network: String,
    /// In which token.
    pub asset: Address,
}

impl Bid {
    /// The bid as an amount; `None` when its network is none that can be paid on.
    #[must_use]
    pub fn amount(&self) -> Option<Amount> {
        let asset = AssetId {
            network: self.network.parse().ok()?,
            address: self.asset,
        };
        Some(Amount {
            value: self.amount,
            asset,
        })
    }
}

impl From<Amount> for Bid {
    fn from(amount: Amount) -> Self {
        Self {
            amount: amount.value,
            network: amount.asset.network.to_string(),
            asset: amount.asset.address,
        }
    }
}

/// What a seller says of its quotes besides the offers: sentences for people, by label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteNotes {
    /// By the label of the quote.
    #[serde(default)]
    pub notes: BTreeMap<String, String>,
}
