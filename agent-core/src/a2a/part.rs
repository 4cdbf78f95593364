//! The pieces that messages and artifacts are made of.

use super::protojson::{Read, inside};
use crate::json::{Json, Metadata};
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, Engine};
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// One piece of content, and what is said about it (A2A §4.1.6).
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The content itself.
    pub content: PartContent,
    /// What extensions and the sender say about the content.
    pub metadata: Metadata,
    /// The name of the file, if it is one. Chosen by the peer: never a path to write to.
    pub filename: String,
    /// The media type, such as `text/plain`. Empty when the sender does not say.
    pub media_type: String,
}

/// What a [`Part`] holds: on the wire, exactly one of four members.
#[derive(Clone, Debug, PartialEq)]
pub enum PartContent {
    /// Text.
    Text(String),
    /// The bytes of a file.
    Raw(Vec<u8>),
    /// Where the content can be had. Chosen by the peer: not to be fetched unguarded.
    Url(String),
    /// Any JSON value, `null` included.
    Data(Json),
}

impl Part {
    fn new(content: PartContent) -> Self {
        Self {
            content,
            metadata: Metadata::new(),
            filename: String::new(),
            media_type: String::new(),
        }
    }

    /// A part of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(PartContent::Text(text.into()))
    }

    /// A part that holds the bytes of a file.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(PartContent::Raw(bytes.into()))
    }

    /// A part that says where its content is.
    pub fn url(url: impl Into<String>) -> Self {
        Self::new(PartContent::Url(url.into()))
    }

    /// A part of structured data that is JSON already.
    pub fn data(data: Json) -> Self {
        Self::new(PartContent::Data(data))
    }

    /// A part of structured data: what `value` serialises to.
    ///
    /// # Errors
    /// When `value` cannot be JSON.
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        Json::from_value(value).map(Self::data)
    }

    /// The same part, of that media type.
    #[must_use]
    pub fn with_media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = media_type.into();
        self
    }

    /// The same part, as a file of that name.
    #[must_use]
    pub fn with_filename(mut self, filename: impl Into<String>) -> Self {
        self.filename = filename.into();
        self
    }

    /// The text, if it is a part of text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            PartContent::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The data, if it is a part of structured data.
    pub const fn as_data(&self) -> Option<&Json> {
        match &self.content {
            PartContent::Data(data) => Some(data),
            _ => None,
        }
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<Json> for Part {
    fn from(data: Json) -> Self {
        Self::data(data)
    }
}

/// Standard alphabet with padding, which is what ProtoJSON writes.
const WRITE: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const READ_STANDARD: GeneralPurpose = WRITE;
const READ_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

pub(super) fn to_base64(bytes: &[u8]) -> String {
    WRITE.encode(bytes)
}

pub(super) fn from_base64(text: &str) -> Result<Vec<u8>, DecodeError> {
    let url_safe = text.contains(['-', '_']);
    let engine = if url_safe {
        READ_URL_SAFE
    } else {
        READ_STANDARD
    };
    engine.decode(text)
}

/// Base64 in either alphabet, padded or not (ProtoJSON).
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a base64 string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
                // The text of a file can be megabytes, so the error does not repeat it.
                from_base64(text)
                    .map(Bytes)
                    .map_err(|why| E::custom(format!("not base64: {why}")))
            }
        }
        deserializer.deserialize_str(V)
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.content {
            PartContent::Text(text) => map.serialize_entry("text", text)?,
            PartContent::Raw(bytes) => map.serialize_entry("raw", &to_base64(bytes))?,
            PartContent::Url(url) => map.serialize_entry("url", url)?,
            PartContent::Data(data) => map.serialize_entry("data", data)?,
        }
        if !self.metadata.is_empty() {
            map.serialize_entry("metadata", &self.metadata)?;
        }
        if !self.filename.is_empty() {
            map.serialize_entry("filename", &self.filename)?;
        }
        if !self.media_type.is_empty() {
            map.serialize_entry("mediaType", &self.media_type)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PartVisitor)
    }
}

struct PartVisitor;

impl<'de> Visitor<'de> for PartVisitor {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Part object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
        const ONE: &str = "exactly one of `text` `raw` `url` `data` must be set";
        let mut content = None;
        let mut part = Part::text("");
        while let Some(key) = map.next_key::<String>()? {
            let member = match key.as_str() {
                "text" => value::<Option<_>, A>(&mut map, "text")?.map(PartContent::Text),
                "raw" => value::<Option<Bytes>, A>(&mut map, "raw")?.map(|b| PartContent::Raw(b.0)),
                "url" => value::<Option<_>, A>(&mut map, "url")?.map(PartContent::Url),
                // Here `null` is a value like any other, which no other field allows.
                "data" => Some(PartContent::Data(value(&mut map, "data")?)),
                name => {
                    let read = match name {
                        "metadata" => map.next_value().map(|v| part.metadata = v),
                        "filename" => map.next_value_seed(Read::new()).map(|v| part.filename = v),
                        "mediaType" | "media_type" => map
                            .next_value_seed(Read::new())
                            .map(|v| part.media_type = v),
                        _ => map.next_value::<IgnoredAny>().map(drop),
                    };
                    read.map_err(|e| inside(name, e))?;
                    None
                }
            };
            if content.is_some() && member.is_some() {
                return Err(A::Error::custom(ONE));
            }
            content = content.or(member);
        }
        part.content = content.ok_or_else(|| A::Error::custom(ONE))?;
        Ok(part)
    }
}

fn value<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    map: &mut A,
    name: &str,
) -> Result<T, A::Error> {
    map.next_value().map_err(|e| inside(name, e))
}
