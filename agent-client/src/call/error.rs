//! Why a call did not bring an answer.

use agent_core::a2a::{A2aError, ErrorCode, JsonRpcError, RestError};
use agent_core::json::Json;
use agent_core::untrusted::{Untrusted, shorten};

use super::Challenge;
use crate::egress::EgressError;

/// Why a call did not bring an answer.
///
/// Whether the other agent got the request is not known unless [`is_unsent`](Self::is_unsent)
/// says that it did not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The exchange itself failed.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// An HTTP status that means failure, without an A2A error in the body.
    #[error("the agent answered HTTP {0}")]
    Http(u16),
    /// The agent answered with an error.
    #[error("the agent refused ({code}): {message}")]
    Agent {
        /// The number of the error as it came over JSON-RPC; over other bindings that which
        /// JSON-RPC has for its reason.
        code: i64,
        /// The agent's words.
        message: Untrusted,
        /// What the protocol calls it, the fields that are wrong, and the agent's finer code.
        reason: Box<A2aError>,
        /// The details as they came.
        data: Json,
    },
    /// The agent wants to know who calls (HTTP 401, gRPC `UNAUTHENTICATED`).
    #[error("the agent wants the caller to be authenticated: {}", .0.words())]
    Unauthenticated(Box<Challenge>),
    /// The answer is not what the protocol allows here.
    #[error("the agent's answer cannot be read: {0}")]
    Malformed(String),
    /// The Agent Card is missing something, or holds too much.
    #[error("the Agent Card cannot be used: {0}")]
    Card(String),
    /// The card is not signed as it must be.
    #[error("the signature of the Agent Card does not count: {0}")]
    CardSignature(String),
    /// The card names no interface that we speak, or none that the caller allows.
    #[error("the agent offers no binding and version of A2A that is spoken here and allowed")]
    NoInterface,
    /// The prices in the card cannot be read.
    #[error("the payment terms in the Agent Card cannot be read: {0}")]
    Terms(String),
    /// The stream ended before the task did.
    #[error("the stream ended before the task did")]
    Cut,
    /// The stream is longer than we listen.
    #[error("the stream goes on for too long")]
    Endless,
    /// The request cannot be written.
    #[error("the request cannot be written: {0}")]
    Request(String),
}

impl CallError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Egress(error) => error.code(),
            Self::Http(_) => "call.http_status",
            Self::Agent { .. } => "call.agent_error",
            Self::Unauthenticated(_) => "call.unauthenticated",
            Self::Malformed(_) => "call.malformed_answer",
            Self::Card(_) => "call.bad_card",
            Self::CardSignature(_) => "call.card_signature",
            Self::NoInterface => "call.no_interface",
            Self::Terms(_) => "call.bad_terms",
            Self::Cut => "call.stream_cut",
            Self::Endless => "call.stream_endless",
            Self::Request(_) => "call.bad_request",
        }
    }

    /// What the other agent calls its error, if it answered with one.
    #[must_use]
    pub fn agent_reason(&self) -> Option<ErrorCode> {
        match self {
            Self::Agent { reason, .. } => Some(reason.code()),
            Self::Unauthenticated(challenge) => Some(challenge.reason.code()),
            _ => None,
        }
    }

    /// The other agent's finer code, such as why a payment was refused.
    #[must_use]
    pub fn agent_detail(&self) -> Option<&str> {
        match self {
            Self::Agent { reason, .. } => reason.detail(),
            _ => None,
        }
    }

    /// True if the request certainly never reached the other agent.
    #[must_use]
    pub const fn is_unsent(&self) -> bool {
        match self {
            Self::Egress(error) => error.is_unsent(),
            Self::Request(_) => true,
            _ => false,
        }
    }

    /// True if the answer was lost on its way, or never given: the agent may have done the work.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Egress(error) => !error.is_unsent(),
            // Whoever answers these (often a proxy) does not know what the agent did.
            Self::Http(status) => *status >= 500 || matches!(*status, 408 | 429),
            Self::Malformed(_) | Self::Cut | Self::Endless => true,
            Self::Agent { .. } => matches!(
                self.agent_reason(),
                Some(ErrorCode::Unavailable | ErrorCode::Internal | ErrorCode::ResourceExhausted)
            ),
            _ => false,
        }
    }

    /// True if the same request may do better a little later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Egress(error) => matches!(
                error,
                EgressError::Connect(_)
                    | EgressError::Resolve { .. }
                    | EgressError::Timeout
                    | EgressError::Broken(_)
                    | EgressError::Idle
            ),
            Self::Http(status) => matches!(*status, 408 | 429 | 500 | 502 | 503 | 504),
            Self::Agent { .. } => matches!(
                self.agent_reason(),
                Some(ErrorCode::Unavailable | ErrorCode::ResourceExhausted)
            ),
            Self::Cut => true,
            _ => false,
        }
    }

    fn of_agent(reason: A2aError, data: Json) -> Self {
        Self::Agent {
            code: reason.code().json_rpc(),
            message: Untrusted::new(reason.message().to_owned()),
            reason: Box::new(reason),
            data,
        }
    }

    pub(crate) fn malformed(why: impl ToString) -> Self {
        // The parser's words quote the peer.
        Self::Malformed(shorten(&why.to_string()))
    }
}

impl From<JsonRpcError> for CallError {
    fn from(error: JsonRpcError) -> Self {
        let reason = Box::new(A2aError::from(&error));
        let JsonRpcError {
            code,
            message,
            data,
        } = error;
        Self::Agent {
            code,
            message: Untrusted::new(message),
            reason,
            data,
        }
    }
}

impl From<RestError> for CallError {
    fn from(error: RestError) -> Self {
        let data = error.error.details.clone();
        Self::of_agent(A2aError::from(&error), data)
    }
}

/// What an agent answered over a binding that has no numbers for errors.
impl From<A2aError> for CallError {
    fn from(reason: A2aError) -> Self {
        let data = reason.details();
        Self::of_agent(reason, data)
    }
}
