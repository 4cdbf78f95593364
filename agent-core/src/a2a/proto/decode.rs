//! From the wire to JSON, without a copy between.

use super::error::ProtoError;
use super::limits::MAX_MAP_ENTRIES;
use super::schema::{Field, Kind, Schema, Shape, map, one_of, repeated};
use super::wire::{Raw, Reader};
use crate::a2a::Timestamp;
use crate::a2a::limits::MAX_JSON_DEPTH;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;
use std::io::Write;

/// What a `google.protobuf.Value` can hold.
static VALUE: [Field; 6] = [
    one_of(1, "null", Kind::Null),
    one_of(2, "number", Kind::Double),
    one_of(3, "string", Kind::String),
    one_of(4, "bool", Kind::Bool),
    one_of(5, "struct", Kind::Struct),
    one_of(6, "list", Kind::List),
];

/// What a `google.protobuf.Struct` holds.
static STRUCT: Field = map(1, "fields", Kind::Value);

/// What a `google.protobuf.ListValue` holds.
static LIST: Field = repeated(1, "values", Kind::Value);

impl Schema {
    /// Writes a message of Protocol Buffers as ProtoJSON.
    ///
    /// Fields that the schema does not have are skipped, as are fields of another type than its
    /// own. What is not on the wire is left out, REQUIRED or not, since the types of
    /// [`a2a`](crate::a2a) read what is missing as its default. A number in structured data that
    /// is whole and exact is written without a fraction. What comes out nests at most
    /// [`MAX_JSON_DEPTH`] levels and has no name twice in an object.
    ///
    /// The size of `wire` is the caller's to bound; what comes out is at most some ten times as
    /// large.
    ///
    /// # Errors
    /// [`ProtoError`] says what is wrong with the bytes.
    pub fn decode(&self, wire: &[u8]) -> Result<Vec<u8>, ProtoError> {
        let mut out = Out(Vec::with_capacity(wire.len()));
        out.message(self, wire, MAX_JSON_DEPTH)?;
        Ok(out.0)
    }
}

/// One field of a message, as far as one look at the message tells.
#[derive(Clone, Copy, Debug)]
struct Seen<'a> {
    /// The message from the first occurrence that counts,
    from: &'a [u8],
    /// how many there are from there,
    count: usize,
    /// and the last of them.
    last: Raw<'a>,
}

/// Looks at a message once.
fn look<'a>(fields: &[Field], wire: &'a [u8]) -> Result<Vec<Option<Seen<'a>>>, ProtoError> {
    let mut seen: Vec<Option<Seen<'a>>> = vec![None; fields.len()];
    let mut reader = Reader(wire);
    loop {
        let from = reader.0;
        let Some((number, raw)) = reader.next()? else {
            return Ok(seen);
        };
        let found = fields.iter().zip(&mut seen).enumerate();
        let found = found
            .map(|(index, (field, seen))| (index, field, seen))
            .find(|(_, field, _)| field.takes(number, raw));
        let Some((index, field, place)) = found else {
            continue;
        };
        let before = place.map_or((from, 0), |seen| (seen.from, seen.count));
        *place = Some(Seen {
            from: before.0,
            count: before.1.saturating_add(1),
            last: raw,
        });
        if field.shape == Shape::OneOf {
            // The last of them is the one that is set.
            let others = fields.iter().zip(&mut seen).enumerate();
            for (other, (field, seen)) in others {
                if other != index && field.shape == Shape::OneOf {
                    *seen = None;
                }
            }
        }
    }
}

impl Field {
    /// Whether this is the field that stands on the wire. One of another type than ours is
    /// another's field.
    const fn takes(&self, number: u32, raw: Raw<'_>) -> bool {
        self.number == number
            && match (self.shape, self.kind) {
                (
                    Shape::Plain | Shape::Optional | Shape::OneOf,
                    Kind::Bool | Kind::Int32 | Kind::Enum(_) | Kind::Null,
                ) => matches!(raw, Raw::Varint(_)),
                (_, Kind::Double) => matches!(raw, Raw::Fixed64(_)),
                _ => matches!(raw, Raw::Bytes(_)),
            }
    }

    /// The occurrences of this field from the first that counts.
    fn each<'a>(&self, seen: Seen<'a>) -> impl Iterator<Item = &'a [u8]> {
        let mut reader = Reader(seen.from);
        let number = self.number;
        // The bytes have been read before, so no error hides here.
        std::iter::from_fn(move || reader.next().ok().flatten()).filter_map(
            move |field| match field {
                (of, Raw::Bytes(bytes)) if of == number => Some(bytes),
                _ => None,
            },
        )
    }
}

struct Out(Vec<u8>);

impl Out {
    fn message(&mut self, schema: &Schema, wire: &[u8], levels: usize) -> Result<(), ProtoError> {
        let levels = deeper(levels)?;
        let seen = look(schema.fields, wire)?;
        let mut separator = b'{';
        for (field, seen) in schema.fields.iter().zip(seen) {
            let Some(seen) = seen else { continue };
            self.0.push(separator);
            separator = b',';
            self.text(field.json);
            self.0.push(b':');
            self.field(field, seen, levels)?;
        }
        if separator == b'{' {
            self.0.push(separator);
        }
        self.0.push(b'}');
        Ok(())
    }

    fn field(&mut self, field: &Field, seen: Seen<'_>, levels: usize) -> Result<(), ProtoError> {
        match field.shape {
            Shape::Repeated => self.list(field, Some(seen), levels),
            Shape::Map => self.map(field, Some(seen), levels),
            // A message that is there twice is the two of them in one; that is, their bytes.
            _ if seen.count > 1 && field.kind.merges() => {
                let whole: Vec<u8> = field.each(seen).flatten().copied().collect();
                self.value(field, Raw::Bytes(&whole), levels)
            }
            _ => self.value(field, seen.last, levels),
        }
    }

    fn list(
        &mut self,
        field: &Field,
        seen: Option<Seen<'_>>,
        levels: usize,
    ) -> Result<(), ProtoError> {
        let levels = deeper(levels)?;
        let items = seen.into_iter().flat_map(|seen| field.each(seen));
        self.0.push(b'[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.0.push(b',');
            }
            self.value(field, Raw::Bytes(item), levels)?;
        }
        self.0.push(b']');
        Ok(())
    }

    /// Of entries of one name the last counts: two readers of an object with a name twice could
    /// read two different things.
    fn map(
        &mut self,
        field: &Field,
        seen: Option<Seen<'_>>,
        levels: usize,
    ) -> Result<(), ProtoError> {
        let levels = deeper(levels)?;
        let entries = seen.into_iter().flat_map(|seen| field.each(seen));
        let mut places = HashMap::new();
        let mut all: Vec<(&str, Raw<'_>)> = Vec::new();
        for entry in entries {
            let (key, value) = split(field, entry)?;
            let place = *places.entry(key).or_insert(all.len());
            match all.get_mut(place) {
                Some(known) => known.1 = value,
                None if place >= MAX_MAP_ENTRIES => return Err(ProtoError::TooMany(field.json)),
                None => all.push((key, value)),
            }
        }
        self.0.push(b'{');
        for (index, (key, value)) in all.into_iter().enumerate() {
            if index > 0 {
                self.0.push(b',');
            }
            self.text(key);
            self.0.push(b':');
            self.value(field, value, levels)?;
        }
        self.0.push(b'}');
        Ok(())
    }

    /// One value, which has the wire type of its kind: [`Field::takes`] saw to it.
    fn value(&mut self, field: &Field, raw: Raw<'_>, levels: usize) -> Result<(), ProtoError> {
        match (field.kind, raw) {
            (Kind::Bool, Raw::Varint(value)) => self.raw(if value == 0 { "false" } else { "true" }),
            (Kind::Int32, Raw::Varint(value)) => self.show(int32(value)),
            (Kind::Enum(names), Raw::Varint(value)) => {
                let number = int32(value);
                let name = usize::try_from(number).ok().and_then(|n| names.get(n));
                match name {
                    Some(name) => self.text(name),
                    None => self.show(number),
                }
            }
            (Kind::Double, Raw::Fixed64(bytes)) => self.double(f64::from_le_bytes(bytes))?,
            (kind, Raw::Bytes(bytes)) => self.content(field, kind, bytes, levels)?,
            _ => self.raw("null"),
        }
        Ok(())
    }

    fn content(
        &mut self,
        field: &Field,
        kind: Kind,
        bytes: &[u8],
        levels: usize,
    ) -> Result<(), ProtoError> {
        match kind {
            Kind::String => {
                self.text(std::str::from_utf8(bytes).map_err(|_| ProtoError::Utf8(field.json))?);
            }
            Kind::Bytes => self.text(&STANDARD.encode(bytes)),
            Kind::Message(schema) => self.message(schema, bytes, levels)?,
            Kind::Timestamp => {
                let time = timestamp(bytes)?.ok_or(ProtoError::Timestamp(field.json))?;
                self.text(&time.to_string());
            }
            Kind::Struct => self.map(&STRUCT, one(&STRUCT, bytes)?, levels)?,
            Kind::List => self.list(&LIST, one(&LIST, bytes)?, levels)?,
            Kind::Value => {
                let seen = look(&VALUE, bytes)?;
                let set = VALUE.iter().zip(seen);
                let mut set = set.filter_map(|(field, seen)| Some((field, seen?.last)));
                match set.next_back() {
                    Some((field, raw)) => self.value(field, raw, levels)?,
                    None => self.raw("null"),
                }
            }
            Kind::Bool | Kind::Int32 | Kind::Enum(_) | Kind::Double | Kind::Null => {
                self.raw("null");
            }
        }
        Ok(())
    }

    fn double(&mut self, value: f64) -> Result<(), ProtoError> {
        /// Below it every whole number has a double of its own.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if !value.is_finite() {
            return Err(ProtoError::NotFinite);
        }
        if value.fract() == 0.0 && value.abs() < EXACT {
            self.show(format_args!("{value:.0}"));
        } else {
            self.show(serde_json::Number::from_f64(value).ok_or(ProtoError::NotFinite)?);
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        // Writing text to memory does not fail.
        let _ = serde_json::to_writer(&mut self.0, text);
    }

    fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn show(&mut self, value: impl std::fmt::Display) {
        let _ = write!(self.0, "{value}");
    }
}

const fn deeper(levels: usize) -> Result<usize, ProtoError> {
    match levels.checked_sub(1) {
        Some(left) => Ok(left),
        None => Err(ProtoError::TooDeep(MAX_JSON_DEPTH)),
    }
}

fn one<'a>(field: &'static Field, wire: &'a [u8]) -> Result<Option<Seen<'a>>, ProtoError> {
    let mut seen = look(std::slice::from_ref(field), wire)?;
    Ok(seen.pop().flatten())
}

/// The name and the value of an entry of a map; what is missing is at its default.
fn split<'a>(field: &Field, entry: &'a [u8]) -> Result<(&'a str, Raw<'a>), ProtoError> {
    let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
    let mut reader = Reader(entry);
    while let Some(found) = reader.next()? {
        match found {
            (1, Raw::Bytes(bytes)) => key = bytes,
            (2, Raw::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    let key = std::str::from_utf8(key).map_err(|_| ProtoError::Utf8(field.json))?;
    Ok((key, Raw::Bytes(value)))
}

/// The low half, as Protocol Buffers read an `int32` that was written as anything larger.
const fn int32(value: u64) -> i32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

fn timestamp(wire: &[u8]) -> Result<Option<Timestamp>, ProtoError> {
    let (mut seconds, mut nanos) = (0, 0);
    let mut reader = Reader(wire);
    while let Some(found) = reader.next()? {
        match found {
            (1, Raw::Varint(value)) => seconds = value.cast_signed(),
            (2, Raw::Varint(value)) => nanos = int32(value),
            _ => {}
        }
    }
    if !(0..1_000_000_000).contains(&nanos) {
        return Ok(None);
    }
    let millis = seconds
        .checked_mul(1_000)
        .and_then(|millis| millis.checked_add(i64::from(nanos / 1_000_000)));
    Ok(millis
        .map(|millis| (millis, Timestamp::from_unix_millis(millis)))
        .filter(|(millis, time)| time.unix_millis() == *millis)
        .map(|(_, time)| time))
}
