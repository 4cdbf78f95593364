use crate::voucher::SignatureError;
use crate::x402::TermsError;

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
