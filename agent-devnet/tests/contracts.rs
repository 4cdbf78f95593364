//! Contracts through an alloy provider: calls, reverts, logs, deployment.

mod common;

use agent_devnet::{CONTRACTS, Devnet, DevnetConfig, GENESIS_USDC, artifacts::Artifact};
use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, U256, address, bytes};
use alloy_provider::Provider;
use alloy_rpc_types_eth::{Filter, TransactionRequest};
use alloy_sol_types::{SolCall, SolError, SolEvent, sol};
use common::{account, devnet, provider};

sol! {
    #[derive(Debug)]
    event Transfer(address indexed from, address indexed to, uint256 value);
    function balanceOf(address who) external view returns (uint256);
    function transfer(address to, uint256 value) external returns (bool);
    function withdraw(address token, uint256 amount, address to) external;
    function getIdentityRegistry() external view returns (address);
    #[derive(Debug, PartialEq)]
    error InsufficientVault();
}

const STRANGER: Address = address!("0x00000000000000000000000000000000deadbeef");

#[tokio::test]
async fn the_contracts_are_in_place() {
    let devnet = devnet().await;
    let provider = provider(&devnet, 0);
    let contracts = *devnet.contracts();
    for address in [
        contracts.usdc,
        contracts.escrow,
        contracts.identity,
        contracts.reputation,
    ] {
        assert!(
            !provider.get_code_at(address).await.unwrap().is_empty(),
            "{address}"
        );
    }
    let ask = |to: Address, data: Vec<u8>| {
        provider.call(TransactionRequest::default().with_to(to).with_input(data))
    };
    for known in devnet.accounts() {
        let call = balanceOfCall { who: known.address };
        let balance = ask(contracts.usdc, call.abi_encode()).await.unwrap();
        assert_eq!(
            balanceOfCall::abi_decode_returns(&balance).unwrap(),
            U256::from(GENESIS_USDC)
        );
    }
    let registry = ask(
        contracts.reputation,
        getIdentityRegistryCall {}.abi_encode(),
    )
    .await;
    let registry = getIdentityRegistryCall::abi_decode_returns(&registry.unwrap()).unwrap();
    assert_eq!(registry, contracts.identity);

    let bare = Devnet::start(DevnetConfig::default().with_contracts(false))
        .await
        .unwrap();
    let provider = common::provider(&bare, 0);
    assert!(
        provider
            .get_code_at(CONTRACTS.usdc)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_revert_carries_its_data() {
    let devnet = devnet().await;
    let provider = provider(&devnet, 0);
    let call = withdrawCall {
        token: CONTRACTS.usdc,
        amount: U256::ONE,
        to: account(0),
    };
    let request = TransactionRequest::default()
        .with_from(account(0))
        .with_to(CONTRACTS.escrow)
        .with_input(call.abi_encode());
    for error in [
        provider.call(request.clone()).await.unwrap_err(),
        provider.estimate_gas(request.clone()).await.unwrap_err(),
    ] {
        let payload = error.as_error_resp().unwrap();
        assert_eq!(payload.code, 3);
        assert_eq!(payload.message, "execution reverted");
        let data = payload.as_revert_data().unwrap();
        assert_eq!(
            InsufficientVault::abi_decode(&data).unwrap(),
            InsufficientVault {}
        );
    }

    let call = transferCall {
        to: Address::ZERO,
        value: U256::ONE,
    };
    let request = TransactionRequest::default()
        .with_from(account(0))
        .with_to(CONTRACTS.usdc)
        .with_input(call.abi_encode());
    let error = provider.call(request).await.unwrap_err();
    let message = error.as_error_resp().unwrap().message.to_string();
    assert!(message.starts_with("execution reverted: "), "{message}");
}

#[tokio::test]
async fn a_failed_transaction_has_a_receipt_and_no_logs() {
    let devnet = devnet().await;
    let provider = provider(&devnet, 0);
    let call = withdrawCall {
        token: CONTRACTS.usdc,
        amount: U256::ONE,
        to: account(0),
    };
    let request = TransactionRequest::default()
        .with_to(CONTRACTS.escrow)
        .with_gas_limit(200_000)
        .with_input(call.abi_encode());
    let receipt = provider
        .send_transaction(request)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(!receipt.status());
    assert!(receipt.logs().is_empty());
}

#[tokio::test]
async fn logs_are_found_by_address_topic_and_block() {
    let devnet = devnet().await;
    let provider = provider(&devnet, 0);
    for value in 1..=3_u64 {
        let call = transferCall {
            to: STRANGER,
            value: U256::from(value),
        };
        let request = TransactionRequest::default()
            .with_to(CONTRACTS.usdc)
            .with_input(call.abi_encode());
        provider
            .send_transaction(request)
            .await
            .unwrap()
            .get_receipt()
            .await
            .unwrap();
    }
    let filter = Filter::new()
        .address(CONTRACTS.usdc)
        .event_signature(Transfer::SIGNATURE_HASH)
        .topic2(STRANGER.into_word());
    let all = provider
        .get_logs(&filter.clone().from_block(0))
        .await
        .unwrap();
    let values: Vec<U256> = all
        .iter()
        .map(|log| Transfer::decode_log(&log.inner).unwrap().value)
        .collect();
    assert_eq!(values, [1, 2, 3].map(U256::from));
    assert_eq!(all[1].block_number, Some(2));
    assert_eq!(all[1].log_index, Some(0));

    let some = provider
        .get_logs(&filter.clone().from_block(2).to_block(2))
        .await
        .unwrap();
    assert_eq!(some, all[1..2]);
    let one = filter.clone().at_block_hash(all[2].block_hash.unwrap());
    assert_eq!(provider.get_logs(&one).await.unwrap(), all[2..]);
    let nobody = Filter::new().from_block(0).topic2(account(7).into_word());
    assert!(provider.get_logs(&nobody).await.unwrap().is_empty());
    let backwards = Filter::new().from_block(3).to_block(1);
    assert!(provider.get_logs(&backwards).await.is_err());
    let block = provider.get_block(2.into()).await.unwrap().unwrap();
    assert!(filter.matches_bloom(block.header.logs_bloom));
}

#[tokio::test]
async fn filters_report_what_is_new() {
    let devnet = devnet().await;
    let provider = provider(&devnet, 0);
    let logs = provider
        .new_filter(&Filter::new().address(CONTRACTS.usdc))
        .await
        .unwrap();
    let blocks = provider.new_block_filter().await.unwrap();
    let call = transferCall {
        to: STRANGER,
        value: U256::ONE,
    };
    let request = TransactionRequest::default()
        .with_to(CONTRACTS.usdc)
        .with_input(call.abi_encode());
    provider
        .send_transaction(request)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    for expected in [1, 0] {
        let new: Vec<alloy_rpc_types_eth::Log> = provider.get_filter_changes(logs).await.unwrap();
        assert_eq!(new.len(), expected);
        let new: Vec<alloy_primitives::B256> = provider.get_filter_changes(blocks).await.unwrap();
        assert_eq!(new.len(), expected);
    }
    assert!(provider.uninstall_filter(logs).await.unwrap());
    assert!(!provider.uninstall_filter(logs).await.unwrap());
}

#[tokio::test]
async fn code_is_deployed_and_estimated() {
    let devnet = devnet().await;
    let provider = provider(&devnet, 0);
    let init = Artifact::TestUsdc.init_code().unwrap();
    let request = TransactionRequest::default().with_deploy_code(init);
    let receipt = provider
        .send_transaction(request)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    let deployed = receipt.contract_address.unwrap();
    assert_eq!(deployed, account(0).create(0));
    let code = provider.get_code_at(deployed).await.unwrap();
    assert_eq!(code, Artifact::TestUsdc.runtime_code().unwrap());

    let transfer = TransactionRequest::default()
        .with_from(account(0))
        .with_to(STRANGER);
    assert_eq!(provider.estimate_gas(transfer).await.unwrap(), 21_000);
    let spin = bytes!("5b600056");
    devnet.chain().set_code(STRANGER, spin).unwrap();
    let endless = TransactionRequest::default()
        .with_from(account(0))
        .with_to(STRANGER);
    let error = provider
        .estimate_gas(endless)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("gas required exceeds allowance"), "{error}");
}
