//! The parameters of a request, one after the other.

use super::Failure;
use jsonrpsee::types::{Params, params::ParamsSequence};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// The parameters of a request, one after the other. Surplus ones are ignored, as other nodes do.
#[derive(Debug)]
pub(super) struct Args<'a>(ParamsSequence<'a>);

impl<'a> Args<'a> {
    pub(super) fn new(params: &'a Params<'_>) -> Self {
        Self(params.sequence())
    }

    /// The next parameter, which must be there.
    pub(super) fn required<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        self.0.next().map_err(Failure::Params)
    }

    /// The next parameter, unless it is missing or null.
    pub(super) fn optional<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        self.0.optional_next::<T>().map_err(Failure::Params)
    }
}

/// An unsigned number that some clients write as a JSON number and some as hexadecimal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quantity(pub(super) u64);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u64),
            Text(String),
        }
        let parsed = match Form::deserialize(deserializer)? {
            Form::Number(number) => return Ok(Self(number)),
            Form::Text(text) => match text.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16),
                None => text.parse(),
            },
        };
        parsed.map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    #[test]
    fn quantities_come_in_three_forms() {
        for text in ["16", "\"0x10\"", "\"16\""] {
            assert_eq!(
                serde_json::from_str::<Quantity>(text).unwrap(),
                Quantity(16),
                "{text}"
            );
        }
        for text in ["-1", "\"0x\"", "\"ten\"", "1.5", "[]"] {
            assert!(serde_json::from_str::<Quantity>(text).is_err(), "{text}");
        }
    }
}
