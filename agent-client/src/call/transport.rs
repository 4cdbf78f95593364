//! What every binding of the protocol does for a client: one request there, its answer or its
//! events back.
//!
//! Above this line everything is A2A 1.0 in ProtoJSON, whatever is spoken below it. So a binding,
//! or another version of the protocol, is one more [`Transport`] and nothing else.

use std::fmt;
use std::time::Duration;

use agent_core::a2a::{AgentInterface, Operation, Version};
use agent_core::json::Json;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use url::Url;

use super::CallError;

/// How requests are framed (A2A §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binding {
    /// JSON-RPC 2.0 over HTTP (A2A §9).
    JsonRpc,
    /// gRPC (A2A §10).
    Grpc,
    /// HTTP and JSON, by routes (A2A §11).
    HttpJson,
}

impl Binding {
    /// As a card spells it in `protocolBinding`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::JsonRpc => AgentInterface::JSONRPC,
            Self::Grpc => AgentInterface::GRPC,
            Self::HttpJson => AgentInterface::HTTP_JSON,
        }
    }

    /// The binding of that name. Cards of older agents do not all spell it in capitals.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::JsonRpc, Self::Grpc, Self::HttpJson]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
    }
}

/// What is spoken with an agent: a binding, and the version of the protocol on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wire {
    /// The binding.
    pub binding: Binding,
    /// The version.
    pub version: Version,
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.binding.name(), self.version.name())
    }
}

/// One request, ready to be framed.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Which operation.
    pub operation: Operation,
    /// Names this request among all of this client's; the same when it is repeated, so that a
    /// repetition has the same bytes. JSON-RPC sends it as the `id`.
    pub id: String,
    /// The operation's request object of A2A 1.0, with the tenant in it.
    pub request: Json,
    /// Headers, or metadata in gRPC: version, extensions, and what interceptors add. Without those
    /// of the framing, which are the transport's own.
    pub headers: HeaderMap,
    /// From the first byte out to the last byte in; for a stream, to its beginning.
    pub wait: Duration,
}

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The number that the server gave it, if it did: the `id` of a server-sent event.
    pub number: Option<u64>,
    /// The `StreamResponse` of A2A 1.0.
    pub response: Json,
}

/// Carries requests to one address in one [`Wire`].
///
/// # Contract
///
/// - What comes back is bounded before it is held: a whole answer by
///   [`RESPONSE_BYTES_MAX`](crate::limits::RESPONSE_BYTES_MAX), an event by
///   [`EVENT_BYTES_MAX`](super::limits::EVENT_BYTES_MAX), nesting by
///   [`MAX_JSON_DEPTH`](agent_core::a2a::limits::MAX_JSON_DEPTH), and a whole answer and a
///   stream's beginning by [`Outgoing::wait`]. Beyond: [`CallError::Malformed`] or an
///   [`EgressError`](crate::egress::EgressError).
/// - It sends each request once. Repeating is for the caller, who knows what is safe: an error
///   tells by [`CallError::is_unsent`] and [`CallError::is_lost`] what may have happened, and must
///   not say unsent of what may have arrived.
/// - An error of the agent becomes [`CallError::Agent`], by the reason in its details; a demand for
///   authentication (HTTP 401, gRPC `UNAUTHENTICATED`) becomes [`CallError::Unauthenticated`].
/// - It connects through [`Egress`](crate::egress::Egress) or under the same rules, to
///   [`endpoint`](Self::endpoint) and nowhere else, and follows no redirect.
/// - Dropping a future or the events gives the connection up (or, on a shared one, resets the
///   stream) and leaves nothing running.
/// - `Debug` shows neither headers nor bodies.
pub trait Transport: fmt::Debug + Send + Sync {
    /// What is spoken.
    fn wire(&self) -> Wire;

    /// Where requests go. Of gRPC the authority, with a scheme that says whether it is under TLS.
    fn endpoint(&self) -> &Url;

    /// Sends a request and gives the operation's result object of A2A 1.0; `{}` for a deletion.
    fn unary<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Json, CallError>>;

    /// Sends a request that is answered by events. Errors before the first event may come from
    /// here or from the first [`Events::next`].
    fn stream<'a>(
        &'a self,
        outgoing: &'a Outgoing,
    ) -> BoxFuture<'a, Result<Box<dyn Events>, CallError>>;
}

/// The events of one stream, as they come.
///
/// # Contract
///
/// In the order of the server, each once; `None` when the server ended the stream in an orderly
/// way, and an error when the connection broke. Silence is bounded by
/// [`STREAM_IDLE_WAIT`](crate::limits::STREAM_IDLE_WAIT) and the whole by
/// [`STREAM_BYTES_MAX`](crate::limits::STREAM_BYTES_MAX). Nothing is asked for after `None` or an
/// error. A future that is dropped loses no event: the next call gives it.
pub trait Events: fmt::Debug + Send {
    /// The next event.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Event>, CallError>>;
}
