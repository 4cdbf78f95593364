//! An alloy provider against a running development chain.

mod common;

use agent_devnet::{DEV_ACCOUNTS, Devnet, DevnetConfig};
use alloy_eips::BlockId;
use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, U256, address};
use alloy_provider::Provider;
use alloy_rpc_types_eth::{BlockNumberOrTag, TransactionRequest};
use alloy_signer_local::PrivateKeySigner;
use common::{account, devnet, provider};

const STRANGER: Address = address!("0x00000000000000000000000000000000deadbeef");

#[test]
fn the_keys_belong_to_the_addresses() {
    for known in DEV_ACCOUNTS {
        let signer: PrivateKeySigner = known.private_key.parse().unwrap();
        assert_eq!(signer.address(), known.address);
    }
}

#[tokio::test]
async fn a_transfer_is_mined_at_once() {
    let devnet = devnet().await;
    let provider = provider(&devnet, 0);
    assert_eq!(provider.get_chain_id().await.unwrap(), 84_532);
    assert_eq!(provider.get_block_number().await.unwrap(), 0);

    let request = TransactionRequest::default()
        .with_to(STRANGER)
        .with_value(U256::from(5));
    let pending = provider.send_transaction(request).await.unwrap();
    let hash = *pending.tx_hash();
    let receipt = pending.get_receipt().await.unwrap();
    assert!(receipt.status());
    assert_eq!(receipt.transaction_hash, hash);
    assert_eq!(receipt.gas_used, 21_000);
    assert_eq!((receipt.from, receipt.to), (account(0), Some(STRANGER)));
    assert_eq!(provider.get_balance(STRANGER).await.unwrap(), U256::from(5));
    assert_eq!(provider.get_transaction_count(account(0)).await.unwrap(), 1);

    let spent = U256::from(5) + U256::from(receipt.effective_gas_price) * U256::from(21_000);
    let rich = U256::from(10).pow(U256::from(22));
    assert_eq!(
        provider.get_balance(account(0)).await.unwrap(),
        rich - spent
    );
    let transaction = provider
        .get_transaction_by_hash(hash)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(transaction.block_number, Some(1));
    assert_eq!(transaction.inner.signer(), account(0));
    devnet.stop().await;
}

#[tokio::test]
async fn blocks_are_linked_by_real_hashes() {
    let devnet = devnet().await;
    let provider = provider(&devnet, 0);
    devnet.chain().mine(3).unwrap();
    let mut parent = None;
    for number in 0..=3_u64 {
        let block = provider
            .get_block(number.into())
            .full()
            .await
            .unwrap()
            .unwrap();
        assert_eq!(block.header.hash, block.header.inner.hash_slow());
        assert_eq!(block.header.number, number);
        if let Some((hash, time)) = parent {
            assert_eq!(block.header.parent_hash, hash);
            assert!(block.header.timestamp > time);
        }
        parent = Some((block.header.hash, block.header.timestamp));
        let by_hash = provider
            .get_block_by_hash(block.header.hash)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(by_hash.header, block.header);
    }
    assert!(provider.get_block(4.into()).await.unwrap().is_none());
}

#[tokio::test]
async fn fees_follow_the_base_fee() {
    let devnet = devnet().await;
    let provider = provider(&devnet, 0);
    devnet.chain().mine(4).unwrap();
    let history = provider
        .get_fee_history(3, BlockNumberOrTag::Latest, &[20.0])
        .await
        .unwrap();
    assert_eq!(history.oldest_block, 2);
    assert_eq!(history.base_fee_per_gas.len(), 4);
    assert_eq!(history.gas_used_ratio, [0.0; 3]);
    assert!(
        history
            .base_fee_per_gas
            .windows(2)
            .all(|pair| pair[0] > pair[1])
    );
    let price = provider.get_gas_price().await.unwrap();
    assert!(price > *history.base_fee_per_gas.last().unwrap());
    let fees = provider.estimate_eip1559_fees().await.unwrap();
    assert!(fees.max_fee_per_gas >= fees.max_priority_fee_per_gas);
}

#[tokio::test]
async fn the_past_can_be_asked() {
    let devnet = devnet().await;
    let provider = provider(&devnet, 0);
    for _ in 0..2 {
        let request = TransactionRequest::default()
            .with_to(STRANGER)
            .with_value(U256::ONE);
        provider
            .send_transaction(request)
            .await
            .unwrap()
            .get_receipt()
            .await
            .unwrap();
    }
    for number in 0..=2_u64 {
        let balance = provider
            .get_balance(STRANGER)
            .block_id(BlockId::number(number))
            .await
            .unwrap();
        assert_eq!(balance, U256::from(number));
    }
    let error = provider
        .get_balance(STRANGER)
        .block_id(BlockId::number(9))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("header not found"), "{error}");
}

#[tokio::test]
async fn two_chains_live_side_by_side() {
    let one = devnet().await;
    let two = Devnet::start(DevnetConfig::default().with_chain_id(31_337))
        .await
        .unwrap();
    let (first, second) = (provider(&one, 0), provider(&two, 0));
    let request = TransactionRequest::default()
        .with_to(STRANGER)
        .with_value(U256::from(5));
    first
        .send_transaction(request)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert_eq!(first.get_block_number().await.unwrap(), 1);
    assert_eq!(second.get_block_number().await.unwrap(), 0);
    assert_eq!(second.get_chain_id().await.unwrap(), 31_337);
    drop(two);
    assert_eq!(first.get_block_number().await.unwrap(), 1);
    one.stop().await;
    assert!(first.get_block_number().await.is_err());
}
