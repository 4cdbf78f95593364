//! A chain without network, and transactions signed by hand.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use agent_devnet::{Chain, Clock, DEV_ACCOUNTS, DevnetConfig};
use alloy_consensus::{SignableTransaction, Transaction, TxEip1559, TxEnvelope};
use alloy_eips::{BlockId, eip2718::Encodable2718};
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, Bytes, TxKind, U256, address, bytes};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer_local::PrivateKeySigner;

pub(crate) const STRANGER: Address = address!("0x00000000000000000000000000000000deadbeef");
pub(crate) const CHAIN_ID: u64 = 84_532;
/// Stores the block's time in slot 0.
pub(crate) const STORE_TIME: Bytes = bytes!("4260005500");

pub(crate) fn chain() -> Chain {
    Chain::new(&config()).unwrap()
}

pub(crate) fn config() -> DevnetConfig {
    DevnetConfig::default()
        .with_clock(Clock::Stepped)
        .with_genesis_timestamp(1_000)
}

pub(crate) fn signer(index: usize) -> PrivateKeySigner {
    DEV_ACCOUNTS[index].private_key.parse().unwrap()
}

pub(crate) fn payment(nonce: u64, gwei: u128) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: gwei * 1_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(STRANGER),
        value: U256::ONE,
        ..TxEip1559::default()
    }
}

pub(crate) fn sign<T>(mut transaction: T) -> Vec<u8>
where
    T: SignableTransaction<alloy_primitives::Signature> + Transaction,
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let signature = signer(0).sign_transaction_sync(&mut transaction).unwrap();
    TxEnvelope::from(transaction.into_signed(signature)).encoded_2718()
}

pub(crate) fn call(to: Address, data: impl Into<Bytes>) -> TransactionRequest {
    TransactionRequest::default()
        .from(DEV_ACCOUNTS[0].address)
        .to(to)
        .input(data.into().into())
}

pub(crate) fn nonce(chain: &Chain) -> u64 {
    chain
        .transaction_count(DEV_ACCOUNTS[0].address, BlockId::latest())
        .unwrap()
}

pub(crate) fn balance(chain: &Chain) -> U256 {
    chain.balance(STRANGER, BlockId::latest()).unwrap()
}
