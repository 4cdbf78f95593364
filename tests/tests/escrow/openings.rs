//! Many locks from one vault, at the least cost.

use agent_client::chain::bindings::IZ402Escrow::{
    self, Authorized, BadRows, InsufficientVault, ZeroAddress, ZeroAmount,
};
use agent_core::voucher::{Lock, Salt};
use agent_devnet::CONTRACTS;
use agent_tests::{
    rows,
    world::{Refusal, World, account, lock, on_chain},
};
use alloy_primitives::{
    Address, U256,
    aliases::{U40, U96},
};

/// For each of these payees a lock of account 0, all signed for by account 7.
fn locks() -> Vec<(Lock, u128)> {
    let one = |payee: usize| Lock {
        signer: account(7),
        salt: Salt(U96::MAX >> payee),
        ..lock(0, payee, 0)
    };
    (1..6)
        .map(|payee| (one(payee), 10 + u128::try_from(payee).unwrap()))
        .collect()
}

#[test]
fn rows_open_what_authorize_many_opens() {
    let mut world = World::new();
    world.deposit(account(0), CONTRACTS.usdc, 500).unwrap();
    let mut other = world.clone();
    let (locks, deadline) = (locks(), world.now() + 5_000);
    let compact = world.escrow(account(0), &rows::open(&locks, deadline));
    let many = IZ402Escrow::authorizeManyCall {
        locks: locks.iter().map(|(lock, _)| on_chain(lock)).collect(),
        amounts: locks
            .iter()
            .map(|(_, amount)| U256::from(*amount))
            .collect(),
        deadlines: vec![U40::from(deadline); locks.len()],
    };
    let plain = other.escrow(account(0), &many);
    let events = compact.unwrap().events::<Authorized>();
    assert_eq!(events.len(), locks.len());
    assert_eq!(events, plain.unwrap().events::<Authorized>());
    for (lock, amount) in &locks {
        assert_eq!(world.state(lock).authorized.to::<u128>(), *amount);
        assert_eq!(world.state(lock), other.state(lock));
    }
    let vault = world.vault(account(0), CONTRACTS.usdc);
    assert_eq!(vault, U256::from(500 - 11 - 12 - 13 - 14 - 15));
    assert_eq!(vault, other.vault(account(0), CONTRACTS.usdc));

    // Again is a top-up, and a lock that is named twice gets both.
    let twice = [locks[0], locks[0]];
    let topped = world.escrow(account(0), &rows::open(&twice, deadline + 9));
    topped.unwrap();
    let state = world.state(&locks[0].0);
    assert_eq!(state.authorized.to::<u64>(), 33);
    assert_eq!(state.deadline.to::<u64>(), deadline + 9);
}

#[test]
fn rows_open_all_or_nothing_and_from_the_callers_vault_only() {
    let mut world = World::new();
    world.deposit(account(0), CONTRACTS.usdc, 64).unwrap();
    let (locks, deadline) = (locks(), world.now() + 5_000);
    let call = rows::open(&locks, deadline);
    for who in [0, 9] {
        let refused = world.escrow(account(who), &call).unwrap_err();
        assert_eq!(refused, Refusal::of(&InsufficientVault {}), "65 are needed");
    }
    assert_eq!(world.state(&locks[0].0).authorized.to::<u64>(), 0);

    let mut bad = vec![(call.clone(), Refusal::of(&BadRows {})); 4];
    for (at, bytes) in [0, 1, 47, 49].into_iter().enumerate() {
        bad[at].0.rows = call.rows.slice(..bytes);
    }
    let mut zero = call.clone();
    zero.signer = Address::ZERO;
    bad.push((zero.clone(), Refusal::of(&ZeroAddress {})));
    zero.signer = call.signer;
    zero.token = Address::ZERO;
    bad.push((zero, Refusal::of(&ZeroAddress {})));
    let mut some = locks.clone();
    some[2].0.payee = Address::ZERO;
    bad.push((rows::open(&some, deadline), Refusal::of(&ZeroAddress {})));
    some = locks.clone();
    some[4].1 = 0;
    bad.push((rows::open(&some, deadline), Refusal::of(&ZeroAmount {})));
    for (call, error) in bad {
        let refused = world.escrow(account(0), &call).unwrap_err();
        assert_eq!(refused, error);
    }
    // The others' locks are other locks: who is payer is not in a row.
    world.deposit(account(1), CONTRACTS.usdc, 65).unwrap();
    world.escrow(account(1), &call).unwrap();
    assert_eq!(world.state(&locks[0].0).authorized.to::<u64>(), 0);
    assert_eq!(world.vault(account(0), CONTRACTS.usdc), U256::from(64));
}
