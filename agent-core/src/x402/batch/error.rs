use super::codes;
use crate::voucher::SignatureError;
use crate::x402::{OutOfTime, PermitError, TermsError};

/// Why a payment of the scheme is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The requirements themselves cannot be used.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// A voucher's signature is not in the form that the contract accepts.
    #[error("the signature cannot be used: {0}")]
    Signature(#[from] SignatureError),
    /// A Permit2 deposit that does not do.
    #[error(transparent)]
    Permit(PermitError),
    /// The channel is another than its id says, on this chain and contract.
    #[error("the channel id is not the id of this configuration on this chain and contract")]
    ChannelIdMismatch,
    /// The channel pays somebody else.
    #[error("the channel's receiver is not payTo")]
    ReceiverMismatch,
    /// The channel is claimed by somebody else, or by nobody.
    #[error("the channel's receiverAuthorizer is not extra.receiverAuthorizer")]
    ReceiverAuthorizerMismatch,
    /// The channel holds another token.
    #[error("the channel's token is not the asset")]
    TokenMismatch,
    /// Another delay than asked for.
    #[error("the channel's withdrawDelay is not extra.withdrawDelay")]
    WithdrawDelayMismatch,
    /// A delay that the contract refuses.
    #[error("withdrawDelay must be 900 to 2592000 seconds")]
    WithdrawDelayOutOfRange,
    /// Somebody else signed the voucher, or for other values, another chain or contract.
    #[error("the voucher is not signed by the channel's payerAuthorizer")]
    VoucherSignature,
    /// The payer's account must be asked on chain.
    #[error("the channel has no payerAuthorizer; only its payer's account can say who signed")]
    AskTheAccount,
    /// The ceiling is not what was charged plus what is asked for.
    #[error("the voucher's ceiling is not what was charged so far plus the amount required")]
    CumulativeMismatch,
    /// More than 128 bits.
    #[error("the amounts add up to more than a channel can hold")]
    CeilingOverflow,
    /// There is nothing in the channel.
    #[error("there is no channel with money in it under this id")]
    ChannelNotFound,
    /// More than the channel holds.
    #[error("the voucher's ceiling is more than the channel holds")]
    CeilingAboveBalance,
    /// Less than was claimed already.
    #[error("the voucher's ceiling is not above what was claimed on chain")]
    CeilingBelowClaimed,
    /// The deposit carries another authorization than the offer asks for.
    #[error("the deposit carries no EIP-3009 authorization")]
    Erc3009Required,
    /// The same for Permit2.
    #[error("the deposit carries no Permit2 authorization")]
    Permit2Required,
    /// The deposit's authorization is not the payer's.
    #[error("the deposit is not authorized by the payer for this token, channel and amount")]
    DepositSignature,
    /// It is over or about to be.
    #[error("the deposit's authorization expires too soon")]
    DepositExpired,
    /// It has not begun.
    #[error("the deposit's authorization is not valid yet")]
    DepositNotYet,
    /// Less than the seller insists on.
    #[error("the deposit is below extra.minDeposit")]
    DepositBelowMinimum,
    /// The charge is above what was authorized for the request.
    #[error("more was charged than the request allowed")]
    ChargeAboveMax,
    /// The seller's count does not follow from ours.
    #[error("the seller's count of the channel does not follow from ours")]
    WrongCount,
    /// A correction without proof, or with one that we did not sign.
    #[error("the correction does not prove its count with a voucher of ours")]
    Unproven,
}

impl BatchError {
    /// The scheme's error code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Terms(TermsError::Scheme) => codes::SCHEME,
            Self::Terms(TermsError::Network) => codes::NETWORK_MISMATCH,
            Self::Terms(TermsError::Domain) => codes::MISSING_EIP712_DOMAIN,
            Self::Terms(error) => error.code(),
            Self::Signature(_) | Self::VoucherSignature | Self::Unproven => {
                codes::VOUCHER_SIGNATURE
            }
            Self::Permit(error) => permit_code(*error),
            Self::ChannelIdMismatch => codes::CHANNEL_ID_MISMATCH,
            Self::ReceiverMismatch => codes::RECEIVER_MISMATCH,
            Self::ReceiverAuthorizerMismatch => codes::RECEIVER_AUTHORIZER_MISMATCH,
            Self::TokenMismatch => codes::TOKEN_MISMATCH,
            Self::WithdrawDelayMismatch => codes::WITHDRAW_DELAY_MISMATCH,
            Self::WithdrawDelayOutOfRange => codes::WITHDRAW_DELAY_OUT_OF_RANGE,
            Self::AskTheAccount => codes::VERIFICATION_STATE_UNAVAILABLE,
            Self::CumulativeMismatch | Self::WrongCount => codes::CUMULATIVE_AMOUNT_MISMATCH,
            Self::CeilingOverflow | Self::CeilingAboveBalance => codes::CUMULATIVE_EXCEEDS_BALANCE,
            Self::ChannelNotFound => codes::CHANNEL_NOT_FOUND,
            Self::CeilingBelowClaimed => codes::CUMULATIVE_BELOW_CLAIMED,
            Self::Erc3009Required => codes::ERC3009_AUTHORIZATION_REQUIRED,
            Self::Permit2Required => codes::PERMIT2_AUTHORIZATION_REQUIRED,
            Self::DepositSignature => codes::RECEIVE_AUTHORIZATION_SIGNATURE,
            Self::DepositExpired => codes::PAYLOAD_AUTHORIZATION_VALID_BEFORE,
            Self::DepositNotYet => codes::PAYLOAD_AUTHORIZATION_VALID_AFTER,
            Self::DepositBelowMinimum => codes::DEPOSIT_BELOW_MIN_DEPOSIT,
            Self::ChargeAboveMax => codes::CHARGE_EXCEEDS_SIGNED_CUMULATIVE,
        }
    }
}

const fn permit_code(error: PermitError) -> &'static str {
    match error {
        PermitError::WrongSpender => codes::PERMIT2_INVALID_SPENDER,
        PermitError::WrongAmount => codes::PERMIT2_AMOUNT_MISMATCH,
        PermitError::WrongToken => codes::TOKEN_MISMATCH,
        PermitError::Expired => codes::PERMIT2_DEADLINE_EXPIRED,
        _ => codes::PERMIT2_INVALID_SIGNATURE,
    }
}

impl From<OutOfTime> for BatchError {
    fn from(time: OutOfTime) -> Self {
        match time {
            OutOfTime::Expired => Self::DepositExpired,
            OutOfTime::NotYet => Self::DepositNotYet,
        }
    }
}
