//! An error as it is told to a peer, and what only the log may know.

use super::error_code::ErrorCode;
use super::limits::{MAX_ERROR_TEXT_BYTES, MAX_VIOLATIONS};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What is wrong with one field: an entry of `google.rpc.BadRequest` (A2A §9.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldViolation {
    /// The path to the field, such as `message.parts[0].text`.
    #[serde(default)]
    pub field: String,
    /// What is wrong, and what would be right.
    #[serde(default)]
    pub description: String,
}

impl FieldViolation {
    /// Says that `field` is wrong, and why.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            field: clip(field.into()),
            description: clip(description.into()),
        }
    }
}

/// An error of an A2A operation (A2A §3.3.2).
///
/// All of it is meant for the peer except what [`with_log`](Self::with_log) adds, which is in
/// `Debug` only. Texts are cut to [`MAX_ERROR_TEXT_BYTES`], since they may quote the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct A2aError(Box<Inner>);

// Boxed, because it is in the `Result` of most of what an agent does and seldom happens.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    code: ErrorCode,
    message: String,
    violations: Vec<FieldViolation>,
    metadata: BTreeMap<String, String>,
    log: Option<String>,
}

impl A2aError {
    /// The name in `ErrorInfo.metadata` under which [`with_detail`](Self::with_detail) is found.
    pub const DETAIL: &str = "code";

    /// An error of that kind that tells the peer `message`.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: clip(message.into()),
            violations: Vec::new(),
            metadata: BTreeMap::new(),
            log: None,
        }))
    }

    /// There is no such task, or not for this caller.
    pub fn task_not_found(id: &str) -> Self {
        Self::from(ErrorCode::TaskNotFound).with_metadata("taskId", id)
    }

    /// The task has ended and cannot be cancelled.
    pub fn task_not_cancelable(id: &str) -> Self {
        Self::from(ErrorCode::TaskNotCancelable).with_metadata("taskId", id)
    }

    /// The agent does not do that. `what` says what, to the peer.
    pub fn unsupported_operation(what: impl Into<String>) -> Self {
        Self::new(ErrorCode::UnsupportedOperation, what)
    }

    /// The agent does not take content of that media type.
    pub fn content_type_not_supported(media_type: &str) -> Self {
        Self::from(ErrorCode::ContentTypeNotSupported).with_metadata("mediaType", media_type)
    }

    /// The agent does not speak the version that the client asked for.
    pub fn version_not_supported(asked: &str) -> Self {
        Self::from(ErrorCode::VersionNotSupported)
            .with_metadata("requestedVersion", asked)
            .with_metadata("supportedVersions", super::PROTOCOL_VERSION)
    }

    /// The client did not declare an extension that the agent demands.
    pub fn extension_support_required(uri: &str) -> Self {
        Self::from(ErrorCode::ExtensionSupportRequired).with_metadata("extension", uri)
    }

    /// There is no such method.
    pub fn method_not_found(method: &str) -> Self {
        Self::from(ErrorCode::MethodNotFound).with_metadata("method", method)
    }

    /// The parameters are wrong, as `message` says.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParams, message)
    }

    /// The parameters are wrong, as `violations` say.
    pub fn invalid_fields(violations: Vec<FieldViolation>) -> Self {
        violations
            .into_iter()
            .fold(Self::from(ErrorCode::InvalidParams), Self::with_violation)
    }

    /// The parameters are wrong in one field.
    pub fn invalid_field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::from(ErrorCode::InvalidParams).with_violation(FieldViolation::new(field, description))
    }

    /// Something failed that is none of the peer's business. `log` says what, to the log.
    pub fn internal(log: impl Into<String>) -> Self {
        Self::from(ErrorCode::Internal).with_log(log)
    }

    /// The same error, with one more field that is wrong. Those beyond
    /// [`MAX_VIOLATIONS`] are dropped.
    #[must_use]
    pub fn with_violation(mut self, violation: FieldViolation) -> Self {
        if self.0.violations.len() < MAX_VIOLATIONS {
            self.0.violations.push(violation);
        }
        self
    }

    /// The same error, with something for programs to read in `ErrorInfo.metadata`.
    #[must_use]
    pub fn with_metadata(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0
            .metadata
            .insert(clip(name.to_owned()), clip(value.into()));
        self
    }

    /// The same error, with a stable code of ours that is finer than the protocol's, such as why
    /// a payment was refused. It never changes once released.
    #[must_use]
    pub fn with_detail(self, code: &str) -> Self {
        self.with_metadata(Self::DETAIL, code)
    }

    /// The same error, with what the log may know and the peer may not.
    #[must_use]
    pub fn with_log(mut self, log: impl Into<String>) -> Self {
        self.0.log = Some(log.into());
        self
    }

    /// What kind of error it is.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// What the peer is told.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The fields that are wrong.
    pub fn violations(&self) -> &[FieldViolation] {
        &self.0.violations
    }

    /// What programs can read about it.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.metadata
    }

    /// The code that [`with_detail`](Self::with_detail) set.
    pub fn detail(&self) -> Option<&str> {
        self.0.metadata.get(Self::DETAIL).map(String::as_str)
    }

    /// What only the log may know.
    pub fn log(&self) -> Option<&str> {
        self.0.log.as_deref()
    }
}

/// That kind of error, with nothing to add.
impl From<ErrorCode> for A2aError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code, code.default_message())
    }
}

/// What the peer is told, and nothing of what is for the log.
impl fmt::Display for A2aError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        for FieldViolation { field, description } in self.violations() {
            write!(f, "; {field}: {description}")?;
        }
        Ok(())
    }
}

impl std::error::Error for A2aError {}

/// Cuts a text to what an error may hold, at a character.
fn clip(mut text: String) -> String {
    if text.len() > MAX_ERROR_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(MAX_ERROR_TEXT_BYTES));
        text.push('…');
    }
    text
}
