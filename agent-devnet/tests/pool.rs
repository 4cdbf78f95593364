//! Which transactions the chain takes, and when they are mined.

mod local;

use agent_devnet::{CONTRACTS, ChainError, DEV_ACCOUNTS, limits};
use alloy_consensus::{TxEip1559, TxEip7702, TxLegacy};
use alloy_eips::{BlockId, eip7702::Authorization};
use alloy_primitives::{TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer::SignerSync;
use local::*;

#[test]
fn nonces_are_checked_and_gaps_wait() {
    let mut chain = chain();
    chain.send_raw(&sign(payment(0, 5))).unwrap();
    let error = chain.send_raw(&sign(payment(0, 5))).unwrap_err();
    assert_eq!(error, ChainError::NonceTooLow { next: 1, nonce: 0 });
    assert!(error.to_string().starts_with("nonce too low"));

    let later = chain.send_raw(&sign(payment(3, 5))).unwrap();
    chain.send_raw(&sign(payment(2, 5))).unwrap();
    assert_eq!((chain.waiting(), nonce(&chain)), (2, 1));
    assert!(chain.receipt(later).is_none());
    assert!(chain.transaction(later).unwrap().block_number.is_none());
    assert_eq!(
        chain.send_raw(&sign(payment(3, 5))),
        Err(ChainError::AlreadyKnown)
    );

    chain.send_raw(&sign(payment(1, 5))).unwrap();
    assert_eq!((chain.waiting(), nonce(&chain)), (0, 4));
    assert_eq!(chain.receipt(later).unwrap().block_number, Some(4));
}

#[test]
fn a_replacement_pays_a_tenth_more() {
    let mut chain = chain();
    chain.set_automine(false);
    let old = chain.send_raw(&sign(payment(0, 100))).unwrap();
    let pending = chain.transaction_count(DEV_ACCOUNTS[0].address, BlockId::pending());
    assert_eq!((pending.unwrap(), nonce(&chain)), (1, 0));

    let underpriced = TxEip1559 {
        max_priority_fee_per_gas: 2_000_000_000,
        ..payment(0, 109)
    };
    let error = chain.send_raw(&sign(underpriced)).unwrap_err();
    assert_eq!(error.to_string(), "replacement transaction underpriced");
    let better = TxEip1559 {
        max_priority_fee_per_gas: 2_000_000_000,
        ..payment(0, 110)
    };
    let new = chain.send_raw(&sign(better)).unwrap();
    assert!(chain.transaction(old).is_none());
    chain.mine(1).unwrap();
    assert!(chain.receipt(new).unwrap().status());
    assert!(chain.receipt(old).is_none());
}

#[test]
fn a_fee_below_the_base_fee_waits_until_the_base_fee_falls() {
    let mut chain = chain();
    let cheap = TxEip1559 {
        max_fee_per_gas: 500_000_000,
        max_priority_fee_per_gas: 0,
        ..payment(0, 1)
    };
    let hash = chain.send_raw(&sign(cheap)).unwrap();
    assert!(chain.receipt(hash).is_none());
    chain.mine(10).unwrap();
    assert!(chain.receipt(hash).is_some());
}

#[test]
fn what_can_never_be_mined_is_refused() {
    let mut chain = chain();
    let mut refused =
        |transaction: TxEip1559| chain.send_raw(&sign(transaction)).unwrap_err().to_string();
    for (transaction, text) in [
        (
            TxEip1559 {
                chain_id: 1,
                ..payment(0, 5)
            },
            "invalid chain id for signer",
        ),
        (
            TxEip1559 {
                value: U256::MAX,
                ..payment(0, 5)
            },
            "insufficient funds for gas",
        ),
        (
            TxEip1559 {
                gas_limit: 20_999,
                ..payment(0, 5)
            },
            "intrinsic gas too low",
        ),
        (
            TxEip1559 {
                gas_limit: 60_000_001,
                ..payment(0, 5)
            },
            "exceeds block gas limit",
        ),
        (
            TxEip1559 {
                max_priority_fee_per_gas: 6_000_000_000,
                ..payment(0, 5)
            },
            "max priority",
        ),
        (
            TxEip1559 {
                to: TxKind::Create,
                input: vec![0; 49_153].into(),
                gas_limit: 10_000_000,
                ..payment(0, 5)
            },
            "invalid transaction",
        ),
    ] {
        let error = refused(transaction);
        assert!(error.starts_with(text), "{error}");
    }
    assert_eq!(
        (nonce(&chain), chain.waiting(), chain.block_number()),
        (0, 0, 0)
    );
}

#[test]
fn bytes_that_are_no_transaction_are_refused() {
    let mut chain = chain();
    let good = sign(payment(0, 5));
    for cut in 0..good.len() {
        assert!(chain.send_raw(&good[..cut]).is_err(), "{cut}");
    }
    let mut long = good.clone();
    long.push(0);
    assert!(matches!(
        chain.send_raw(&long),
        Err(ChainError::Undecodable(_))
    ));
    let huge = vec![0; limits::MAX_TRANSACTION_BYTES + 1];
    assert!(matches!(
        chain.send_raw(&huge),
        Err(ChainError::Oversized(_))
    ));
    chain.send_raw(&good).unwrap();
}

#[test]
fn the_pool_is_bounded() {
    let mut chain = chain();
    chain.set_automine(false);
    let last = u64::try_from(limits::MAX_POOL).unwrap();
    for nonce in 1..=last {
        chain.send_raw(&sign(payment(nonce, 5))).unwrap();
    }
    assert_eq!(
        chain.send_raw(&sign(payment(last + 1, 5))),
        Err(ChainError::PoolFull)
    );
}

#[test]
fn older_transaction_types_are_mined() {
    let mut chain = chain();
    let legacy = TxLegacy {
        chain_id: Some(CHAIN_ID),
        gas_price: 3_000_000_000,
        gas_limit: 21_000,
        to: TxKind::Call(STRANGER),
        value: U256::from(7),
        ..TxLegacy::default()
    };
    let hash = chain.send_raw(&sign(legacy)).unwrap();
    assert_eq!(
        chain.receipt(hash).unwrap().effective_gas_price,
        3_000_000_000
    );
    assert_eq!(balance(&chain), U256::from(7));
}

#[test]
fn an_account_delegates_its_code() {
    let mut chain = chain();
    chain.set_code(STRANGER, STORE_TIME).unwrap();
    let delegating = signer(5);
    let authorization = Authorization {
        chain_id: U256::from(CHAIN_ID),
        address: STRANGER,
        nonce: 0,
    };
    let signature = delegating
        .sign_hash_sync(&authorization.signature_hash())
        .unwrap();
    let transaction = TxEip7702 {
        chain_id: CHAIN_ID,
        gas_limit: 200_000,
        max_fee_per_gas: 5_000_000_000,
        to: delegating.address(),
        authorization_list: vec![authorization.into_signed(signature)],
        ..TxEip7702::default()
    };
    let hash = chain.send_raw(&sign(transaction)).unwrap();
    assert!(chain.receipt(hash).unwrap().status());
    let code = chain.code(delegating.address(), BlockId::latest()).unwrap();
    assert_eq!(code, [&[0xef, 0x01, 0x00], STRANGER.as_slice()].concat());
    let stored = chain
        .storage(delegating.address(), U256::ZERO, BlockId::latest())
        .unwrap();
    assert_eq!(U256::from_be_bytes(stored.0), U256::from(1_001));
}

#[test]
fn many_transactions_share_a_block() {
    let mut chain = chain();
    chain.set_automine(false);
    let hashes: Vec<_> = (0..3)
        .map(|nonce| chain.send_raw(&sign(payment(nonce, 5))).unwrap())
        .collect();
    chain.mine(1).unwrap();
    let receipts = chain.block_receipts(BlockId::number(1)).unwrap();
    for (index, receipt) in receipts.iter().enumerate() {
        let count = u64::try_from(index).unwrap() + 1;
        assert_eq!(receipt.transaction_hash, hashes[index]);
        assert_eq!(receipt.transaction_index, Some(count - 1));
        assert_eq!(receipt.inner.cumulative_gas_used(), 21_000 * count);
    }
    let block = chain.block(BlockId::number(1), true).unwrap();
    assert_eq!(block.header.gas_used, 63_000);
    let envelopes = block.map_transactions(|transaction| transaction.into_inner());
    assert_eq!(
        envelopes.calculate_transactions_root(),
        Some(envelopes.header.transactions_root)
    );
}

#[test]
fn a_contract_cannot_send() {
    let mut chain = chain();
    chain.set_balance(CONTRACTS.escrow, U256::MAX);
    let request = TransactionRequest {
        from: Some(CONTRACTS.escrow),
        ..call(STRANGER, [])
    };
    assert_eq!(
        chain.transact(request),
        Err(ChainError::SenderHasCode(CONTRACTS.escrow))
    );
}
