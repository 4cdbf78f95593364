//! The rules of ProtoJSON, once, for every A2A object.
//!
//! A2A is defined as Protocol Buffers and travels as their JSON form (A2A §5.5 to §5.7, ADR-001):
//!
//! - names are written in camelCase; the snake_case of the `.proto` file is read too;
//! - `null` means that the field is not set;
//! - a field at its default is left out, unless the specification marks it REQUIRED;
//! - an unknown name is skipped, so that a newer peer can be understood;
//! - enums are written by name and read by name or number.
//!
//! Reading is lenient about fields that are missing, because the specification's own examples
//! leave REQUIRED ones out; [`validate`](super::SendMessageRequest::validate) is where they are
//! asked for. A value that is wrong is refused with the path to it, as in
//! `` `message.parts[2].text`: invalid type: integer `5`, expected a string ``.
//!
//! The two macros implement serde's traits rather than derive them: a derived reader names no
//! path, and cannot carry [`Json`](crate::json::Json) inside a oneof.

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// A type that a field of an A2A object can have.
pub(crate) trait Field: Sized + Serialize {
    /// Reads it; `null` gives the default.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Whether it is at its default, and so left out.
    fn is_unset(&self) -> bool;
}

impl Field for String {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Option::unwrap_or_default)
    }

    fn is_unset(&self) -> bool {
        self.is_empty()
    }
}

impl Field for bool {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Option::unwrap_or_default)
    }

    fn is_unset(&self) -> bool {
        !self
    }
}

impl Field for i32 {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Int32>::deserialize(deserializer).map(|n| n.map_or(0, |Int32(n)| n))
    }

    fn is_unset(&self) -> bool {
        *self == 0
    }
}

/// An `int32`, which ProtoJSON also allows as text and as a float without a fraction.
struct Int32(i32);

impl<'de> Deserialize<'de> for Int32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = Int32;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a 32-bit integer")
            }

            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Int32, E> {
                let fits = i32::try_from(n).ok().map(Int32);
                fits.ok_or_else(|| E::invalid_value(de::Unexpected::Signed(n), &self))
            }

            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Int32, E> {
                let fits = i32::try_from(n).ok().map(Int32);
                fits.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(n), &self))
            }

            fn visit_f64<E: de::Error>(self, n: f64) -> Result<Int32, E> {
                // Through text, since a cast would round and saturate in silence.
                let fits = (n.fract() == 0.0)
                    .then(|| format!("{n:.0}").parse().ok())
                    .flatten();
                fits.map(Int32)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Float(n), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Int32, E> {
                let fits = text.parse().ok().map(Int32);
                fits.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(V)
    }
}

impl<T: Field> Field for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Field> Visitor<'de> for V<T> {
            type Value = Option<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or null")
            }

            fn visit_none<E>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_unit<E>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Option<T>, D::Error> {
                T::read(d).map(Some)
            }
        }
        deserializer.deserialize_option(V(PhantomData))
    }

    fn is_unset(&self) -> bool {
        self.is_none()
    }
}

impl<T: Serialize + for<'a> Deserialize<'a>> Field for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_unit<E>(self) -> Result<Vec<T>, E> {
                Ok(Vec::new())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
                let mut out = Vec::new();
                while let Some(item) = seq.next_element().map_err(|e| inside_item(out.len(), e))? {
                    out.push(item);
                }
                Ok(out)
            }
        }
        deserializer.deserialize_any(V(PhantomData))
    }

    fn is_unset(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Serialize + for<'a> Deserialize<'a>> Field for BTreeMap<String, T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = BTreeMap<String, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_unit<E>(self) -> Result<BTreeMap<String, T>, E> {
                Ok(BTreeMap::new())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut out = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    let value = map.next_value().map_err(|e| inside(&name, e))?;
                    out.insert(name, value);
                }
                Ok(out)
            }
        }
        deserializer.deserialize_any(V(PhantomData))
    }

    fn is_unset(&self) -> bool {
        self.is_empty()
    }
}

impl Field for crate::json::Metadata {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }

    fn is_unset(&self) -> bool {
        self.is_empty()
    }
}

/// Reads a value through [`Field::read`].
pub(crate) struct Read<T>(PhantomData<T>);

impl<T> Read<T> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Field> DeserializeSeed<'de> for Read<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(deserializer)
    }
}

/// Puts the name of a field in front of the path that `error` carries.
pub(crate) fn inside<E: de::Error>(field: &str, error: E) -> E {
    at(field, error)
}

fn inside_item<E: de::Error>(index: usize, error: E) -> E {
    at(&format!("[{index}]"), error)
}

/// Errors of serde are text, so the path is built in the text: `` `a.b[0]`: what is wrong ``.
fn at<E: de::Error>(step: &str, error: E) -> E {
    let text = error.to_string();
    E::custom(match text.strip_prefix('`') {
        Some(rest) if rest.starts_with('[') => format!("`{step}{rest}"),
        Some(rest) => format!("`{step}.{rest}"),
        None => format!("`{step}`: {text}"),
    })
}

/// The path and the rest of an error that was built by [`inside`].
pub(crate) fn split_path(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('`')?.split_once("`: ")
}
