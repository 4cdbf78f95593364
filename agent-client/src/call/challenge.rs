//! A demand for authentication.

use agent_core::a2a::{A2aError, ErrorCode};
use agent_core::untrusted::{Untrusted, shorten};
use http::{HeaderMap, header};

use super::limits;

/// A demand for authentication, as the agent put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The values of `WWW-Authenticate` (RFC 9110 §11.6.1), at most
    /// [`CHALLENGES_MAX`](limits::CHALLENGES_MAX). A stranger's words: a token endpoint that is
    /// named here is not to be believed for being named.
    pub schemes: Vec<Untrusted>,
    /// The error that came along.
    pub reason: A2aError,
}

impl Challenge {
    /// What the headers and the error of an answer demand.
    #[must_use]
    pub fn new(headers: &HeaderMap, reason: Option<A2aError>) -> Self {
        let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
        let schemes = values
            .filter_map(|value| value.to_str().ok())
            .take(limits::CHALLENGES_MAX)
            .map(|value| Untrusted::new(value.to_owned()))
            .collect();
        let unnamed = || {
            let code = ErrorCode::Unauthenticated;
            A2aError::new(code, code.default_message())
        };
        let reason = reason.unwrap_or_else(unnamed);
        Self { schemes, reason }
    }

    pub(super) fn words(&self) -> String {
        shorten(self.reason.message())
    }
}
