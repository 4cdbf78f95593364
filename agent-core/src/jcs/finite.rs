//! A serialiser that writes nothing and only looks for NaN and infinities.
//!
//! `serde_json` turns those into `null` without a word, so a look at its output comes too late.

use super::JcsError;
use serde::ser::{self, Serialize, Serializer};
use std::fmt;

pub(super) fn check<T: Serialize + ?Sized>(value: &T) -> Result<(), JcsError> {
    match value.serialize(Look) {
        Err(Found::NotFinite) => Err(JcsError::NotFinite),
        Err(Found::Other(error)) => Err(JcsError::Serialize(error)),
        Ok(()) => Ok(()),
    }
}

#[derive(Debug)]
enum Found {
    NotFinite,
    Other(serde_json::Error),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite => f.write_str("not finite"),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Found {}

impl ser::Error for Found {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(ser::Error::custom(message))
    }
}

#[derive(Clone, Copy)]
struct Look;

type Seen = Result<(), Found>;

/// Scalars that are always finite.
macro_rules! fine {
    ($($name:ident: $kind:ty),* $(,)?) => {
        $(fn $name(self, _: $kind) -> Seen { Ok(()) })*
    };
}

/// The compound traits: every element is looked at, keys are strings and need no look.
macro_rules! compound {
    ($($kind:ident { $($name:ident ( $($key:ty)? )),* }),* $(,)?) => {
        $(impl ser::$kind for Look {
            type Ok = ();
            type Error = Found;
            $(fn $name<T: Serialize + ?Sized>(&mut self, $(_: $key,)? value: &T) -> Seen {
                value.serialize(*self)
            })*
            fn end(self) -> Seen { Ok(()) }
        })*
    };
}

compound! {
    SerializeSeq { serialize_element() },
    SerializeTuple { serialize_element() },
    SerializeTupleStruct { serialize_field() },
    SerializeTupleVariant { serialize_field() },
    SerializeMap { serialize_key(), serialize_value() },
    SerializeStruct { serialize_field(&'static str) },
    SerializeStructVariant { serialize_field(&'static str) },
}

impl Serializer for Look {
    type Ok = ();
    type Error = Found;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fine! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_i128: i128, serialize_u8: u8, serialize_u16: u16,
        serialize_u32: u32, serialize_u64: u64, serialize_u128: u128, serialize_char: char,
        serialize_str: &str, serialize_bytes: &[u8], serialize_unit_struct: &'static str,
    }

    fn serialize_f32(self, value: f32) -> Seen {
        self.serialize_f64(f64::from(value))
    }
    fn serialize_f64(self, value: f64) -> Seen {
        if value.is_finite() {
            Ok(())
        } else {
            Err(Found::NotFinite)
        }
    }
    fn serialize_none(self) -> Seen {
        Ok(())
    }
    fn serialize_unit(self) -> Seen {
        Ok(())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Seen {
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Seen {
        Ok(())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Seen {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Seen {
        value.serialize(self)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Found> {
        Ok(self)
    }
    fn serialize_tuple(self, _: usize) -> Result<Self, Found> {
        Ok(self)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Found> {
        Ok(self)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Found> {
        Ok(self)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self, Found> {
        Ok(self)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Found> {
        Ok(self)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Found> {
        Ok(self)
    }
}
