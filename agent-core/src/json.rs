//! JSON that is carried, not understood.
//!
//! An agent passes on data parts, metadata and extension parameters that belong to somebody else.
//! Reading them into a tree of numbers would turn `42` into `42.0`, lose digits of long integers
//! and refuse `1e400`. [`Json`] keeps the text instead and lets whoever knows the shape read it
//! once. [`Metadata`] is the map of such values that A2A puts on most objects, and
//! [`check_depth`] is the guard at the front door.

mod depth;
mod metadata;
mod numbers;
mod surrogates;

pub use depth::{DepthError, check_depth};
pub use metadata::Metadata;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;
use surrogates::has_half_a_pair;

/// One JSON value as the text it was written in.
///
/// The text is checked to be JSON when the value is made, and never again; strings in it are text,
/// without halves of surrogate pairs. Numbers keep their digits, object keys their order. The only thing that changes is a line break *between* tokens,
/// which becomes a space: so a `Json` always fits into one line of a log or of an event stream,
/// where a line break ends the record.
///
/// A clone shares the text.
#[derive(Clone)]
pub struct Json(Arc<RawValue>);

impl Json {
    /// The value that `value` serialises to.
    ///
    /// # Errors
    /// When `value` cannot be JSON, such as a map whose keys are not text.
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self::from_raw)
    }

    /// The object with this one member. A `value` that is [`Json`] is copied and not read again.
    ///
    /// # Errors
    /// When `value` cannot be JSON.
    pub fn member<T: Serialize + ?Sized>(name: &str, value: &T) -> Result<Self, serde_json::Error> {
        struct Member<'a, T: ?Sized>(&'a str, &'a T);
        impl<T: Serialize + ?Sized> Serialize for Member<'_, T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map([(self.0, self.1)])
            }
        }
        Self::from_value(&Member(name, value))
    }

    /// The value written in `text`.
    ///
    /// # Errors
    /// When `text` is not exactly one JSON value.
    pub fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Reads the value as a `T`.
    ///
    /// # Errors
    /// When the value does not have the shape of a `T`, or nests deeper than serde_json reads.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.get())
    }

    /// The text.
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// Whether the value is `null`.
    pub fn is_null(&self) -> bool {
        self.get() == "null"
    }

    /// Whether every number in it is one that a double can hold, and so Protocol Buffers. Others, such
    /// as `1e400`, are JSON all the same and are kept.
    pub fn is_within_double(&self) -> bool {
        !numbers::has_number_beyond_double(self.get())
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.get().starts_with('{')
    }

    fn from_raw(raw: Box<RawValue>) -> Self {
        // A JSON string cannot hold a bare line break, so any that is found stands between tokens.
        if raw.get().bytes().any(|b| matches!(b, b'\n' | b'\r')) {
            let one_line = raw.get().replace(['\n', '\r'], " ");
            if let Ok(raw) = RawValue::from_string(one_line) {
                return Self(Arc::from(raw));
            }
        }
        Self(Arc::from(raw))
    }
}

impl Default for Json {
    fn default() -> Self {
        Self(Arc::from(RawValue::NULL.to_owned()))
    }
}

/// Shows the text.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

/// Shows the text.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

/// Equal texts. `1.0` and `1` differ, as do objects with their keys in another order.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Json {}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if has_half_a_pair(raw.get()) {
            return Err(D::Error::custom("a string holds half of a surrogate pair"));
        }
        Ok(Self::from_raw(raw))
    }
}
