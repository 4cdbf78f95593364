//! A client of gRPC that sends what it is told, and shows all that comes back.

use agent_client::egress::{Egress, EgressPolicy, ExchangeLimits, Frames};
use agent_core::a2a::proto::{GrpcStatus, Schema, request_of, response_of};
use agent_core::a2a::{A2aError, Operation};
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::net::SocketAddr;

/// What came back in the end.
#[derive(Debug)]
pub struct Answer {
    pub headers: HeaderMap,
    pub messages: Vec<Value>,
    pub status: GrpcStatus,
}

impl Answer {
    pub fn error(&self) -> A2aError {
        assert_ne!(self.status.code, 0, "{:?}", self.messages);
        A2aError::from(&self.status)
    }

    pub fn only(mut self) -> Value {
        assert_eq!(self.status.code, 0, "{}", self.status.message);
        assert_eq!(self.messages.len(), 1);
        self.messages.remove(0)
    }
}

pub struct Caller {
    egress: Egress,
    address: SocketAddr,
}

impl Caller {
    pub fn of(address: SocketAddr) -> Self {
        let policy = EgressPolicy::strict().allow_loopback();
        let egress = Egress::new(policy).unwrap();
        Self { egress, address }
    }

    /// Bytes to a method, with metadata.
    pub async fn send(&self, method: &str, metadata: &[(&str, &str)], body: Bytes) -> Frames {
        self.send_to("lf.a2a.v1.A2AService", method, metadata, body)
            .await
    }

    /// The same to a method of any service.
    pub async fn send_to(
        &self,
        service: &str,
        method: &str,
        metadata: &[(&str, &str)],
        body: Bytes,
    ) -> Frames {
        let url = format!("http://{}/{service}/{method}", self.address);
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/grpc"));
        headers.insert("te", HeaderValue::from_static("trailers"));
        for (name, value) in metadata {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        let bounds = ExchangeLimits::stream();
        let frames = self.egress.post_http2(&url, headers, body, bounds).await;
        frames.unwrap()
    }

    /// A request as its JSON.
    pub async fn call(&self, method: &str, request: &Value) -> Answer {
        self.call_with(method, &[], request).await
    }

    pub async fn call_with(
        &self,
        method: &str,
        metadata: &[(&str, &str)],
        request: &Value,
    ) -> Answer {
        let operation = Operation::of_name(method).unwrap();
        let message = request_of(operation).encode(&request.to_string()).unwrap();
        let frames = self.send(method, metadata, framed(&message)).await;
        read(frames, response_of(operation)).await
    }

    pub async fn open(&self, method: &str, request: &Value) -> Events {
        let operation = Operation::of_name(method).unwrap();
        let message = request_of(operation).encode(&request.to_string()).unwrap();
        Events {
            frames: self.send(method, &[], framed(&message)).await,
            buffer: BytesMut::new(),
            schema: response_of(operation),
        }
    }
}

pub fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), message].concat().into()
}

/// All that comes back.
pub async fn read(frames: Frames, schema: &'static Schema) -> Answer {
    let mut events = Events {
        frames,
        buffer: BytesMut::new(),
        schema,
    };
    let mut messages = Vec::new();
    while let Some(message) = events.next().await {
        messages.push(message);
    }
    let status = events.status();
    Answer {
        headers: events.frames.headers().clone(),
        messages,
        status,
    }
}

pub struct Events {
    frames: Frames,
    buffer: BytesMut,
    schema: &'static Schema,
}

impl Events {
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some([0, length @ ..]) = self.buffer.first_chunk::<5>() {
                let length = usize::try_from(u32::from_be_bytes(*length)).unwrap();
                if self.buffer.len() >= 5 + length {
                    self.buffer.advance(5);
                    let json = self.schema.decode(&self.buffer.split_to(length)).unwrap();
                    return Some(serde_json::from_slice(&json).unwrap());
                }
            }
            let piece = self.frames.next().await.unwrap();
            let Some(piece) = piece else {
                assert!(self.buffer.is_empty(), "a message was cut");
                return None;
            };
            self.buffer.extend_from_slice(&piece);
        }
    }

    /// How it ended.
    pub fn status(&self) -> GrpcStatus {
        let trailers = self.frames.trailers();
        let trailers = trailers.unwrap_or_else(|| self.frames.headers());
        let text = |name: &str| trailers.get(name).map(|value| value.to_str().unwrap());
        let details = text("grpc-status-details-bin").unwrap_or("");
        GrpcStatus {
            code: text("grpc-status").expect("a status").parse().unwrap(),
            message: unescaped(text("grpc-message").unwrap_or("")),
            details: base64(details),
        }
    }
}

fn unescaped(text: &str) -> String {
    let query = format!("m={}", text.replace('+', "%2B").replace('&', "%26"));
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.next().unwrap().1.into_owned()
}

fn base64(text: &str) -> Vec<u8> {
    let value = |byte| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let bits = text.trim_end_matches('=').bytes().flat_map(|byte| {
        let value = value(byte);
        (0..6).rev().map(move |bit| value >> bit & 1)
    });
    let bits: Vec<u8> = bits.collect();
    let bytes = bits.chunks_exact(8);
    bytes
        .map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit))
        .collect()
}
