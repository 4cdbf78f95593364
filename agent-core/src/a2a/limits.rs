//! How much of anything a request may hold.
//!
//! The protocol sets no bounds. Each of these is far above what the peers that were looked at
//! send, and low enough that a request within all of them cannot hurt. Bytes of a whole body are
//! capped at the front door, not here.

/// Bytes of an id (message, task, context, webhook) or tenant. A UUID has 36; ids are keys of
/// database indexes, whose pages hold a handful of keys of this size.
pub const MAX_ID_BYTES: usize = 256;

/// Parts of one message. Each is stored and passed on as a row's share of JSON, and a person's
/// turn has a few; a file per part still allows a folder.
pub const MAX_PARTS: usize = 256;

/// Extension URIs of one message. A card lists a few, and each is compared with all of them.
pub const MAX_EXTENSIONS: usize = 32;

/// Bytes of a URI or URL. What browsers and proxies take as a whole request line is 8 KiB; what
/// is longer cannot be called.
pub const MAX_URL_BYTES: usize = 4_096;

/// Tasks that one message refers to. Each costs a look-up.
pub const MAX_REFERENCE_TASKS: usize = 32;

/// Names in one metadata map. Each is a look-up for an extension, of which there are a few.
pub const MAX_METADATA_NAMES: usize = 64;

/// Bytes of a name in a metadata map: URIs, mostly.
pub const MAX_METADATA_NAME_BYTES: usize = 512;

/// Bytes of a file name, the longest that common file systems store.
pub const MAX_FILENAME_BYTES: usize = 255;

/// Bytes of a media type: two names of at most 127 (RFC 6838 §4.2), a slash, and parameters.
pub const MAX_MEDIA_TYPE_BYTES: usize = 512;

/// Media types that a client accepts. Each is compared with each that a skill gives.
pub const MAX_OUTPUT_MODES: usize = 64;

/// Bytes of a page token, which is ours and short; what is longer did not come from us.
pub const MAX_PAGE_TOKEN_BYTES: usize = 1_024;

/// Bytes of a webhook's token or credentials. HTTP servers take 8 KiB of headers in all.
pub const MAX_SECRET_BYTES: usize = 4_096;

/// Tasks on a page at most (A2A §3.1.4 sets it).
pub const MAX_PAGE_SIZE: i32 = 100;

/// Levels of nesting of a JSON body, for [`check_depth`](crate::json::check_depth). A message with
/// data takes five before the data starts, and serde_json reads 128.
pub const MAX_JSON_DEPTH: usize = 96;

/// Field violations that one error reports. More do not help, and each is a share of the answer
/// that a peer can make us send.
pub const MAX_VIOLATIONS: usize = 16;

/// Bytes of a text in an error. Errors quote what the peer sent, which may be megabytes.
pub const MAX_ERROR_TEXT_BYTES: usize = 512;
