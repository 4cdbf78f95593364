//! Two nodes, one of which lies, lags or is silent: nothing about money is believed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod chain_support;

use std::{sync::Arc, time::Duration};

use agent_client::{
    chain::{
        Chain, ChainError,
        outbox::{OutboxConfig, OutboxError, TxOutbox, TxOutcome, TxRequest},
    },
    clock::SystemClock,
};
use agent_devnet::Devnet;
use alloy_primitives::U256;
use chain_support::{Line, Proxy, WAIT, account, chain, config, devnet, signer, transfer, until};

/// Through `first`, checked by `second`.
fn checked(devnet: &Devnet, first: &str, second: &str) -> Chain {
    let lazy = |url| Chain::lazy(&config(devnet, url)).unwrap();
    lazy(first).checked_by(lazy(second))
}

async fn balance(devnet: &Devnet, chain: &Chain) -> Result<U256, ChainError> {
    let token = devnet.contracts().usdc;
    chain.token_balance(token, account(devnet, 1)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_what_both_say_whichever_lies() {
    let devnet = devnet().await;
    let (one, other) = (Proxy::before(&devnet).await, Proxy::before(&devnet).await);
    let truth = balance(&devnet, &chain(&devnet).await).await.unwrap();
    let both = checked(&devnet, &one.url, &other.url);
    assert_eq!(balance(&devnet, &both).await.unwrap(), truth);
    let written = |amount: U256| format!("{amount:064x}");
    for liar in [&one, &other] {
        let more = truth + U256::from(1);
        liar.set(Line::Lie("eth_call", written(truth), written(more)));
        let error = balance(&devnet, &both).await.unwrap_err();
        assert!(matches!(error, ChainError::Disagree(_)), "{error}");
        liar.set(Line::Up);
    }
    other.set(Line::Cut);
    let error = balance(&devnet, &both).await.unwrap_err();
    assert!(matches!(error, ChainError::Unreachable(_)), "{error}");
    other.set(Line::Up);
    assert_eq!(balance(&devnet, &both).await.unwrap(), truth);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stays_behind_agrees_with_nothing_and_is_not_waited_for_long() {
    let (devnet, elsewhere) = (devnet().await, devnet().await);
    devnet.chain().mine(1).unwrap();
    let both = checked(&devnet, &devnet.url(), &elsewhere.url());
    let asked = tokio::time::timeout(WAIT, balance(&devnet, &both)).await;
    let error = asked.unwrap().unwrap_err();
    assert!(matches!(error, ChainError::Disagree(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_receipt_ends_nothing() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let (one, other) = (Proxy::before(&devnet).await, Proxy::before(&devnet).await);
    let quick = OutboxConfig {
        poll_interval: Duration::from_millis(20),
        ..OutboxConfig::default()
    };
    let outbox = TxOutbox::open(
        dir.path().join("o.db"),
        checked(&devnet, &one.url, &other.url),
        signer(&devnet, 3),
        quick,
        Arc::new(SystemClock),
    );
    let outbox = outbox.await.unwrap();
    let pay = |purpose: &str| {
        let call = transfer(account(&devnet, 5), 7);
        TxRequest::call(purpose, devnet.contracts().usdc, &call)
    };
    // The first node says of what succeeded that it failed.
    let [good, bad] = ["1", "0"].map(|status| format!("\"status\":\"0x{status}\""));
    one.set(Line::Lie("eth_getTransactionReceipt", good, bad));
    let id = outbox.enqueue(pay("p")).await.unwrap().id;
    let trouble = until("trouble", async || outbox.health().trouble).await;
    assert!(trouble.starts_with("chain.disagree"), "{trouble}");
    let early = outbox.wait(id, Duration::from_millis(100)).await;
    assert!(matches!(early, Err(OutboxError::NotYet(_))), "{early:?}");
    one.set(Line::Up);
    let outcome = outbox.wait(id, WAIT).await.unwrap();
    assert!(matches!(outcome, TxOutcome::Mined(_)), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_from_a_block_that_is_not_there_ends_nothing() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let line = Proxy::before(&devnet).await;
    let quick = OutboxConfig {
        poll_interval: Duration::from_millis(20),
        ..OutboxConfig::default()
    };
    let outbox = TxOutbox::open(
        dir.path().join("o.db"),
        Chain::connect(&config(&devnet, &line.url)).await.unwrap(),
        signer(&devnet, 3),
        quick,
        Arc::new(SystemClock),
    );
    let outbox = outbox.await.unwrap();
    // It names a height that has another block than the one it names by hash.
    let [there, elsewhere] = ["1", "0"].map(|height| format!("\"blockNumber\":\"0x{height}\""));
    line.set(Line::Lie("eth_getTransactionReceipt", there, elsewhere));
    assert_eq!(chain(&devnet).await.head().await.unwrap().number, 0);
    let call = transfer(account(&devnet, 5), 7);
    let request = TxRequest::call("p", devnet.contracts().usdc, &call);
    let id = outbox.enqueue(request).await.unwrap().id;
    until("it is mined", async || {
        let mined = chain(&devnet).await.mined_nonce(account(&devnet, 3)).await;
        (mined.unwrap() == 1).then_some(())
    })
    .await;
    let early = outbox.wait(id, Duration::from_millis(300)).await;
    assert!(matches!(early, Err(OutboxError::NotYet(_))), "{early:?}");
    line.set(Line::Up);
    let outcome = outbox.wait(id, WAIT).await.unwrap();
    assert!(matches!(outcome, TxOutcome::Mined(_)), "{outcome:?}");
}
