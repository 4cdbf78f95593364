//! Errors of ours as a peer is told of them.

use agent_core::a2a::{A2aError, ErrorCode};

pub(crate) fn store_failed(error: &impl std::fmt::Display) -> A2aError {
    unavailable().with_log(error.to_string())
}

/// The work is done, and its end could not be stored yet: the attempts go on, so whether it will be
/// charged is not known.
pub(super) fn outcome_unknown() -> A2aError {
    A2aError::new(
        ErrorCode::Unavailable,
        "the agent's store failed at the end of the task; send the same request again to learn how \
         it ended",
    )
    .with_detail("outcome_unknown")
}

fn unavailable() -> A2aError {
    A2aError::new(
        ErrorCode::Unavailable,
        "the agent's store failed; nothing was charged, try again",
    )
    .with_detail("store_unavailable")
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "used as a function in map_err"
)]
pub(super) fn unserialisable(error: serde_json::Error) -> A2aError {
    A2aError::internal(format!("cannot be written as JSON: {error}"))
}
