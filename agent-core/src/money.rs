//! Money: integer base units in a checked type, and the assets they are units of.
//!
//! Nothing here wraps, saturates or rounds. An operation that cannot be exact is an error.

mod asset;
mod base_units;
mod text;

pub use asset::{Asset, AssetId, AssetTable, Network};
pub use base_units::{Amount, BaseUnits};
pub use text::Money;

/// Why an amount could not be made or combined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// The result is larger than the type holds.
    #[error("the amount is too large")]
    Overflow,
    /// More was subtracted than was there.
    #[error("the amount would fall below zero")]
    Underflow,
    /// Two amounts of different assets were combined.
    #[error("amounts of different assets do not add up")]
    MixedAssets,
    /// Text that is not an amount.
    #[error("`{text}` is not an amount: {why}")]
    Malformed {
        /// The text, shortened and escaped.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A decimal amount with more places than the asset has.
    #[error("`{text}` has more decimal places than {symbol}, which has {decimals}")]
    TooPrecise {
        /// The amount as written.
        text: String,
        /// The asset's symbol.
        symbol: String,
        /// The asset's decimal places.
        decimals: u8,
    },
    /// A symbol that no configured asset carries.
    #[error("no asset is configured under the symbol `{0}`")]
    UnknownSymbol(String),
    /// A network id that is not CAIP-2 `eip155:<chain id>`.
    #[error("`{0}` is not a network of the form eip155:<chain id>")]
    BadNetwork(String),
}

impl MoneyError {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Overflow => "money_overflow",
            Self::Underflow => "money_underflow",
            Self::MixedAssets => "money_mixed_assets",
            Self::Malformed { .. } => "money_malformed",
            Self::TooPrecise { .. } => "money_too_precise",
            Self::UnknownSymbol(_) => "money_unknown_symbol",
            Self::BadNetwork(_) => "money_bad_network",
        }
    }
}
