//! HTTP and event streams, read as they stand on the wire.

use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

const WAIT: Duration = Duration::from_secs(30);

pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

/// One request on a connection of its own. `headers` are lines, each ended by CRLF.
pub async fn ask(to: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    read(begin(to, method, path, headers, body).await).await
}

/// One request as it is written here.
pub async fn send(to: SocketAddr, request: &str) -> Reply {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    read(stream).await
}

async fn read(mut stream: TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let read = timeout(WAIT, stream.read_to_end(&mut bytes)).await;
    read.expect("an answer in time").unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    Reply {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

async fn begin(to: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let kind = match body.is_empty() || headers.contains("content-type") {
        true => "",
        false => "content-type: application/json\r\n",
    };
    let version = match headers.contains("a2a-version") {
        true => "",
        false => "a2a-version: 1.0\r\n",
    };
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: house\r\nconnection: close\r\n{version}\
         {kind}{headers}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// An event stream that is being read.
pub struct Stream {
    lines: BufReader<TcpStream>,
}

impl Stream {
    /// Opens a stream.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn open(to: SocketAddr, method: &str, path: &str, body: &str) -> Self {
        let stream = Self::try_open(to, method, path, body).await;
        stream.expect("an event stream")
    }

    /// Opens a stream; `None` when the answer is something else.
    pub async fn try_open(to: SocketAddr, method: &str, path: &str, body: &str) -> Option<Self> {
        Self::try_open_with(to, method, path, "", body).await
    }

    /// Opens a stream with these headers, each a line ended by CRLF.
    pub async fn try_open_with(
        to: SocketAddr,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> Option<Self> {
        let lines = BufReader::new(begin(to, method, path, headers, body).await);
        let mut stream = Self { lines };
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.line(&mut head).await > 0, "{head}");
        }
        let head = head.to_ascii_lowercase();
        head.contains("content-type: text/event-stream")
            .then_some(stream)
    }

    async fn line(&mut self, line: &mut String) -> usize {
        let read = timeout(WAIT, self.lines.read_line(line)).await;
        read.expect("a line in time").unwrap()
    }

    /// The next event, without its JSON-RPC envelope; `None` at the end.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            if self.line(&mut line).await == 0 {
                return None;
            }
            if let Some(event) = line.strip_prefix("data: ") {
                let mut event: Value = serde_json::from_str(event).unwrap();
                return Some(match event.get("jsonrpc") {
                    Some(_) => event["result"].take(),
                    None => event,
                });
            }
        }
    }

    /// All events to the end.
    pub async fn rest(mut self) -> Vec<Value> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }
}
