//! What a node says to transactions that it does not take; the outbox reads these words.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_network::TxSignerSync;
use alloy_primitives::{TxKind, U256};

use crate::node::{Cast, Node};

pub(crate) async fn play(node: &mut Node, cast: &Cast) {
    let (key, fees) = (&cast.keys[0], node.chain.fees().await.unwrap());
    let balance = node.chain.native_balance(key.address()).await.unwrap();
    let good = TxEip1559 {
        chain_id: node.chain.chain_id(),
        nonce: node.chain.mined_nonce(key.address()).await.unwrap(),
        gas_limit: 21_000,
        max_fee_per_gas: fees.max_fee,
        max_priority_fee_per_gas: fees.tip,
        to: TxKind::Call(cast.address(1)),
        value: U256::ONE,
        ..TxEip1559::default()
    };
    let sign = |mut transaction: TxEip1559| {
        let signature = key.sign_transaction_sync(&mut transaction).unwrap();
        TxEnvelope::from(transaction.into_signed(signature)).encoded_2718()
    };
    let used = TxEip1559 {
        nonce: 0,
        ..good.clone()
    };
    let poor = TxEip1559 {
        value: balance,
        ..good.clone()
    };
    let starved = TxEip1559 {
        gas_limit: 20_999,
        ..good.clone()
    };
    let huge = TxEip1559 {
        gas_limit: u64::MAX >> 1,
        ..good.clone()
    };
    let tip = TxEip1559 {
        max_priority_fee_per_gas: fees.max_fee + 1,
        ..good.clone()
    };
    let foreign = TxEip1559 {
        chain_id: good.chain_id + 1,
        ..good.clone()
    };
    for (raw, words) in [
        (sign(used), "nonce too low"),
        (sign(poor), "insufficient funds"),
        (sign(starved), "intrinsic gas too low"),
        (sign(huge), "gas"),
        (
            sign(tip),
            "max priority fee per gas higher than max fee per gas",
        ),
        (sign(foreign), "invalid chain id"),
        (vec![2, 0xc0], ""),
        (Vec::new(), ""),
    ] {
        let refused = node.chain.send_raw(&raw).await.unwrap_err().to_string();
        assert!(refused.to_lowercase().contains(words), "{words}: {refused}");
    }
    let raw = sign(good);
    let hash = node.chain.send_raw(&raw).await.unwrap();
    node.mined(hash).await;
    let again = node.chain.send_raw(&raw).await.unwrap_err().to_string();
    assert!(again.contains("nonce too low"), "{again}");
}
