//! Receipts that a seller signs (x402 `offer-receipt`, §5).

use super::SettleResponse;
use super::offer::{
    ArtifactError, OFFER_RECEIPT, PAYLOAD_VERSION, ReceiptResource, Signed, Statement, number,
};
use crate::json::Metadata;
use alloy_primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize};

/// What a signed receipt says (§5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// [`PAYLOAD_VERSION`].
    pub version: u64,
    /// On which chain, CAIP-2.
    pub network: String,
    /// What was paid for.
    pub resource_url: String,
    /// Who paid.
    pub payer: String,
    /// When it was issued, in Unix seconds.
    pub issued_at: u64,
    /// The transaction; empty for a voucher, which is settled later with many others.
    #[serde(default)]
    pub transaction: String,
}

/// A [`Receipt`] with its seller's signature.
pub type SignedReceipt = Signed<Receipt>;

impl Receipt {
    /// A receipt for a payment of which `resource` says what and how much.
    #[must_use]
    pub fn new(
        network: String,
        resource: &ReceiptResource,
        payer: Address,
        issued_at: u64,
    ) -> Self {
        Self {
            version: PAYLOAD_VERSION,
            network,
            resource_url: resource.to_string(),
            payer: payer.to_string(),
            issued_at,
            transaction: String::new(),
        }
    }
}

impl Statement for Receipt {
    const DOMAIN_NAME: &'static str = "x402 receipt";
    const TYPE: &'static str = "Receipt(uint256 version,string network,string resourceUrl,\
         string payer,uint256 issuedAt,string transaction)";

    fn version(&self) -> u64 {
        self.version
    }

    fn words(&self) -> Vec<B256> {
        vec![
            number(self.version),
            keccak256(&self.network),
            keccak256(&self.resource_url),
            keccak256(&self.payer),
            number(self.issued_at),
            keccak256(&self.transaction),
        ]
    }
}

/// The signed receipt in the `extensions` of a settle response, not checked.
#[must_use]
pub fn receipt_in(response: &SettleResponse) -> Option<SignedReceipt> {
    #[derive(Deserialize)]
    struct Extension {
        info: Info,
    }
    #[derive(Deserialize)]
    struct Info {
        receipt: SignedReceipt,
    }
    let extension: Extension = response.extensions.parse(OFFER_RECEIPT).ok()??;
    Some(extension.info.receipt)
}

/// Puts a signed receipt into `extensions`, with the schema that the extension wants beside it.
///
/// # Errors
/// None in practice: all of it is plain data.
pub fn put_receipt(
    extensions: &mut Metadata,
    receipt: &SignedReceipt,
) -> Result<(), serde_json::Error> {
    let value = serde_json::json!({
        "info": { "receipt": receipt },
        "schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": { "receipt": { "type": "object" } },
            "required": ["receipt"],
        },
    });
    extensions.set(OFFER_RECEIPT, &value).map(|_| ())
}

/// What a buyer holds a signed receipt against.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who was paid, and signs.
    pub pay_to: Address,
    /// Who paid.
    pub payer: Address,
    /// On which chain, CAIP-2.
    pub network: &'a str,
    /// What was paid for and how much.
    pub resource: &'a ReceiptResource,
}

/// The receipt, if it says of this payment what the buyer knows of it.
///
/// # Errors
/// [`ArtifactError`]. The payment itself is not in doubt then: what was charged stands in the
/// response beside it. There is only no evidence that others would believe.
pub fn check_receipt<'a>(
    signed: &'a SignedReceipt,
    expected: &Expected<'_>,
) -> Result<&'a Receipt, ArtifactError> {
    let receipt = signed.check(expected.pay_to)?;
    if receipt.network != expected.network {
        return Err(ArtifactError::Differs("the network"));
    }
    if receipt.payer.parse() != Ok(expected.payer) {
        return Err(ArtifactError::Differs("the payer"));
    }
    if receipt.resource_url.parse().as_ref() != Ok(expected.resource) {
        return Err(ArtifactError::Differs("the payment or its amount"));
    }
    Ok(receipt)
}
