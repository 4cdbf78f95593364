//! HTTP written by hand: nothing between the test and the socket corrects what is sent.

use agent_tests::e2e::{Payment, WAIT};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A request before it is written.
#[derive(Clone)]
pub struct Ask {
    pub method: String,
    pub path: String,
    pub host: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

pub fn get(path: &str) -> Ask {
    Ask {
        method: "GET".to_owned(),
        path: path.to_owned(),
        host: "shop".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

pub fn post(path: &str, body: &str) -> Ask {
    Ask {
        method: "POST".to_owned(),
        body: body.as_bytes().to_vec(),
        ..get(path)
    }
    .with("content-type", "application/json")
}

impl Ask {
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn paid(self, payment: &Payment) -> Self {
        self.with("PAYMENT-SIGNATURE", &header(&payment.0))
    }

    pub fn bytes(&self) -> Vec<u8> {
        let Self {
            method, path, host, ..
        } = self;
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || method == "POST" {
            text.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends it on a connection of its own and reads until the server closes.
    pub async fn to(&self, address: SocketAddr) -> Reply {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // A server that has seen enough may close before it has read everything.
        let _ = stream.write_all(&self.bytes()).await;
        let mut bytes = Vec::new();
        let read = timeout(WAIT, stream.read_to_end(&mut bytes)).await;
        let read = read.expect("an answer in time");
        assert!(read.is_ok() || !bytes.is_empty(), "{read:?}");
        Reply::of(&bytes)
    }
}

/// What a payment header holds.
pub fn header(value: &Value) -> String {
    STANDARD.encode(value.to_string())
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|at| at == b"\r\n\r\n");
        let end = end.expect("a response head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').expect("a header"))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut reply = Self {
            status: status.parse().unwrap(),
            headers,
            body: bytes[end + 4..].to_vec(),
        };
        if reply.header("transfer-encoding") == "chunked" {
            reply.body = join(&reply.body);
        }
        reply
    }

    /// All values of a header, joined.
    pub fn header(&self, name: &str) -> String {
        let named = self.headers.iter().filter(|(known, _)| known == name);
        let values: Vec<&str> = named.map(|(_, value)| value.as_str()).collect();
        values.join(", ")
    }

    pub fn json(&self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The object in a header, as strictly as stock clients read it.
    pub fn object(&self, name: &str) -> Value {
        let text = self.header(name);
        let bytes = STANDARD.decode(&text);
        let bytes = bytes.unwrap_or_else(|e| panic!("{name}: {e}: {text:?}"));
        serde_json::from_slice(&bytes).unwrap()
    }

    /// The error code in the body.
    pub fn code(&self) -> String {
        self.json()["error"].as_str().unwrap_or("").to_owned()
    }

    /// What the receipt says was charged; `None` without a receipt of a payment that was taken.
    pub fn charged(&self) -> Option<u128> {
        if self.header("payment-response").is_empty() {
            return None;
        }
        let receipt = self.object("payment-response");
        let charged = receipt["extra"]["chargedAmount"].as_str()?.parse().ok()?;
        receipt["success"].as_bool()?.then_some(charged)
    }

    /// Asserts that no cache may give this to anybody else.
    pub fn assert_private(&self) {
        let control = self.header("cache-control");
        assert!(control.contains("no-store"), "{control:?} {self:?}");
        assert!(!control.contains("public") && !control.contains("max-age"));
        let vary = self.header("vary").to_ascii_lowercase();
        assert!(vary.contains("payment-signature"), "{vary:?}");
        for shared in ["cdn-cache-control", "surrogate-control", "expires"] {
            assert_eq!(self.header(shared), "", "{shared}");
        }
    }
}

fn join(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|at| at == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).expect("a chunk's size");
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    body
}
