//! Settling: what pays, what is skipped, what reverts the whole batch.

use agent_client::chain::bindings::IZ402Escrow::{
    BadRows, BadVoucher, ClaimExceedsAuthorized, ClaimExceedsCeiling, Settled,
};
use agent_core::voucher::Lock;
use agent_devnet::{CONTRACTS, GENESIS_USDC};
use agent_tests::{
    rows::{self, ROW_BYTES, settle},
    sign,
    world::{Refusal, World, account, key, lock},
};
use alloy_primitives::{Address, U256, aliases::U104};

const USDC: Address = CONTRACTS.usdc;

/// Locks of two payers for account 5, each with 1,000.
fn world() -> (World, Vec<Lock>) {
    let mut world = World::new();
    let locks = vec![lock(0, 5, 1), lock(0, 5, 2), lock(1, 5, 1)];
    for (at, lock) in (1..).zip(&locks) {
        let payer = usize::from(lock.payer == account(1));
        let deadline = world.now() + 5_000;
        let call = sign::open(&key(payer), &world.domain, lock, 1_000, deadline, at);
        world.escrow(account(9), &call).unwrap();
    }
    (world, locks)
}

fn row(world: &World, lock: &Lock, ceiling: u128, claim: u128) -> [u8; ROW_BYTES] {
    let payer = usize::from(lock.payer == account(1));
    rows::signed(&key(payer), &world.domain, lock, ceiling, claim)
}

fn claimed(world: &World, lock: &Lock) -> u64 {
    world.state(lock).claimed.to()
}

#[test]
fn a_batch_pays_the_payee_in_one_transfer_and_one_event() {
    let (mut world, locks) = world();
    let batch = [
        row(&world, &locks[0], 300, 300),
        row(&world, &locks[1], 900, 500),
        row(&world, &locks[2], 1_000, 1_000),
    ];
    let done = world.escrow(account(9), &settle(account(5), USDC, &batch));
    let done = done.unwrap();
    assert_eq!(done.returned, U256::from(1_800));
    let settled = Settled {
        payee: account(5),
        token: USDC,
        amount: U256::from(1_800),
        locks: U256::from(3),
    };
    assert_eq!(done.events::<Settled>(), [settled]);
    assert_eq!(done.receipt.logs().len(), 2, "and the token's one transfer");
    let paid = U256::from(GENESIS_USDC + 1_800);
    assert_eq!(world.balance(USDC, account(5)), paid);

    // Sent again, it does nothing at all; with one newer row, that row pays its difference.
    let done = world.escrow(account(9), &settle(account(5), USDC, &batch));
    let done = done.unwrap();
    assert_eq!((done.returned, done.receipt.logs().len()), (U256::ZERO, 0));
    let newer = [batch[0], row(&world, &locks[1], 900, 900), batch[2]];
    let done = world.escrow(account(9), &settle(account(5), USDC, &newer));
    let done = done.unwrap();
    assert_eq!(done.returned, U256::from(400));
    assert_eq!(done.events::<Settled>()[0].locks, U256::ONE);
    assert_eq!(claimed(&world, &locks[1]), 900);
}

#[test]
fn one_bad_row_stops_the_batch_and_is_named() {
    let (mut world, locks) = world();
    let good = row(&world, &locks[0], 300, 300);
    let above_ceiling = row(&world, &locks[1], 10, 11);
    let above_lock = row(&world, &locks[1], 5_000, 1_001);
    let forged = rows::signed(&key(9), &world.domain, &locks[1], 10, 10);
    let at = U256::ONE;
    for (bad, error) in [
        (above_ceiling, Refusal::of(&ClaimExceedsCeiling { row: at })),
        (above_lock, Refusal::of(&ClaimExceedsAuthorized { row: at })),
        (forged, Refusal::of(&BadVoucher { row: at })),
    ] {
        let refused = world.escrow(account(9), &settle(account(5), USDC, &[good, bad]));
        assert_eq!(refused.unwrap_err(), error);
        assert_eq!(claimed(&world, &locks[0]), 0);
    }
    for bytes in [0, 1, ROW_BYTES - 1, ROW_BYTES + 1] {
        let mut call = settle(account(5), USDC, &[good, good]);
        call.rows = call.rows.slice(..bytes);
        let refused = world.escrow(account(9), &call).unwrap_err();
        assert_eq!(refused, Refusal::of(&BadRows {}));
    }
}

#[test]
fn rows_only_pay_the_locks_own_payee_and_token() {
    let (mut world, locks) = world();
    let row = row(&world, &locks[0], 300, 300);
    for (payee, token) in [(account(9), USDC), (account(5), CONTRACTS.identity)] {
        let done = world
            .escrow(account(9), &settle(payee, token, &[row]))
            .unwrap();
        assert_eq!(
            done.returned,
            U256::ZERO,
            "another lock, which holds nothing"
        );
    }
    assert_eq!(claimed(&world, &locks[0]), 0);
}

#[test]
fn rows_of_one_lock_in_one_batch_add_up_to_the_highest() {
    let (mut world, locks) = world();
    for (claims, paid) in [([5, 9, 7], 9), ([20, 15, 12], 11)] {
        let batch = claims.map(|claim| row(&world, &locks[0], claim, claim));
        let done = world.escrow(account(9), &settle(account(5), USDC, &batch));
        assert_eq!(done.unwrap().returned, U256::from(paid));
    }
    assert_eq!(claimed(&world, &locks[0]), 20);
}

#[test]
fn a_claim_is_good_after_the_deadline_and_a_spent_lock_is_skipped() {
    let (mut world, locks) = world();
    world.wait(10_000);
    let all = row(&world, &locks[0], 5_000, 1_000);
    let done = world.escrow(account(9), &settle(account(5), USDC, &[all]));
    assert_eq!(done.unwrap().returned, U256::from(1_000));
    let more = row(&world, &locks[0], 5_000, 1_500);
    let done = world.escrow(account(9), &settle(account(5), USDC, &[more]));
    assert_eq!(done.unwrap().returned, U256::ZERO, "nothing is left in it");
}

#[test]
fn the_largest_amounts_fit() {
    let mut world = World::new();
    let most: u128 = (1 << 104) - 1;
    let token = Address::repeat_byte(0xc0);
    let code = agent_devnet::artifacts::Artifact::TestUsdc;
    world
        .chain
        .set_code(token, code.runtime_code().unwrap())
        .unwrap();
    let mint = agent_tests::tokens::ITestToken::mintCall {
        to: account(0),
        value: U256::from(most) * U256::from(2),
    };
    world.send(account(0), token, &mint).unwrap();
    let big = Lock {
        token,
        ..lock(0, 5, 1)
    };
    let deadline = world.now() + 5_000;
    let call = sign::open(&key(0), &world.domain, &big, most, deadline, 1);
    world.escrow(account(9), &call).unwrap();
    let row = rows::signed(&key(0), &world.domain, &big, u128::MAX, most);
    let done = world.escrow(account(9), &settle(account(5), token, &[row]));
    assert_eq!(done.unwrap().returned, U256::from(most));
    let state = world.state(&big);
    assert_eq!((state.authorized, state.claimed), (U104::MAX, U104::MAX));
    assert_eq!(state.deadline.to::<u64>(), deadline);
}
