//! How messages are described: what a `.proto` file says, as data.

/// A message: its name, and its fields in the order in which its JSON is written.
#[derive(Debug)]
pub struct Schema {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    /// The name in JSON.
    pub(super) json: &'static str,
    pub(super) kind: Kind,
    pub(super) shape: Shape,
}

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    String,
    /// Base64 in JSON.
    Bytes,
    Bool,
    Int32,
    /// Names in JSON, by their number.
    Enum(&'static [&'static str]),
    Message(&'static Schema),
    /// `google.protobuf.Timestamp`: RFC 3339 in JSON.
    Timestamp,
    /// `google.protobuf.Struct`: an object of anything in JSON.
    Struct,
    /// `google.protobuf.Value`: anything in JSON, `null` included.
    Value,
    /// `google.protobuf.ListValue`, in a `Value` only.
    List,
    /// `google.protobuf.NullValue`, in a `Value` only.
    Null,
    /// In a `Value` only.
    Double,
}

/// How often a value is there, and what its absence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Once; of scalars, what is at its default is not there.
    Plain,
    /// Once, and what is there is there even at its default: `optional`.
    Optional,
    /// Once, and then no other `OneOf` of the message is.
    OneOf,
    /// Any number of times, in order.
    Repeated,
    /// A map from text.
    Map,
}

impl Kind {
    /// Whether two of it on the wire are one: the fields of both. Those in a `Value`, which nests
    /// without end, do not: it would be copied at every level, and nobody writes two.
    pub(super) const fn merges(self) -> bool {
        matches!(self, Self::Message(_) | Self::Struct | Self::Timestamp)
    }
}

impl Schema {
    pub(super) fn by_json(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.json == name)
    }
}

const fn field(number: u32, json: &'static str, kind: Kind, shape: Shape) -> Field {
    Field {
        number,
        json,
        kind,
        shape,
    }
}

pub(super) const fn plain(number: u32, json: &'static str, kind: Kind) -> Field {
    field(number, json, kind, Shape::Plain)
}

pub(super) const fn text(number: u32, json: &'static str) -> Field {
    plain(number, json, Kind::String)
}

pub(super) const fn message(number: u32, json: &'static str, schema: &'static Schema) -> Field {
    plain(number, json, Kind::Message(schema))
}

pub(super) const fn optional(number: u32, json: &'static str, kind: Kind) -> Field {
    field(number, json, kind, Shape::Optional)
}

pub(super) const fn one_of(number: u32, json: &'static str, kind: Kind) -> Field {
    field(number, json, kind, Shape::OneOf)
}

pub(super) const fn repeated(number: u32, json: &'static str, kind: Kind) -> Field {
    field(number, json, kind, Shape::Repeated)
}

pub(super) const fn map(number: u32, json: &'static str, kind: Kind) -> Field {
    field(number, json, kind, Shape::Map)
}
