//! An agent made of a socket: answers what a test tells it to, however wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::sync::{Arc, Mutex};

use agent_client::egress::{Egress, EgressPolicy};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: String,
    pub body: String,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn rpc_method(&self) -> String {
        self.json()["method"].as_str().unwrap().to_owned()
    }

    /// A JSON-RPC answer to this request.
    pub fn result(&self, result: Value) -> Reply {
        let id = self.json()["id"].clone();
        Reply::Json(
            200,
            json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string(),
        )
    }

    /// A JSON-RPC error to this request.
    pub fn error(&self, error: Value) -> Reply {
        let id = self.json()["id"].clone();
        Reply::Json(
            200,
            json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string(),
        )
    }

    /// One event of a stream that answers this request.
    pub fn event(&self, result: Value) -> String {
        let id = self.json()["id"].clone();
        format!(
            "data: {}\n\n",
            json!({"jsonrpc": "2.0", "id": id, "result": result})
        )
    }
}

/// What to do about a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status and a body of JSON.
    Json(u16, String),
    /// A stream of these pieces, then the end.
    Events(Vec<String>),
    /// These pieces first, then the last for ever.
    Forever(Vec<String>),
    /// The connection is closed without a word.
    Close,
}

pub struct Fake {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fake {
    /// Answers each request with what `answer` says; it is given the fake's URL.
    pub async fn start(answer: impl Fn(&str, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log, base) = (Arc::new(answer), Arc::clone(&seen), url.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (answer, log, base) = (Arc::clone(&answer), Arc::clone(&log), base.clone());
                tokio::spawn(async move {
                    let mut socket = socket;
                    if let Some(request) = read(&mut socket).await {
                        log.lock().unwrap().push(request.clone());
                        write(&mut socket, answer(&base, &request)).await;
                    }
                });
            }
        });
        Self { url, seen }
    }

    /// An agent with a plain card, whose POSTs `answer` answers.
    pub async fn agent(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(move |base, seen| match seen.method.as_str() {
            "GET" => Reply::Json(200, card(base).to_string()),
            _ => answer(seen),
        })
        .await
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn posts(&self) -> Vec<Seen> {
        self.seen()
            .into_iter()
            .filter(|seen| seen.method == "POST")
            .collect()
    }
}

pub fn egress() -> Egress {
    Egress::new(EgressPolicy::strict().allow_loopback()).unwrap()
}

pub fn card(base: &str) -> Value {
    json!({
        "name": "fake", "description": "answers anything", "version": "1",
        "supportedInterfaces": [
            {"url": format!("{base}/soap"), "protocolBinding": "urn:soap", "protocolVersion": "1.0"},
            {"url": format!("{base}/old"), "protocolBinding": "JSONRPC", "protocolVersion": "0.3"},
            {"url": format!("{base}/rpc"), "protocolBinding": "JSONRPC", "protocolVersion": "1.0",
             "tenant": "t-1"},
        ],
        "capabilities": {"streaming": true},
        "defaultInputModes": ["application/json"], "defaultOutputModes": ["application/json"],
        "skills": [{"id": "shout", "name": "Shout", "description": "louder", "tags": ["text"]}],
    })
}

async fn read(socket: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        let mut piece = [0; 4_096];
        match socket.read(&mut piece).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&piece[..n]),
            _ => return None,
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse::<usize>().unwrap());
    let mut body = bytes[head_end + 4..].to_vec();
    while body.len() < length {
        let mut piece = [0; 4_096];
        match socket.read(&mut piece).await {
            Ok(n) if n > 0 => body.extend_from_slice(&piece[..n]),
            _ => return None,
        }
    }
    let mut words = head.split(' ');
    Some(Seen {
        method: words.next().unwrap().to_owned(),
        path: words.next().unwrap().to_owned(),
        headers: head.to_ascii_lowercase(),
        body: String::from_utf8(body).unwrap(),
    })
}

async fn write(socket: &mut TcpStream, reply: Reply) {
    let (kind, status, pieces, forever) = match reply {
        Reply::Close => return,
        Reply::Json(status, body) => ("application/json", status, vec![body], false),
        Reply::Events(pieces) => ("text/event-stream", 200, pieces, false),
        Reply::Forever(pieces) => ("text/event-stream", 200, pieces, true),
    };
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n");
    let _ = socket.write_all(head.as_bytes()).await;
    for piece in &pieces {
        let _ = socket.write_all(piece.as_bytes()).await;
    }
    if let (true, Some(last)) = (forever, pieces.last()) {
        while socket.write_all(last.as_bytes()).await.is_ok() {}
    }
    let _ = socket.shutdown().await;
}
