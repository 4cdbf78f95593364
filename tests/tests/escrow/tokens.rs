//! Tokens that misbehave: refused when money would come in, and harmless to other tokens.

use agent_client::chain::bindings::IZ402Escrow::{
    self, InexactTransfer, TransferFailed, depositCall, withdrawCall,
};
use agent_core::voucher::Lock;
use agent_devnet::CONTRACTS;
use agent_tests::{
    rows, sign,
    tokens::{Hostile, ITestToken},
    world::{Refusal, World, account, key, lock, on_chain},
};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;

/// A token of which account 0 has 10,000, and 1,000 in its vault.
fn placed(token: Hostile) -> (World, Address) {
    let mut world = World::new();
    let at = token.place(&mut world, account(0), 10_000);
    world.deposit(account(0), at, 1_000).unwrap();
    assert_eq!(world.vault(account(0), at), U256::from(1_000));
    (world, at)
}

fn tell<C: SolCall>(world: &mut World, token: Address, call: &C) {
    world.send(account(0), token, call).unwrap();
}

fn deposit(token: Address, amount: u64) -> depositCall {
    let amount = U256::from(amount);
    depositCall { token, amount }
}

fn withdraw(token: Address, amount: u64) -> withdrawCall {
    withdrawCall {
        token,
        amount: U256::from(amount),
        to: account(0),
    }
}

/// Nothing came in: not with an allowance, not with a signature, not into a lock.
fn refuses_money(world: &mut World, token: Address, error: &Refusal) {
    let before = world.balance(token, CONTRACTS.escrow);
    let refused = world.escrow(account(0), &deposit(token, 200)).unwrap_err();
    assert_eq!(&refused, error);
    let signed = sign::deposit(&key(0), &world.domain, token, 200, 1);
    let lock = Lock {
        token,
        ..lock(0, 5, 1)
    };
    let open = sign::open(&key(0), &world.domain, &lock, 200, world.now() + 5_000, 2);
    assert!(world.escrow(account(9), &signed).is_err());
    assert!(world.escrow(account(9), &open).is_err());
    assert_eq!(world.state(&lock).authorized.to::<u64>(), 0);
    assert_eq!(world.vault(account(0), token), U256::from(1_000));
    assert_eq!(world.balance(token, CONTRACTS.escrow), before);
}

#[test]
fn a_fee_on_the_way_in_is_refused() {
    let (mut world, token) = placed(Hostile::Fee);
    let basis_points = U256::from(50);
    let fee = ITestToken::setFeeCall {
        basisPoints: basis_points,
    };
    tell(&mut world, token, &fee);
    refuses_money(&mut world, token, &Refusal::of(&InexactTransfer {}));
}

#[test]
fn a_false_answer_is_a_failure_in_both_directions() {
    let (mut world, token) = placed(Hostile::ReturnsFalse);
    tell(&mut world, token, &ITestToken::setFailingCall { on: true });
    let failed = Refusal::of(&TransferFailed {});
    for refused in [
        world.escrow(account(0), &deposit(token, 200)).map(drop),
        world.escrow(account(0), &withdraw(token, 200)).map(drop),
    ] {
        assert_eq!(refused, Err(failed.clone()));
    }
    assert_eq!(world.vault(account(0), token), U256::from(1_000));
}

#[test]
fn no_answer_at_all_is_a_success() {
    let (mut world, token) = placed(Hostile::ReturnsNothing);
    world.escrow(account(0), &withdraw(token, 400)).unwrap();
    assert_eq!(world.balance(token, account(0)), U256::from(9_400));
    assert_eq!(world.vault(account(0), token), U256::from(600));
}

#[test]
fn a_token_that_moves_nothing_is_refused() {
    let (mut world, token) = placed(Hostile::Phantom);
    tell(&mut world, token, &ITestToken::setPhantomCall { on: true });
    refuses_money(&mut world, token, &Refusal::of(&InexactTransfer {}));
}

#[test]
fn only_nothing_and_true_are_answers() {
    let (mut world, token) = placed(Hostile::Answers);
    let word = |value: u64| U256::from(value).to_be_bytes::<32>().to_vec();
    let bomb = [word(1), vec![0xff; 20_000]].concat();
    let answers = [
        (vec![], true),
        (word(1), true),
        (bomb, true),
        (word(0), false),
        (word(2), false),
        (U256::MAX.to_be_bytes::<32>().to_vec(), false),
        (word(1)[..31].to_vec(), false),
        (vec![1], false),
    ];
    for (answer, good) in answers {
        let say = ITestToken::setAnswerCall {
            odd: true,
            answer: answer.clone().into(),
        };
        tell(&mut world, token, &say);
        let expected = if good {
            Ok(())
        } else {
            Err(Refusal::of(&TransferFailed {}))
        };
        for said in [
            world.escrow(account(0), &deposit(token, 10)).map(drop),
            world.escrow(account(0), &withdraw(token, 10)).map(drop),
        ] {
            assert_eq!(said, expected, "{} bytes", answer.len());
        }
        assert_eq!(world.vault(account(0), token), U256::from(1_000));
    }
}

#[test]
fn a_blocked_payee_stops_its_own_batch_only_and_a_payer_can_name_another_address() {
    let (mut world, token) = placed(Hostile::Blacklist);
    let deadline = world.now() + 5_000;
    let locks = [5, 6].map(|payee| Lock {
        token,
        ..lock(0, payee, 1)
    });
    for lock in &locks {
        let call = IZ402Escrow::authorizeCall {
            lock: on_chain(lock),
            amount: U256::from(100),
            deadline: alloy_primitives::aliases::U40::from(deadline),
        };
        world.escrow(account(0), &call).unwrap();
    }
    for account in [account(5), account(0)] {
        tell(
            &mut world,
            token,
            &ITestToken::setBlockedCall { account, on: true },
        );
    }
    let settle = |world: &mut World, lock: &Lock| {
        let row = rows::signed(&key(0), &world.domain, lock, 100, 100);
        let batch = rows::settle(lock.payee, token, &[row]);
        world.escrow(account(9), &batch).map(drop)
    };
    let failed = Err(Refusal::of(&TransferFailed {}));
    assert_eq!(settle(&mut world, &locks[0]), failed);
    assert_eq!(world.state(&locks[0]).claimed.to::<u64>(), 0);
    assert_eq!(settle(&mut world, &locks[1]), Ok(()));
    let refused = world.escrow(account(0), &withdraw(token, 800)).map(drop);
    assert_eq!(refused, failed);
    let elsewhere = withdrawCall {
        to: account(7),
        ..withdraw(token, 800)
    };
    world.escrow(account(0), &elsewhere).unwrap();
    assert_eq!(world.balance(token, account(7)), U256::from(800));
}

#[test]
fn a_token_that_loses_money_takes_none_of_another() {
    let (mut world, token) = placed(Hostile::Fee);
    world.deposit(account(1), CONTRACTS.usdc, 500).unwrap();
    let burn = ITestToken::burnCall {
        from: CONTRACTS.escrow,
        value: U256::from(600),
    };
    tell(&mut world, token, &burn);
    let refused = world.escrow(account(0), &withdraw(token, 401)).unwrap_err();
    assert_eq!(refused, Refusal::of(&TransferFailed {}));
    world.escrow(account(0), &withdraw(token, 400)).unwrap();
    let all = withdrawCall {
        token: CONTRACTS.usdc,
        amount: U256::from(500),
        to: account(1),
    };
    world.escrow(account(1), &all).unwrap();
    assert_eq!(world.balance(CONTRACTS.usdc, CONTRACTS.escrow), U256::ZERO);
}

#[test]
fn an_account_without_code_is_no_token() {
    let mut world = World::new();
    let refused = world
        .escrow(account(0), &deposit(account(7), 1))
        .unwrap_err();
    assert_eq!(refused, Refusal::of(&TransferFailed {}));
}

#[test]
fn a_token_that_is_gone_pays_nobody() {
    let (mut world, token) = placed(Hostile::ReturnsNothing);
    let mine = Lock {
        token,
        ..lock(0, 5, 1)
    };
    let deadline = world.now() + 5_000;
    let open = sign::open(&key(0), &world.domain, &mine, 100, deadline, 1);
    world.escrow(account(9), &open).unwrap();
    world.chain.set_code(token, Bytes::new()).unwrap();
    let row = rows::signed(&key(0), &world.domain, &mine, 100, 100);
    let batch = rows::settle(account(5), token, &[row]);
    let failed = Err(Refusal::of(&TransferFailed {}));
    assert_eq!(world.escrow(account(9), &batch).map(drop), failed);
    assert_eq!(
        world.escrow(account(0), &withdraw(token, 1)).map(drop),
        failed
    );
    assert_eq!(world.vault(account(0), token), U256::from(1_000));
    assert_eq!(world.state(&mine).claimed.to::<u64>(), 0);
}
