//! The number in a piece of feedback: EIP-8004's `value` and `valueDecimals`.

use serde_json::Value;
use std::fmt;

/// The largest magnitude the deployed Reputation Registry takes. The EIP does not name it.
const MAX_MAGNITUDE: u128 = 100_000_000_000_000_000_000_000_000_000_000_000_000;

/// EIP-8004 ("Giving Feedback"): `valueDecimals` MUST be between 0 and 18.
const MAX_DECIMALS: u8 = 18;

/// Integers up to here are exact in every JSON reader: 2^53.
const MAX_JSON_INTEGER: i128 = 1 << 53;

/// A value that no registry would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// More than 10^38 or less than −10^38.
    #[error("the value's magnitude is over 10^38")]
    TooLarge,
    /// More than 18 decimals.
    #[error("the value has {0} decimals; at most 18 are allowed")]
    TooManyDecimals(u8),
    /// A star score over 100.
    #[error("{0} stars; the scale ends at 100")]
    TooManyStars(u8),
    /// Text that is no integer of 128 bits.
    #[error("the value is not an integer")]
    NotAnInteger,
}

/// A decimal number, `value / 10^decimals`, that a registry takes.
///
/// `87, 0` and `870, 1` are the same number and different feedback: equality here is of the pair,
/// as in the event log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedbackValue {
    value: i128,
    decimals: u8,
}

impl FeedbackValue {
    /// The number `value / 10^decimals`.
    ///
    /// # Errors
    ///
    /// [`ValueError::TooLarge`] and [`ValueError::TooManyDecimals`], as the registry would revert.
    pub const fn new(value: i128, decimals: u8) -> Result<Self, ValueError> {
        if value.unsigned_abs() > MAX_MAGNITUDE {
            return Err(ValueError::TooLarge);
        }
        if decimals > MAX_DECIMALS {
            return Err(ValueError::TooManyDecimals(decimals));
        }
        Ok(Self { value, decimals })
    }

    /// A rating from 0 (worst) to 100 (best), for the tag [`starred`](super::tags::STARRED).
    ///
    /// # Errors
    ///
    /// [`ValueError::TooManyStars`].
    pub fn stars(score: u8) -> Result<Self, ValueError> {
        if score > 100 {
            return Err(ValueError::TooManyStars(score));
        }
        Ok(Self {
            value: i128::from(score),
            decimals: 0,
        })
    }

    /// The integer, before the point is placed.
    #[must_use]
    pub const fn value(&self) -> i128 {
        self.value
    }

    /// How many of the integer's digits are behind the point.
    #[must_use]
    pub const fn decimals(&self) -> u8 {
        self.decimals
    }

    /// Where the number lies between `worst` and `best`, in parts per million rounded down; `None`
    /// outside them. `best` may be the smaller one (for times); equal ends hold nothing.
    #[must_use]
    pub fn on_scale(&self, worst: i32, best: i32) -> Option<u32> {
        let unit = 10_i128.checked_pow(u32::from(self.decimals))?;
        let end = |whole: i32| i128::from(whole).checked_mul(unit);
        let from_worst = self.value.checked_sub(end(worst)?)?;
        let whole_way = end(best)?.checked_sub(end(worst)?)?;
        let inside = from_worst.checked_mul(whole_way.signum())? >= 0
            && from_worst.unsigned_abs() <= whole_way.unsigned_abs();
        if !inside {
            return None;
        }
        // At most 2^32 · 10^18 · 10^6 < 2^127, and a division by zero is `None`.
        let ppm = from_worst.checked_mul(1_000_000)?.checked_div(whole_way)?;
        u32::try_from(ppm).ok()
    }

    /// The integer as JSON: a number while every reader holds it exactly, else a string.
    pub(super) fn to_json(self) -> Value {
        match i64::try_from(self.value) {
            Ok(small) if i128::from(small).abs() <= MAX_JSON_INTEGER => small.into(),
            _ => self.value.to_string().into(),
        }
    }

    /// Reads the integer from a JSON number or string.
    pub(super) fn from_json(value: &Value, decimals: u8) -> Result<Self, ValueError> {
        let value = match value {
            Value::Number(number) => number.to_string().parse().ok(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        Self::new(value.ok_or(ValueError::NotAnInteger)?, decimals)
    }
}

impl fmt::Display for FeedbackValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = usize::from(self.decimals);
        let width = places.saturating_add(1);
        let digits = format!("{:0>width$}", self.value.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
        let sign = if self.value < 0 { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}
