//! Calling another agent: its card, and A2A 1.0 over JSON-RPC.
//!
//! Everything that comes back is from a stranger: bounded in size, depth and time, and never shown
//! as it came. No money moves here; that is [`crate::buyer`]'s work.
//!
//! A request is repeated only when that is safe: when it reads, when it never left, or when it
//! carries a payment id, under which a seller answers it once.

mod card;
mod challenge;
mod error;
pub mod limits;
mod remote;
mod retry;
mod sse;
mod stream;
mod transport;
mod wire;

pub use challenge::Challenge;
pub use error::CallError;
pub use remote::RemoteAgent;
pub use stream::EventStream;
pub use transport::{Binding, Event, Events, Outgoing, Transport, Wire};
