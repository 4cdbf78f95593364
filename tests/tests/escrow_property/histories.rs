//! Any history of calls, by anybody.

use agent_client::chain::bindings::IZ402Escrow::{self as escrow, IZ402EscrowCalls};
use agent_devnet::CONTRACTS;
use agent_tests::{
    rows, sign,
    tokens::ITestToken,
    world::{Refusal, account, key, on_chain},
};
use alloy_primitives::{U256, aliases::U40};
use proptest::{collection::vec, prelude::*};

use crate::{
    drive::{DELEGATE, PAYEES, Pair, STRANGER, token},
    ends::{empty, furnish, mend},
    model::{LockNo, Row},
    steps::{Blockable, Consent, OPENED_TOGETHER, Opening, PAYERS, Step, step, strange_step},
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(agent_tests::repeats("AGENT_TEST_CASES", 32)))]

    #[test]
    fn the_escrow_does_what_the_model_says(steps in vec(step(), 20..70)) {
        let mut pair = Pair::new();
        for step in furnish().chain(steps) {
            let before = pair.model.clone();
            let releases = matches!(step, Step::Release { .. } | Step::GiveBack { .. });
            take(&mut pair, step);
            pair.check(&before);
            if !releases {
                pair.nothing_fell(&before);
            }
        }
        empty(&mut pair);
    }

    #[test]
    fn a_strange_token_harms_itself_alone(steps in vec(strange_step(), 20..70)) {
        let mut pair = Pair::with_a_strange_token();
        for step in furnish().chain(steps) {
            let before = pair.model.clone();
            take(&mut pair, step);
            pair.check(&before);
        }
        // Nothing was booked that did not happen: with the token mended, everybody is paid in full.
        mend(&mut pair);
        empty(&mut pair);
    }
}

fn payer_of(pair: &Pair, lock: LockNo) -> usize {
    (0..PAYERS)
        .find(|at| account(*at) == pair.locks[lock].payer)
        .unwrap()
}

fn payee_of(pair: &Pair, lock: LockNo) -> usize {
    PAYEES
        .into_iter()
        .find(|at| account(*at) == pair.locks[lock].payee)
        .unwrap()
}

pub(crate) fn take(pair: &mut Pair, step: Step) {
    let nothing = |_: &_| 0;
    match step {
        Step::Deposit {
            payer,
            token: at,
            amount,
            signed,
        } => {
            let (owner, of) = (account(payer), token(at));
            if signed {
                let salt = pair.fresh();
                let call = sign::deposit(&key(payer), &pair.world.domain, of, amount, salt);
                pair.both(
                    account(STRANGER),
                    &call,
                    |_| 0,
                    |m, _| m.deposit(owner, of, amount),
                );
            } else {
                let call = escrow::depositCall {
                    token: of,
                    amount: U256::from(amount),
                };
                pair.both(owner, &call, |_| 0, |m, _| m.deposit(owner, of, amount));
            }
        }
        Step::Open {
            lock,
            amount,
            ahead,
            how,
        } => open(pair, lock, amount, ahead, how),
        Step::OpenMany {
            payer,
            locks,
            ahead,
        } => open_many(pair, payer, &locks, ahead),
        Step::OpenRows { group, rows, ahead } => open_rows(pair, group, &rows, ahead),
        Step::Settle {
            payee,
            token: at,
            rows,
        } => settle(pair, payee, at, rows),
        Step::Again => {
            if let Some((call, payee, at, rows)) = pair.batch.clone() {
                let (payee, of) = (account(PAYEES[payee]), token(at));
                let act = |m: &mut crate::model::Model, _| m.settle(payee, of, &rows);
                pair.both(account(STRANGER), &call, |paid| paid.to(), act);
            }
        }
        Step::Release { lock } => {
            let call = escrow::releaseCall {
                lock: on_chain(&pair.locks[lock]),
            };
            let from = pair.locks[lock].payer;
            pair.both(
                from,
                &call,
                |amount| amount.to(),
                |m, now| m.release(lock, now),
            );
        }
        Step::GiveBack { lock, amount, how } => give_back(pair, lock, amount, how),
        Step::Withdraw {
            payer,
            token: at,
            amount,
        } => {
            let (owner, of) = (account(payer), token(at));
            let call = escrow::withdrawCall {
                token: of,
                amount: U256::from(amount),
                to: owner,
            };
            pair.both(owner, &call, nothing, |m, _| {
                m.withdraw(owner, of, amount, owner)
            });
        }
        Step::Wait { seconds } => pair.world.wait(seconds),
        Step::Intrude { lock, what } => intrude(pair, lock, what),
        Step::Block { who, on } => block(pair, who, on),
        Step::Shrink { amount } => shrink(pair, amount),
    }
}

fn block(pair: &mut Pair, who: Blockable, on: bool) {
    let who = match who {
        Blockable::Escrow => CONTRACTS.escrow,
        Blockable::Payer(at) => account(at),
        Blockable::Payee(at) => account(PAYEES[at]),
    };
    let call = ITestToken::setBlockedCall { account: who, on };
    pair.world.send(account(STRANGER), token(1), &call).unwrap();
    if on {
        pair.model.blocked.insert((token(1), who));
    } else {
        pair.model.blocked.remove(&(token(1), who));
    }
}

fn shrink(pair: &mut Pair, amount: u128) {
    let strange = token(1);
    let holds = pair.model.holds.entry(strange).or_default();
    // A blocked account's tokens do not move, for the issuer neither.
    if amount > *holds || pair.model.blocked.contains(&(strange, CONTRACTS.escrow)) {
        return;
    }
    *holds -= amount;
    *pair.model.lost.entry(strange).or_default() += amount;
    let call = ITestToken::burnCall {
        from: CONTRACTS.escrow,
        value: U256::from(amount),
    };
    pair.world.send(account(STRANGER), strange, &call).unwrap();
}

fn open_rows(pair: &mut Pair, group: usize, rows: &[(usize, u128)], ahead: u64) {
    let group = OPENED_TOGETHER[group];
    let deadline = pair.next() + ahead;
    let locks: Vec<_> = rows
        .iter()
        .map(|(at, amount)| (pair.locks[group[*at]], *amount))
        .collect();
    let call = rows::open(&locks, deadline);
    let mut after = pair.model.clone();
    let now = pair.next();
    let open = |(at, amount): &(usize, u128)| after.open(true, group[*at], *amount, deadline, now);
    let fine = !rows.is_empty() && rows.iter().map(open).all(|done| done.is_ok());
    let done = pair.world.escrow(pair.locks[group[0]].payer, &call);
    assert_eq!(done.is_ok(), fine, "{done:?}");
    if fine {
        pair.model = after;
    }
}

fn open(pair: &mut Pair, lock: LockNo, amount: u128, ahead: u64, how: Opening) {
    let (of, payer) = (pair.locks[lock], payer_of(pair, lock));
    // Half of the time a lock keeps its deadline, which may have passed.
    let held = pair.model.locks[lock].deadline;
    let deadline = if ahead.is_multiple_of(2) && held > 0 {
        held
    } else {
        pair.next() + ahead
    };
    let nonce = pair.fresh();
    let domain = pair.world.domain;
    match how {
        Opening::FromWallet => {
            let call = sign::open(&key(payer), &domain, &of, amount, deadline, nonce);
            let act = |m: &mut crate::model::Model, now| m.open(false, lock, amount, deadline, now);
            pair.both(account(STRANGER), &call, |_| 0, act);
        }
        Opening::FromVault => {
            let call = escrow::authorizeCall {
                lock: on_chain(&of),
                amount: U256::from(amount),
                deadline: U40::from(deadline),
            };
            let act = |m: &mut crate::model::Model, now| m.open(true, lock, amount, deadline, now);
            pair.both(of.payer, &call, |_| 0, act);
        }
        Opening::BySignature(consent) => {
            let signer = if consent == Consent::Good {
                payer
            } else {
                DELEGATE
            };
            let call = sign::authorize(&key(signer), &domain, &of, amount, deadline, nonce);
            pair.both(
                account(STRANGER),
                &call,
                |_| 0,
                |m, now| match consent {
                    Consent::Good => m.open(true, lock, amount, deadline, now),
                    Consent::Forged => Err(Refusal::of(&escrow::BadSignature {})),
                },
            );
        }
    }
}

fn open_many(pair: &mut Pair, payer: usize, locks: &[(LockNo, u128)], ahead: u64) {
    let deadline = pair.next() + ahead;
    let call = escrow::authorizeManyCall {
        locks: locks
            .iter()
            .map(|(lock, _)| on_chain(&pair.locks[*lock]))
            .collect(),
        amounts: locks
            .iter()
            .map(|(_, amount)| U256::from(*amount))
            .collect(),
        deadlines: vec![U40::from(deadline); locks.len()],
    };
    let own: Vec<_> = locks
        .iter()
        .map(|(lock, _)| payer_of(pair, *lock) == payer)
        .collect();
    // Which of two faults of one call is reported first is not the model's business.
    let mut after = pair.model.clone();
    let at = pair.next();
    let open = |(lock, amount): &(LockNo, u128)| after.open(true, *lock, *amount, deadline, at);
    let fine = own.iter().all(|own| *own) && locks.iter().map(open).all(|done| done.is_ok());
    let done = pair.world.escrow(account(payer), &call);
    assert_eq!(done.is_ok(), fine, "{done:?}");
    if fine {
        pair.model = after;
    }
}

fn settle(pair: &mut Pair, payee: usize, at: usize, rows: Vec<Row>) {
    let pack = |row: &Row| {
        let of = &pair.locks[row.lock];
        let signer = (0..10).find(|at| account(*at) == of.signer).unwrap();
        let signer = if row.valid { signer } else { STRANGER };
        rows::signed(&key(signer), &pair.world.domain, of, row.ceiling, row.claim)
    };
    let packed: Vec<_> = rows.iter().map(pack).collect();
    let (to, of) = (account(PAYEES[payee]), token(at));
    let call = rows::settle(to, of, &packed);
    let act = |m: &mut crate::model::Model, _| m.settle(to, of, &rows);
    pair.both(account(STRANGER), &call, |paid| paid.to(), act);
    pair.batch = Some((call, payee, at, rows));
}

fn give_back(pair: &mut Pair, lock: LockNo, amount: u128, how: Option<Consent>) {
    let of = pair.locks[lock];
    let Some(consent) = how else {
        let call = escrow::releaseByPayeeCall {
            lock: on_chain(&of),
            amount: U256::from(amount),
        };
        pair.both(
            of.payee,
            &call,
            |out| out.to(),
            |m, _| m.give_back(lock, amount),
        );
        return;
    };
    let signer = if consent == Consent::Good {
        payee_of(pair, lock)
    } else {
        payer_of(pair, lock)
    };
    let nonce = pair.fresh();
    let call = sign::release(&key(signer), &pair.world.domain, &of, amount, nonce);
    pair.both(
        account(STRANGER),
        &call,
        |out| out.to(),
        |m, _| match consent {
            Consent::Good => m.give_back(lock, amount),
            Consent::Forged => Err(Refusal::of(&escrow::BadSignature {})),
        },
    );
}

fn intrude(pair: &mut Pair, lock: LockNo, what: u8) {
    let of = on_chain(&pair.locks[lock]);
    let amount = U256::from(1 + u64::from(what));
    let deadline = U40::from(pair.next() + 2_000);
    let to = account(STRANGER);
    let token = of.token;
    pair.intrude(vec![
        IZ402EscrowCalls::release(escrow::releaseCall { lock: of.clone() }),
        IZ402EscrowCalls::releaseByPayee(escrow::releaseByPayeeCall {
            lock: of.clone(),
            amount,
        }),
        IZ402EscrowCalls::authorize(escrow::authorizeCall {
            lock: of,
            amount,
            deadline,
        }),
        IZ402EscrowCalls::withdraw(escrow::withdrawCall { token, amount, to }),
    ]);
}
