//! HTTP written by hand: nothing between the test and the socket corrects what is sent.

use super::{Answer, Payment, WAIT};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Somebody who talks to a seller, a connection for every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    address: SocketAddr,
}

/// An HTTP response.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its body, chunks joined.
    pub body: String,
}

impl Peer {
    /// Talks to this address.
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// A connection on which nothing has been said.
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A connection on which a whole request has been sent.
    pub async fn begin(&self, body: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream
            .write_all(head(body.len(), "").as_bytes())
            .await
            .unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        stream
    }

    /// Posts bytes.
    pub async fn post(&self, body: &str) -> Reply {
        self.post_with("", body).await
    }

    /// Posts bytes with more header lines, each ended by CRLF.
    pub async fn post_with(&self, headers: &str, body: &str) -> Reply {
        let mut stream = self.connect().await;
        stream
            .write_all(head(body.len(), headers).as_bytes())
            .await
            .unwrap();
        // A server that has seen enough may close before it has read everything.
        let _ = stream.write_all(body.as_bytes()).await;
        Reply::read(&mut stream).await
    }

    /// Posts what should be a JSON-RPC request, and reads what should be its response.
    pub async fn raw(&self, body: &str) -> Answer {
        Answer::of(&self.post(body).await.body)
    }

    /// Calls a method.
    pub async fn call(&self, method: &str, params: Value) -> Answer {
        self.raw(&request(method, params)).await
    }

    /// Sends a message and waits for its task.
    pub async fn send(&self, message: Value) -> Answer {
        self.call("SendMessage", json!({ "message": message }))
            .await
    }

    /// Asks a skill, with a payment.
    pub async fn pay(&self, skill: &str, text: &str, payment: &Payment) -> Answer {
        self.send(with_payment(message(skill, text), payment)).await
    }

    /// Sends a message and returns once there is a task; it goes on.
    pub async fn send_on(&self, message: Value) -> Answer {
        let configuration = json!({ "returnImmediately": true });
        self.call(
            "SendMessage",
            json!({ "message": message, "configuration": configuration }),
        )
        .await
    }

    /// What a task has come to.
    pub async fn task(&self, id: &str) -> Answer {
        self.call("GetTask", json!({ "id": id })).await
    }

    /// Sends a message and reads the whole stream of its events.
    pub async fn stream(&self, message: Value) -> Vec<Value> {
        let body = request("SendStreamingMessage", json!({ "message": message }));
        let reply = self.post(&body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let lines = reply
            .body
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Reply {
    /// Reads a response until the server closes.
    ///
    /// # Panics
    /// When it takes too long, or is not HTTP.
    pub async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let read = timeout(WAIT, stream.read_to_end(&mut bytes))
            .await
            .expect("an answer in time");
        // A reset after the response says only that the server did not want the rest.
        assert!(read.is_ok() || !bytes.is_empty(), "{read:?}");
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a response head");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .expect("a status");
        let chunked = head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked");
        let body = if chunked { join(body) } else { body.to_owned() };
        Self { status, body }
    }
}

fn join(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a chunk's size");
        body.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    body
}

fn head(length: usize, more: &str) -> String {
    format!(
        "POST /a2a HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{more}\r\n"
    )
}

/// The text of a JSON-RPC request.
#[must_use]
pub fn request(method: &str, params: Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }).to_string()
}

/// A message that asks a skill.
#[must_use]
pub fn message(skill: &str, text: &str) -> Value {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    json!({
        "messageId": format!("m{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        "role": "ROLE_USER",
        "parts": [{ "data": { "text": text } }],
        "metadata": { "urn:z402:a2a:v1/skill": skill },
    })
}

/// The message with a payment.
#[must_use]
pub fn with_payment(mut message: Value, payment: &Payment) -> Value {
    message["metadata"]["x402.payment.status"] = "payment-submitted".into();
    message["metadata"]["x402.payment.payload"] = payment.0.clone();
    message
}
