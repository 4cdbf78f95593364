//! Signs what an agent promises and what it delivered (x402's extension `offer-receipt`).

use agent_client::wallet::PayerKey;
use agent_core::json::Metadata;
use agent_core::x402::offer::{Offer, Signed, SignedOffer, Statement};
use agent_core::x402::receipt::{Receipt, put_receipt};
use agent_core::x402::{SettleResponse, keys};
use alloy_primitives::Address;

/// The key of the account that is paid. Its signature is the one that a buyer believes without
/// asking anybody: nobody else is to be paid either.
#[derive(Debug)]
pub(crate) struct Notary(PayerKey);

impl Notary {
    /// None when `key` is another account's than the one that is paid, as with a payee whose key is
    /// kept elsewhere: nobody could tell whose signature that is.
    pub(crate) fn new(key: PayerKey, pay_to: Address) -> Option<Self> {
        (key.address() == pay_to).then_some(Self(key))
    }

    /// Who signs.
    pub(crate) const fn address(&self) -> Address {
        self.0.address()
    }

    /// The offer, signed.
    pub(crate) fn offer(&self, offer: Offer) -> SignedOffer {
        self.sign(offer)
    }

    /// Puts the receipt, signed, into the last of the settle responses in a message's metadata.
    pub(crate) fn attach(
        &self,
        metadata: &mut Metadata,
        receipt: Receipt,
    ) -> Result<(), serde_json::Error> {
        let responses: Option<Vec<SettleResponse>> = metadata.parse(keys::RECEIPTS)?;
        let mut responses = responses.unwrap_or_default();
        if let Some(last) = responses.last_mut() {
            put_receipt(&mut last.extensions, &self.sign(receipt))?;
            metadata.set(keys::RECEIPTS, &responses)?;
        }
        Ok(())
    }

    fn sign<T: Statement>(&self, statement: T) -> Signed<T> {
        let signature = self.0.sign(statement.digest());
        Signed::new(statement, signature)
    }
}
