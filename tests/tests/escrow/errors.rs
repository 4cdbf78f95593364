//! Every error that the escrow declares can be met, and the zero and overflow checks stand.

use std::collections::BTreeSet;

use agent_client::chain::bindings::IZ402Escrow::{self, IZ402EscrowErrors};
use agent_core::voucher::Lock;
use agent_devnet::CONTRACTS;
use agent_tests::{
    rows, sign,
    tokens::{Hostile, ITestToken},
    world::{Refusal, World, account, key, lock, on_chain},
};
use alloy_primitives::{Address, U256, aliases::U40};
use alloy_sol_types::{SolCall, SolError, SolInterface};

const USDC: Address = CONTRACTS.usdc;

/// Sends what must be refused, and remembers with which errors.
struct Refused {
    world: World,
    seen: BTreeSet<[u8; 4]>,
}

impl Refused {
    fn expect<E: SolError, C: SolCall>(&mut self, error: &E, from: usize, call: &C) {
        let refused = self.world.escrow(account(from), call).map(drop);
        assert_eq!(refused, Err(Refusal::of(error)), "{}", C::SIGNATURE);
        self.seen.insert(E::SELECTOR);
    }
}

fn authorize(lock: &Lock, amount: U256, deadline: u64) -> IZ402Escrow::authorizeCall {
    IZ402Escrow::authorizeCall {
        lock: on_chain(lock),
        amount,
        deadline: U40::from(deadline),
    }
}

#[test]
fn every_declared_error_is_met() {
    let world = World::new();
    let mut refused = Refused {
        world,
        seen: BTreeSet::new(),
    };
    amounts_and_addresses(&mut refused);
    locks(&mut refused);
    batches_and_signatures(&mut refused);
    tokens(&mut refused);
    let declared: BTreeSet<_> = IZ402EscrowErrors::selectors().collect();
    assert_eq!(refused.seen, declared);
}

fn amounts_and_addresses(refused: &mut Refused) {
    use IZ402Escrow::{AmountTooLarge, ZeroAddress, ZeroAmount};
    let (mine, deadline) = (lock(0, 5, 1), refused.world.now() + 5_000);
    let too_much = U256::ONE << 104;
    refused.world.deposit(account(0), USDC, 1_000).unwrap();
    for token in [Address::ZERO, USDC] {
        let deposit = |amount| IZ402Escrow::depositCall { token, amount };
        if token.is_zero() {
            refused.expect(&ZeroAddress {}, 0, &deposit(U256::ONE));
        } else {
            refused.expect(&ZeroAmount {}, 0, &deposit(U256::ZERO));
            refused.expect(&AmountTooLarge {}, 0, &deposit(too_much));
        }
    }
    let mut signed = sign::deposit(&key(0), &refused.world.domain, USDC, 1, 1);
    signed.payer = Address::ZERO;
    refused.expect(&ZeroAddress {}, 0, &signed);
    for at in 0..3 {
        let mut zero = mine;
        *[&mut zero.signer, &mut zero.payee, &mut zero.token][at] = Address::ZERO;
        refused.expect(&ZeroAddress {}, 0, &authorize(&zero, U256::ONE, deadline));
    }
    let mut nobody = sign::open(&key(0), &refused.world.domain, &mine, 1, deadline, 1);
    nobody.lock.payer = Address::ZERO;
    refused.expect(&ZeroAddress {}, 0, &nobody);
    let withdraw = |amount: u64, to| IZ402Escrow::withdrawCall {
        token: USDC,
        amount: U256::from(amount),
        to,
    };
    refused.expect(&ZeroAddress {}, 0, &withdraw(1, Address::ZERO));
    refused.expect(&ZeroAmount {}, 0, &withdraw(0, account(0)));
    refused.expect(
        &IZ402Escrow::InsufficientVault {},
        0,
        &withdraw(1_001, account(0)),
    );

    refused.expect(&ZeroAmount {}, 0, &authorize(&mine, U256::ZERO, deadline));
    refused.expect(&AmountTooLarge {}, 0, &authorize(&mine, too_much, deadline));
    refused
        .world
        .escrow(account(0), &authorize(&mine, U256::ONE, deadline))
        .unwrap();
    let rest = too_much - U256::ONE;
    refused.expect(&AmountTooLarge {}, 0, &authorize(&mine, rest, deadline));
}

fn locks(refused: &mut Refused) {
    use IZ402Escrow::{DeadlineShortened, DeadlineTooFar, DeadlineTooSoon, NothingLocked};
    let (mine, other) = (lock(0, 5, 1), lock(0, 5, 2));
    let (one, now) = (U256::ONE, refused.world.now());
    let deadline = refused.world.state(&mine).deadline.to::<u64>();
    refused.expect(&DeadlineTooSoon {}, 0, &authorize(&other, one, now + 100));
    let far = now + 400 * 86_400;
    refused.expect(&DeadlineTooFar {}, 0, &authorize(&other, one, far));
    refused.expect(
        &DeadlineShortened {},
        0,
        &authorize(&mine, one, deadline - 1),
    );
    refused.expect(
        &IZ402Escrow::NotPayer {},
        1,
        &authorize(&mine, one, deadline),
    );
    let mut many = IZ402Escrow::authorizeManyCall {
        locks: vec![on_chain(&mine)],
        amounts: vec![one],
        deadlines: vec![],
    };
    refused.expect(&IZ402Escrow::LengthMismatch {}, 0, &many);
    many.deadlines = vec![U40::from(deadline)];
    many.amounts.push(one);
    refused.expect(&IZ402Escrow::LengthMismatch {}, 0, &many);
    let release = |lock: &Lock| IZ402Escrow::releaseCall {
        lock: on_chain(lock),
    };
    refused.expect(&IZ402Escrow::DeadlineNotReached {}, 0, &release(&mine));
    refused.expect(&NothingLocked {}, 0, &release(&other));
    refused.expect(&IZ402Escrow::NotPayer {}, 5, &release(&mine));
    let give = |lock: &Lock, amount| IZ402Escrow::releaseByPayeeCall {
        lock: on_chain(lock),
        amount,
    };
    refused.expect(&IZ402Escrow::NotPayee {}, 0, &give(&mine, one));
    refused.expect(&IZ402Escrow::ZeroAmount {}, 5, &give(&mine, U256::ZERO));
    refused.expect(&NothingLocked {}, 5, &give(&other, one));
}

fn batches_and_signatures(refused: &mut Refused) {
    let mine = lock(0, 5, 1);
    let domain = refused.world.domain;
    let batch = |row| rows::settle(account(5), USDC, &[row]);
    let row = U256::ZERO;
    let over = rows::signed(&key(0), &domain, &mine, 1, 2);
    refused.expect(&IZ402Escrow::ClaimExceedsCeiling { row }, 9, &batch(over));
    let over = rows::signed(&key(0), &domain, &mine, 9, 2);
    refused.expect(
        &IZ402Escrow::ClaimExceedsAuthorized { row },
        9,
        &batch(over),
    );
    let forged = rows::signed(&key(5), &domain, &mine, 1, 1);
    refused.expect(&IZ402Escrow::BadVoucher { row }, 9, &batch(forged));
    let empty = rows::settle(account(5), USDC, &[]);
    refused.expect(&IZ402Escrow::BadRows {}, 9, &empty);

    let mut release = sign::release(&key(5), &domain, &mine, 1, 1);
    release.signature = release.signature.slice(..64);
    refused.expect(&IZ402Escrow::BadSignature {}, 9, &release);
    release.amount = U256::ONE << 128;
    refused.expect(&IZ402Escrow::AmountTooLarge {}, 9, &release);
    let release = sign::release(&key(5), &domain, &mine, 1, 1);
    refused.world.escrow(account(9), &release).unwrap();
    refused.expect(&IZ402Escrow::NonceUsed {}, 9, &release);
}

fn tokens(refused: &mut Refused) {
    let fee = Hostile::Fee.place(&mut refused.world, account(0), 1_000);
    refused.world.deposit(account(0), fee, 10).unwrap();
    let basis_points = U256::from(100);
    let on = ITestToken::setFeeCall {
        basisPoints: basis_points,
    };
    refused.world.send(account(0), fee, &on).unwrap();
    let deposit = |token, amount: u64| IZ402Escrow::depositCall {
        token,
        amount: U256::from(amount),
    };
    refused.expect(&IZ402Escrow::InexactTransfer {}, 0, &deposit(fee, 100));
    refused.expect(&IZ402Escrow::TransferFailed {}, 0, &deposit(account(3), 1));
    refused.expect(&IZ402Escrow::TransferFailed {}, 3, &deposit(USDC, 1));
    // A re-entrant call's error stays inside the token; `reentrancy` looks for it there.
    refused.seen.insert(IZ402Escrow::Reentered::SELECTOR);
}
