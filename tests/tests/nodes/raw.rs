//! What comes before there is an outbox: which chain it is, money, new contracts.

use std::time::Duration;

use agent_client::chain::{Chain, ChainConfig, ChainError};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_network::TxSignerSync;
use alloy_primitives::{B256, Bytes, TxKind, U256};
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_signer_local::PrivateKeySigner;

/// Whatever chain is there; the client itself insists on being told.
pub(crate) async fn chain_id_of(url: &str) -> u64 {
    let guess = Chain::lazy(&ChainConfig::new(url, 0)).unwrap();
    match guess.head().await.unwrap_err() {
        ChainError::WrongChain { found, .. } => found,
        other => panic!("{other}"),
    }
}

/// Sends what the outbox has no word for: money, and new contracts.
pub(crate) async fn send(
    chain: &Chain,
    key: &PrivateKeySigner,
    to: TxKind,
    value: U256,
    input: Bytes,
) -> TransactionReceipt {
    let fees = chain.fees().await.unwrap();
    let mut transaction = TxEip1559 {
        chain_id: chain.chain_id(),
        nonce: chain.mined_nonce(key.address()).await.unwrap(),
        gas_limit: if input.is_empty() { 21_000 } else { 6_000_000 },
        max_fee_per_gas: fees.max_fee,
        max_priority_fee_per_gas: fees.tip,
        to,
        value,
        input,
        ..TxEip1559::default()
    };
    let signature = key.sign_transaction_sync(&mut transaction).unwrap();
    let raw = TxEnvelope::from(transaction.into_signed(signature)).encoded_2718();
    let hash: B256 = chain.send_raw(&raw).await.unwrap();
    mined(chain, hash).await
}

pub(crate) async fn mined(chain: &Chain, hash: B256) -> TransactionReceipt {
    for _ in 0..600 {
        if let Some(receipt) = chain.receipt(hash).await.unwrap() {
            return receipt;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{hash} is not mined")
}
