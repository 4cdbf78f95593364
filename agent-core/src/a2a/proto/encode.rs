//! From JSON to the wire, in one pass over the text.

use super::error::ProtoError;
use super::schema::{Field, Kind, Schema, Shape};
use super::wire::Writer;
use crate::a2a::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{
    DeserializeSeed, Deserializer, Expected, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde::{Deserialize, de};
use std::fmt;

impl Schema {
    /// Writes the ProtoJSON of this message as Protocol Buffers.
    ///
    /// The JSON is that which the types of [`a2a`](crate::a2a) write: names in camelCase. Names
    /// that the schema does not have are skipped, `null` is a field that is not set (of a
    /// `google.protobuf.Value`, a value), and numbers in structured data become doubles, which
    /// is all that this form has. serde_json's bound on nesting is this function's.
    ///
    /// # Errors
    /// [`ProtoError::Json`] when the text is not the JSON of this message.
    pub fn encode(&self, json: &str) -> Result<Vec<u8>, ProtoError> {
        let unreadable = |error: serde_json::Error| ProtoError::Json {
            message: self.name,
            why: error.to_string(),
        };
        let mut out = Writer::default();
        let mut text = serde_json::Deserializer::from_str(json);
        let fields = Fields {
            schema: self,
            out: &mut out,
        };
        text.deserialize_any(fields).map_err(unreadable)?;
        text.end().map_err(unreadable)?;
        Ok(out.finish())
    }
}

/// The fields of a message.
struct Fields<'a> {
    schema: &'a Schema,
    out: &'a mut Writer,
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} object", self.schema.name)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        // Not what serde would say, which quotes text.
        let expected: &dyn Expected = &self;
        Err(E::custom(format_args!("expected {expected}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(Name(self.schema))? {
            match field {
                Some(field) => map.next_value_seed(Members {
                    field,
                    out: self.out,
                })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The field of a name.
struct Name<'a>(&'a Schema);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.by_json(name))
    }
}

/// All that is in one field.
struct Members<'a> {
    field: &'static Field,
    out: &'a mut Writer,
}

impl Members<'_> {
    const fn item(&mut self, number: u32, always: bool) -> Item<'_> {
        Item {
            name: self.field.json,
            kind: self.field.kind,
            number,
            always,
            null: false,
            out: self.out,
        }
    }

    /// Not what serde would say, which quotes text.
    fn refuse<E: de::Error>(&self) -> E {
        let expected: &dyn Expected = self;
        E::custom(format_args!("expected {expected}"))
    }
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, d: D) -> Result<(), D::Error> {
        let number = self.field.number;
        match self.field.shape {
            Shape::Repeated | Shape::Map => d.deserialize_any(self),
            shape => {
                let mut item = self.item(number, shape != Shape::Plain);
                item.null = true;
                item.deserialize(d)
            }
        }
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.field.shape {
            Shape::Map => "an object",
            _ => "an array",
        };
        write!(f, "{what} in `{}`", self.field.json)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Err(self.refuse())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        if self.field.shape != Shape::Repeated {
            return Err(self.refuse());
        }
        let number = self.field.number;
        while seq.next_element_seed(self.item(number, true))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        if self.field.shape != Shape::Map {
            return Err(self.refuse());
        }
        while let Some(key) = map.next_key::<String>()? {
            let entry = self.out.open(self.field.number);
            self.out.bytes(1, key.as_bytes());
            map.next_value_seed(self.item(2, true))?;
            self.out.close(entry);
        }
        Ok(())
    }
}

/// One value of a field.
struct Item<'a> {
    name: &'static str,
    kind: Kind,
    number: u32,
    /// Whether it is written at its default too.
    always: bool,
    /// Whether `null` stands for nothing.
    null: bool,
    out: &'a mut Writer,
}

impl Item<'_> {
    fn put_varint(self, value: u64) {
        if self.always || value != 0 {
            self.out.varint(self.number, value);
        }
    }

    fn put_bytes(self, value: &[u8]) {
        if self.always || !value.is_empty() {
            self.out.bytes(self.number, value);
        }
    }

    /// Errors name the field and not its content, which may be a secret or megabytes.
    fn refuse<E: de::Error>(&self, what: &str) -> E {
        E::custom(format_args!("`{}`: {what}", self.name))
    }
}

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        if matches!(self.kind, Kind::Value) {
            let value = self.out.open(self.number);
            Anything(&mut *self.out).deserialize(d)?;
            self.out.close(value);
            return Ok(());
        }
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Item<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "another value in `{}`", self.name)
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        if self.null {
            Ok(())
        } else {
            Err(self.refuse("null among values"))
        }
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        match self.kind {
            Kind::Bool => {
                self.put_varint(value.into());
                Ok(())
            }
            _ => Err(self.refuse("a boolean is not expected")),
        }
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        match (self.kind, i32::try_from(value)) {
            // Negative numbers take ten bytes: their sign is extended to 64 bits.
            (Kind::Int32 | Kind::Enum(_), Ok(_)) => {
                self.put_varint(value.cast_unsigned());
                Ok(())
            }
            _ => Err(self.refuse("the number is not expected")),
        }
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(self.refuse("the number is too large")),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        match self.kind {
            Kind::String => self.put_bytes(text.as_bytes()),
            Kind::Bytes => {
                let Ok(bytes) = STANDARD.decode(text) else {
                    return Err(self.refuse("not base64"));
                };
                self.put_bytes(&bytes);
            }
            Kind::Enum(names) => {
                let known = names.iter().position(|name| *name == text);
                let Some(number) = known.and_then(|known| u64::try_from(known).ok()) else {
                    return Err(self.refuse("not one of the names"));
                };
                self.put_varint(number);
            }
            Kind::Timestamp => {
                let Ok(time) = text.parse::<Timestamp>() else {
                    return Err(self.refuse("not a time"));
                };
                let millis = time.unix_millis();
                let value = self.out.open(self.number);
                let (seconds, nanos) = (
                    millis.div_euclid(1_000),
                    millis.rem_euclid(1_000) * 1_000_000,
                );
                for (number, part) in [(1, seconds), (2, nanos)] {
                    if part != 0 {
                        self.out.varint(number, part.cast_unsigned());
                    }
                }
                self.out.close(value);
            }
            _ => return Err(self.refuse("a string is not expected")),
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        match self.kind {
            Kind::Message(schema) => {
                let value = self.out.open(self.number);
                let out = &mut *self.out;
                Fields { schema, out }.visit_map(map)?;
                self.out.close(value);
                Ok(())
            }
            Kind::Struct => {
                let value = self.out.open(self.number);
                entries(self.out, map)?;
                self.out.close(value);
                Ok(())
            }
            _ => Err(self.refuse("an object is not expected")),
        }
    }
}

/// A `google.protobuf.Value`: its content, after its length.
struct Anything<'a>(&'a mut Writer);

impl<'de> DeserializeSeed<'de> for Anything<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Anything<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.varint(1, 0);
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.visit_f64(double::<_, E>(value)?)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.visit_f64(double::<_, E>(value)?)
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.0.double(2, value);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.bytes(3, text.as_bytes());
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.varint(4, value.into());
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let value = self.0.open(5);
        entries(self.0, map)?;
        self.0.close(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let list = self.0.open(6);
        while seq.next_element_seed(Nested(1, &mut *self.0))?.is_some() {}
        self.0.close(list);
        Ok(())
    }
}

/// A `Value` as a field of that number.
struct Nested<'a>(u32, &'a mut Writer);

impl<'de> DeserializeSeed<'de> for Nested<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        let value = self.1.open(self.0);
        Anything(&mut *self.1).deserialize(d)?;
        self.1.close(value);
        Ok(())
    }
}

/// The entries of a `google.protobuf.Struct`.
fn entries<'de, A: MapAccess<'de>>(out: &mut Writer, mut map: A) -> Result<(), A::Error> {
    while let Some(key) = map.next_key::<String>()? {
        let entry = out.open(1);
        out.bytes(1, key.as_bytes());
        map.next_value_seed(Nested(2, &mut *out))?;
        out.close(entry);
    }
    Ok(())
}

/// The double that is nearest to an integer, as serde makes it.
fn double<'de, T: IntoDeserializer<'de, E>, E: de::Error>(value: T) -> Result<f64, E> {
    f64::deserialize(value.into_deserializer())
}
