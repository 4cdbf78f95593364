//! Why a settlement did not get through.

use super::SettleReport;
use agent_client::chain::ChainError;
use agent_client::chain::outbox::OutboxError;
use agent_client::chain::watcher::WatchError;
use agent_core::ledger::LedgerError;

/// Why a settlement did not get through. Nothing is lost with any of these: what was not claimed
/// stays in the ledger's claims.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettleError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The outbox failed.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The chain was not seen to confirm what was mined.
    #[error("mined, and not confirmed yet: {0}")]
    Unconfirmed(#[from] WatchError),
    /// The chain could not be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The contract refused a batch; it is tried again in smaller pieces.
    #[error("a batch of {rows} claims was refused ({code}): {reason}")]
    Refused {
        /// How many claims it had.
        rows: usize,
        /// A stable code.
        code: String,
        /// The reason in words.
        reason: String,
    },
    /// One and the same batch failed too often; a person has to look.
    #[error("a batch failed {0} times; see the outbox for why")]
    GivenUp(u32),
    /// Time was up; what is under way goes on.
    #[error("not all was settled in time; it goes on")]
    NotYet(SettleReport),
    /// Time was up; what was sent goes on, and asking again completes it.
    #[error("not all was given back in time; it goes on")]
    ReleasesNotYet,
    /// Only the payee can give back what is left of a lock.
    #[error("the settling key is not the payee of the locks")]
    NotPayee,
    /// A note of ours could not be read or written.
    #[error("a note of the settlement is not as it was written: {0}")]
    Note(#[from] serde_json::Error),
}

impl SettleError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Ledger(error) => error.code(),
            Self::Outbox(error) => error.code(),
            Self::Unconfirmed(error) => error.code(),
            Self::Chain(error) => error.code(),
            Self::Refused { .. } => "settle.refused",
            Self::GivenUp(_) => "settle.given_up",
            Self::NotYet(_) => "settle.not_yet",
            Self::ReleasesNotYet => "settle.releases_not_yet",
            Self::NotPayee => "settle.not_payee",
            Self::Note(_) => "settle.note",
        }
    }
}
