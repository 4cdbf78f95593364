//! Errors. In JSON-RPC they look as in 1.0, whose array of details is as good as anything that 0.3
//! leaves open; in HTTP+JSON each SDK has its own idea, and one body serves them.

use crate::a2a::error::A2aError;
use crate::a2a::error_code::ErrorCode;
use crate::a2a::error_wire::JsonRpcError;
use crate::json::Json;
use serde::{Deserialize, Serialize};

/// The body of an HTTP error: what JSON-RPC says, and its name.
///
/// 0.3 defines none. The JavaScript SDK reads `code` and `message`, the Python one `type` and
/// `message`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestError {
    /// The code that the error has in JSON-RPC. 0 when the peer does not say.
    #[serde(default)]
    pub code: i64,
    /// The name of the error, such as `TaskNotFoundError`. Empty when the peer does not say.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// What people are told.
    #[serde(default)]
    pub message: String,
    /// Anything. From us, the details of 1.0.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub data: Json,
}

impl RestError {
    /// The same, as the body of an answer with that HTTP status.
    ///
    /// The Python SDK says nothing but a message, and the rest by the status of its own table. Of
    /// two errors with one status the likelier is meant: a task is not found more often than a
    /// method.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        if self.code == 0 && self.kind.is_empty() && !self.message.is_empty() {
            self.code = code_of_status(status).map_or(0, ErrorCode::json_rpc);
        }
        self
    }
}

const fn code_of_status(status: u16) -> Option<ErrorCode> {
    Some(match status {
        400 => ErrorCode::InvalidRequest,
        404 => ErrorCode::TaskNotFound,
        409 => ErrorCode::TaskNotCancelable,
        415 => ErrorCode::ContentTypeNotSupported,
        422 => ErrorCode::InvalidParams,
        500 => ErrorCode::Internal,
        501 => ErrorCode::UnsupportedOperation,
        502 => ErrorCode::InvalidAgentResponse,
        _ => return None,
    })
}

impl From<&A2aError> for RestError {
    fn from(error: &A2aError) -> Self {
        let JsonRpcError {
            code,
            message,
            data,
        } = JsonRpcError::from(error);
        let kind = error_name(error.code()).to_owned();
        Self {
            code,
            kind,
            message,
            data,
        }
    }
}

/// What a peer answered: by its code or, without one, by its name.
impl From<&RestError> for A2aError {
    fn from(error: &RestError) -> Self {
        let named = |code: &ErrorCode| error_name(*code) == error.kind && error.kind != NAMELESS;
        let mut named = ErrorCode::ALL.into_iter().filter(named);
        let code = match error.code {
            0 => named.next().map_or(0, ErrorCode::json_rpc),
            code => code,
        };
        Self::from(&JsonRpcError {
            code,
            message: error.message.clone(),
            data: error.data.clone(),
        })
    }
}

/// What the SDKs call every error that has no name of its own, which so says nothing.
const NAMELESS: &str = "A2AError";

/// What the SDKs call an error of that kind.
pub const fn error_name(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::TaskNotFound => "TaskNotFoundError",
        ErrorCode::TaskNotCancelable => "TaskNotCancelableError",
        ErrorCode::PushNotificationNotSupported => "PushNotificationNotSupportedError",
        ErrorCode::UnsupportedOperation => "UnsupportedOperationError",
        ErrorCode::ContentTypeNotSupported => "ContentTypeNotSupportedError",
        ErrorCode::InvalidAgentResponse => "InvalidAgentResponseError",
        ErrorCode::ExtendedAgentCardNotConfigured => "AuthenticatedExtendedCardNotConfiguredError",
        ErrorCode::ExtensionSupportRequired => "ExtensionSupportRequiredError",
        ErrorCode::VersionNotSupported => "VersionNotSupportedError",
        ErrorCode::ParseError => "JSONParseError",
        ErrorCode::InvalidRequest => "InvalidRequestError",
        ErrorCode::MethodNotFound => "MethodNotFoundError",
        ErrorCode::InvalidParams => "InvalidParamsError",
        ErrorCode::Internal => "InternalError",
        _ => NAMELESS,
    }
}
