//! What an outbox says instead of an answer.

use std::{convert::Infallible, time::Duration};

use alloy_primitives::Address;

use super::TxId;
use crate::sqlite::{OpenError, SubmitError};

/// Why an outbox refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// The file could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file belongs to another key or chain.
    #[error("the outbox belongs to {owner} on chain {chain_id}")]
    WrongOwner {
        /// Whose it is.
        owner: Address,
        /// On which chain.
        chain_id: u64,
    },
    /// The purpose stands for another transaction already.
    #[error("the purpose {0:?} is taken by a transaction with another content")]
    PurposeTaken(String),
    /// The request is larger than the chain's nodes or this outbox accept.
    #[error("{0} is too large")]
    TooLarge(&'static str),
    /// Too many transactions wait.
    #[error("too many transactions wait")]
    Full,
    /// No such transaction.
    #[error("there is no transaction {0}")]
    Unknown(TxId),
    /// The transaction is not final yet. It goes on.
    #[error("not final after {0:?}; it goes on")]
    NotYet(Duration),
    /// The store failed. Only [`SubmitError::Unknown`] leaves open whether a row was stored, and
    /// then asking again with the same purpose tells.
    #[error(transparent)]
    Store(SubmitError<Infallible>),
    /// The outbox is closed.
    #[error("the outbox is closed")]
    Closed,
    /// The signer refused or failed.
    #[error("cannot sign: {0}")]
    Sign(String),
}

impl OutboxError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Open(error) => error.code(),
            Self::WrongOwner { .. } => "outbox.wrong_owner",
            Self::PurposeTaken(_) => "outbox.purpose_taken",
            Self::TooLarge(_) => "outbox.too_large",
            Self::Full => "outbox.full",
            Self::Unknown(_) => "outbox.unknown",
            Self::NotYet(_) => "outbox.not_yet",
            Self::Store(error) => error.code(),
            Self::Closed => "outbox.closed",
            Self::Sign(_) => "outbox.sign",
        }
    }
}

/// Flattens a job's answer: a job of this module refuses with the error that callers see.
impl From<SubmitError<Self>> for OutboxError {
    fn from(error: SubmitError<Self>) -> Self {
        match error.into_refusal() {
            Ok(refusal) => refusal,
            Err(SubmitError::Closed) => Self::Closed,
            Err(failure) => Self::Store(failure),
        }
    }
}
