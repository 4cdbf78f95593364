//! An error in gRPC: a code, a message, and the details in `grpc-status-details-bin` (A2A §10.6).

use super::error::ProtoError;
use super::messages::{BAD_REQUEST, ERROR_INFO, STATUS};
use crate::a2a::error_wire::{self, read};
use crate::a2a::{A2aError, ErrorCode};
use crate::json::Json;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The names of gRPC's codes, by their number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// How gRPC tells an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrpcStatus {
    /// `grpc-status`.
    pub code: i32,
    /// `grpc-message`.
    pub message: String,
    /// `grpc-status-details-bin`: a `google.rpc.Status` on the wire, before its base64. Empty when
    /// there is none.
    pub details: Vec<u8>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Status {
    code: i32,
    message: String,
    details: Vec<Any>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Any {
    type_url: String,
    /// Base64.
    value: String,
}

/// Errors that cannot be written are told without their details.
impl From<&A2aError> for GrpcStatus {
    fn from(error: &A2aError) -> Self {
        let name = error.code().grpc_status();
        let code = CODES.iter().position(|known| *known == name);
        let code = code.and_then(|code| i32::try_from(code).ok()).unwrap_or(2);
        let message = error.message().to_owned();
        let details: Vec<Json> = error.details().parse().unwrap_or_default();
        let status = Status {
            code,
            message: message.clone(),
            details: details.iter().filter_map(|one| pack(one).ok()).collect(),
        };
        let text = serde_json::to_string(&status).unwrap_or_default();
        Self {
            code,
            message,
            details: STATUS.encode(&text).unwrap_or_default(),
        }
    }
}

/// What a peer answered. The reason in the details counts, else the code; details that cannot be
/// read are skipped.
impl From<&GrpcStatus> for A2aError {
    fn from(status: &GrpcStatus) -> Self {
        let code = match status.code {
            3 => ErrorCode::InvalidParams,
            4 | 14 => ErrorCode::Unavailable,
            5 => ErrorCode::TaskNotFound,
            7 => ErrorCode::PermissionDenied,
            8 => ErrorCode::ResourceExhausted,
            9 | 11 => ErrorCode::InvalidRequest,
            6 | 10 => ErrorCode::Conflict,
            12 => ErrorCode::MethodNotFound,
            16 => ErrorCode::Unauthenticated,
            _ => ErrorCode::Internal,
        };
        let known: Status = STATUS
            .decode(&status.details)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default();
        let details: Vec<Value> = known.details.iter().filter_map(unpack).collect();
        let details = Json::from_value(&details).unwrap_or_default();
        read(code, &status.message, &details)
    }
}

fn pack(detail: &Json) -> Result<Any, ProtoError> {
    let (type_url, schema) = match detail.get() {
        text if text.contains(error_wire::BAD_REQUEST) => (error_wire::BAD_REQUEST, &BAD_REQUEST),
        _ => (error_wire::ERROR_INFO, &ERROR_INFO),
    };
    Ok(Any {
        type_url: type_url.to_owned(),
        value: STANDARD.encode(schema.encode(detail.get())?),
    })
}

fn unpack(any: &Any) -> Option<Value> {
    let schema = match any.type_url.as_str() {
        error_wire::ERROR_INFO => &ERROR_INFO,
        error_wire::BAD_REQUEST => &BAD_REQUEST,
        _ => return None,
    };
    let wire = STANDARD.decode(&any.value).ok()?;
    let json = schema.decode(&wire).ok()?;
    let mut detail: Map<String, Value> = serde_json::from_slice(&json).ok()?;
    detail.insert("@type".to_owned(), any.type_url.as_str().into());
    Some(Value::Object(detail))
}
