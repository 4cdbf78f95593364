//! Why a mandate is not taken.

use crate::a2a::signing::SignatureFault;

/// Why a mandate is not taken. What is quoted of it is shortened and escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MandateError {
    /// It is larger or deeper than [`limits`](super::limits) allow.
    #[error("the mandate is too large: {0}")]
    TooLarge(&'static str),
    /// It is not a mandate in the form of the specification.
    #[error("the mandate cannot be read: {0}")]
    Malformed(String),
    /// It is not signed, and unsigned ones are not allowed.
    #[error("the mandate is not signed")]
    Unsigned,
    /// Its signature does not count.
    #[error("the mandate's signature does not count: {0}")]
    Signature(SignatureFault),
    /// It holds something that is not disclosed, so what it demands is not known.
    #[error("the mandate hides a part of itself")]
    Hidden,
    /// It is given to another agent, or it is not said which key is ours.
    #[error("the mandate is not given to this agent's key")]
    Holder,
    /// It demands something that cannot be enforced here.
    #[error("the mandate demands what cannot be enforced here: {0}")]
    Unsupported(String),
    /// It is in a currency that the configured token does not stand for.
    #[error("the mandate is in {0}, which the configured token does not stand for")]
    Currency(String),
    /// It is bound to a checkout that the configuration does not name.
    #[error("the mandate is bound to another checkout than the configured one")]
    Reference,
    /// It lists payees, and none of them is known as an account.
    #[error("none of the mandate's payees is known as an account on this chain")]
    Payees,
    /// It lists payment instruments, and the configured token is not among them.
    #[error("the mandate does not allow the configured token as an instrument")]
    Instrument,
    /// What it demands contradicts itself, so it allows nothing.
    #[error("the mandate contradicts itself: {0}")]
    Contradiction(&'static str),
}

impl MandateError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "mandate.too_large",
            Self::Malformed(_) => "mandate.malformed",
            Self::Unsigned => "mandate.unsigned",
            Self::Signature(_) => "mandate.signature",
            Self::Hidden => "mandate.hidden",
            Self::Holder => "mandate.holder",
            Self::Unsupported(_) => "mandate.unsupported",
            Self::Currency(_) => "mandate.currency",
            Self::Reference => "mandate.reference",
            Self::Payees => "mandate.payees",
            Self::Instrument => "mandate.instrument",
            Self::Contradiction(_) => "mandate.contradiction",
        }
    }
}
