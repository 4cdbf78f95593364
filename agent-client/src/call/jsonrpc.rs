//! JSON-RPC 2.0 as A2A frames it: one request, one envelope back (A2A §9).

use ::http::{Method, StatusCode};
use agent_core::a2a::{JsonRpcError, Operation, Version};
use agent_core::json::Json;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use url::Url;

use super::CallError;
use super::http::{self, Reading, headers, parse};
use super::speech::Speech;
use super::transport::{Binding, Events, Outgoing, Transport, Wire};
use crate::egress::{Egress, ExchangeLimits};

const MEDIA_TYPE: &str = "application/json";

/// A2A over JSON-RPC.
#[derive(Clone, Debug)]
pub(super) struct JsonRpc {
    egress: Egress,
    endpoint: Url,
    version: Version,
}

impl JsonRpc {
    pub(super) const fn new(egress: Egress, endpoint: Url, version: Version) -> Self {
        Self {
            egress,
            endpoint,
            version,
        }
    }

    /// The bytes of a request, and how its answer is read.
    fn framed(&self, outgoing: &Outgoing) -> Result<(Bytes, Answer), CallError> {
        let speech = Speech::of(self.wire());
        let Outgoing { operation, id, .. } = outgoing;
        let params = speech.request(*operation, &outgoing.request)?;
        let body = envelope(speech.method(*operation)?, id, &params)?;
        let answer = Answer {
            id: id.clone(),
            operation: *operation,
            speech,
        };
        Ok((body, answer))
    }
}

impl Transport for JsonRpc {
    fn wire(&self) -> Wire {
        Wire {
            binding: Binding::JsonRpc,
            version: self.version,
        }
    }

    fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    fn unary<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Json, CallError>> {
        Box::pin(async {
            let bounds = ExchangeLimits::default().within(outgoing.wait);
            let head = headers(outgoing, MEDIA_TYPE, MEDIA_TYPE);
            let (body, answer) = self.framed(outgoing)?;
            let response = self
                .egress
                .post_json(self.endpoint.as_str(), head, body, bounds)
                .await?;
            http::result(&answer, &response)
        })
    }

    fn stream<'a>(
        &'a self,
        outgoing: &'a Outgoing,
    ) -> BoxFuture<'a, Result<Box<dyn Events>, CallError>> {
        Box::pin(async {
            let head = headers(outgoing, MEDIA_TYPE, "text/event-stream, application/json");
            let (body, answer) = self.framed(outgoing)?;
            http::stream(
                &self.egress,
                (Method::POST, &self.endpoint),
                (head, body),
                outgoing,
                answer,
            )
            .await
        })
    }
}

/// The bytes of a request.
fn envelope(method: &str, id: &str, params: &Json) -> Result<Bytes, CallError> {
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
struct Answer {
    id: String,
    operation: Operation,
    speech: Speech,
}

impl Answer {
    /// What is in the envelope.
    fn open(&self, body: &[u8]) -> Result<Json, CallError> {
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
        // What is deleted gives `null`, which the Python SDK of 0.3 leaves out.
        let gone = self.operation == Operation::DeleteTaskPushNotificationConfig;
        envelope
            .result
            .or_else(|| gone.then(Json::default))
            .ok_or_else(|| CallError::malformed("neither result nor error"))
    }
}

impl Reading for Answer {
    fn result(&self, body: &[u8]) -> Result<Json, CallError> {
        self.speech.answer(self.operation, self.open(body)?)
    }

    fn event(&self, data: &[u8]) -> Result<Json, CallError> {
        self.result(data)
    }

    fn failure(&self, _: StatusCode, body: &[u8]) -> Option<CallError> {
        match self.open(body) {
            Err(agent @ CallError::Agent { .. }) => Some(agent),
            _ => None,
        }
    }
}

fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}
