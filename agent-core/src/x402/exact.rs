//! The scheme `exact` on EVM: one transfer of the exact amount, settled on chain for every
//! payment.
//!
//! A payment is an EIP-3009 authorization ([`Eip3009Payment`]) or a Permit2 one
//! ([`super::Permit2Payment`]). The third way, ERC-7710, is an opaque text that only a simulation
//! can judge, so it is not read here.

use super::permit2::{EXACT_PERMIT2_PROXY, ExactWitness, Permit2Authorization, Permit2Payment};
use super::{
    EvmTerms, OutOfTime, PERMIT2, PermitError, TermsError, TokenDomain, TransferAuthorization,
    check_window,
};
use crate::money::{AssetId, Network};
use crate::voucher::{CanonicalSignature, SignatureError, hash_words, recover_signer};
use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

/// The scheme's name.
pub const SCHEME_EXACT: &str = "exact";

/// What a payment of the scheme carries (`PaymentPayload.payload`), in v2 as in v1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, try_from = "Members")]
#[non_exhaustive]
pub enum ExactPayload {
    /// A transfer that the token itself checks.
    Eip3009(Eip3009Payment),
    /// A transfer through Permit2, for tokens without EIP-3009.
    Permit2(Permit2Payment<ExactWitness>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    signature: String,
    authorization: Option<TransferAuthorization>,
    permit2_authorization: Option<Permit2Authorization<ExactWitness>>,
}

impl TryFrom<Members> for ExactPayload {
    type Error = &'static str;

    fn try_from(members: Members) -> Result<Self, Self::Error> {
        let signature = members.signature;
        match (members.authorization, members.permit2_authorization) {
            (Some(authorization), None) => Ok(Self::Eip3009(Eip3009Payment {
                signature,
                authorization,
            })),
            (None, Some(permit2_authorization)) => Ok(Self::Permit2(Permit2Payment {
                signature,
                permit2_authorization,
            })),
            // With both, two readers could take it for two payments.
            (Some(_), Some(_)) => Err("send `authorization` or `permit2Authorization`, not both"),
            (None, None) => Err("`authorization` or `permit2Authorization` is missing"),
        }
    }
}

impl Permit2Payment<ExactWitness> {
    /// Checks the payment against the terms, all but what only the chain knows.
    ///
    /// # Errors
    /// [`PermitError`].
    pub fn check(
        &self,
        terms: &EvmTerms,
        now_unix_secs: u64,
    ) -> Result<CanonicalSignature, PermitError> {
        self.check_for(EXACT_PERMIT2_PROXY, terms, now_unix_secs)
    }

    /// What Permit2 uses up, in one word: a permit with this id is settled once.
    #[must_use]
    pub fn used_up(&self, network: Network) -> B256 {
        let permit = &self.permit2_authorization;
        let permit2 = AssetId {
            network,
            address: PERMIT2,
        };
        transfer_digest(permit2, permit.from, B256::from(permit.nonce.0))
    }
}

/// A signed EIP-3009 authorization as it came from a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eip3009Payment {
    /// The payer's signature, `0x` and hexadecimal digits.
    pub signature: String,
    /// What is signed.
    pub authorization: TransferAuthorization,
}

impl Eip3009Payment {
    /// What a client sends.
    #[must_use]
    pub fn signed(authorization: TransferAuthorization, signature: CanonicalSignature) -> Self {
        Self {
            signature: signature.to_string(),
            authorization,
        }
    }

    /// Checks the payment against the terms: domain, signature, payee, time, amount, in the order
    /// of the stock facilitator.
    ///
    /// What this does not show, because only the chain knows: that the payer has the money, that
    /// the nonce is unused, that the token is not paused or the payer blocked. It also says
    /// nothing on whether this payment was seen before; hold [`CheckedTransfer::id`] against a
    /// ledger.
    ///
    /// # Errors
    /// [`ExactError`].
    pub fn check(
        &self,
        terms: &EvmTerms,
        domain: &TokenDomain,
        now_unix_secs: u64,
    ) -> Result<CheckedTransfer, ExactError> {
        if domain.token() != terms.token {
            return Err(ExactError::Terms(TermsError::Domain));
        }
        let authorization = self.authorization;
        let signature: CanonicalSignature = self.signature.parse()?;
        let digest = authorization.transfer_digest(domain);
        match recover_signer(digest, &signature) {
            Some(signer) if signer == authorization.from && signer != Address::ZERO => {}
            _ => return Err(ExactError::WrongSigner),
        }
        if authorization.to != terms.pay_to {
            return Err(ExactError::WrongPayee);
        }
        let (after, before) = (authorization.valid_after, authorization.valid_before);
        match check_window(after, before, now_unix_secs) {
            Ok(()) => {}
            Err(OutOfTime::Expired) => return Err(ExactError::Expired),
            Err(OutOfTime::NotYet) => return Err(ExactError::NotYet),
        }
        if authorization.value != terms.amount {
            return Err(ExactError::WrongAmount);
        }
        Ok(CheckedTransfer {
            token: terms.token,
            authorization,
            signature,
        })
    }
}

/// A transfer that was found to be what the terms ask for, signed by its payer in the one form
/// that tokens accept. Whether the chain will make it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedTransfer {
    token: AssetId,
    authorization: TransferAuthorization,
    signature: CanonicalSignature,
}

impl CheckedTransfer {
    /// Of which token.
    #[must_use]
    pub const fn token(&self) -> AssetId {
        self.token
    }

    /// What was authorized.
    #[must_use]
    pub const fn authorization(&self) -> &TransferAuthorization {
        &self.authorization
    }

    /// The payer's signature.
    #[must_use]
    pub const fn signature(&self) -> CanonicalSignature {
        self.signature
    }

    /// What the token uses up: two payments with one id cannot both be settled, so a seller that
    /// works before it settles must admit an id once.
    #[must_use]
    pub const fn id(&self) -> (AssetId, Address, B256) {
        (
            self.token,
            self.authorization.from,
            self.authorization.nonce,
        )
    }

    /// [`CheckedTransfer::id`] in one word, for a ledger's key.
    #[must_use]
    pub fn digest(&self) -> B256 {
        let (token, from, nonce) = self.id();
        transfer_digest(token, from, nonce)
    }
}

/// One word for what a token uses up.
fn transfer_digest(token: AssetId, from: Address, nonce: B256) -> B256 {
    hash_words(&[
        B256::from(U256::from(token.network.chain_id)),
        token.address.into_word(),
        from.into_word(),
        nonce,
    ])
}

/// Why an EIP-3009 payment is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExactError {
    /// The requirements themselves cannot be used.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The signature is not in the form that tokens accept. That of a smart account is not
    /// either; it takes a look at the chain.
    #[error("the signature cannot be used: {0}")]
    Signature(#[from] SignatureError),
    /// Signed by somebody else, or for another token, chain or value.
    #[error("the authorization is not signed by its `from` for this token and chain")]
    WrongSigner,
    /// It pays somebody else.
    #[error("the authorization pays another address than payTo")]
    WrongPayee,
    /// It is over or about to be.
    #[error("the authorization expires too soon; sign one with a later validBefore")]
    Expired,
    /// It has not begun.
    #[error("the authorization is not valid yet; sign one with an earlier validAfter")]
    NotYet,
    /// Not the exact amount.
    #[error("the authorized value is not exactly the amount required")]
    WrongAmount,
}

impl ExactError {
    /// The error code of x402 v2 (specification §9).
    ///
    /// Version 2.27 of the stock packages leaves the word `payload` out of two of these. The
    /// specification decides; and the last packages for v1 refuse an answer with a code that they
    /// do not know, which those without the word are.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Terms(error) => error.code(),
            Self::Signature(_) | Self::WrongSigner => "invalid_exact_evm_payload_signature",
            Self::WrongPayee => "invalid_exact_evm_payload_recipient_mismatch",
            Self::Expired => "invalid_exact_evm_payload_authorization_valid_before",
            Self::NotYet => "invalid_exact_evm_payload_authorization_valid_after",
            Self::WrongAmount => "invalid_exact_evm_payload_authorization_value_mismatch",
        }
    }

    /// The error code of x402 v1, whose packages take no others.
    #[must_use]
    pub const fn code_v1(&self) -> &'static str {
        match self {
            Self::WrongAmount => "invalid_exact_evm_payload_authorization_value",
            other => other.code(),
        }
    }
}
