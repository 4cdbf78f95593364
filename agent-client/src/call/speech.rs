//! What a version of the protocol calls an operation, and the words it has for requests and
//! answers. Everything above speaks 1.0.

use agent_core::a2a::v03::{self, Dialect};
use agent_core::a2a::{A2aError, Operation, Version};
use agent_core::json::Json;
use http::Method;

use super::CallError;
use super::transport::{Binding, Wire};

/// The words of one wire over HTTP.
#[derive(Clone, Copy, Debug)]
pub(super) enum Speech {
    /// 1.0, which needs no translation.
    V1,
    /// 0.3, which writes its objects in two ways.
    V03(Dialect),
}

impl Speech {
    pub(super) const fn of(wire: Wire) -> Self {
        match (wire.version, wire.binding) {
            (Version::V1_0, _) => Self::V1,
            (Version::V0_3, Binding::JsonRpc) => Self::V03(Dialect::JsonRpc),
            (Version::V0_3, _) => Self::V03(Dialect::Rest),
        }
    }

    /// What JSON-RPC calls the operation.
    pub(super) fn method(self, operation: Operation) -> Result<&'static str, CallError> {
        match self {
            Self::V1 => Ok(operation.name()),
            Self::V03(_) => v03::method(operation).ok_or_else(|| {
                let name = operation.name();
                CallError::Request(format!("A2A {} has no {name}", v03::PROTOCOL_VERSION))
            }),
        }
    }

    /// What the routes of HTTP+JSON begin with.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::V1 => "",
            Self::V03(_) => "/v1",
        }
    }

    /// The route of the extended card.
    pub(super) const fn extended_card(self) -> &'static str {
        match self {
            Self::V1 => "/extendedAgentCard",
            Self::V03(_) => "/card",
        }
    }

    /// How HTTP+JSON subscribes. The text of 1.0 posts (A2A §11.3), the SDKs of 0.3 only get.
    pub(super) const fn subscribes_by(self) -> Method {
        match self {
            Self::V1 => Method::POST,
            Self::V03(_) => Method::GET,
        }
    }

    /// Whether a tenant can be told.
    pub(super) const fn has_tenants(self) -> bool {
        matches!(self, Self::V1)
    }

    /// The request in these words.
    pub(super) fn request(self, operation: Operation, request: &Json) -> Result<Json, CallError> {
        match self {
            Self::V1 => Ok(request.clone()),
            Self::V03(dialect) => v03::request_from_v1(operation, request, dialect)
                .map_err(|error| CallError::Request(error.to_string())),
        }
    }

    /// The result, or the event, of 1.0 that an answer in these words stands for.
    pub(super) fn answer(self, operation: Operation, answer: Json) -> Result<Json, CallError> {
        let unreadable = |error: A2aError| CallError::malformed(error);
        match self {
            Self::V1 => Ok(answer),
            Self::V03(dialect) => {
                v03::answer_into_v1(operation, answer.get().as_bytes(), dialect).map_err(unreadable)
            }
        }
    }
}
