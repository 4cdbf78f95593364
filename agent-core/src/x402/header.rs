//! x402 over HTTP: objects in headers, as base64 of JSON.
//!
//! | header | carries | who sends it |
//! |---|---|---|
//! | `PAYMENT-REQUIRED` | [`PaymentRequired`] | the seller, with status 402 |
//! | `PAYMENT-SIGNATURE` | [`PaymentPayload`] | the buyer |
//! | `PAYMENT-RESPONSE` | [`SettleResponse`] | the seller, with the answer |
//! | `X-PAYMENT` | [`v1::PaymentPayload`] | a buyer of v1 |
//! | `X-PAYMENT-RESPONSE` | [`v1::SettleResponse`] | the seller, to it |

use super::limits::{MAX_ACCEPTS, MAX_HEADER_CHARS, MAX_JSON_DEPTH};
use super::{
    PaymentPayload, PaymentRequired, PaymentRequirements, ResourceInfo, SettleResponse,
    X402_VERSION, v1,
};
use crate::json::{Json, Metadata, check_depth};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The standard alphabet, which is all that the stock packages read. Padding is written, and may
/// be missing in what is read.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An object that has a header of its own.
///
/// # Contract
/// `NAME` is the header's name, for comparison without regard to case. `read_json` refuses an
/// object of another x402 version with [`HeaderError::Version`].
pub trait HeaderObject: Serialize + Sized {
    /// The header's name.
    const NAME: &'static str;

    /// Reads the object from its JSON, whose size and depth are checked.
    ///
    /// # Errors
    /// [`HeaderError::Shape`] and [`HeaderError::Version`].
    fn read_json(json: &[u8]) -> Result<Self, HeaderError>;

    /// The value of the header.
    ///
    /// # Errors
    /// [`HeaderError::TooLong`] when no peer could be expected to take it.
    fn to_header(&self) -> Result<String, HeaderError> {
        let json = serde_json::to_vec(self).map_err(|_| HeaderError::Shape(Self::NAME))?;
        let text = BASE64.encode(json);
        if text.len() > MAX_HEADER_CHARS {
            return Err(HeaderError::TooLong(text.len()));
        }
        Ok(text)
    }

    /// Reads the value of the header, which came from a peer.
    ///
    /// # Errors
    /// [`HeaderError`].
    fn from_header(text: &str) -> Result<Self, HeaderError> {
        if text.len() > MAX_HEADER_CHARS {
            return Err(HeaderError::TooLong(text.len()));
        }
        let json = BASE64
            .decode(text.trim())
            .map_err(|_| HeaderError::Base64)?;
        check_depth(&json, MAX_JSON_DEPTH).map_err(|_| HeaderError::TooDeep)?;
        Self::read_json(&json)
    }
}

fn parse<T: DeserializeOwned>(json: &[u8], name: &'static str) -> Result<T, HeaderError> {
    serde_json::from_slice(json).map_err(|_| HeaderError::Shape(name))
}

const fn check_version(found: u8, expected: u8) -> Result<(), HeaderError> {
    if found == expected {
        Ok(())
    } else {
        Err(HeaderError::Version { expected })
    }
}

impl HeaderObject for PaymentRequired {
    const NAME: &'static str = "PAYMENT-REQUIRED";

    /// Ways to pay that we cannot read are left out, as are those after the first
    /// [`MAX_ACCEPTS`]: they are for buyers with other chains and schemes, whose amounts need not
    /// be whole numbers, and no reason to refuse the rest.
    fn read_json(json: &[u8]) -> Result<Self, HeaderError> {
        let wide: WideRequired = parse(json, Self::NAME)?;
        check_version(wide.x402_version, X402_VERSION)?;
        Ok(Self {
            x402_version: wide.x402_version,
            mode: wide.mode,
            error: wide.error,
            resource: wide.resource,
            accepts: readable(&wide.accepts),
            extensions: wide.extensions,
        })
    }
}

/// [`PaymentRequired`] with its ways to pay still unread.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WideRequired {
    x402_version: u8,
    #[serde(default)]
    mode: super::Mode,
    #[serde(default)]
    error: Option<String>,
    resource: ResourceInfo,
    accepts: Vec<Json>,
    #[serde(default)]
    extensions: Metadata,
}

fn readable(accepts: &[Json]) -> Vec<PaymentRequirements> {
    accepts
        .iter()
        .take(MAX_ACCEPTS)
        .filter_map(|entry| entry.parse().ok())
        .collect()
}

impl HeaderObject for PaymentPayload {
    const NAME: &'static str = "PAYMENT-SIGNATURE";

    fn read_json(json: &[u8]) -> Result<Self, HeaderError> {
        let payload: Self = parse(json, Self::NAME)?;
        check_version(payload.x402_version, X402_VERSION)?;
        Ok(payload)
    }
}

impl HeaderObject for SettleResponse {
    const NAME: &'static str = "PAYMENT-RESPONSE";

    fn read_json(json: &[u8]) -> Result<Self, HeaderError> {
        parse(json, Self::NAME)
    }
}

impl HeaderObject for v1::PaymentPayload {
    const NAME: &'static str = "X-PAYMENT";

    fn read_json(json: &[u8]) -> Result<Self, HeaderError> {
        let payload: Self = parse(json, Self::NAME)?;
        check_version(payload.x402_version, v1::X402_VERSION)?;
        Ok(payload)
    }
}

impl HeaderObject for v1::SettleResponse {
    const NAME: &'static str = "X-PAYMENT-RESPONSE";

    fn read_json(json: &[u8]) -> Result<Self, HeaderError> {
        parse(json, Self::NAME)
    }
}

/// Why a payment header cannot be read or written. None of it repeats what the peer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Longer than any payment.
    #[error("a payment header has at most {MAX_HEADER_CHARS} characters, not {0}")]
    TooLong(usize),
    /// Not base64.
    #[error("the payment header is not base64 in the standard alphabet")]
    Base64,
    /// Nests too deep.
    #[error("the payment header's JSON nests deeper than {MAX_JSON_DEPTH} levels")]
    TooDeep,
    /// Not the object that belongs into the header.
    #[error("{0} does not carry the object that x402 defines for it")]
    Shape(&'static str),
    /// Of another version.
    #[error("this header carries objects of x402Version {expected}")]
    Version {
        /// The one that belongs there.
        expected: u8,
    },
}

impl HeaderError {
    /// The error code of x402 (specification §9).
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Version { .. } => "invalid_x402_version",
            _ => "invalid_payload",
        }
    }
}
