//! Calling another agent: its card, and the operations of A2A over whatever both speak.
//!
//! Everything that comes back is from a stranger: bounded in size, depth and time, and never shown
//! as it came. No money moves here; that is [`crate::buyer`]'s work.
//!
//! A request is repeated only when that is safe: when it reads, when it never left, or when it
//! carries a payment id, under which a seller answers it once.

mod card;
mod card_cache;
mod challenge;
mod choose;
mod credentials;
mod error;
mod exchange;
mod grpc;
mod http;
mod intercept;
mod jsonrpc;
pub mod limits;
mod operations;
mod options;
mod pages;
mod remote;
mod rest;
mod retry;
mod speech;
mod sse;
mod stream;
mod traced;
mod transport;
mod trust;
mod typed;

pub use card::fetch_card;
pub use challenge::Challenge;
pub use credentials::{ApiKey, Bearer};
pub use error::CallError;
pub use intercept::{Attempt, Interceptor, RESERVED};
pub use options::CallOptions;
pub use pages::TaskPages;
pub use remote::RemoteAgent;
pub use stream::EventStream;
pub use traced::Traced;
pub use transport::{Binding, Event, Events, Outgoing, Transport, Wire};
pub use trust::{CardStanding, CardTrust, KeyFrom, SignatureMode};
pub use typed::{Called, Ended, Waiting};
