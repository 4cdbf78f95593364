//! The checks that the validation of every request is put together from.

use crate::a2a::error::FieldViolation;
use crate::a2a::limits;
use crate::a2a::secret::Secret;
use crate::json::Metadata;

/// The violations that have been found.
#[derive(Default)]
pub(super) struct Check {
    pub(super) violations: Vec<FieldViolation>,
}

impl Check {
    pub(super) fn fail(&mut self, field: impl Into<String>, description: impl Into<String>) {
        if self.violations.len() < limits::MAX_VIOLATIONS {
            self.violations
                .push(FieldViolation::new(field, description));
        }
    }

    pub(super) fn at_most(&mut self, field: &str, count: usize, max: usize, unit: &str) {
        if count > max {
            self.fail(
                field,
                format!("has {count} {unit}, at most {max} are allowed"),
            );
        }
    }

    pub(super) fn optional_id(&mut self, field: &str, id: &str) {
        self.at_most(field, id.len(), limits::MAX_ID_BYTES, "bytes");
        // They end up in log lines, headers and paths.
        if id.chars().any(char::is_control) {
            self.fail(field, "must not contain control characters");
        }
    }

    pub(super) fn id(&mut self, field: &str, id: &str) {
        if id.is_empty() {
            self.fail(field, "is required");
        }
        self.optional_id(field, id);
    }

    pub(super) fn history_length(&mut self, field: &str, length: Option<i32>) {
        if length.is_some_and(i32::is_negative) {
            self.fail(field, "must not be negative");
        }
    }

    pub(super) fn metadata(&mut self, field: &str, metadata: &Metadata) {
        self.at_most(field, metadata.len(), limits::MAX_METADATA_NAMES, "names");
        if metadata
            .iter()
            .any(|(name, _)| name.len() > limits::MAX_METADATA_NAME_BYTES)
        {
            let max = limits::MAX_METADATA_NAME_BYTES;
            self.fail(field, format!("a name has more than {max} bytes"));
        }
        if metadata.iter().any(|(_, value)| !value.is_within_double()) {
            self.fail(field, BEYOND_DOUBLE);
        }
    }

    /// What is sent in a header must not be able to end it.
    pub(super) fn header(&mut self, field: &str, secret: &Secret) {
        self.at_most(field, secret.len(), limits::MAX_SECRET_BYTES, "bytes");
        if secret.expose().chars().any(char::is_control) {
            self.fail(field, "must not contain control characters");
        }
    }
}

/// What is taken in must be tellable on every binding; Protocol Buffers have doubles only.
pub(super) const BEYOND_DOUBLE: &str = "a number is larger than a double can hold";

/// The characters of a token in HTTP (RFC 9110 §5.6.2).
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
