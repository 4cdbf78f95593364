//! What cannot be carried from one form to the other.

use thiserror::Error;

/// Why an object cannot be read from Protocol Buffers, or written in them.
///
/// The texts name fields of the schema and positions, and never quote the peer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProtoError {
    /// The bytes end within a field, or a length reaches beyond the message.
    #[error("the message is cut short")]
    Truncated,
    /// A varint of more than ten bytes, or of more than 64 bits.
    #[error("a varint does not end")]
    Varint,
    /// A field number of 0, or one that no field can have.
    #[error("a field has no valid number")]
    FieldNumber,
    /// A wire type that is not used any more (groups) or never was.
    #[error("wire type {0} is not supported")]
    WireType(u8),
    /// A string that is not UTF-8.
    #[error("`{0}` is not UTF-8")]
    Utf8(&'static str),
    /// More levels of messages, lists and maps than are read.
    #[error("the message is nested deeper than {0} levels")]
    TooDeep(usize),
    /// More entries in a map than are read.
    #[error("`{0}` has too many entries")]
    TooMany(&'static str),
    /// A number that JSON cannot write: an infinity or no number at all.
    #[error("a number is not finite")]
    NotFinite,
    /// A time before the year 1 or after the year 9999, or with impossible nanoseconds.
    #[error("`{0}` is not a time between the years 1 and 9999")]
    Timestamp(&'static str),
    /// The JSON is not that of the message.
    #[error("not the JSON of a {message}: {why}")]
    Json {
        /// Which message of the schema was to be written.
        message: &'static str,
        /// What the reader said.
        why: String,
    },
}

impl ProtoError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Truncated => "proto.truncated",
            Self::Varint => "proto.bad_varint",
            Self::FieldNumber => "proto.bad_field_number",
            Self::WireType(_) => "proto.bad_wire_type",
            Self::Utf8(_) => "proto.not_utf8",
            Self::TooDeep(_) => "proto.too_deep",
            Self::TooMany(_) => "proto.too_many",
            Self::NotFinite => "proto.not_finite",
            Self::Timestamp(_) => "proto.bad_timestamp",
            Self::Json { .. } => "proto.bad_json",
        }
    }
}
