use super::{Asset, BaseUnits, MoneyError};
use crate::untrusted::shorten;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An amount as people write it: `0.001 USDC`. Exact: a decimal, never a float.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Money {
    digits: u128,
    places: u8,
    symbol: String,
}

impl Money {
    /// The asset's symbol.
    #[must_use]
    pub fn symbol(&self) -> &str {
        &self.symbol
    }

    /// The amount in base units of `asset`.
    ///
    /// # Errors
    /// [`MoneyError::UnknownSymbol`] when the asset is another one, [`MoneyError::TooPrecise`]
    /// when the amount is finer than the asset's base unit, [`MoneyError::Overflow`].
    pub fn in_base_units_of(&self, asset: &Asset) -> Result<BaseUnits, MoneyError> {
        if asset.symbol != self.symbol {
            return Err(MoneyError::UnknownSymbol(self.symbol.clone()));
        }
        let missing =
            asset
                .decimals
                .checked_sub(self.places)
                .ok_or_else(|| MoneyError::TooPrecise {
                    text: self.to_string(),
                    symbol: asset.symbol.clone(),
                    decimals: asset.decimals,
                })?;
        10u128
            .checked_pow(u32::from(missing))
            .and_then(|scale| self.digits.checked_mul(scale))
            .map(BaseUnits::new)
            .ok_or(MoneyError::Overflow)
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    /// `<digits>[.<digits>] <SYMBOL>`; trailing zeros of the fraction carry no meaning.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let malformed = |why| MoneyError::Malformed {
            text: shorten(text),
            why,
        };
        let (number, symbol) = text
            .trim()
            .split_once(' ')
            .ok_or_else(|| malformed("write a number, a space and a symbol, as in 0.001 USDC"))?;
        let symbol = symbol.trim();
        if symbol.is_empty() || symbol.len() > 16 || !symbol.bytes().all(is_symbol_byte) {
            return Err(malformed(
                "a symbol is 1 to 16 letters, digits, dots or dashes",
            ));
        }
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits_only = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits_only(whole) || !digits_only(fraction) {
            return Err(malformed("the number is digits with at most one point"));
        }
        let fraction = fraction.trim_end_matches('0');
        let places = u8::try_from(fraction.len())
            .ok()
            .filter(|places| *places <= 36);
        let places = places.ok_or_else(|| malformed("more than 36 decimal places"))?;
        let digits = format!("{whole}{fraction}")
            .parse()
            .map_err(|_| MoneyError::Overflow)?;
        Ok(Self {
            digits,
            places,
            symbol: symbol.to_owned(),
        })
    }
}

const fn is_symbol_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = usize::from(self.places);
        let digits = format!("{:0>width$}", self.digits, width = places.saturating_add(1));
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
        match fraction {
            "" => write!(f, "{whole} {}", self.symbol),
            _ => write!(f, "{whole}.{fraction} {}", self.symbol),
        }
    }
}

impl TryFrom<String> for Money {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Money> for String {
    fn from(money: Money) -> Self {
        money.to_string()
    }
}
