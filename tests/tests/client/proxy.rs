//! A proxy on loopback that cuts event streams where it is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Where a stream is cut: so many events in, and so many bytes into the next.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub events: usize,
    pub bytes: usize,
}

pub struct Proxy {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: SocketAddr,
    own: SocketAddr,
    /// For each stream in turn; those beyond are not cut.
    cuts: Mutex<VecDeque<Cut>>,
    heads: Mutex<Vec<String>>,
}

impl Proxy {
    /// Stands before the agent at `upstream`, whose card then names the proxy.
    pub async fn before(upstream: SocketAddr, cuts: impl IntoIterator<Item = Cut>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream,
            own,
            cuts: Mutex::new(cuts.into_iter().collect()),
            heads: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                tokio::spawn(async move { shared.serve(socket).await });
            }
        });
        let url = format!("http://{own}");
        Self { url, shared }
    }

    /// The heads of the requests that were answered with a stream.
    pub fn streams(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap().clone()
    }
}

impl Shared {
    /// One request, on a connection of its own.
    async fn serve(&self, mut client: TcpStream) -> Option<()> {
        let (head, body) = request(&mut client).await?;
        let mut agent = TcpStream::connect(self.upstream).await.ok()?;
        let (first, rest) = head.split_once("\r\n").unwrap();
        let forwarded = format!("{first}\r\nconnection: close\r\n{rest}\r\n\r\n");
        agent.write_all(forwarded.as_bytes()).await.ok()?;
        agent.write_all(&body).await.ok()?;
        if first.contains("agent-card.json") {
            let mut answer = Vec::new();
            agent.read_to_end(&mut answer).await.ok()?;
            let answer = String::from_utf8(answer).unwrap();
            let (_, card) = answer.split_once("\r\n\r\n").unwrap();
            let card = card.replace(&self.upstream.to_string(), &self.own.to_string());
            let length = card.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {length}\r\n\r\n{card}"
            );
            return client.write_all(answer.as_bytes()).await.ok();
        }
        let (answer, mut body) = until(&mut agent, b"\r\n\r\n").await?;
        client.write_all(&answer).await.ok()?;
        let streams = String::from_utf8_lossy(&answer).contains("text/event-stream");
        let cut = match streams {
            true => {
                self.heads.lock().unwrap().push(head);
                self.cuts.lock().unwrap().pop_front()
            }
            false => None,
        };
        let mut tail = Vec::new();
        let (mut events, mut beyond) = (0, 0);
        loop {
            let allowed = match cut {
                None => body.len(),
                Some(cut) => {
                    let goes = |byte: &u8| {
                        if events >= cut.events {
                            beyond += 1;
                            return beyond <= cut.bytes;
                        }
                        tail.push(*byte);
                        events += usize::from(tail.ends_with(b"\n\n"));
                        true
                    };
                    body.iter().copied().take_while(goes).count()
                }
            };
            client.write_all(&body[..allowed]).await.ok()?;
            if allowed < body.len() || cut.is_some_and(|cut| events >= cut.events && cut.bytes == 0)
            {
                return None;
            }
            let mut piece = [0; 4_096];
            match agent.read(&mut piece).await {
                Ok(length) if length > 0 => body = piece[..length].to_vec(),
                _ => return Some(()),
            }
        }
    }
}

/// The head of a request without its `connection` header and final blank line, and its body.
async fn request(socket: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (head, mut body) = until(socket, b"\r\n\r\n").await?;
    let head = String::from_utf8(head).unwrap();
    let lines = head.trim_end().split("\r\n");
    let lines = lines.filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let head = lines.collect::<Vec<_>>().join("\r\n");
    let length = head
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| {
            Some(
                line.strip_prefix("content-length:")?
                    .trim()
                    .parse()
                    .unwrap(),
            )
        })
        .unwrap_or(0);
    while body.len() < length {
        let mut piece = [0; 4_096];
        let read = socket
            .read(&mut piece)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        body.extend_from_slice(&piece[..read]);
    }
    Some((head, body))
}

/// What comes up to `end` and with it, and what came after it.
async fn until(socket: &mut TcpStream, end: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(at) = bytes.windows(end.len()).position(|seen| seen == end) {
            let rest = bytes.split_off(at + end.len());
            return Some((bytes, rest));
        }
        let mut piece = [0; 4_096];
        let read = socket
            .read(&mut piece)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
    }
}
