//! Text, files and data.

use super::Dialect;
use super::wrong::{Wrong, check_kind};
use crate::a2a::macros::object;
use crate::a2a::part::{self, PartContent, from_base64, to_base64};
use crate::a2a::protojson::Field;
use crate::json::{Json, Metadata};
use serde::{Deserialize, Deserializer};

/// In the metadata of a part, says that its data was wrapped because 0.3 takes objects only.
const WRAPPED: &str = "data_part_compat";

impl Field for Json {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }

    fn is_unset(&self) -> bool {
        self.is_null()
    }
}

#[derive(Default)]
pub(super) struct Part {
    kind: String,
    text: Option<String>,
    file: Option<File>,
    data: Option<Json>,
    metadata: Metadata,
}

object!(Part {
    kind: "kind",
    text: "text",
    file: "file",
    data: "data",
    metadata: "metadata",
});

#[derive(Default)]
struct File {
    bytes: Option<String>,
    uri: Option<String>,
    file_with_bytes: Option<String>,
    file_with_uri: Option<String>,
    mime_type: String,
    name: String,
}

object!(File {
    bytes: "bytes",
    uri: "uri",
    file_with_bytes: "fileWithBytes",
    file_with_uri: "fileWithUri",
    mime_type: "mimeType",
    name: "name",
});

/// What the `data` member holds in HTTP+JSON.
#[derive(Default)]
struct DataPart {
    data: Option<Json>,
}

object!(DataPart { data: "data" });

/// What data that is no object is wrapped in.
#[derive(Default)]
struct Wrapping {
    value: Json,
}

object!(Wrapping {
    value: "value" required,
});

impl Part {
    pub(super) fn of(part: &part::Part, dialect: Dialect) -> Self {
        let metadata = part.metadata.clone();
        match &part.content {
            PartContent::Text(text) => Self {
                kind: dialect.kind("text"),
                text: Some(text.clone()),
                metadata,
                ..Self::default()
            },
            PartContent::Raw(bytes) => Self::file(part, dialect, Some(to_base64(bytes)), None),
            PartContent::Url(url) => Self::file(part, dialect, None, Some(url.clone())),
            PartContent::Data(data) => Self::data(data, metadata, dialect),
        }
    }

    fn file(
        part: &part::Part,
        dialect: Dialect,
        bytes: Option<String>,
        uri: Option<String>,
    ) -> Self {
        let mut file = File {
            mime_type: part.media_type.clone(),
            name: part.filename.clone(),
            ..File::default()
        };
        match dialect {
            Dialect::JsonRpc => (file.bytes, file.uri) = (bytes, uri),
            Dialect::Rest => (file.file_with_bytes, file.file_with_uri) = (bytes, uri),
        }
        Self {
            kind: dialect.kind("file"),
            file: Some(file),
            metadata: part.metadata.clone(),
            ..Self::default()
        }
    }

    fn data(data: &Json, mut metadata: Metadata, dialect: Dialect) -> Self {
        let mut data = data.clone();
        if !data.is_object() {
            let value = data;
            data = Json::from_value(&Wrapping { value }).unwrap_or_default();
            let _ = metadata.set(WRAPPED, &true);
        }
        if dialect == Dialect::Rest {
            let data_part = DataPart { data: Some(data) };
            data = Json::from_value(&data_part).unwrap_or_default();
        }
        Self {
            kind: dialect.kind("data"),
            data: Some(data),
            metadata,
            ..Self::default()
        }
    }

    pub(super) fn into_v1(self, dialect: Dialect) -> Result<part::Part, Wrong> {
        const ONE: &str = "exactly one of `text`, `file` and `data` must be set";
        let Self {
            kind,
            text,
            file,
            data,
            mut metadata,
        } = self;
        let mut part = match (text, file, data) {
            (Some(text), None, None) => {
                check_kind(&kind, "text", "must be `text` with `text`")?;
                part::Part::text(text)
            }
            (None, Some(file), None) => {
                check_kind(&kind, "file", "must be `file` with `file`")?;
                file.into_v1().map_err(|wrong| wrong.inside("file"))?
            }
            (None, None, Some(data)) => {
                check_kind(&kind, "data", "must be `data` with `data`")?;
                part::Part::data(data_into_v1(data, &mut metadata, dialect)?)
            }
            _ => return Err(Wrong::new("kind", ONE)),
        };
        part.metadata = metadata;
        Ok(part)
    }
}

fn data_into_v1(data: Json, metadata: &mut Metadata, dialect: Dialect) -> Result<Json, Wrong> {
    let object = || Wrong::new("data", "must be an object");
    let data = match dialect {
        Dialect::JsonRpc => data,
        Dialect::Rest => {
            let part: DataPart = data.parse().map_err(|_| object())?;
            part.data.ok_or_else(object)?
        }
    };
    if !data.is_object() {
        return Err(object());
    }
    let wrapped = metadata.parse::<bool>(WRAPPED).ok().flatten();
    if wrapped != Some(true) {
        return Ok(data);
    }
    metadata.remove(WRAPPED);
    let wrapping: Wrapping = data.parse().map_err(|_| object())?;
    Ok(wrapping.value)
}

impl File {
    fn into_v1(self) -> Result<part::Part, Wrong> {
        let bytes = self.bytes.or(self.file_with_bytes);
        let uri = self.uri.or(self.file_with_uri);
        let part = match (bytes, uri) {
            (Some(text), None) => {
                let bytes = from_base64(&text);
                part::Part::raw(bytes.map_err(|_| Wrong::new("bytes", "is not base64"))?)
            }
            (None, Some(uri)) => part::Part::url(uri),
            _ => {
                return Err(Wrong::new(
                    "bytes",
                    "exactly one of the bytes and the URI must be set",
                ));
            }
        };
        Ok(part
            .with_media_type(self.mime_type)
            .with_filename(self.name))
    }
}
