//! Reading and following the chain, through outages and reorganisations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod chain_support;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use agent_client::{
    chain::{
        Chain, ChainConfig, ChainError,
        bindings::{IToken, IZ402Escrow},
        watcher::{Cursor, LogBatch, LogSink, SinkError, WatchConfig, WatchError, Watcher},
    },
    clock::SystemClock,
};
use agent_devnet::Devnet;
use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::{Filter, TransactionRequest};
use alloy_sol_types::{SolCall, SolEvent};
use chain_support::{Line, Proxy, WAIT, account, chain, config, devnet, transfer, until};

#[tokio::test(flavor = "multi_thread")]
async fn balances_locks_and_blocks_are_read() {
    let devnet = devnet().await;
    let chain = chain(&devnet).await;
    let head = chain.head().await.unwrap();
    assert_eq!(chain.block(head.number).await.unwrap(), Some(head));
    assert_eq!(chain.block(head.number + 1_000).await.unwrap(), None);
    let owner = account(&devnet, 3);
    assert!(chain.native_balance(owner).await.unwrap() > U256::ZERO);
    let usdc = chain
        .token_balance(devnet.contracts().usdc, owner)
        .await
        .unwrap();
    assert_eq!(usdc, U256::from(agent_devnet::GENESIS_USDC));
    let ids: Vec<B256> = (0..600_u64).map(|i| U256::from(i).into()).collect();
    let states = chain
        .escrow_states(devnet.contracts().escrow, &ids)
        .await
        .unwrap();
    assert_eq!(states.len(), 600);
    assert!(
        states
            .iter()
            .all(|state| state.authorized.is_zero() && state.deadline.is_zero())
    );
    assert_eq!(
        chain
            .escrow_states(devnet.contracts().escrow, &[])
            .await
            .unwrap(),
        []
    );
    assert!(chain.receipt(B256::ZERO).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn reverts_are_decoded() {
    let devnet = devnet().await;
    let chain = chain(&devnet).await;
    let escrow = devnet.contracts().escrow;
    let usdc = devnet.contracts().usdc;
    let withdraw = IZ402Escrow::withdrawCall {
        token: usdc,
        amount: U256::from(1),
        to: account(&devnet, 1),
    };
    let Err(ChainError::Reverted { reason, .. }) = chain.call(escrow, &withdraw).await else {
        panic!("reverts")
    };
    assert_eq!(reason, "InsufficientVault");
    let nowhere = chain
        .call(account(&devnet, 1), &IToken::nameCall {})
        .await
        .unwrap_err();
    assert_eq!(nowhere.code(), "chain.bad_answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_silent_or_talks_nonsense_is_an_error_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/secret-key", silent.local_addr().unwrap());
    let config = ChainConfig {
        wait: Duration::from_millis(200),
        ..ChainConfig::new(&url, 1)
    };
    let error = Chain::connect(&config).await.unwrap_err();
    assert_eq!(error.code(), "chain.unreachable");
    let shown = format!(
        "{error:?} {error} {config:?} {:?}",
        Chain::lazy(&config).unwrap()
    );
    assert!(!shown.contains("secret-key"), "{shown}");
    let public = ChainConfig::new("http://rpc.example.com/key", 1);
    assert_eq!(
        Chain::connect(&public).await.unwrap_err().code(),
        "chain.bad_url"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_come_in_order_from_many_windows() {
    let devnet = devnet().await;
    let chain = chain(&devnet).await;
    for value in 1..=3 {
        pay(&devnet, value).await;
        devnet.chain().mine(1_500).unwrap();
    }
    let head = chain.head().await.unwrap().number;
    let logs = chain.logs(&transfers(&devnet), 0, head).await.unwrap();
    let values: Vec<_> = logs.iter().map(value_of).collect();
    assert_eq!(values, [1, 2, 3]);
}

/// Keeps what it is told as the contract asks: effects and cursor together.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    values: BTreeMap<(u64, u64), u64>,
    cursor: Option<Cursor>,
    rolled_back: Vec<u64>,
    batches: Vec<(u64, u64)>,
    refuse: u32,
}

impl Book {
    fn values(&self) -> Vec<u64> {
        self.0.lock().unwrap().values.values().copied().collect()
    }
}

impl LogSink for Book {
    async fn resume(&mut self) -> Result<Option<Cursor>, SinkError> {
        Ok(self.0.lock().unwrap().cursor)
    }

    async fn deliver(&mut self, batch: LogBatch) -> Result<(), SinkError> {
        let mut pages = self.0.lock().unwrap();
        if pages.refuse > 0 {
            pages.refuse -= 1;
            return Err("the disk is full".into());
        }
        if let Some(last) = pages
            .batches
            .last()
            .filter(|_| pages.rolled_back.is_empty())
        {
            assert_eq!(batch.from_block, last.1 + 1, "no gap and no repetition");
        }
        pages.batches.push((batch.from_block, batch.cursor.block));
        for log in &batch.logs {
            let place = (log.block_number.unwrap(), log.log_index.unwrap());
            pages.values.insert(place, value_of(log));
        }
        pages.cursor = Some(batch.cursor);
        Ok(())
    }

    async fn roll_back(&mut self, block: u64) -> Result<(), SinkError> {
        let mut pages = self.0.lock().unwrap();
        pages.values.retain(|(at, _), _| *at <= block);
        pages.rolled_back.push(block);
        Ok(())
    }
}

fn value_of(log: &alloy_rpc_types_eth::Log) -> u64 {
    IToken::Transfer::decode_log(&log.inner).unwrap().value.to()
}

fn transfers(devnet: &Devnet) -> Filter {
    Filter::new()
        .address(devnet.contracts().usdc)
        .event_signature(IToken::Transfer::SIGNATURE_HASH)
}

async fn pay(devnet: &Devnet, value: u64) {
    let to: Address = devnet.contracts().usdc;
    let request = TransactionRequest::default()
        .with_from(account(devnet, 0))
        .with_to(to)
        .with_input(transfer(account(devnet, 1), value).abi_encode());
    let chain = chain(devnet).await;
    let provider = chain.verify().await.unwrap();
    let _: B256 = provider
        .client()
        .request("eth_sendTransaction", (request,))
        .await
        .unwrap();
}

fn quick() -> WatchConfig {
    WatchConfig {
        poll_interval: Duration::from_millis(20),
        ..WatchConfig::default()
    }
}

fn watch(devnet: &Devnet, chain: Chain, config: WatchConfig, book: &Book) -> Watcher {
    Watcher::start(
        chain,
        transfers(devnet),
        config,
        book.clone(),
        Arc::new(SystemClock),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_the_chain_when_asked_is_delivered_when_answered() {
    let (devnet, book) = (devnet().await, Book::default());
    let slow = WatchConfig {
        poll_interval: Duration::from_secs(600),
        ..quick()
    };
    let watcher = watch(&devnet, chain(&devnet).await, slow, &book);
    for value in 1..=10 {
        pay(&devnet, value).await;
        let status = watcher.look(WAIT).await.unwrap();
        assert_eq!(book.values(), (1..=value).collect::<Vec<_>>());
        assert_eq!(status.cursor.unwrap().block, status.head.unwrap().number);
        assert!(status.age_ms(status.fresh_ms.unwrap() + 5) == Some(5));
    }
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_past_comes_in_windows_and_a_look_waits_for_all_of_it() {
    let (devnet, book) = (devnet().await, Book::default());
    pay(&devnet, 1).await;
    devnet.chain().mine(95).unwrap();
    pay(&devnet, 2).await;
    let narrow = WatchConfig {
        window_blocks: 10,
        ..quick()
    };
    let watcher = watch(&devnet, chain(&devnet).await, narrow, &book);
    watcher.look(WAIT).await.unwrap();
    assert_eq!(book.values(), [1, 2]);
    assert!(book.0.lock().unwrap().batches.len() >= 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_is_rolled_back_and_read_again() {
    let (devnet, book) = (devnet().await, Book::default());
    let watcher = watch(&devnet, chain(&devnet).await, quick(), &book);
    for value in 1..=5 {
        pay(&devnet, value).await;
        watcher.look(WAIT).await.unwrap();
    }
    let fork = devnet.chain().block_number() - 2;
    devnet.chain().reorg(2).unwrap();
    watcher.look(WAIT).await.unwrap();
    assert_eq!(book.0.lock().unwrap().rolled_back, [fork]);
    assert_eq!(book.values(), [1, 2, 3]);
    pay(&devnet, 6).await;
    watcher.look(WAIT).await.unwrap();
    assert_eq!(book.values(), [1, 2, 3, 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_while_away_is_found_by_the_stored_hash() {
    let (devnet, book) = (devnet().await, Book::default());
    let watcher = watch(&devnet, chain(&devnet).await, quick(), &book);
    for value in 1..=5 {
        pay(&devnet, value).await;
        watcher.look(WAIT).await.unwrap();
    }
    watcher.stop().await;
    devnet.chain().reorg(2).unwrap();
    let watcher = watch(&devnet, chain(&devnet).await, quick(), &book);
    watcher.look(WAIT).await.unwrap();
    assert_eq!(book.values(), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_the_sink_stands() {
    let (devnet, book) = (devnet().await, Book::default());
    let watcher = watch(&devnet, chain(&devnet).await, quick(), &book);
    pay(&devnet, 1).await;
    watcher.look(WAIT).await.unwrap();
    watcher.stop().await;
    pay(&devnet, 2).await;
    let watcher = watch(&devnet, chain(&devnet).await, quick(), &book);
    watcher.look(WAIT).await.unwrap();
    assert_eq!(book.values(), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lags_rolls_nothing_back() {
    let (devnet, book) = (devnet().await, Book::default());
    let watcher = watch(&devnet, chain(&devnet).await, quick(), &book);
    for value in 1..=3 {
        pay(&devnet, value).await;
        watcher.look(WAIT).await.unwrap();
    }
    devnet.chain().rollback(1).unwrap();
    let trouble = until("trouble", async || watcher.status().trouble).await;
    assert!(trouble.starts_with("watch.node_behind"), "{trouble}");
    assert_eq!(book.values(), [1, 2, 3]);
    assert!(book.0.lock().unwrap().rolled_back.is_empty());
    devnet.chain().mine(1).unwrap();
    watcher.look(WAIT).await.unwrap();
    assert_eq!(
        book.values(),
        [1, 2],
        "now it is another chain, not a shorter one"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_told_and_survived_and_so_is_a_failing_sink() {
    let (devnet, book) = (devnet().await, Book::default());
    let proxy = Proxy::before(&devnet).await;
    proxy.set(Line::Cut);
    let line = Chain::lazy(&config(&devnet, &proxy.url)).unwrap();
    let watcher = watch(&devnet, line, quick(), &book);
    pay(&devnet, 1).await;
    let early = watcher.look(Duration::from_millis(100)).await.unwrap_err();
    assert!(matches!(early, WatchError::NotYet(_)));
    let status = watcher.status();
    assert!(
        status.fresh_ms.is_none() && status.trouble.is_some(),
        "{status:?}"
    );
    book.0.lock().unwrap().refuse = 2;
    proxy.set(Line::Up);
    watcher.look(WAIT).await.unwrap();
    assert_eq!(book.values(), [1]);
    assert!(watcher.status().trouble.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_delivered_at_their_depth() {
    let (devnet, book) = (devnet().await, Book::default());
    let deep = WatchConfig {
        confirmations: 2,
        ..quick()
    };
    let watcher = watch(&devnet, chain(&devnet).await, deep, &book);
    pay(&devnet, 1).await;
    let block = devnet.chain().block_number();
    watcher.look(WAIT).await.unwrap();
    assert!(book.values().is_empty());
    devnet.chain().mine(2).unwrap();
    watcher.reached(block, WAIT).await.unwrap();
    assert_eq!(book.values(), [1]);
}
