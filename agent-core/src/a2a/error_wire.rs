//! An error on the wire: JSON-RPC's `error` object and the body of an HTTP error.

use super::error::{A2aError, FieldViolation};
use super::error_code::ErrorCode;
use crate::json::Json;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

pub(super) const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";
pub(super) const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";
/// The domain of every reason of A2A (A2A §10.6, §11.6).
const DOMAIN: &str = "a2a-protocol.org";

/// The `error` of a JSON-RPC response (A2A §9.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonRpcError {
    /// What kind of error it is.
    pub code: i64,
    /// What people are told.
    #[serde(default)]
    pub message: String,
    /// An array of objects, each with its `@type`. Other versions put anything here.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub data: Json,
}

/// The body of an HTTP error, a `google.rpc.Status` (A2A §11.6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestError {
    /// The status.
    pub error: RestStatus,
}

/// What is in a [`RestError`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestStatus {
    /// The status of the HTTP response.
    #[serde(default)]
    pub code: u16,
    /// The name of the gRPC status.
    #[serde(default)]
    pub status: String,
    /// What people are told.
    #[serde(default)]
    pub message: String,
    /// An array of objects, each with its `@type`.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub details: Json,
}

impl A2aError {
    /// The details as an array of objects, each with its `@type`: one `ErrorInfo`, and one
    /// `BadRequest` if fields are wrong.
    pub fn details(&self) -> Json {
        let info = Detail::Info(self);
        let bad = (!self.violations().is_empty()).then_some(Detail::Violations(self.violations()));
        let details: Vec<_> = std::iter::once(info).chain(bad).collect();
        // Maps of text to text cannot fail to be JSON; an error without details is still one.
        Json::from_value(&details).unwrap_or_default()
    }
}

impl From<&A2aError> for JsonRpcError {
    fn from(error: &A2aError) -> Self {
        Self {
            code: error.code().json_rpc(),
            message: error.message().to_owned(),
            data: error.details(),
        }
    }
}

impl From<&A2aError> for RestError {
    fn from(error: &A2aError) -> Self {
        Self {
            error: RestStatus {
                code: error.code().http_status(),
                status: error.code().grpc_status().to_owned(),
                message: error.message().to_owned(),
                details: error.details(),
            },
        }
    }
}

/// What a peer answered. The reason in the details counts, else the code (A2A §3.3.2); details
/// that are not what this version says are skipped.
impl From<&JsonRpcError> for A2aError {
    fn from(error: &JsonRpcError) -> Self {
        read(
            ErrorCode::from_json_rpc(error.code),
            &error.message,
            &error.data,
        )
    }
}

/// What a peer answered. Only the reason in the details says what kind of error it is, since one
/// HTTP status is many (A2A §11.6).
impl From<&RestError> for A2aError {
    fn from(RestError { error }: &RestError) -> Self {
        let code = match error.code {
            401 => ErrorCode::Unauthenticated,
            403 => ErrorCode::PermissionDenied,
            429 => ErrorCode::ResourceExhausted,
            503 => ErrorCode::Unavailable,
            400..500 => ErrorCode::InvalidRequest,
            _ => ErrorCode::Internal,
        };
        read(code, &error.message, &error.details)
    }
}

pub(super) fn read(code: ErrorCode, message: &str, details: &Json) -> A2aError {
    let details: Vec<Json> = details.parse().unwrap_or_default();
    let details = details
        .iter()
        .filter_map(|detail| detail.parse::<AnyDetail>().ok());
    let (mut code, mut metadata, mut violations) = (code, BTreeMap::new(), Vec::new());
    for detail in details {
        match detail.kind.as_str() {
            ERROR_INFO if detail.domain == DOMAIN => {
                code = ErrorCode::from_reason(&detail.reason).unwrap_or(code);
                metadata.extend(detail.metadata);
            }
            BAD_REQUEST => violations.extend(detail.field_violations),
            _ => {}
        }
    }
    let error = A2aError::new(code, message);
    let error = metadata
        .into_iter()
        .fold(error, |e, (name, value)| e.with_metadata(&name, value));
    violations
        .into_iter()
        .map(|v| FieldViolation::new(v.field, v.description))
        .fold(error, A2aError::with_violation)
}

enum Detail<'a> {
    Info(&'a A2aError),
    Violations(&'a [FieldViolation]),
}

impl Serialize for Detail<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Info(error) => {
                map.serialize_entry("@type", ERROR_INFO)?;
                map.serialize_entry("reason", error.code().reason())?;
                map.serialize_entry("domain", DOMAIN)?;
                if !error.metadata().is_empty() {
                    map.serialize_entry("metadata", error.metadata())?;
                }
            }
            Self::Violations(violations) => {
                map.serialize_entry("@type", BAD_REQUEST)?;
                map.serialize_entry("fieldViolations", violations)?;
            }
        }
        map.end()
    }
}

/// The fields of the two kinds of details that are understood.
#[derive(Deserialize)]
struct AnyDetail {
    #[serde(rename = "@type")]
    kind: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    domain: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default, rename = "fieldViolations")]
    field_violations: Vec<FieldViolation>,
}
