//! How many rows fit into one batch.

use agent_core::voucher::Lock;
use agent_devnet::{CONTRACTS, limits::MAX_TRANSACTION_BYTES};
use agent_tests::{
    rows::{self, ROW_BYTES},
    world::{World, account, key, lock},
};
use alloy_primitives::U256;
use alloy_sol_types::SolCall;

/// The rows that fit a transaction of 128 KiB, the most that nodes pass on.
const MOST_ROWS: usize = 883;
/// The most gas of one transaction since EIP-7825; blocks have more.
const TRANSACTION_GAS: u64 = 1 << 24;
/// Generously, what surrounds a call in a transaction: type, nonce, fees, address, signature.
const AROUND_BYTES: usize = 250;
/// Locks that one transaction opens here.
const OPENED_AT_ONCE: usize = 400;

#[test]
fn a_batch_of_any_length_that_can_be_sent_has_gas_enough() {
    let mut world = World::new();
    world
        .deposit(account(0), CONTRACTS.usdc, 10_000_000)
        .unwrap();
    let locks: Vec<Lock> = (0..MOST_ROWS)
        .map(|at| lock(0, 5, u64::try_from(at).unwrap()))
        .collect();
    let deadline = world.now() + 5_000;
    let funded: Vec<_> = locks.iter().map(|lock| (*lock, 1_000)).collect();
    for part in funded.chunks(OPENED_AT_ONCE) {
        world
            .escrow(account(0), &rows::open(part, deadline))
            .unwrap();
    }

    let mut claim = 0;
    for count in [1, 2, 10, 100, 250, MOST_ROWS] {
        claim += 100;
        let batch: Vec<_> = locks[..count]
            .iter()
            .map(|lock| rows::signed(&key(0), &world.domain, lock, claim, claim))
            .collect();
        let call = rows::settle(account(5), CONTRACTS.usdc, &batch);
        let done = world.escrow(account(9), &call).unwrap();
        assert!(done.returned >= U256::from(100 * count));
        assert!(
            done.receipt.gas_used < TRANSACTION_GAS,
            "{}",
            done.receipt.gas_used
        );
        println!("{count} rows: {} gas", done.receipt.gas_used);
        let bytes = call.abi_encode().len() + AROUND_BYTES;
        assert!(bytes <= MAX_TRANSACTION_BYTES, "{bytes} bytes");
        if count == MOST_ROWS {
            assert!(
                bytes + ROW_BYTES > MAX_TRANSACTION_BYTES,
                "one more row fits"
            );
        }
    }
}
