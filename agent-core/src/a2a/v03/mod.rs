//! A2A 0.3, spoken and understood by a 1.0 runtime.
//!
//! Inside there is only 1.0. At the edge, a request of 0.3 becomes a 1.0 object and the answer
//! becomes one of 0.3; for a client it is the other way round. [`Spoken`] does both for every object
//! that both versions have, in either [`Dialect`], and [`read_card`] and [`hybrid_card`] do it for
//! cards. The shapes are those of `specification/json/a2a.json` and `specification/grpc/a2a.proto`
//! of version 0.3.0, as its SDKs read and write them.
//!
//! What both can say survives the way there and back unchanged, numbers in data and metadata to
//! the digit. What 0.3 cannot say becomes the following, which is what the official SDKs do:
//!
//! | of 1.0 | in 0.3 |
//! |---|---|
//! | data that is no object | `{"value": …}`, and `data_part_compat: true` in the part's metadata |
//! | `filename`, `mediaType` of text and data | left out |
//! | `returnImmediately` | `blocking`, inverted and always written |
//! | no `configuration` | one with `blocking: true` |
//! | `referenceTaskIds` | left out in HTTP+JSON |
//! | `historyLength: 0` of a message | left out in HTTP+JSON, where 0 means all |
//! | `tenant`; the paging of webhooks | left out |
//! | `extendedAgentCard`, `supportedInterfaces` | `supportsAuthenticatedExtendedCard`, and `url` with `additionalInterfaces` |
//! | the device code flow, PKCE | left out |
//!
//! And what 1.0 cannot say: of several `schemes` of a webhook the first counts, of several OAuth
//! flows the first of authorization code, client credentials, implicit and password;
//! `stateTransitionHistory` and `metadata` of requests that only read are left out; a time that
//! names no zone is UTC, and one that cannot be read is none.

mod card;
mod error;
mod event;
mod hybrid;
mod message;
mod part;
mod push;
mod requests;
mod scheme;
mod task;
mod translate;
mod wrong;

pub use card::read_card;
pub use error::{RestError, error_name};
pub use event::event;
pub use hybrid::hybrid_card;
pub use push::notification;
pub use translate::{
    answer_from_v1, answer_into_v1, event_from_v1, method, operation, request_from_v1,
    request_into_v1,
};

use super::decode;
use super::error::A2aError;
use crate::json::Json;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version on the wire: major and minor.
pub const PROTOCOL_VERSION: &str = "0.3";

/// What a card of 0.3 calls its version.
pub const CARD_VERSION: &str = "0.3.0";

/// Where clients of 0.3 and before look for a card.
pub const LEGACY_WELL_KNOWN_PATH: &str = "/.well-known/agent.json";

/// The media type of both dialects.
pub const MEDIA_TYPE: &str = "application/json";

/// The two ways in which 0.3 writes one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// The JSON Schema: `kind`, `parts`, states such as `input-required`.
    JsonRpc,
    /// The JSON of the Protocol Buffers: `content`, states such as `TASK_STATE_CANCELLED`.
    Rest,
}

impl Dialect {
    /// `text` where there is a `kind`, else nothing.
    fn kind(self, text: &str) -> String {
        match self {
            Self::JsonRpc => text.to_owned(),
            Self::Rest => String::new(),
        }
    }
}

/// An object of 1.0 that has a form in 0.3.
///
/// # Contract
/// `from_v03(to_v03(x))` is `x`, except for what the table of [this module](self) names.
pub trait Spoken: Sized {
    /// Reads it from the JSON of 0.3. Neither size nor depth are capped here.
    ///
    /// # Errors
    /// [`ErrorCode::ParseError`](super::ErrorCode::ParseError) when the bytes are not JSON,
    /// [`ErrorCode::InvalidParams`](super::ErrorCode::InvalidParams) with the path to what is wrong.
    fn from_v03(json: &[u8], dialect: Dialect) -> Result<Self, A2aError>;

    /// Writes it as JSON of 0.3.
    ///
    /// # Errors
    /// None in practice: all of it is plain data.
    fn to_v03(&self, dialect: Dialect) -> Result<Json, A2aError>;
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, A2aError> {
    decode(json)
}

fn write<T: Serialize + ?Sized>(value: &T) -> Result<Json, A2aError> {
    Json::from_value(value).map_err(|error| A2aError::internal(error.to_string()))
}
