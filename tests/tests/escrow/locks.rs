//! Opening locks and topping them up.

use agent_client::chain::bindings::IZ402Escrow::{
    self, Authorized, DeadlineShortened, DeadlineTooFar, DeadlineTooSoon, Deposited, LockState,
};
use agent_devnet::CONTRACTS;
use agent_tests::{
    rows, sign,
    world::{Refusal, World, account, key, lock, on_chain},
};
use alloy_primitives::{
    U256,
    aliases::{U40, U104},
};

const DAY: u64 = 86_400;
const YEAR: u64 = 366 * DAY;

fn held(authorized: u64, claimed: u64, deadline: u64) -> LockState {
    LockState {
        authorized: U104::from(authorized),
        claimed: U104::from(claimed),
        deadline: U40::from(deadline),
    }
}

#[test]
fn one_signature_deposits_and_opens() {
    let mut world = World::new();
    let (lock, deadline) = (lock(0, 1, 7), world.now() + DAY);
    let call = sign::open(&key(0), &world.domain, &lock, 5_000, deadline, 1);
    let done = world.escrow(account(9), &call).unwrap();
    assert_eq!(done.returned, world.id(&lock));
    let authorized = Authorized {
        lockId: world.id(&lock),
        payer: lock.payer,
        payee: lock.payee,
        signer: lock.signer,
        token: lock.token,
        salt: lock.salt.0,
        authorized: U104::from(5_000),
        claimed: U104::ZERO,
        deadline: U40::from(deadline),
    };
    assert_eq!(done.events::<Authorized>(), [authorized]);
    assert_eq!(done.events::<Deposited>().len(), 1);
    assert_eq!(world.state(&lock), held(5_000, 0, deadline));
    assert_eq!(world.vault(account(0), lock.token), U256::ZERO);

    // The same signature again buys nothing; another tops up, and what was claimed stays claimed.
    assert!(world.escrow(account(9), &call).is_err());
    let row = rows::signed(&key(0), &world.domain, &lock, 5_000, 2_000);
    world
        .escrow(account(9), &rows::settle(lock.payee, lock.token, &[row]))
        .unwrap();
    let more = sign::open(&key(0), &world.domain, &lock, 100, deadline + 5, 2);
    world.escrow(account(9), &more).unwrap();
    assert_eq!(world.state(&lock), held(5_100, 2_000, deadline + 5));
}

#[test]
fn what_was_signed_cannot_be_changed_by_who_sends_it() {
    let mut world = World::new();
    let (mine, deadline) = (lock(0, 1, 7), world.now() + DAY);
    let signed = sign::open(&key(0), &world.domain, &mine, 5_000, deadline, 1);
    let mut changed = vec![signed.clone(); 6];
    changed[0].lock = on_chain(&lock(0, 2, 7));
    changed[1].lock.signer = account(9);
    changed[2].amount = U256::from(4_999);
    changed[3].deadline = U40::from(deadline + 1);
    changed[4].salt.0[0] ^= 1;
    changed[5].validBefore -= U256::ONE;
    for call in changed {
        let refused = world.escrow(account(9), &call).unwrap_err();
        assert_eq!(refused, Refusal::of(&IZ402Escrow::TransferFailed {}));
    }
    world.escrow(account(9), &signed).unwrap();
}

#[test]
fn a_deadline_has_bounds_and_only_grows() {
    let mut world = World::new();
    world.deposit(account(0), CONTRACTS.usdc, 1_000).unwrap();
    let lock = lock(0, 1, 7);
    let authorize = |world: &mut World, deadline: u64| {
        let call = IZ402Escrow::authorizeCall {
            lock: on_chain(&lock),
            amount: U256::ONE,
            deadline: U40::from(deadline),
        };
        world.escrow(account(0), &call).map(drop)
    };
    // The transaction is in the block after this one.
    let next = |world: &World| world.now() + 1;
    for (at, error) in [
        (0, Refusal::of(&DeadlineTooSoon {})),
        (next(&world) + 899, Refusal::of(&DeadlineTooSoon {})),
    ] {
        assert_eq!(authorize(&mut world, at), Err(error));
    }
    let far = next(&world) + YEAR + 1;
    let refused = authorize(&mut world, far);
    assert_eq!(refused, Err(Refusal::of(&DeadlineTooFar {})));
    let deadline = next(&world) + 900;
    assert_eq!(authorize(&mut world, deadline), Ok(()));
    let refused = authorize(&mut world, deadline - 1);
    assert_eq!(refused, Err(Refusal::of(&DeadlineShortened {})));

    // The old deadline may be kept however near, and after it, too; a new one has the bounds.
    world.wait(890);
    assert_eq!(authorize(&mut world, deadline), Ok(()));
    let refused = authorize(&mut world, deadline + 1);
    assert_eq!(refused, Err(Refusal::of(&DeadlineTooSoon {})));
    world.wait(100);
    assert_eq!(authorize(&mut world, deadline), Ok(()));
    let far = next(&world) + YEAR;
    assert_eq!(authorize(&mut world, far), Ok(()));
    assert_eq!(world.state(&lock), held(4, 0, far));
}

#[test]
fn many_locks_are_opened_in_one_transaction_or_none() {
    let mut world = World::new();
    world.deposit(account(0), CONTRACTS.usdc, 60).unwrap();
    let deadline = world.now() + DAY;
    let locks = [lock(0, 1, 1), lock(0, 2, 1), lock(0, 1, 1), lock(0, 3, 9)];
    let many = |amounts: [u64; 4]| IZ402Escrow::authorizeManyCall {
        locks: locks.iter().map(on_chain).collect(),
        amounts: amounts.map(U256::from).to_vec(),
        deadlines: vec![U40::from(deadline); 4],
    };
    let refused = world
        .escrow(account(0), &many([10, 20, 30, 1]))
        .unwrap_err();
    assert_eq!(refused, Refusal::of(&IZ402Escrow::InsufficientVault {}));
    assert_eq!(world.state(&locks[0]), held(0, 0, 0));
    let done = world.escrow(account(0), &many([10, 20, 29, 1])).unwrap();
    assert_eq!(done.events::<Authorized>().len(), 4);
    assert_eq!(world.state(&locks[0]), held(39, 0, deadline), "named twice");
    assert_eq!(world.state(&locks[1]), held(20, 0, deadline));
    assert_eq!(world.state(&locks[3]), held(1, 0, deadline));
    assert_eq!(world.vault(account(0), CONTRACTS.usdc), U256::ZERO);
    let refused = world.escrow(account(1), &many([1, 1, 1, 1])).unwrap_err();
    assert_eq!(refused, Refusal::of(&IZ402Escrow::NotPayer {}));
}

#[test]
fn the_payers_signature_opens_from_the_vault_once() {
    let mut world = World::new();
    world.deposit(account(0), CONTRACTS.usdc, 1_000).unwrap();
    let (mine, deadline) = (lock(0, 1, 1), world.now() + DAY);
    let call = sign::authorize(&key(0), &world.domain, &mine, 400, deadline, 77);
    let mut changed = vec![call.clone(); 4];
    changed[0].amount = U256::from(401);
    changed[1].deadline = U40::from(deadline + 1);
    changed[2].nonce = U256::from(78);
    changed[3].lock = on_chain(&lock(0, 2, 1));
    changed.push(sign::authorize(
        &key(9),
        &world.domain,
        &mine,
        400,
        deadline,
        77,
    ));
    for call in changed {
        let refused = world.escrow(account(9), &call).unwrap_err();
        assert_eq!(refused, Refusal::of(&IZ402Escrow::BadSignature {}));
    }
    world.escrow(account(9), &call).unwrap();
    assert_eq!(world.state(&mine), held(400, 0, deadline));
    let again = world.escrow(account(9), &call).unwrap_err();
    assert_eq!(again, Refusal::of(&IZ402Escrow::NonceUsed {}));
    // Nonces need no order.
    let call = sign::authorize(&key(0), &world.domain, &mine, 1, deadline, 3);
    world.escrow(account(9), &call).unwrap();
    let used = |nonce: u64| IZ402Escrow::nonceUsedCall {
        signer: account(0),
        nonce: U256::from(nonce),
    };
    assert!(world.view(CONTRACTS.escrow, &used(77)));
    assert!(!world.view(CONTRACTS.escrow, &used(78)));
}
