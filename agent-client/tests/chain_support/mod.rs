//! A development chain behind a line that can be cut at chosen moments.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use agent_client::chain::{Chain, ChainConfig, bindings::IToken};
use agent_devnet::{Devnet, DevnetConfig};
use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub(crate) const WAIT: Duration = Duration::from_secs(20);

pub(crate) async fn devnet() -> Devnet {
    Devnet::start(DevnetConfig::default())
        .await
        .expect("the devnet starts")
}

pub(crate) async fn devnet_by_hand() -> Devnet {
    Devnet::start(DevnetConfig::default().with_automine(false))
        .await
        .expect("the devnet starts")
}

pub(crate) fn config(devnet: &Devnet, url: &str) -> ChainConfig {
    ChainConfig {
        wait: Duration::from_secs(5),
        ..ChainConfig::new(url, devnet.chain_id())
    }
}

pub(crate) async fn chain(devnet: &Devnet) -> Chain {
    Chain::connect(&config(devnet, &devnet.url()))
        .await
        .expect("connects")
}

pub(crate) fn signer(devnet: &Devnet, index: usize) -> PrivateKeySigner {
    devnet.accounts()[index].private_key.parse().expect("a key")
}

pub(crate) fn account(devnet: &Devnet, index: usize) -> Address {
    devnet.accounts()[index].address
}

pub(crate) fn transfer(to: Address, value: u64) -> IToken::transferCall {
    IToken::transferCall {
        to,
        value: U256::from(value),
    }
}

/// Asks again until the answer is there.
pub(crate) async fn until<T, F: AsyncFnMut() -> Option<T>>(what: &str, mut ask: F) -> T {
    let asked = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(WAIT, asked)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"))
}

/// What the line does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Carries everything.
    Up,
    /// Carries nothing.
    Cut,
    /// Swallows requests of this method.
    LoseRequest(&'static str),
    /// Carries requests of this method and swallows their answers.
    LoseAnswer(&'static str),
    /// Carries answers to this method with one text for another of the same length.
    Lie(&'static str, String, String),
}

/// A line between the client and the node.
pub(crate) struct Proxy {
    pub(crate) url: String,
    line: Arc<Mutex<Line>>,
}

impl Proxy {
    pub(crate) async fn before(devnet: &Devnet) -> Self {
        let node = devnet.address();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let line = Arc::new(Mutex::new(Line::Up));
        let shared = Arc::clone(&line);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, node, Arc::clone(&shared)));
            }
        });
        Self { url, line }
    }

    pub(crate) fn set(&self, line: Line) {
        *self.line.lock().expect("not poisoned") = line;
    }
}

async fn carry(mut client: TcpStream, node: SocketAddr, line: Arc<Mutex<Line>>) {
    let Ok(mut upstream) = TcpStream::connect(node).await else {
        return;
    };
    while let Some(request) = message(&mut client).await {
        let now = line.lock().expect("not poisoned").clone();
        let asks = |method: &str| String::from_utf8_lossy(&request).contains(method);
        if now == Line::Cut || matches!(&now, Line::LoseRequest(method) if asks(method)) {
            return;
        }
        upstream.write_all(&request).await.expect("the node reads");
        let mut answer = message(&mut upstream).await.expect("the node answers");
        if let Line::Lie(method, truth, lie) = &now
            && asks(method)
        {
            assert_eq!(truth.len(), lie.len(), "the length is said before the body");
            let said = String::from_utf8(answer).expect("text");
            answer = said.replace(truth, lie).into_bytes();
        }
        if matches!(&now, Line::LoseAnswer(method) if asks(method)) {
            return;
        }
        if client.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// One HTTP message with its body, as it came.
async fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let Some((head, _)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .map_or(0, |length| length.trim().parse().expect("a length"));
        while bytes.len() < head.len() + 4 + length {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        return Some(bytes);
    }
}
