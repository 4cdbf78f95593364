//! What the transaction outbox promises, against a real EVM behind a line that fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod chain_support;

use std::{path::Path, sync::Arc, time::Duration};

use agent_client::{
    chain::{
        Chain, ChainError,
        outbox::{
            OutboxConfig, OutboxError, TxBounds, TxId, TxOutbox, TxOutcome, TxRecord, TxRequest,
            TxStatus,
        },
    },
    clock::SystemClock,
    sqlite::OpenError,
};
use agent_devnet::Devnet;
use alloy_network::TransactionBuilder;
use alloy_primitives::U256;
use alloy_provider::Provider;
use alloy_rpc_types_eth::TransactionRequest;
use chain_support::{
    Line, Proxy, WAIT, account, chain, config, devnet, devnet_by_hand, signer, transfer, until,
};
use serde_json::json;

fn quick() -> OutboxConfig {
    OutboxConfig {
        poll_interval: Duration::from_millis(20),
        rebroadcast_after: Duration::from_millis(200),
        ..OutboxConfig::default()
    }
}

async fn open_with(devnet: &Devnet, path: &Path, chain: Chain, config: OutboxConfig) -> TxOutbox {
    TxOutbox::open(
        path,
        chain,
        signer(devnet, 0),
        config,
        Arc::new(SystemClock),
    )
    .await
    .expect("opens")
}

async fn open(devnet: &Devnet, path: &Path) -> TxOutbox {
    open_with(devnet, path, chain(devnet).await, quick()).await
}

fn pay(devnet: &Devnet, purpose: &str, value: u64) -> TxRequest {
    TxRequest::call(
        purpose,
        devnet.contracts().usdc,
        &transfer(account(devnet, 1), value),
    )
}

async fn send(outbox: &TxOutbox, request: TxRequest) -> TxId {
    outbox.enqueue(request).await.expect("enqueues").id
}

async fn signed(outbox: &TxOutbox, id: TxId) -> TxRecord {
    until("the transaction is signed", async || {
        let record = outbox.get(id).await.unwrap();
        (!record.hashes.is_empty()).then_some(record)
    })
    .await
}

fn assert_mined(outcome: &TxOutcome) {
    assert!(matches!(outcome, TxOutcome::Mined(_)), "{outcome:?}");
}

async fn nonce(devnet: &Devnet) -> u64 {
    chain(devnet)
        .await
        .mined_nonce(account(devnet, 0))
        .await
        .unwrap()
}

async fn received(devnet: &Devnet) -> U256 {
    let balance = chain(devnet)
        .await
        .token_balance(devnet.contracts().usdc, account(devnet, 1))
        .await;
    balance.unwrap() - U256::from(agent_devnet::GENESIS_USDC)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_mined_and_its_record_says_how() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let outbox = open(&devnet, &dir.path().join("o.db")).await;
    let note = json!({"locks": ["a", 1]});
    let id = send(&outbox, pay(&devnet, "p", 5).with_meta(note.clone())).await;
    let TxOutcome::Mined(mined) = outbox.wait(id, WAIT).await.unwrap() else {
        panic!("mined")
    };
    let record = outbox.get(id).await.unwrap();
    assert_eq!((record.nonce, &record.hashes), (Some(0), &vec![mined.hash]));
    assert_eq!(record.request.meta, note);
    assert_eq!(
        record.status,
        TxStatus::Final(TxOutcome::Mined(mined.clone()))
    );
    let receipt = chain(&devnet)
        .await
        .receipt(mined.hash)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(receipt.gas_used, mined.gas_used);
    assert_eq!(receipt.effective_gas_price, mined.effective_gas_price);
    assert_eq!(received(&devnet).await, U256::from(5));
    until("the outbox is well", async || outbox.health().well_ms).await;
    assert_eq!(outbox.list(None, 10).await.unwrap(), [record]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_purpose_is_one_transaction_for_ever() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let path = dir.path().join("o.db");
    let outbox = open(&devnet, &path).await;
    let racers: Vec<_> = (0..20)
        .map(|_| {
            let (outbox, request) = (outbox.clone(), pay(&devnet, "once", 5));
            tokio::spawn(async move { outbox.enqueue(request).await.unwrap() })
        })
        .collect();
    let mut new = 0;
    let mut ids = Vec::new();
    for racer in racers {
        let enqueued = racer.await.unwrap();
        new += usize::from(enqueued.new);
        ids.push(enqueued.id);
    }
    ids.dedup();
    assert_eq!((new, ids.len()), (1, 1));
    assert_mined(&outbox.wait(ids[0], WAIT).await.unwrap());
    outbox.close().await;
    let outbox = open(&devnet, &path).await;
    let again = outbox.enqueue(pay(&devnet, "once", 5)).await.unwrap();
    assert!(!again.new && again.id == ids[0]);
    assert_mined(&outbox.wait(again.id, WAIT).await.unwrap());
    let other = outbox.enqueue(pay(&devnet, "once", 6)).await.unwrap_err();
    assert!(matches!(other, OutboxError::PurposeTaken(_)), "{other:?}");
    assert_eq!(
        (nonce(&devnet).await, received(&devnet).await),
        (1, U256::from(5))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_leave_no_hole() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let outbox = open(&devnet, &dir.path().join("o.db")).await;
    let mut ids = Vec::new();
    for i in 0..40 {
        ids.push(send(&outbox, pay(&devnet, &format!("p{i}"), 1)).await);
    }
    let mut nonces = Vec::new();
    for id in ids {
        assert_mined(&outbox.wait(id, WAIT).await.unwrap());
        nonces.push(outbox.get(id).await.unwrap().nonce.unwrap());
    }
    assert_eq!(nonces, (0..40).collect::<Vec<_>>());
    assert_eq!(received(&devnet).await, U256::from(40));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revert_found_beforehand_costs_no_nonce() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let outbox = open(&devnet, &dir.path().join("o.db")).await;
    let bad = send(&outbox, pay(&devnet, "too much", u64::MAX)).await;
    let TxOutcome::Failed { code, reason } = outbox.wait(bad, WAIT).await.unwrap() else {
        panic!("fails")
    };
    assert_eq!(code, "outbox.would_revert");
    assert!(
        !reason.contains("unknown error") && !reason.contains("without"),
        "{reason}"
    );
    assert_eq!(outbox.get(bad).await.unwrap().nonce, None);
    let good = send(&outbox, pay(&devnet, "enough", 1)).await;
    assert_mined(&outbox.wait(good, WAIT).await.unwrap());
    assert_eq!(outbox.get(good).await.unwrap().nonce, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revert_on_the_chain_is_told_apart_with_its_reason() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let outbox = open(&devnet, &dir.path().join("o.db")).await;
    let request = pay(&devnet, "too much", u64::MAX).with_gas_limit(200_000);
    let id = send(&outbox, request).await;
    let TxOutcome::Reverted { mined, reason, .. } = outbox.wait(id, WAIT).await.unwrap() else {
        panic!("reverts")
    };
    assert!(mined.gas_used > 21_000);
    assert!(!reason.contains("could not be found"), "{reason}");
    assert_eq!(nonce(&devnet).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_but_not_sent_is_sent_after_a_restart() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let path = dir.path().join("o.db");
    let proxy = Proxy::before(&devnet).await;
    proxy.set(Line::LoseRequest("eth_sendRawTransaction"));
    let line = Chain::connect(&config(&devnet, &proxy.url)).await.unwrap();
    let outbox = open_with(&devnet, &path, line, quick()).await;
    let id = send(&outbox, pay(&devnet, "p", 5)).await;
    let stored = signed(&outbox, id).await;
    assert_eq!(stored.status, TxStatus::Signed);
    outbox.close().await;
    assert_eq!(nonce(&devnet).await, 0, "nobody has seen it");

    let outbox = open(&devnet, &path).await;
    let TxOutcome::Mined(mined) = outbox.wait(id, WAIT).await.unwrap() else {
        panic!("mined")
    };
    assert_eq!(
        stored.hashes,
        [mined.hash],
        "the very transaction that was stored"
    );
    assert_eq!(
        (nonce(&devnet).await, received(&devnet).await),
        (1, U256::from(5))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_no_second_transaction() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let path = dir.path().join("o.db");
    let proxy = Proxy::before(&devnet).await;
    proxy.set(Line::LoseAnswer("eth_sendRawTransaction"));
    let line = Chain::connect(&config(&devnet, &proxy.url)).await.unwrap();
    let outbox = open_with(&devnet, &path, line, quick()).await;
    let id = send(&outbox, pay(&devnet, "p", 5)).await;
    until("the node has it", async || {
        (nonce(&devnet).await == 1).then_some(())
    })
    .await;
    outbox.close().await;
    let outbox = open(&devnet, &path).await;
    assert_mined(&outbox.wait(id, WAIT).await.unwrap());
    assert_eq!(outbox.get(id).await.unwrap().hashes.len(), 1);
    assert_eq!(
        (nonce(&devnet).await, received(&devnet).await),
        (1, U256::from(5))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_loses_nothing_even_at_the_start() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let proxy = Proxy::before(&devnet).await;
    proxy.set(Line::Cut);
    let line = Chain::lazy(&config(&devnet, &proxy.url)).unwrap();
    let outbox = open_with(&devnet, &dir.path().join("o.db"), line, quick()).await;
    let mut ids = Vec::new();
    for i in 0..5 {
        ids.push(send(&outbox, pay(&devnet, &format!("p{i}"), 1)).await);
    }
    let trouble = until("trouble", async || outbox.health().trouble).await;
    assert!(trouble.starts_with("chain.unreachable"), "{trouble}");
    let early = outbox
        .wait(ids[0], Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(matches!(early, OutboxError::NotYet(_)), "{early:?}");
    proxy.set(Line::Up);
    for (nonce, id) in (0..).zip(ids) {
        assert_mined(&outbox.wait(id, WAIT).await.unwrap());
        assert_eq!(outbox.get(id).await.unwrap().nonce, Some(nonce));
    }
    until("all is well", async || {
        outbox.health().trouble.is_none().then_some(())
    })
    .await;
    assert_eq!(received(&devnet).await, U256::from(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_transaction_is_replaced_at_its_nonce() {
    let (devnet, dir) = (devnet_by_hand().await, tempfile::tempdir().unwrap());
    let config = OutboxConfig {
        replace_after: Duration::from_millis(150),
        ..quick()
    };
    let line = chain(&devnet).await;
    let outbox = open_with(&devnet, &dir.path().join("o.db"), line, config).await;
    let id = send(&outbox, pay(&devnet, "p", 5)).await;
    let record = until("two replacements", async || {
        let record = outbox.get(id).await.unwrap();
        (record.hashes.len() >= 3).then_some(record)
    })
    .await;
    assert_eq!(record.nonce, Some(0));
    assert_eq!(
        devnet.chain().waiting(),
        1,
        "one nonce, one place in the pool"
    );
    devnet.chain().mine(1).unwrap();
    let TxOutcome::Mined(mined) = outbox.wait(id, WAIT).await.unwrap() else {
        panic!("mined")
    };
    assert!(outbox.get(id).await.unwrap().hashes.contains(&mined.hash));
    assert_eq!(received(&devnet).await, U256::from(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fee_cap_holds() {
    let (devnet, dir) = (devnet_by_hand().await, tempfile::tempdir().unwrap());
    let line = chain(&devnet).await;
    let tight = OutboxConfig {
        max_fee_cap: 1_000,
        ..quick()
    };
    let outbox = open_with(&devnet, &dir.path().join("a.db"), line.clone(), tight).await;
    let id = send(&outbox, pay(&devnet, "p", 5)).await;
    let trouble = until("trouble", async || outbox.health().trouble).await;
    assert!(trouble.starts_with("outbox.fee_cap"), "{trouble}");
    assert_eq!(
        outbox.get(id).await.unwrap().status,
        TxStatus::Waiting,
        "no nonce is spent"
    );
    outbox.close().await;

    let cap = line.fees().await.unwrap().max_fee;
    let snug = OutboxConfig {
        max_fee_cap: cap,
        replace_after: Duration::from_millis(50),
        ..quick()
    };
    let outbox = open_with(&devnet, &dir.path().join("b.db"), line, snug).await;
    let id = send(&outbox, pay(&devnet, "p", 5)).await;
    until("the cap is felt", async || {
        outbox.get(id).await.unwrap().last_error
    })
    .await;
    assert_eq!(
        outbox.get(id).await.unwrap().hashes.len(),
        1,
        "no replacement above the cap"
    );
    devnet.chain().mine(1).unwrap();
    assert_mined(&outbox.wait(id, WAIT).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_of_one_transaction_hold_and_keep_no_other_waiting() {
    let (devnet, dir) = (devnet_by_hand().await, tempfile::tempdir().unwrap());
    let path = dir.path().join("o.db");
    let line = chain(&devnet).await;
    let eager = || OutboxConfig {
        replace_after: Duration::from_millis(50),
        ..quick()
    };
    let outbox = open_with(&devnet, &path, line.clone(), eager()).await;
    let bounded = |purpose, gas_max, fee_wei_max| {
        let bounds = TxBounds {
            gas_max,
            fee_wei_max,
        };
        pay(&devnet, purpose, 5).with_bounds(bounds)
    };
    let hungry = send(&outbox, bounded("hungry", Some(21_000), None)).await;
    let TxOutcome::Failed { code, .. } = outbox.wait(hungry, WAIT).await.unwrap() else {
        panic!("it needs more gas")
    };
    assert_eq!(code, "outbox.gas_limit");
    let dear = send(&outbox, bounded("dear", None, Some(1_000))).await;
    let plain = send(&outbox, pay(&devnet, "plain", 5)).await;
    until("it is sent", async || {
        (outbox.get(plain).await.unwrap().status == TxStatus::Sent).then_some(())
    })
    .await;
    let why = until("it says why", async || {
        outbox.get(dear).await.unwrap().last_error
    });
    assert!(why.await.starts_with("outbox.fee_cap"));
    assert_eq!(
        outbox.get(dear).await.unwrap().status,
        TxStatus::Waiting,
        "no nonce is spent"
    );
    devnet.chain().mine(1).unwrap();
    assert_mined(&outbox.wait(plain, WAIT).await.unwrap());

    // As much as is asked for now: there is no room for a replacement, also after a restart.
    let gas = outbox.get(plain).await.unwrap();
    let TxOutcome::Mined(mined) = gas.status.outcome().unwrap().clone() else {
        panic!("mined")
    };
    let room = u128::from(mined.gas_used) * line.fees().await.unwrap().max_fee;
    let snug = send(&outbox, bounded("snug", None, Some(room))).await;
    let hashes = until("the bound is felt", async || {
        let record = outbox.get(snug).await.unwrap();
        let felt = record.last_error.is_some_and(|why| why.contains("fee_cap"));
        felt.then_some(record.hashes)
    });
    let hashes = hashes.await;
    outbox.close().await;
    let outbox = open_with(&devnet, &path, line, eager()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(outbox.get(snug).await.unwrap().hashes, hashes);
    devnet.chain().mine(1).unwrap();
    assert_mined(&outbox.wait(snug, WAIT).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_mined_while_away_is_recorded() {
    let (devnet, dir) = (devnet_by_hand().await, tempfile::tempdir().unwrap());
    let path = dir.path().join("o.db");
    let outbox = open(&devnet, &path).await;
    let id = send(&outbox, pay(&devnet, "p", 5)).await;
    until("it is sent", async || {
        (outbox.get(id).await.unwrap().status == TxStatus::Sent).then_some(())
    })
    .await;
    outbox.close().await;
    devnet.chain().mine(3).unwrap();
    let outbox = open(&devnet, &path).await;
    assert_mined(&outbox.wait(id, WAIT).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_taken_by_a_stranger_is_said_and_not_retried() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let proxy = Proxy::before(&devnet).await;
    proxy.set(Line::LoseRequest("eth_sendRawTransaction"));
    let line = Chain::connect(&config(&devnet, &proxy.url)).await.unwrap();
    let outbox = open_with(&devnet, &dir.path().join("o.db"), line, quick()).await;
    let id = send(&outbox, pay(&devnet, "p", 5)).await;
    signed(&outbox, id).await;
    steal_nonce(&devnet).await;
    proxy.set(Line::Up);
    let outcome = outbox.wait(id, WAIT).await.unwrap();
    assert!(
        matches!(&outcome, TxOutcome::Failed { code, .. } if code == "outbox.nonce_taken"),
        "{outcome:?}"
    );
    assert_eq!(received(&devnet).await, U256::ZERO);
    let next = send(&outbox, pay(&devnet, "again", 5)).await;
    assert_mined(&outbox.wait(next, WAIT).await.unwrap());
    assert_eq!(outbox.get(next).await.unwrap().nonce, Some(1));
}

/// Sends a transaction with the outbox's key behind its back.
async fn steal_nonce(devnet: &Devnet) {
    let chain = chain(devnet).await;
    let provider = chain.verify().await.unwrap();
    let request = TransactionRequest::default()
        .with_from(account(devnet, 0))
        .with_to(account(devnet, 2))
        .with_value(U256::from(1));
    let _: alloy_primitives::B256 = provider
        .client()
        .request("eth_sendTransaction", (request,))
        .await
        .unwrap();
    assert_eq!(nonce(devnet).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_counts_at_its_depth_and_survives_a_reorganisation_before() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let deep = OutboxConfig {
        confirmations: 3,
        ..quick()
    };
    let line = chain(&devnet).await;
    let outbox = open_with(&devnet, &dir.path().join("o.db"), line, deep).await;
    let id = send(&outbox, pay(&devnet, "p", 5)).await;
    until("it is mined", async || {
        (nonce(&devnet).await == 1).then_some(())
    })
    .await;
    let early = outbox
        .wait(id, Duration::from_millis(200))
        .await
        .unwrap_err();
    assert!(
        matches!(early, OutboxError::NotYet(_)),
        "one block is not enough: {early:?}"
    );

    devnet.chain().reorg(1).unwrap();
    until("it is sent and mined again", async || {
        (nonce(&devnet).await == 1).then_some(())
    })
    .await;
    devnet.chain().mine(2).unwrap();
    let TxOutcome::Mined(mined) = outbox.wait(id, WAIT).await.unwrap() else {
        panic!("mined")
    };
    let there = chain(&devnet)
        .await
        .block(mined.block_number)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        there.hash, mined.block_hash,
        "the block is the one that stayed"
    );
    assert_eq!(received(&devnet).await, U256::from(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_has_forgotten_us_gets_nothing_signed_and_what_it_lost_once_more() {
    let (devnet, dir) = (devnet_by_hand().await, tempfile::tempdir().unwrap());
    let path = dir.path().join("o.db");
    let outbox = open(&devnet, &path).await;
    let mut ids = Vec::new();
    for (purpose, value) in [("p", 5), ("q", 7)] {
        let id = send(&outbox, pay(&devnet, purpose, value)).await;
        until("it waits in the pool", async || {
            (devnet.chain().waiting() == 1).then_some(())
        })
        .await;
        devnet.chain().mine(1).unwrap();
        assert_mined(&outbox.wait(id, WAIT).await.unwrap());
        ids.push(id);
    }
    // One block was enough to believe both, and then both are taken back.
    devnet.chain().rollback(2).unwrap();
    assert_eq!(nonce(&devnet).await, 0);
    outbox.close().await;
    let outbox = open(&devnet, &path).await;
    let id = send(&outbox, pay(&devnet, "r", 11)).await;
    until("both are in the pool again", async || {
        (devnet.chain().waiting() == 2).then_some(())
    })
    .await;
    let trouble = until("trouble", async || outbox.health().trouble).await;
    assert!(trouble.starts_with("outbox.node_behind"), "{trouble}");
    assert_eq!(outbox.get(id).await.unwrap().status, TxStatus::Waiting);
    devnet.chain().mine(1).unwrap();
    until("the third is signed", async || {
        (devnet.chain().waiting() == 1).then_some(())
    })
    .await;
    devnet.chain().mine(1).unwrap();
    assert_mined(&outbox.wait(id, WAIT).await.unwrap());
    assert_eq!(nonce(&devnet).await, 3);
    let all = U256::from(5 + 7 + 11);
    assert_eq!(received(&devnet).await, all, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_has_one_process_one_key_and_one_chain() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let path = dir.path().join("o.db");
    let line = chain(&devnet).await;
    let outbox = open(&devnet, &path).await;
    let open_as = async |index| {
        let signer = signer(&devnet, index);
        TxOutbox::open(&path, line.clone(), signer, quick(), Arc::new(SystemClock)).await
    };
    let second = open_as(0).await.unwrap_err();
    assert!(
        matches!(second, OutboxError::Open(OpenError::InUse { .. })),
        "{second:?}"
    );
    outbox.close().await;
    let other = open_as(1).await.unwrap_err();
    assert!(matches!(other, OutboxError::WrongOwner { owner, .. } if owner == account(&devnet, 0)));
    open_as(0).await.expect("its own key may");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_chain_gets_nothing() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let wrong = agent_client::chain::ChainConfig::new(devnet.url(), 1);
    let refused = Chain::connect(&wrong).await.unwrap_err();
    assert!(
        matches!(refused, ChainError::WrongChain { expected: 1, .. }),
        "{refused:?}"
    );
    let line = Chain::lazy(&wrong).unwrap();
    let outbox = open_with(&devnet, &dir.path().join("o.db"), line, quick()).await;
    let id = send(&outbox, pay(&devnet, "p", 5)).await;
    let trouble = until("trouble", async || outbox.health().trouble).await;
    assert!(trouble.starts_with("chain.wrong_chain"), "{trouble}");
    assert_eq!(outbox.get(id).await.unwrap().status, TxStatus::Waiting);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_is_refused_and_nothing_shows_a_key() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let outbox = open(&devnet, &dir.path().join("o.db")).await;
    let mut request = pay(&devnet, "p", 5);
    request.data = vec![0; 200_000].into();
    let refused = outbox.enqueue(request).await.unwrap_err();
    assert_eq!(refused.code(), "outbox.too_large");
    let note = json!("x".repeat(100_000));
    let refused = outbox
        .enqueue(pay(&devnet, "p", 5).with_meta(note))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "outbox.too_large");
    let key = devnet.accounts()[0].private_key.trim_start_matches("0x");
    let shown = format!("{outbox:?} {:?}", signer(&devnet, 0));
    assert!(!shown.contains(key), "{shown}");
}
