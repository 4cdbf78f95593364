//! Why a caller is not known, or may not.

/// Why one authenticator did not say who calls. The codes are ours and stable; none holds anything
/// of the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The request carries no credential of this kind.
    #[error("no credential")]
    Missing,
    /// The credential does not hold.
    #[error("the credential does not hold: {0}")]
    Invalid(&'static str),
    /// The caller is known and may not.
    #[error("the caller may not: {0}")]
    Forbidden(&'static str),
    /// It cannot be told now; later perhaps.
    #[error("cannot be checked now: {0}")]
    Unavailable(&'static str),
}

impl AuthError {
    /// How much the error says: of several schemes, the one that got furthest is told.
    pub(super) const fn graver(self, other: Self) -> Self {
        const fn weight(error: AuthError) -> u8 {
            match error {
                AuthError::Missing => 0,
                AuthError::Invalid(_) => 1,
                AuthError::Unavailable(_) => 2,
                AuthError::Forbidden(_) => 3,
            }
        }
        if weight(other) > weight(self) {
            other
        } else {
            self
        }
    }
}

/// Why the configuration of authentication cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthConfigError {
    /// A scheme is wrong.
    #[error("auth.schemes.{scheme}: {reason}")]
    Scheme {
        /// Which.
        scheme: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A requirement is wrong.
    #[error("auth.require: {0}")]
    Require(String),
    /// A range of addresses is none.
    #[error("`{0}` is no address and no range such as 10.0.0.0/8")]
    PeerRange(String),
    /// Too much of something.
    #[error("more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        max: usize,
    },
}

impl AuthConfigError {
    pub(super) fn scheme(scheme: &str, reason: impl Into<String>) -> Self {
        Self::Scheme {
            scheme: scheme.to_owned(),
            reason: reason.into(),
        }
    }
}
