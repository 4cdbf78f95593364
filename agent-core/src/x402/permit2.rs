//! Transfers through Permit2, whose signature also covers a *witness*: what the proxy that may
//! use the permit must do with the money.

use super::limits::MIN_TIME_LEFT_SECS;
use super::uint::checksummed;
use super::{EvmTerms, Permit2Domain, TermsError, Uint256};
use crate::money::BaseUnits;
use crate::voucher::{CanonicalSignature, ChannelId, SignatureError, hash_words, recover_signer};
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

/// What a permit binds its spender to.
///
/// # Contract
/// `PERMIT_TYPE` is the hash of the whole `PermitWitnessTransferFrom` type with this witness in
/// it, and [`Witness::hash`] the EIP-712 struct hash of the witness. Nobody outside implements it:
/// each witness belongs to one deployed contract.
pub trait Witness: sealed::Sealed {
    /// keccak256 of the permit's EIP-712 type.
    const PERMIT_TYPE: B256;

    /// The EIP-712 struct hash.
    fn hash(&self) -> B256;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ExactWitness {}
    impl Sealed for super::UptoWitness {}
    impl Sealed for super::DepositWitness {}
}

/// Scheme `exact`: all of it to this payee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExactWitness {
    /// Who is paid.
    #[serde(serialize_with = "checksummed::serialize")]
    pub to: Address,
    /// Not before this Unix second.
    pub valid_after: Uint256,
}

impl Witness for ExactWitness {
    /// Of `PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,
    /// uint256 deadline,Witness witness)TokenPermissions(address token,uint256 amount)
    /// Witness(address to,uint256 validAfter)`, without the breaks.
    const PERMIT_TYPE: B256 =
        b256!("ebc156cd23678a74c94df13d772ef5478420637f0c94bd10d509e1dc98f521c7");

    fn hash(&self) -> B256 {
        hash_words(&[
            b256!("d97b3239a7f32295517bd14cb074edfdd188dfe5eb42f802bb26d4fd1eb12c37"),
            self.to.into_word(),
            B256::from(self.valid_after.0),
        ])
    }
}

/// Scheme `upto`: as much as this facilitator says, to this payee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UptoWitness {
    /// Who is paid.
    #[serde(serialize_with = "checksummed::serialize")]
    pub to: Address,
    /// Who alone may settle it, and so name the amount.
    #[serde(serialize_with = "checksummed::serialize")]
    pub facilitator: Address,
    /// Not before this Unix second.
    pub valid_after: Uint256,
}

impl Witness for UptoWitness {
    /// As for [`ExactWitness`], with
    /// `Witness(address to,address facilitator,uint256 validAfter)`.
    const PERMIT_TYPE: B256 =
        b256!("51dff6974ad4388c499e7fcfe838d2bd767162553a144098ce20ea661d70c2ee");

    fn hash(&self) -> B256 {
        hash_words(&[
            b256!("d4171c445a74218b01d4fd8af34ff1106580ea1e36ff837e64484bfaa2253b75"),
            self.to.into_word(),
            self.facilitator.into_word(),
            B256::from(self.valid_after.0),
        ])
    }
}

/// Scheme `batch-settlement`: into this channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DepositWitness {
    /// The channel.
    pub channel_id: ChannelId,
}

impl Witness for DepositWitness {
    /// Of `PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,
    /// uint256 deadline,DepositWitness witness)DepositWitness(bytes32 channelId)
    /// TokenPermissions(address token,uint256 amount)`, without the breaks.
    const PERMIT_TYPE: B256 =
        b256!("436a25c01a21a6ed025816c4c9ea3d6132aa879dd7ef16f6188dd3b0aebccc52");

    fn hash(&self) -> B256 {
        hash_words(&[
            b256!("ba0000097e86dabe64178afe31109221193339a6861598f2133fcbdc92c84479"),
            self.channel_id.0,
        ])
    }
}

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

/// Why a Permit2 payment is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PermitError {
    /// The requirements themselves cannot be used.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The signature is not in canonical form. That of a smart account is not either; it takes a
    /// look at the chain.
    #[error("the signature cannot be used: {0}")]
    Signature(#[from] SignatureError),
    /// Signed by somebody else, or for other values or another chain.
    #[error("the permit is not signed by its `from` for this chain")]
    WrongSigner,
    /// Not for the scheme's contract.
    #[error("the permit's spender is not the scheme's contract")]
    WrongSpender,
    /// It pays somebody else.
    #[error("the permit pays another address than payTo")]
    WrongPayee,
    /// Another token.
    #[error("the permit is for another token than the asset")]
    WrongToken,
    /// Not the amount.
    #[error("the permitted amount is not the amount required")]
    WrongAmount,
    /// It is over or about to be.
    #[error("the permit's deadline is too near; sign one with a later deadline")]
    Expired,
    /// It has not begun.
    #[error("the permit is not valid yet; sign one with an earlier validAfter")]
    NotYet,
    /// Bound to a facilitator that is not ours.
    #[error("the permit is for another facilitator than extra.facilitatorAddress")]
    WrongFacilitator,
    /// More is to be charged than was permitted.
    #[error("more is to be charged than the permit allows")]
    ChargeAbovePermitted,
}

impl PermitError {
    /// The error code that the stock packages use.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Terms(error) => error.code(),
            Self::Signature(_) | Self::WrongSigner => "invalid_permit2_signature",
            Self::WrongSpender => "invalid_permit2_spender",
            Self::WrongPayee => "invalid_permit2_recipient_mismatch",
            Self::WrongToken => "permit2_token_mismatch",
            Self::WrongAmount => "permit2_amount_mismatch",
            Self::Expired => "permit2_deadline_expired",
            Self::NotYet => "permit2_not_yet_valid",
            Self::WrongFacilitator => "upto_facilitator_mismatch",
            Self::ChargeAbovePermitted => "invalid_upto_evm_payload_settlement_exceeds_amount",
        }
    }
}
