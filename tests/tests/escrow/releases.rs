//! Money back to the payer.

use agent_client::chain::bindings::IZ402Escrow::{
    self, BadSignature, DeadlineNotReached, NonceUsed, NotPayee, NotPayer, NothingLocked, Released,
};
use agent_core::voucher::Lock;
use agent_devnet::{CONTRACTS, GENESIS_USDC};
use agent_tests::{
    rows, sign,
    world::{Refusal, World, account, key, lock, on_chain},
};
use alloy_primitives::U256;

fn opened() -> (World, Lock, u64) {
    let mut world = World::new();
    let (lock, deadline) = (lock(0, 5, 1), world.now() + 5_000);
    let call = sign::open(&key(0), &world.domain, &lock, 1_000, deadline, 1);
    world.escrow(account(9), &call).unwrap();
    (world, lock, deadline)
}

fn claim(world: &mut World, lock: &Lock, claim: u128) -> U256 {
    let row = rows::signed(&key(0), &world.domain, lock, claim, claim);
    let batch = rows::settle(lock.payee, lock.token, &[row]);
    world.escrow(account(9), &batch).unwrap().returned
}

fn payer_has(world: &World) -> U256 {
    world.balance(CONTRACTS.usdc, account(0)) - U256::from(GENESIS_USDC - 1_000)
}

#[test]
fn after_the_deadline_the_rest_is_the_payers_and_before_it_nothing() {
    let (mut world, lock, deadline) = opened();
    claim(&mut world, &lock, 400);
    let release = IZ402Escrow::releaseCall {
        lock: on_chain(&lock),
    };
    world.chain.set_next_block_timestamp(deadline).unwrap();
    let refused = world.escrow(account(0), &release).unwrap_err();
    assert_eq!(
        refused,
        Refusal::of(&DeadlineNotReached {}),
        "in its last second"
    );
    for who in [5, 9] {
        let refused = world.escrow(account(who), &release).unwrap_err();
        assert_eq!(refused, Refusal::of(&NotPayer {}));
    }
    let done = world.escrow(account(0), &release).unwrap();
    assert_eq!(done.returned, U256::from(600));
    let released = Released {
        lockId: world.id(&lock),
        payer: account(0),
        payee: account(5),
        amount: U256::from(600),
    };
    assert_eq!(done.events::<Released>(), [released]);
    assert_eq!(payer_has(&world), U256::from(600));
    let again = world.escrow(account(0), &release).unwrap_err();
    assert_eq!(again, Refusal::of(&NothingLocked {}));

    // Vouchers for what is gone pay nothing, also when they were signed before.
    assert_eq!(claim(&mut world, &lock, 900), U256::ZERO);
    let state = world.state(&lock);
    assert_eq!(
        (state.authorized, state.claimed),
        (state.claimed, state.authorized)
    );
    assert_eq!(state.deadline.to::<u64>(), deadline);
}

#[test]
fn the_payee_gives_back_at_any_time_what_it_wants() {
    let (mut world, lock, _) = opened();
    let give = |amount: U256| IZ402Escrow::releaseByPayeeCall {
        lock: on_chain(&lock),
        amount,
    };
    for who in [0, 9] {
        let refused = world.escrow(account(who), &give(U256::ONE)).unwrap_err();
        assert_eq!(refused, Refusal::of(&NotPayee {}));
    }
    let done = world.escrow(account(5), &give(U256::from(250))).unwrap();
    assert_eq!(done.returned, U256::from(250));
    assert_eq!(claim(&mut world, &lock, 700), U256::from(700));
    let done = world.escrow(account(5), &give(U256::MAX)).unwrap();
    assert_eq!(done.returned, U256::from(50), "no more than there is");
    assert_eq!(payer_has(&world), U256::from(300));
    let refused = world.escrow(account(5), &give(U256::ONE)).unwrap_err();
    assert_eq!(refused, Refusal::of(&NothingLocked {}));
}

#[test]
fn the_payees_signature_gives_back_once() {
    let (mut world, mine, _) = opened();
    let call = sign::release(&key(5), &world.domain, &mine, 250, 8);
    let mut changed = vec![call.clone(); 3];
    changed[0].amount = U256::from(251);
    changed[1].nonce = U256::from(9);
    changed[2].lock = on_chain(&lock(0, 5, 2));
    changed.push(sign::release(&key(0), &world.domain, &mine, 250, 8));
    for call in changed {
        let refused = world.escrow(account(9), &call).unwrap_err();
        assert_eq!(refused, Refusal::of(&BadSignature {}));
    }
    let done = world.escrow(account(9), &call).unwrap();
    assert_eq!(done.returned, U256::from(250));
    let again = world.escrow(account(9), &call).unwrap_err();
    assert_eq!(again, Refusal::of(&NonceUsed {}));
    assert_eq!(payer_has(&world), U256::from(250));
}

#[test]
fn after_a_release_and_a_top_up_old_vouchers_are_good_again() {
    let (mut world, lock, deadline) = opened();
    claim(&mut world, &lock, 400);
    world.wait(6_000);
    let release = IZ402Escrow::releaseCall {
        lock: on_chain(&lock),
    };
    world.escrow(account(0), &release).unwrap();
    let call = sign::open(&key(0), &world.domain, &lock, 300, deadline, 2);
    world.escrow(account(9), &call).unwrap();
    assert_eq!(claim(&mut world, &lock, 600), U256::from(200));
    assert_eq!(world.state(&lock).authorized.to::<u64>(), 700);
}

#[test]
fn a_signature_of_one_kind_is_no_signature_of_another() {
    let (mut world, mine, _) = opened();
    // Payee and payer are the same account here, so only the type tells the signatures apart.
    let own = lock(0, 0, 3);
    world.deposit(account(0), CONTRACTS.usdc, 500).unwrap();
    let deadline = world.now() + 5_000;
    let authorize = sign::authorize(&key(0), &world.domain, &own, 100, deadline, 1);
    world.escrow(account(9), &authorize).unwrap();
    let mut release = sign::release(&key(0), &world.domain, &own, 100, 2);
    let mut more = sign::authorize(&key(0), &world.domain, &own, 100, deadline, 2);
    std::mem::swap(&mut release.signature, &mut more.signature);
    assert!(world.escrow(account(9), &release).is_err());
    assert!(world.escrow(account(9), &more).is_err());

    // Nor is a payer's authorisation a voucher.
    let authorize = sign::authorize(&key(0), &world.domain, &mine, 100, deadline, 2);
    let mut compact: [u8; 64] = authorize.signature[..64].try_into().unwrap();
    compact[32] |= u8::from(authorize.signature[64] == 28) << 7;
    let row = rows::pack(&mine, 100, 100, compact);
    let batch = rows::settle(mine.payee, mine.token, &[row]);
    let refused = world.escrow(account(9), &batch).unwrap_err();
    let error = IZ402Escrow::BadVoucher { row: U256::ZERO };
    assert_eq!(refused, Refusal::of(&error));
}
