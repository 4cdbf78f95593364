//! Why a buyer could not be set up, or found nobody.

use agent_core::ap2::MandateError;
use agent_core::money::MoneyError;

use crate::call::CallError;
use crate::chain::outbox::OutboxError;
use crate::chain::{ChainError, OtherChain};
use crate::discover::{DiscoverError, PayeeRefusal};
use crate::egress::EgressError;
use crate::feedback::FeedbackOutboxError;
use crate::wallet::{KeyError, WalletError};

/// Why a buyer could not be set up, found nobody, or could not rate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuyerError {
    /// The configuration file cannot be read.
    #[error("cannot read {path}: {error}")]
    File {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The configuration file says something that cannot be.
    #[error("{path}: {why}")]
    Config {
        /// The file.
        path: String,
        /// What is wrong, without the line it stands in: that may hold a secret.
        why: String,
    },
    /// An amount in the configuration is none of the configured token.
    #[error("{what}: {error}")]
    Amount {
        /// Which setting.
        what: &'static str,
        /// Why.
        error: MoneyError,
    },
    /// A mandate cannot be taken.
    #[error("{path}: {error}")]
    Mandate {
        /// Its file.
        path: String,
        /// Why.
        error: MandateError,
    },
    /// The payer's key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The data on disk belongs to another chain.
    #[error(transparent)]
    OtherChain(#[from] OtherChain),
    /// The payer's outbox cannot be used.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The wallet cannot be used.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// The search failed or found nobody.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// The agent cannot be reached.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The agent must not be paid.
    #[error(transparent)]
    Payee(#[from] PayeeRefusal),
    /// The feedback cannot be given.
    #[error(transparent)]
    Feedback(#[from] FeedbackOutboxError),
    /// The payment was not settled on chain yet, so there is no proof of it.
    #[error("the payment was not settled on chain yet")]
    NotSettled,
    /// The seller has no identity that could be rated.
    #[error("the seller has no identity that could be rated")]
    NoIdentity,
}

impl BuyerError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "buyer.file",
            Self::Config { .. } => "buyer.config",
            Self::Amount { .. } => "buyer.amount",
            Self::Mandate { error, .. } => error.code(),
            Self::Key(error) => error.code(),
            Self::Egress(error) => error.code(),
            Self::Chain(error) => error.code(),
            Self::OtherChain(_) => "buyer.other_chain",
            Self::Outbox(error) => error.code(),
            Self::Wallet(error) => error.code(),
            Self::Discover(error) => error.code(),
            Self::Call(error) => error.code(),
            Self::Payee(error) => error.code(),
            Self::Feedback(error) => error.code(),
            Self::NotSettled => "buyer.not_settled",
            Self::NoIdentity => "buyer.no_identity",
        }
    }
}
