//! Why something did not go out, or did not come back.

use super::AddressClass;

/// Why an exchange failed. Never holds a URL: paths and queries carry secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    /// Not a URL that is fetched: unparsable, too long, without a host, or of another scheme.
    #[error("not a URL that is fetched: {0}")]
    BadUrl(&'static str),
    /// Plain `http` to a host that the policy does not open for it.
    #[error("plain http is not allowed to {host}")]
    NotHttps {
        /// The host.
        host: String,
    },
    /// The address, written out or resolved, is not one that the policy lets out.
    #[error("{host} is at a {class} address, which the policy does not allow")]
    Forbidden {
        /// The host as asked for.
        host: String,
        /// What kind of address it is.
        class: AddressClass,
    },
    /// The name has no address.
    #[error("cannot resolve {host}: {reason}")]
    Resolve {
        /// The host.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    /// No connection: refused, unreachable, or TLS failed. Nothing was sent.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The exchange took too long. The request may have been received.
    #[error("no complete answer in time")]
    Timeout,
    /// A stream was silent too long.
    #[error("the stream fell silent")]
    Idle,
    /// The body is larger than allowed.
    #[error("the body is larger than {max} bytes")]
    TooLarge {
        /// The bound.
        max: usize,
    },
    /// The exchange broke. The request may have been received.
    #[error("the exchange broke: {0}")]
    Broken(String),
    /// The body is not the JSON that was expected.
    #[error("not the expected JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// The HTTP client could not be made.
    #[error("cannot set up HTTP: {0}")]
    Setup(String),
}

impl EgressError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadUrl(_) => "egress.bad_url",
            Self::NotHttps { .. } => "egress.not_https",
            Self::Forbidden { .. } => "egress.forbidden_address",
            Self::Resolve { .. } => "egress.unresolved",
            Self::Connect(_) => "egress.unreachable",
            Self::Timeout => "egress.timeout",
            Self::Idle => "egress.idle",
            Self::TooLarge { .. } => "egress.too_large",
            Self::Broken(_) => "egress.broken",
            Self::Json(_) => "egress.bad_json",
            Self::Setup(_) => "egress.setup",
        }
    }

    /// True if the request certainly never reached the peer, so that sending it again cannot do
    /// anything twice.
    #[must_use]
    pub const fn is_unsent(&self) -> bool {
        matches!(
            self,
            Self::BadUrl(_)
                | Self::NotHttps { .. }
                | Self::Forbidden { .. }
                | Self::Resolve { .. }
                | Self::Connect(_)
                | Self::Setup(_)
        )
    }

    pub(super) fn setup(error: reqwest::Error) -> Self {
        Self::Setup(reasons(&error.without_url()))
    }

    pub(super) fn from_reqwest(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if let Some(refusal) = refusal(&error) {
            return refusal;
        }
        if error.is_connect() {
            Self::Connect(reasons(&error))
        } else if error.is_timeout() {
            Self::Timeout
        } else {
            Self::Broken(reasons(&error))
        }
    }
}

/// What the resolver says inside reqwest's error, which cannot carry our own type.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Unresolved {
    #[error("{host} is at a {class} address")]
    Forbidden { host: String, class: AddressClass },
    #[error("cannot resolve {host}: {reason}")]
    Nowhere { host: String, reason: String },
}

fn refusal(error: &reqwest::Error) -> Option<EgressError> {
    let found = chain(error).find_map(|cause| cause.downcast_ref::<Unresolved>())?;
    Some(match found.clone() {
        Unresolved::Forbidden { host, class } => EgressError::Forbidden { host, class },
        Unresolved::Nowhere { host, reason } => EgressError::Resolve { host, reason },
    })
}

/// The error's words with those of its causes, since reqwest's own say little.
fn reasons(error: &reqwest::Error) -> String {
    chain(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |cause| cause.source())
}
