//! JSON-RPC 2.0 as A2A frames it: one request, one envelope back (A2A §9).

use agent_core::a2a::JsonRpcError;
use agent_core::a2a::limits::MAX_JSON_DEPTH;
use agent_core::json::{Json, check_depth};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CallError;

#[derive(Serialize)]
struct Request<'a, P: Serialize> {
    jsonrpc: &'static str,
    id: &'a str,
    method: &'a str,
    params: &'a P,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Envelope<T> {
    jsonrpc: String,
    #[serde(default)]
    id: Json,
    #[serde(default)]
    result: Option<T>,
    #[serde(default)]
    error: Option<JsonRpcError>,
}

/// A request as it is sent, and what its answer must carry.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) body: Bytes,
    id: String,
}

impl Outgoing {
    pub(super) fn new<P: Serialize>(method: &str, params: &P) -> Result<Self, CallError> {
        let id = Uuid::new_v4().to_string();
        let request = Request {
            jsonrpc: "2.0",
            id: &id,
            method,
            params,
        };
        let body = serde_json::to_vec(&request).map_err(|e| CallError::Request(e.to_string()))?;
        Ok(Self {
            body: Bytes::from(body),
            id,
        })
    }

    /// Reads the envelope that answers this request.
    pub(super) fn answer<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, CallError> {
        check_depth(body, MAX_JSON_DEPTH).map_err(CallError::malformed)?;
        let envelope: Envelope<T> = serde_json::from_slice(body).map_err(CallError::malformed)?;
        if envelope.jsonrpc != "2.0" {
            return Err(CallError::malformed("not JSON-RPC 2.0"));
        }
        if let Some(error) = envelope.error {
            // An error may come without our id: the agent may not have been able to read it.
            return Err(error.into());
        }
        if envelope.id.parse::<String>().ok().as_deref() != Some(self.id.as_str()) {
            return Err(CallError::malformed("the answer is to another request"));
        }
        envelope
            .result
            .ok_or_else(|| CallError::malformed("neither result nor error"))
    }

    /// The error in the body of an HTTP failure, if there is one.
    pub(super) fn failure(&self, status: u16, body: &[u8]) -> CallError {
        match self.answer::<Json>(body) {
            Err(agent @ CallError::Agent { .. }) => agent,
            _ => CallError::Http(status),
        }
    }
}
