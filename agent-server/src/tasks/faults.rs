//! Errors of ours as a peer is told of them.

use agent_core::a2a::{A2aError, ErrorCode};

pub(crate) fn store_failed(error: &impl std::fmt::Display) -> A2aError {
    unavailable().with_log(error.to_string())
}

pub(super) fn unavailable() -> A2aError {
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
