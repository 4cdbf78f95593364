//! Offers and receipts that a seller signs: x402's extension `offer-receipt`, version 1.
//!
//! A signed offer commits its seller to a price; a signed receipt says that a payment was taken and
//! the work delivered. Both are evidence for others and move no money. The extension knows two
//! formats; we make and check `eip712`, whose signer is the account that is paid. A `jws` artifact
//! needs a registry of keys that the extension leaves open: it parses here and is never believed.
//!
//! The digests bind no chain: by the specification (§3.2) the domain's `chainId` is always 1, and
//! the network stands in the payload.

mod resource;
mod signed;

pub use resource::{QuotedResource, ReceiptResource, ResourceError};
pub use signed::{ArtifactError, SignatureFormat, Signed, Statement};

use super::PaymentRequirements;
use crate::json::Metadata;
use alloy_primitives::{Address, B256, U256, keccak256};
use serde::{Deserialize, Serialize};

/// The name of the extension.
pub const OFFER_RECEIPT: &str = "offer-receipt";

/// The version of the payloads.
pub const PAYLOAD_VERSION: u64 = 1;

/// What a signed offer says (§4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// [`PAYLOAD_VERSION`].
    pub version: u64,
    /// What is sold.
    pub resource_url: String,
    /// How it is paid.
    pub scheme: String,
    /// On which chain, CAIP-2.
    pub network: String,
    /// In which token.
    pub asset: String,
    /// To whom.
    pub pay_to: String,
    /// How much, in base units, in decimal.
    pub amount: String,
    /// Until when, in Unix seconds; 0 and nothing both mean for ever.
    #[serde(default)]
    pub valid_until: u64,
}

/// An [`Offer`] with its seller's signature.
pub type SignedOffer = Signed<Offer>;

impl Offer {
    /// The offer of one way to pay.
    #[must_use]
    pub fn of(entry: &PaymentRequirements, resource_url: String, valid_until: u64) -> Self {
        Self {
            version: PAYLOAD_VERSION,
            resource_url,
            scheme: entry.scheme.clone(),
            network: entry.network.clone(),
            asset: entry.asset.clone(),
            pay_to: entry.pay_to.clone(),
            amount: entry.amount.to_string(),
            valid_until,
        }
    }

    /// Whether it offers what `entry` asks for. Fields are compared, never positions (§4.1).
    #[must_use]
    pub fn matches(&self, entry: &PaymentRequirements) -> bool {
        let address = |text: &str| text.parse::<Address>().ok();
        let same_address = |one: &str, other: &str| {
            one == other || address(one).is_some_and(|found| address(other) == Some(found))
        };
        self.scheme == entry.scheme
            && self.network == entry.network
            && same_address(&self.asset, &entry.asset)
            && same_address(&self.pay_to, &entry.pay_to)
            && self.amount == entry.amount.to_string()
    }

    /// Whether it is over at this second.
    #[must_use]
    pub const fn is_over(&self, now_unix_secs: u64) -> bool {
        self.valid_until != 0 && now_unix_secs > self.valid_until
    }
}

impl Statement for Offer {
    const DOMAIN_NAME: &'static str = "x402 offer";
    const TYPE: &'static str = "Offer(uint256 version,string resourceUrl,string scheme,\
         string network,string asset,string payTo,string amount,uint256 validUntil)";

    fn version(&self) -> u64 {
        self.version
    }

    fn words(&self) -> Vec<B256> {
        vec![
            number(self.version),
            keccak256(&self.resource_url),
            keccak256(&self.scheme),
            keccak256(&self.network),
            keccak256(&self.asset),
            keccak256(&self.pay_to),
            keccak256(&self.amount),
            number(self.valid_until),
        ]
    }
}

/// The offers in the `extensions` of a payment requirement (§4.1). What does not parse is left out:
/// an offer that cannot be read binds nobody.
#[must_use]
pub fn offers_in(extensions: &Metadata, limit: usize) -> Vec<SignedOffer> {
    #[derive(Deserialize)]
    struct Info {
        info: Offers,
    }
    #[derive(Deserialize)]
    struct Offers {
        offers: Vec<crate::json::Json>,
    }
    let Ok(Some(found)) = extensions.parse::<Info>(OFFER_RECEIPT) else {
        return Vec::new();
    };
    let offers = found.info.offers.into_iter().take(limit);
    offers.filter_map(|offer| offer.parse().ok()).collect()
}

/// Puts offers into the `extensions` of a payment requirement, with the schema that the extension
/// wants beside them.
///
/// # Errors
/// None in practice: all of it is plain data.
pub fn put_offers(
    extensions: &mut Metadata,
    offers: &[SignedOffer],
) -> Result<(), serde_json::Error> {
    let value = serde_json::json!({
        "info": { "offers": offers },
        "schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": { "offers": { "type": "array", "items": { "type": "object" } } },
            "required": ["offers"],
        },
    });
    extensions.set(OFFER_RECEIPT, &value).map(|_| ())
}

pub(super) fn number(value: u64) -> B256 {
    B256::from(U256::from(value))
}
