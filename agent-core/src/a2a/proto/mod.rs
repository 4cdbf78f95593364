//! A2A as Protocol Buffers, for gRPC (A2A §10).
//!
//! Everything above the bindings speaks ProtoJSON. So this is no second set of types: a table says
//! what `specification/a2a.proto` says, and [`Schema::encode`] and [`Schema::decode`] carry a
//! message from the one form to the other by it. What gRPC answers is what the other bindings
//! answer, since it is made from the same text. Another version of the protocol is another table.
//!
//! ```
//! use agent_core::a2a::{Operation, proto};
//!
//! let schema = proto::request_of(Operation::GetTask);
//! let wire = schema.encode(r#"{"id":"t","historyLength":0}"#)?;
//! assert_eq!(wire, b"\x12\x01t\x18\x00");
//! assert_eq!(schema.decode(&wire)?, br#"{"id":"t","historyLength":0}"#);
//! # Ok::<(), proto::ProtoError>(())
//! ```

mod card;
mod decode;
mod encode;
mod error;
pub mod limits;
mod messages;
mod schema;
mod status;
pub mod v03;
mod wire;

pub use card::AGENT_CARD;
pub use error::ProtoError;
pub use messages::{MESSAGE, PUSH_CONFIG, STREAM_RESPONSE, TASK, request_of, response_of};
pub use schema::Schema;
pub use status::GrpcStatus;

/// The service of gRPC, with its package.
pub const SERVICE: &str = "lf.a2a.v1.A2AService";
