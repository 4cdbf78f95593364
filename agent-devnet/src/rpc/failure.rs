//! How a refusal reads on the wire.

use crate::chain::ChainError;
use jsonrpsee::types::ErrorObjectOwned;

/// The code that nodes answer with for reverted executions; providers decode the data then.
const REVERTED: i32 = 3;
/// "Server error", which nodes use for whatever a chain refuses.
const REFUSED: i32 = -32_000;
/// "Limit exceeded" of EIP-1474.
const LIMIT: i32 = -32_005;

/// Why a request is not answered.
#[derive(Debug)]
pub(super) enum Failure {
    /// The parameters do not parse.
    Params(ErrorObjectOwned),
    /// The chain refuses.
    Chain(ChainError),
    /// The node does not do this.
    Unsupported(&'static str),
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        Self::Chain(error)
    }
}

impl From<Failure> for ErrorObjectOwned {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Params(error) => error,
            Failure::Unsupported(what) => Self::owned(REFUSED, what, None::<()>),
            Failure::Chain(error) => {
                let text = error.to_string();
                match error {
                    ChainError::Reverted(data) => Self::owned(REVERTED, text, Some(data)),
                    ChainError::TooManyLogs | ChainError::Limit { .. } => {
                        Self::owned(LIMIT, text, None::<()>)
                    }
                    _ => Self::owned(REFUSED, text, None::<()>),
                }
            }
        }
    }
}
