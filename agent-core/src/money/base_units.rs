use super::{AssetId, MoneyError};
use crate::untrusted::shorten;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A count of an asset's smallest unit (for USDC: millionths of a dollar).
///
/// On the wire it is a decimal string, as x402 writes amounts. Arithmetic is checked and has no
/// operator form, so an overflow can neither wrap nor pass unseen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BaseUnits(u128);

impl BaseUnits {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount an escrow lock can hold: it keeps amounts in 104 bits.
    pub const MAX_LOCKABLE: Self = Self((1 << 104) - 1);

    /// An amount of `units` base units.
    #[must_use]
    pub const fn new(units: u128) -> Self {
        Self(units)
    }

    /// The number of base units.
    #[must_use]
    pub const fn get(self) -> u128 {
        self.0
    }

    /// Whether this is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub const fn plus(self, other: Self) -> Result<Self, MoneyError> {
        match self.0.checked_add(other.0) {
            Some(sum) => Ok(Self(sum)),
            None => Err(MoneyError::Overflow),
        }
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::Underflow`] when `other` is larger.
    pub const fn minus(self, other: Self) -> Result<Self, MoneyError> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Ok(Self(rest)),
            None => Err(MoneyError::Underflow),
        }
    }

    /// `self` taken `count` times.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn times(self, count: u64) -> Result<Self, MoneyError> {
        self.0
            .checked_mul(u128::from(count))
            .map(Self)
            .ok_or(MoneyError::Overflow)
    }

    /// The sum of many.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn total(amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for BaseUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for BaseUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for BaseUnits {
    type Err = MoneyError;

    /// Decimal digits only: one text for one amount, so texts can be compared.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let malformed = |why| MoneyError::Malformed {
            text: shorten(text),
            why,
        };
        if text.is_empty() || text.len() > 39 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(malformed("base units are 1 to 39 decimal digits"));
        }
        if text.len() > 1 && text.starts_with('0') {
            return Err(malformed("base units have no leading zeros"));
        }
        text.parse().map(Self).map_err(|_| MoneyError::Overflow)
    }
}

impl Serialize for BaseUnits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for BaseUnits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount that knows its asset, so that amounts of two assets cannot be added by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amount {
    /// How much.
    pub value: BaseUnits,
    /// Of what.
    pub asset: AssetId,
}

impl Amount {
    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::MixedAssets`] or [`MoneyError::Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_asset(other)?;
        Ok(Self {
            value: self.value.plus(other.value)?,
            ..self
        })
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::MixedAssets`] or [`MoneyError::Underflow`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_asset(other)?;
        Ok(Self {
            value: self.value.minus(other.value)?,
            ..self
        })
    }

    fn same_asset(self, other: Self) -> Result<(), MoneyError> {
        if self.asset == other.asset {
            Ok(())
        } else {
            Err(MoneyError::MixedAssets)
        }
    }
}
