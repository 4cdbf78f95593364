//! Why feedback was not given, or not found again.

use agent_core::trust::{FeedbackError, GlobalAgentId, ValueError};
use alloy_primitives::Address;

use crate::chain::ChainError;
use crate::chain::outbox::OutboxError;

/// Why feedback was not given, or not found again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedbackOutboxError {
    /// The agent is in another registry than the one that is written to.
    #[error("{0} is not in the registry that feedback is written for")]
    OtherRegistry(GlobalAgentId),
    /// Who paid is not who would sign the feedback.
    #[error("{payer} paid, but {reviewer} would sign; only the payer's own word counts")]
    NotThePayer {
        /// Who paid.
        payer: Address,
        /// Whose outbox it is.
        reviewer: Address,
    },
    /// The rating is off the scale.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] FeedbackError),
    /// The transaction could not be stored or followed.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The chain did not take it, and never will.
    #[error("the feedback was not recorded ({code}): {reason}")]
    NotRecorded {
        /// The outbox's code.
        code: String,
        /// Its reason.
        reason: String,
    },
    /// The chain could not be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The chain has it otherwise than it was given.
    #[error("the chain's record of the feedback differs in {0}")]
    Differs(&'static str),
}

impl FeedbackOutboxError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OtherRegistry(_) => "feedback.other_registry",
            Self::NotThePayer { .. } => "feedback.not_the_payer",
            Self::Value(_) => "feedback.bad_score",
            Self::File(_) => "feedback.bad_file",
            Self::Outbox(error) => error.code(),
            Self::NotRecorded { .. } => "feedback.not_recorded",
            Self::Chain(error) => error.code(),
            Self::Differs(_) => "feedback.differs",
        }
    }
}
