//! Why agents could not be looked for.

use agent_core::money::MoneyError;

use crate::chain::ChainError;

/// Why a search could not be made, or found nothing to use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// The chain could not be read.
    #[error("the registry cannot be read: {0}")]
    Chain(#[from] ChainError),
    /// The query makes no sense.
    #[error("the query cannot be used: {0}")]
    Query(String),
    /// The price in the query is not an amount of an asset that is configured.
    #[error("the highest price of the query cannot be used: {0}")]
    Price(#[from] MoneyError),
    /// Nobody fits. Says what stood in the way of how many.
    #[error("no agent fits: {0}")]
    NoneFits(String),
}

impl DiscoverError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Chain(error) => error.code(),
            Self::Query(_) => "discover.bad_query",
            Self::Price(error) => error.code(),
            Self::NoneFits(_) => "discover.none_fits",
        }
    }
}
