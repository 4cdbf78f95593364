//! Transfers through Permit2, whose signature also covers a *witness*: what the proxy that may
//! use the permit must do with the money.

mod error;
mod witness;

pub use error::PermitError;
pub use witness::{DepositWitness, ExactWitness, UptoWitness, Witness};

use super::limits::MIN_TIME_LEFT_SECS;
use super::uint::checksummed;
use super::{EvmTerms, Permit2Domain, Uint256};
use crate::money::BaseUnits;
use crate::voucher::{CanonicalSignature, hash_words, recover_signer};
use alloy_primitives::{Address, B256, U256, address, b256};
use serde::{Deserialize, Serialize};

/// The proxy that spends permits of scheme `exact`, at one address on every chain.
pub const EXACT_PERMIT2_PROXY: Address = address!("0x402085c248EeA27D92E8b30b2C58ed07f9E20001");

/// The proxy that spends permits of scheme `upto`. The packages in use and the scheme's
/// specification name this one; a README of an earlier deployment names another.
pub const UPTO_PERMIT2_PROXY: Address = address!("0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002");

/// keccak256 of `TokenPermissions(address token,uint256 amount)`.
const PERMISSIONS_TYPE: B256 =
    b256!("618358ac3db8dc274f0cd8829da7e234bd48cd73c4a740aede1adec9846d06a1");

/// What a permit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenPermissions {
    /// The token.
    #[serde(serialize_with = "checksummed::serialize")]
    pub token: Address,
    /// How much at most, in base units.
    pub amount: BaseUnits,
}

/// A Permit2 transfer with a witness, as x402 writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit2Authorization<W> {
    /// Who pays, and whose signature it takes. It is not part of what is signed.
    #[serde(serialize_with = "checksummed::serialize")]
    pub from: Address,
    /// What may be moved.
    pub permitted: TokenPermissions,
    /// The contract that may use the permit.
    #[serde(serialize_with = "checksummed::serialize")]
    pub spender: Address,
    /// Random, and used up by the transfer.
    pub nonce: Uint256,
    /// The last Unix second at which it is good.
    pub deadline: Uint256,
    /// What the spender is bound to.
    pub witness: W,
}

impl<W: Witness> Permit2Authorization<W> {
    /// What is signed.
    #[must_use]
    pub fn digest(&self, domain: &Permit2Domain) -> B256 {
        let permitted = hash_words(&[
            PERMISSIONS_TYPE,
            self.permitted.token.into_word(),
            B256::from(U256::from(self.permitted.amount.get())),
        ]);
        domain.digest(&[
            W::PERMIT_TYPE,
            permitted,
            self.spender.into_word(),
            B256::from(self.nonce.0),
            B256::from(self.deadline.0),
            self.witness.hash(),
        ])
    }

    /// Whether `signature`, as it came from a peer, is the payer's.
    ///
    /// # Errors
    /// [`PermitError::Signature`] and [`PermitError::WrongSigner`].
    pub fn check_signature(
        &self,
        domain: &Permit2Domain,
        signature: &str,
    ) -> Result<CanonicalSignature, PermitError> {
        let signature: CanonicalSignature = signature.parse()?;
        match recover_signer(self.digest(domain), &signature) {
            Some(signer) if signer == self.from && signer != Address::ZERO => Ok(signature),
            _ => Err(PermitError::WrongSigner),
        }
    }

    /// Whether the deadline leaves time to be mined ([`MIN_TIME_LEFT_SECS`]).
    ///
    /// # Errors
    /// [`PermitError::Expired`].
    pub fn check_deadline(&self, now_unix_secs: u64) -> Result<(), PermitError> {
        let soonest = U256::from(now_unix_secs).saturating_add(U256::from(MIN_TIME_LEFT_SECS));
        if self.deadline.0 < soonest {
            return Err(PermitError::Expired);
        }
        Ok(())
    }
}

/// A signed permit as it came from a peer: the payload of `upto`, and of `exact` for tokens
/// without EIP-3009.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Permit2Payment<W> {
    /// The payer's signature, `0x` and hexadecimal digits.
    pub signature: String,
    /// What is signed, and by whom.
    pub permit2_authorization: Permit2Authorization<W>,
}

/// A witness that names a payee and a first second.
trait Pays: Witness {
    fn to(&self) -> Address;
    fn valid_after(&self) -> Uint256;
}

impl Pays for ExactWitness {
    fn to(&self) -> Address {
        self.to
    }
    fn valid_after(&self) -> Uint256 {
        self.valid_after
    }
}

impl Pays for UptoWitness {
    fn to(&self) -> Address {
        self.to
    }
    fn valid_after(&self) -> Uint256 {
        self.valid_after
    }
}

#[expect(
    private_bounds,
    reason = "only the two schemes that pay a payee have this check"
)]
impl<W: Pays> Permit2Payment<W> {
    /// The checks in the order of the stock facilitator.
    pub(super) fn check_for(
        &self,
        spender: Address,
        terms: &EvmTerms,
        now_unix_secs: u64,
    ) -> Result<CanonicalSignature, PermitError> {
        let permit = &self.permit2_authorization;
        if permit.spender != spender {
            return Err(PermitError::WrongSpender);
        }
        if permit.witness.to() != terms.pay_to {
            return Err(PermitError::WrongPayee);
        }
        permit.check_deadline(now_unix_secs)?;
        if permit.witness.valid_after().0 > U256::from(now_unix_secs) {
            return Err(PermitError::NotYet);
        }
        if permit.permitted.amount != terms.amount {
            return Err(PermitError::WrongAmount);
        }
        if permit.permitted.token != terms.token.address {
            return Err(PermitError::WrongToken);
        }
        permit.check_signature(&Permit2Domain::new(terms.token.network), &self.signature)
    }
}
