//! Numbers and addresses in the texts that x402 writes them in.

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Decimal digits of 2^256 - 1.
const MAX_DECIMAL_DIGITS: usize = 78;

/// A 256-bit number that is no amount (a nonce, a time, a deadline), on the wire a decimal string.
///
/// The form `0x…` is read too, because the specification of `upto` writes a nonce in it and the
/// TypeScript packages take it. It is never written: the Go packages take decimals only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uint256(pub U256);

impl Uint256 {
    /// This many seconds, or whatever else is counted.
    #[must_use]
    pub fn of(number: u64) -> Self {
        Self(U256::from(number))
    }
}

impl fmt::Display for Uint256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Uint256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Uint256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Uint256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let number = match text.strip_prefix("0x") {
            Some(digits) => hexadecimal(digits),
            None => decimal(&text),
        };
        number.map(Self).ok_or_else(|| {
            serde::de::Error::custom("expected a decimal string below 2^256, without sign")
        })
    }
}

/// The salt of a deposit: a 256-bit number, on the wire `0x` and hexadecimal digits.
///
/// Without `0x` the stock packages disagree (TypeScript reads decimal, Go hexadecimal), and with
/// the number the deposit's nonce changes. So no other form is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HexSalt(pub U256);

impl fmt::Display for HexSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:064x}", self.0)
    }
}

impl fmt::Debug for HexSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for HexSalt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HexSalt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?
            .strip_prefix("0x")
            .and_then(hexadecimal)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a salt is 0x and 1 to 64 hexadecimal digits"))
    }
}

fn decimal(digits: &str) -> Option<U256> {
    let plain = !digits.is_empty()
        && digits.len() <= MAX_DECIMAL_DIGITS
        && digits.bytes().all(|b| b.is_ascii_digit());
    plain
        .then(|| U256::from_str_radix(digits, 10).ok())
        .flatten()
}

fn hexadecimal(digits: &str) -> Option<U256> {
    let plain =
        !digits.is_empty() && digits.len() <= 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    plain
        .then(|| U256::from_str_radix(digits, 16).ok())
        .flatten()
}

/// Writes addresses with the checksum of EIP-55, as the stock packages do; some of them compare
/// addresses as text.
pub(crate) mod checksummed {
    use super::{Address, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        address: &Address,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(address)
    }
}

/// Reads an address as the stock packages do: `0x` and 40 hexadecimal digits in any case.
pub(crate) fn address(text: &str) -> Option<Address> {
    text.strip_prefix("0x")
        .filter(|digits| digits.len() == 40)
        .and_then(|digits| digits.parse().ok())
}
