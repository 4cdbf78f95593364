//! What a developer can do to a chain.

mod local;

use agent_devnet::{Chain, ChainError, DEV_ACCOUNTS};
use alloy_eips::BlockId;
use alloy_primitives::{U256, bytes};
use alloy_rpc_types_eth::{Filter, TransactionRequest};
use local::*;

#[test]
fn time_moves_by_steps_and_jumps() {
    let mut chain = chain();
    chain.set_code(STRANGER, STORE_TIME).unwrap();
    let stored = |chain: &mut Chain| {
        chain.transact(call(STRANGER, [])).unwrap();
        U256::from_be_bytes(
            chain
                .storage(STRANGER, U256::ZERO, BlockId::latest())
                .unwrap()
                .0,
        )
    };
    assert_eq!(stored(&mut chain), U256::from(1_001));
    chain.increase_time(500).unwrap();
    assert_eq!(stored(&mut chain), U256::from(1_502));
    chain.set_next_block_timestamp(9_000).unwrap();
    assert_eq!(stored(&mut chain), U256::from(9_000));
    assert_eq!(stored(&mut chain), U256::from(9_001));
    let late = chain.set_next_block_timestamp(9_001).unwrap_err();
    assert_eq!(
        late,
        ChainError::TimeNotLater {
            time: 9_001,
            latest: 9_001
        }
    );
    assert!(chain.increase_time(u64::MAX).is_err());
    assert!(chain.set_next_block_timestamp(u64::MAX).is_err());
}

#[test]
fn a_snapshot_brings_everything_back() {
    let mut chain = chain();
    chain
        .transact(TransactionRequest {
            value: Some(U256::ONE),
            ..call(STRANGER, [])
        })
        .unwrap();
    chain.set_balance(STRANGER, U256::from(50));
    let waiting = chain.send_raw(&sign(payment(9, 5))).unwrap();
    let before = chain.block(BlockId::latest(), true).unwrap();
    let id = chain.snapshot();

    chain.increase_time(10_000).unwrap();
    for _ in 0..3 {
        chain
            .transact(TransactionRequest {
                value: Some(U256::ONE),
                ..call(STRANGER, [])
            })
            .unwrap();
    }
    let inner = chain.snapshot();
    chain.set_nonce(DEV_ACCOUNTS[0].address, 9);
    chain.mine(1).unwrap();
    assert_eq!(chain.waiting(), 0);

    assert!(chain.revert(id));
    assert_eq!(chain.block(BlockId::latest(), true).unwrap(), before);
    assert_eq!(balance(&chain), U256::from(50));
    assert!(chain.transaction(waiting).is_some());
    assert!(!chain.revert(id), "a snapshot is used once");
    assert!(!chain.revert(inner), "and later ones are gone with it");
    chain.mine(1).unwrap();
    assert_eq!(chain.timestamp(), before.header.timestamp + 1);
}

#[test]
fn a_reorganisation_replaces_blocks() {
    let mut chain = chain();
    let hashes: Vec<_> = (0..3)
        .map(|_| {
            let request = TransactionRequest {
                value: Some(U256::ONE),
                ..call(STRANGER, [])
            };
            chain.transact(request).unwrap()
        })
        .collect();
    chain.reorg(2).unwrap();
    assert_eq!((chain.block_number(), balance(&chain)), (3, U256::ONE));
    assert_eq!(nonce(&chain), 1);
    assert_eq!(
        chain.receipt(hashes[0].transaction_hash).unwrap(),
        hashes[0]
    );
    assert!(chain.receipt(hashes[2].transaction_hash).is_none());
    assert!(chain.transaction(hashes[2].transaction_hash).is_none());
    let replaced = chain.block(BlockId::number(3), false).unwrap();
    assert_ne!(Some(replaced.header.hash), hashes[2].block_hash);
    assert!(
        chain
            .block(hashes[2].block_hash.unwrap().into(), false)
            .is_none()
    );

    chain.rollback(3).unwrap();
    assert_eq!((chain.block_number(), balance(&chain)), (0, U256::ZERO));
    assert!(chain.rollback(1).is_err());
}

#[test]
fn an_estimate_is_enough_and_not_much_more() {
    let mut chain = chain();
    // Reverts unless 100,000 gas are left, whatever it uses itself.
    chain
        .set_code(STRANGER, bytes!("5a620186a011600a57005b5f5ffd"))
        .unwrap();
    let gas = chain
        .estimate_gas(call(STRANGER, []), BlockId::latest())
        .unwrap();
    assert!((121_000..124_000).contains(&gas), "{gas}");
    let request = TransactionRequest {
        gas: Some(gas),
        ..call(STRANGER, [])
    };
    let receipt = chain.transact(request).unwrap();
    assert!(receipt.status());
    assert!(receipt.gas_used < 22_000);
}

#[test]
fn endless_recursion_ends() {
    let mut chain = chain();
    // Calls itself with all gas.
    chain
        .set_code(STRANGER, bytes!("5f5f5f5f5f305af100"))
        .unwrap();
    let receipt = chain.transact(call(STRANGER, [])).unwrap();
    assert!(receipt.status());
}

#[test]
fn history_is_bounded_and_says_so() {
    let mut chain = Chain::new(&config().with_history_blocks(4)).unwrap();
    let snapshot = chain.snapshot();
    let first = chain.transact(call(STRANGER, [])).unwrap();
    chain.mine(10).unwrap();
    assert_eq!(chain.block_number(), 11);
    assert!(chain.block(BlockId::number(8), false).is_some());
    assert!(chain.block(BlockId::number(7), false).is_none());
    assert!(chain.receipt(first.transaction_hash).is_none());
    let error = chain.balance(STRANGER, BlockId::number(7)).unwrap_err();
    assert_eq!(error, ChainError::HistoryNotKept { oldest: 8 });
    let error = chain.logs(&Filter::new().from_block(0)).unwrap_err();
    assert_eq!(error, ChainError::HistoryNotKept { oldest: 8 });
    assert!(!chain.revert(snapshot));
    assert!(chain.rollback(4).is_err());
    chain.rollback(3).unwrap();
}
