//! What the tests of this crate share.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use agent_devnet::{DEV_ACCOUNTS, Devnet, DevnetConfig};
use alloy_network::EthereumWallet;
use alloy_primitives::Address;
use alloy_provider::{Provider, ProviderBuilder};
use alloy_signer_local::PrivateKeySigner;
use serde_json::Value;

pub(crate) async fn devnet() -> Devnet {
    Devnet::start(DevnetConfig::default()).await.unwrap()
}

/// A provider that signs for the development account with this index.
pub(crate) fn provider(devnet: &Devnet, index: usize) -> impl Provider + Clone + use<> {
    // Which TLS the HTTP client is built with depends on the rest of the workspace; when it is built
    // with none, it wants a provider even for plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let signer: PrivateKeySigner = DEV_ACCOUNTS[index].private_key.parse().unwrap();
    ProviderBuilder::new()
        .wallet(EthereumWallet::from(signer))
        .connect_http(devnet.url().parse().unwrap())
}

pub(crate) fn account(index: usize) -> Address {
    DEV_ACCOUNTS[index].address
}

/// Post a body as it is, and return status and answer.
pub(crate) async fn post(url: &str, body: impl Into<Vec<u8>>) -> (u16, String) {
    let body: Vec<u8> = body.into();
    let address = url.strip_prefix("http://").unwrap().to_owned();
    tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        write!(
            stream,
            "POST / HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .unwrap();
        // A server that refuses a body early may close before it has read all of it.
        let _ = stream.write_all(&body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .unwrap_or(0);
        let body = answer
            .split_once("\r\n\r\n")
            .map_or("", |(_, body)| body)
            .to_owned();
        (status, body)
    })
    .await
    .unwrap()
}

/// Call one method by hand.
pub(crate) async fn rpc(url: &str, method: &str, params: Value) -> Value {
    let body = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let (status, answer) = post(url, body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str(&answer).unwrap()
}
