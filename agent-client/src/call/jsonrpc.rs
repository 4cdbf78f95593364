//! JSON-RPC 2.0 as A2A frames it: one request, one envelope back (A2A §9).

use agent_core::a2a::{JsonRpcError, Version};
use agent_core::json::Json;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use url::Url;

use super::CallError;
use super::http::{self, Reading, headers, parse};
use super::transport::{Binding, Events, Outgoing, Transport, Wire};
use crate::egress::{Egress, ExchangeLimits};

const MEDIA_TYPE: &str = "application/json";

/// A2A 1.0 over JSON-RPC.
#[derive(Clone, Debug)]
pub(super) struct JsonRpc {
    egress: Egress,
    endpoint: Url,
}

impl JsonRpc {
    pub(super) const fn new(egress: Egress, endpoint: Url) -> Self {
        Self { egress, endpoint }
    }
}

impl Transport for JsonRpc {
    fn wire(&self) -> Wire {
        Wire {
            binding: Binding::JsonRpc,
            version: Version::V1_0,
        }
    }

    fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    fn unary<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Json, CallError>> {
        Box::pin(async {
            let bounds = ExchangeLimits::default().within(outgoing.wait);
            let head = headers(outgoing, MEDIA_TYPE, MEDIA_TYPE);
            let body = envelope(outgoing.operation.name(), &outgoing.id, &outgoing.request)?;
            let response = self
                .egress
                .post_json(self.endpoint.as_str(), head, body, bounds)
                .await?;
            http::result(&Answer::to(outgoing), &response)
        })
    }

    fn stream<'a>(
        &'a self,
        outgoing: &'a Outgoing,
    ) -> BoxFuture<'a, Result<Box<dyn Events>, CallError>> {
        Box::pin(async {
            let head = headers(outgoing, MEDIA_TYPE, "text/event-stream, application/json");
            let body = envelope(outgoing.operation.name(), &outgoing.id, &outgoing.request)?;
            let reading = Answer::to(outgoing);
            http::stream(
                &self.egress,
                &self.endpoint,
                (head, body),
                outgoing,
                reading,
            )
            .await
        })
    }
}

/// The bytes of a request.
pub(super) fn envelope(method: &str, id: &str, params: &Json) -> Result<Bytes, CallError> {
    #[derive(Serialize)]
    struct Request<'a> {
        jsonrpc: &'static str,
        id: &'a str,
        method: &'a str,
        params: &'a Json,
    }
    let request = Request {
        jsonrpc: "2.0",
        id,
        method,
        params,
    };
    serde_json::to_vec(&request)
        .map(Bytes::from)
        .map_err(|error| CallError::Request(error.to_string()))
}

/// The envelope that answers a request.
pub(super) struct Answer {
    id: String,
}

impl Answer {
    pub(super) fn to(outgoing: &Outgoing) -> Self {
        let id = outgoing.id.clone();
        Self { id }
    }
}

impl Reading for Answer {
    fn result(&self, body: &[u8]) -> Result<Json, CallError> {
        #[derive(Deserialize)]
        struct Envelope {
            jsonrpc: String,
            #[serde(default)]
            id: Json,
            /// Not an `Option`, for which a result of `null` would be none.
            #[serde(default, deserialize_with = "there")]
            result: Option<Json>,
            #[serde(default)]
            error: Option<JsonRpcError>,
        }
        let envelope: Envelope = parse(body)?;
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

    fn event(&self, data: &[u8]) -> Result<Json, CallError> {
        self.result(data)
    }

    fn failure(&self, body: &[u8]) -> Option<CallError> {
        match self.result(body) {
            Err(agent @ CallError::Agent { .. }) => Some(agent),
            _ => None,
        }
    }
}

fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}
