//! The contracts through JSON-RPC, by the client's own chain and outbox.
//!
//! Without further ado this runs against our development chain. With `AGENT_TEST_RPC_URL` it runs
//! against that node too, with contracts deployed there, and every receipt, log, revert and answer
//! of the two must be the same: so the node shows whether our chain tells the truth.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod escrow_flow;
mod node;
mod raw;
mod refusals;
mod registry_flow;

use node::{Cast, Node};

/// A development account that every development node funds.
const USUAL_KEY: &str = agent_devnet::DEV_ACCOUNTS[0].private_key;

/// Seconds that pass in the first flow, so that a lock expires.
const PASSED: u64 = 30_000;

#[tokio::test]
async fn escrow_and_registries_work_over_json_rpc_and_nodes_agree() {
    let key = std::env::var("AGENT_TEST_KEY").unwrap_or_else(|_| USUAL_KEY.to_owned());
    let cast = Cast::new(key.parse().expect("AGENT_TEST_KEY is a private key"));
    let Ok(url) = std::env::var("AGENT_TEST_RPC_URL") else {
        let devnet = Node::devnet(&cast, 84_532).await;
        let transcript = play(devnet, &cast).await;
        assert!(transcript.len() > 30);
        return;
    };
    let real = Node::at(&cast, &url).await;
    let devnet = Node::devnet(&cast, real.chain.chain_id()).await;
    let (real, devnet) = (play(real, &cast).await, play(devnet, &cast).await);
    for (real, devnet) in real.iter().zip(&devnet) {
        assert_eq!(
            real, devnet,
            "the node's on the left, our chain's on the right"
        );
    }
    assert_eq!(real.len(), devnet.len());
    println!("{} entries agree", real.len());
}

/// Both flows on one node, and everything that was seen.
async fn play(mut node: Node, cast: &Cast) -> Vec<String> {
    escrow_flow::play(&mut node, cast).await;
    registry_flow::play(&mut node, cast).await;
    node.compare_logs().await;
    refusals::play(&mut node, cast).await;
    node.close().await
}
