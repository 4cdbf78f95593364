//! The scheme `upto` on EVM: one permit for at most an amount, settled once for what was used.
//!
//! Every payment is its own transaction. `amount` in the requirements is the maximum when a
//! payment is verified, and what is to be charged when it is settled.

use super::permit2::{Permit2Payment, PermitError, UPTO_PERMIT2_PROXY, UptoWitness};
use super::uint::{address, checksummed};
use super::{EvmTerms, PaymentRequirements, TermsError};
use crate::money::BaseUnits;
use crate::voucher::CanonicalSignature;
use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

/// The scheme's name.
pub const SCHEME_UPTO: &str = "upto";

/// What a payment of the scheme carries (`PaymentPayload.payload`).
pub type UptoPayload = Permit2Payment<UptoWitness>;

/// The `extra` of requirements of the scheme, and of the scheme's kind in `/supported`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UptoExtra {
    /// Who settles, and so the only one who can; the payer signs it.
    #[serde(serialize_with = "checksummed::serialize")]
    pub facilitator_address: Address,
}

impl UptoExtra {
    /// Reads it from the requirements.
    ///
    /// # Errors
    /// [`TermsError::Domain`] when there is no facilitator's address: nothing could be signed.
    pub fn read(requirements: &PaymentRequirements) -> Result<Self, TermsError> {
        match requirements.extra.parse::<String>("facilitatorAddress") {
            Ok(Some(text)) => address(&text)
                .map(|facilitator_address| Self {
                    facilitator_address,
                })
                .ok_or(TermsError::Domain),
            _ => Err(TermsError::Domain),
        }
    }
}

impl Permit2Payment<UptoWitness> {
    /// Checks the payment against the terms, all but what only the chain knows: the payer's
    /// balance, its allowance to Permit2, and whether the nonce is unused.
    ///
    /// # Errors
    /// [`PermitError`].
    pub fn check(
        &self,
        terms: &EvmTerms,
        facilitator: Address,
        now_unix_secs: u64,
    ) -> Result<CanonicalSignature, PermitError> {
        if self.permit2_authorization.witness.facilitator != facilitator {
            return Err(PermitError::WrongFacilitator);
        }
        self.check_for(UPTO_PERMIT2_PROXY, terms, now_unix_secs)
    }

    /// Whether this much may be charged. Nothing may: then there is no transaction.
    ///
    /// # Errors
    /// [`PermitError::ChargeAbovePermitted`].
    pub fn check_charge(&self, charge: BaseUnits) -> Result<(), PermitError> {
        if charge > self.permit2_authorization.permitted.amount {
            return Err(PermitError::ChargeAbovePermitted);
        }
        Ok(())
    }
}
