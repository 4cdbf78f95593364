//! The wallet over a real EVM: one signature opens a lock, a row claims it, the rest comes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod chain_support;
mod wallet_chain;

use std::sync::Arc;

use agent_client::{
    chain::{bindings::IZ402Escrow, outbox::TxRequest},
    clock::SystemClock,
    wallet::{ChainEscrow, Wallet},
};
use agent_core::clock::Clock as _;
use alloy_primitives::U256;
use chain_support::{WAIT, account, chain, devnet};
use wallet_chain::{
    BUYER, FrontRun, SELLER, asset, config, outbox, pay, receipt, row, terms, units,
};

#[tokio::test(flavor = "multi_thread")]
async fn opened_topped_up_claimed_and_taken_back() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let chain = chain(&devnet).await;
    let asset = asset(&devnet, &chain).await;
    let terms = terms(&devnet, &asset);
    let (token, contract) = (devnet.contracts().usdc, devnet.contracts().escrow);
    let (buyer, seller) = (account(&devnet, BUYER), account(&devnet, SELLER));
    let had = [
        chain.token_balance(token, buyer).await.unwrap(),
        chain.token_balance(token, seller).await.unwrap(),
    ];
    let port = ChainEscrow::new(
        chain.clone(),
        outbox(&devnet, dir.path(), BUYER).await,
        contract,
        WAIT,
    );
    let config = config(&devnet, &asset, dir.path());
    let wallet = Wallet::open(config, Arc::new(SystemClock), Arc::new(port))
        .await
        .unwrap();

    // 60 of 1,000 do not fit into 50,000: the lock is topped up while calls are in flight.
    let paid = futures_util::future::join_all((0..30).map(|_| pay(&wallet, &terms, 1_000))).await;
    for payment in &paid {
        wallet
            .confirm(&payment.id, &receipt(payment, asset.network, units(900)))
            .await
            .unwrap();
    }
    drop(paid);
    let mut last = pay(&wallet, &terms, 1_000).await;
    while wallet.books().await.unwrap().deposited == units(50_000) {
        wallet
            .confirm(&last.id, &receipt(&last, asset.network, units(900)))
            .await
            .unwrap();
        last = pay(&wallet, &terms, 1_000).await;
    }
    wallet
        .confirm(&last.id, &receipt(&last, asset.network, units(900)))
        .await
        .unwrap();
    let books = wallet.books().await.unwrap();
    assert_eq!((books.channels, books.deposited), (1, units(100_000)));

    // The newest voucher settles all payments at once.
    let call = IZ402Escrow::settleBatchCall {
        payee: seller,
        token,
        rows: row(&last, books.charged).into(),
    };
    let sellers = outbox(&devnet, dir.path(), SELLER).await;
    let sent = sellers
        .enqueue(TxRequest::call("settle", contract, &call))
        .await
        .unwrap();
    sellers.wait(sent.id, WAIT).await.unwrap();
    wallet.refresh().await.unwrap();
    assert_eq!(wallet.books().await.unwrap().claimed, books.charged);

    // Too early by the chain's clock: refused, and tried again when it is time.
    let over = SystemClock.now_unix_secs() + 4_000;
    let early = wallet.reclaim(over).await.unwrap_err();
    assert_eq!(early.code(), "escrow_never_sent");
    devnet.chain().increase_time(4_000).unwrap();
    devnet.chain().mine(1).unwrap();
    let reclaimed = wallet.reclaim(over).await.unwrap();
    assert_eq!(reclaimed.len(), 1);
    let books = wallet.books().await.unwrap();
    assert_eq!(books.deposited, books.claimed.plus(books.returned).unwrap());
    let charged = U256::from(books.charged.get());
    assert_eq!(
        chain.token_balance(token, buyer).await.unwrap(),
        had[0] - charged
    );
    assert_eq!(
        chain.token_balance(token, seller).await.unwrap(),
        had[1] + charged
    );
    assert_eq!(
        chain.token_balance(token, contract).await.unwrap(),
        U256::ZERO
    );
    wallet.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_the_balance_does_not_cover_is_refused_before_anything_is_sent() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let chain = chain(&devnet).await;
    let asset = asset(&devnet, &chain).await;
    let terms = terms(&devnet, &asset);
    let outbox = outbox(&devnet, dir.path(), BUYER).await;
    let port = ChainEscrow::new(chain, outbox, devnet.contracts().escrow, WAIT);
    let mut config = config(&devnet, &asset, dir.path());
    config.lock_size = units(u128::from(agent_devnet::GENESIS_USDC) + 1);
    let wallet = Wallet::open(config, Arc::new(SystemClock), Arc::new(port))
        .await
        .unwrap();
    let error = wallet.ensure_channel(&terms, units(5)).await.unwrap_err();
    assert_eq!(error.code(), "escrow_never_sent", "{error}");
    assert_eq!(wallet.books().await.unwrap().deposited, units(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_that_somebody_else_sent_first_counts_once() {
    let (devnet, dir) = (devnet().await, tempfile::tempdir().unwrap());
    let chain = chain(&devnet).await;
    let asset = asset(&devnet, &chain).await;
    let terms = terms(&devnet, &asset);
    let contract = devnet.contracts().escrow;
    let outbox_of_ours = outbox(&devnet, dir.path(), BUYER).await;
    let ours = ChainEscrow::new(chain.clone(), outbox_of_ours, contract, WAIT);
    let thief = outbox(&devnet, dir.path(), 5).await;
    let port = FrontRun {
        thief,
        contract,
        ours,
    };
    let config = config(&devnet, &asset, dir.path());
    let wallet = Wallet::open(config, Arc::new(SystemClock), Arc::new(port))
        .await
        .unwrap();
    let payment = pay(&wallet, &terms, 10).await;
    let states = chain
        .escrow_states(contract, &[payment.channel_id.0])
        .await
        .unwrap();
    assert_eq!(states[0].authorized.to::<u128>(), 50_000);
    assert_eq!(wallet.books().await.unwrap().deposited, units(50_000));
}
