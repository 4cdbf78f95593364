//! Why a payment is not taken, and how that differs from not having looked.

use agent_client::chain::ChainError;
use agent_client::chain::outbox::OutboxError;
use agent_core::x402::batch::BatchError;
use agent_core::x402::facilitator::FacilitatorError;
use agent_core::x402::{ExactError, PermitError, TermsError};
use alloy_primitives::B256;

/// The reason of x402 for a transaction that is not in a block yet.
pub(super) const PENDING: &str = "settlement_pending";

/// Why there is no good answer.
#[derive(Debug, Clone)]
pub(super) enum No {
    /// The payment is refused: an answer.
    Refused(Refusal),
    /// It was not looked at, or how it ended is not known.
    Failed(FacilitatorError),
}

/// A refused payment.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    /// A code of x402 or of the scheme.
    pub(super) code: &'static str,
    /// The same for people, if the code says too little.
    pub(super) message: Option<String>,
    /// The transaction, if there is one.
    pub(super) transaction: Option<B256>,
}

pub(super) type Checked<T> = Result<T, No>;

impl No {
    pub(super) const fn code(code: &'static str) -> Self {
        Self::Refused(Refusal {
            code,
            message: None,
            transaction: None,
        })
    }

    pub(super) fn because(code: &'static str, message: impl ToString) -> Self {
        Self::Refused(Refusal {
            code,
            message: Some(message.to_string()),
            transaction: None,
        })
    }

    pub(super) const fn after(code: &'static str, transaction: Option<B256>) -> Self {
        Self::Refused(Refusal {
            code,
            message: None,
            transaction,
        })
    }

    pub(super) fn unavailable(why: impl ToString) -> Self {
        Self::Failed(FacilitatorError::Unavailable(why.to_string()))
    }

    pub(super) fn unknown(why: impl ToString) -> Self {
        Self::Failed(FacilitatorError::Unknown(why.to_string()))
    }
}

/// A chain that cannot be read before anything was sent.
impl From<ChainError> for No {
    fn from(error: ChainError) -> Self {
        Self::unavailable(format!("{}: {error}", error.code()))
    }
}

/// An outbox that cannot be read before anything was sent.
impl From<OutboxError> for No {
    fn from(error: OutboxError) -> Self {
        Self::unavailable(format!("{}: {error}", error.code()))
    }
}

impl From<TermsError> for No {
    fn from(error: TermsError) -> Self {
        Self::because(error.code(), error)
    }
}

impl From<ExactError> for No {
    fn from(error: ExactError) -> Self {
        Self::because(error.code(), error)
    }
}

impl From<PermitError> for No {
    fn from(error: PermitError) -> Self {
        Self::because(error.code(), error)
    }
}

impl From<BatchError> for No {
    fn from(error: BatchError) -> Self {
        Self::because(error.code(), error)
    }
}
