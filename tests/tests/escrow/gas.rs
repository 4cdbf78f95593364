//! What settlement costs, whole transactions with calldata and payout, against the project's aims.

use agent_client::chain::bindings::IToken;
use agent_core::voucher::{Lock, Salt};
use agent_devnet::{CONTRACTS, GENESIS_USDC};
use agent_tests::{
    rows, sign,
    world::{World, account, key, lock},
};
use alloy_primitives::{Address, U256, aliases::U96, keccak256};

const PAYEE: usize = 5;
/// The first token of an account is a new storage slot of the token's, whatever pays it.
const FIRST_TOKEN: u64 = 17_100;
const PER_PAYMENT_AIM: u64 = 60;
const PER_LOCK_AIM: u64 = 12_000;
const OPENING_AIM: u64 = 30_000;

/// Locks as buyers make them: a random salt each, and amounts of a few cents.
fn opened(world: &mut World, count: u64) -> Vec<Lock> {
    let deadline = world.now() + 30 * 86_400;
    let salted = (0..count).map(|at| {
        let salt = keccak256(at.to_be_bytes());
        let salt = Salt(U96::try_from_be_slice(&salt[..12]).unwrap());
        let payer = usize::try_from(at % 5).unwrap();
        let lock = Lock {
            salt,
            ..lock(payer, PAYEE, 0)
        };
        let call = sign::open(&key(payer), &world.domain, &lock, 5_000_000, deadline, at);
        world.escrow(account(9), &call).unwrap();
        lock
    });
    salted.collect()
}

fn settle(world: &mut World, locks: &[Lock], claim: u128) -> u64 {
    let row = |lock: &Lock| {
        let payer = (0..5).find(|at| account(*at) == lock.payer).unwrap();
        rows::signed(&key(payer), &world.domain, lock, claim, claim)
    };
    let rows: Vec<_> = locks.iter().map(row).collect();
    let batch = rows::settle(account(PAYEE), CONTRACTS.usdc, &rows);
    let done = world.escrow(account(PAYEE), &batch).unwrap();
    assert!(done.returned > U256::ZERO);
    done.receipt.gas_used
}

#[test]
fn settlement_costs_what_the_project_promises() {
    let mut table = Vec::new();
    for count in [1, 10, 100, 250] {
        let mut world = World::new();
        let locks = opened(&mut world, count);
        // A thousand payments of a tenth of a cent each; the newest voucher stands for them all.
        let first = settle(&mut world, &locks, 1_000 * 1_000);
        let later = settle(&mut world, &locks, 2_000 * 1_000);
        table.push((count, first, later));
    }
    println!("locks  first settlement  per lock  per payment  later settlement  per lock");
    for (count, first, later) in &table {
        println!(
            "{count:>5}  {first:>16}  {:>8}  {:>11}  {later:>16}  {:>8}",
            first / count,
            first.div_ceil(count * 1_000),
            later / count,
        );
    }
    let (_, one, _) = table[0];
    assert!(
        one <= 1_000 * PER_PAYMENT_AIM,
        "{one} gas for 1,000 payments"
    );
    let (count, all, _) = table[3];
    assert!(all <= count * PER_LOCK_AIM, "{all} gas for {count} locks");
}

#[test]
fn a_payee_without_tokens_pays_for_its_first_once() {
    let mut world = World::new();
    let locks = opened(&mut world, 1);
    let everything = IToken::transferCall {
        to: account(9),
        value: U256::from(GENESIS_USDC),
    };
    world
        .send(account(PAYEE), CONTRACTS.usdc, &everything)
        .unwrap();
    let (first, later) = (
        settle(&mut world, &locks, 1_000 * 1_000),
        settle(&mut world, &locks, 2_000 * 1_000),
    );
    println!("one lock, a payee without tokens: {first} gas, later {later}");
    assert_eq!(first - later, FIRST_TOKEN);
}

#[test]
fn a_lock_for_one_of_twenty_sellers_costs_what_the_project_promises() {
    let mut world = World::new();
    world
        .deposit(account(0), CONTRACTS.usdc, 200_000_000)
        .unwrap();
    let sellers = (1..=20_u8).map(|seller| {
        let salt = keccak256([seller]);
        let lock = Lock {
            payee: Address::from_word(keccak256([seller, 1])),
            salt: Salt(U96::try_from_be_slice(&salt[..12]).unwrap()),
            ..lock(0, PAYEE, 0)
        };
        (lock, 5_000_000)
    });
    let locks: Vec<_> = sellers.collect();
    let deadline = world.now() + 30 * 86_400;
    let done = world.escrow(account(0), &rows::open(&locks, deadline));
    let each = done.unwrap().receipt.gas_used / 20;
    println!("one of twenty locks: {each} gas");
    assert!(each <= OPENING_AIM, "{each} gas");
}
