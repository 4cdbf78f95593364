//! The largest amounts, at every function that takes one.

use agent_client::chain::bindings::IZ402Escrow::{
    self, AmountTooLarge, InsufficientVault, authorizeCall, authorizeManyCall, depositCall,
};
use agent_devnet::CONTRACTS;
use agent_tests::{
    rows, sign,
    tokens::ITestToken,
    world::{Refusal, World, account, key, lock, on_chain},
};
use alloy_primitives::{Address, U256, aliases::U40};
use alloy_sol_types::SolCall;

const USDC: Address = CONTRACTS.usdc;
const MOST: u128 = (1 << 104) - 1;

/// Account 0 has more tokens than fit anywhere, and a vault that no single deposit could fill.
fn rich() -> World {
    let mut world = World::new();
    let mint = ITestToken::mintCall {
        to: account(0),
        value: U256::from(MOST) << 10,
    };
    world.send(account(0), USDC, &mint).unwrap();
    for _ in 0..3 {
        world.deposit(account(0), USDC, MOST).unwrap();
    }
    assert_eq!(
        world.vault(account(0), USDC),
        U256::from(MOST) * U256::from(3)
    );
    world
}

fn said<C: SolCall>(world: &World, from: usize, call: &C) -> Result<(), Refusal> {
    world
        .attempt(account(from), CONTRACTS.escrow, call)
        .map(drop)
}

/// What each way of putting this amount into lock `salt` says.
fn openings(world: &World, amount: U256, salt: u64, deadline: u64) -> Vec<Result<(), Refusal>> {
    let mine = lock(0, 5, salt);
    let (of, until) = (on_chain(&mine), U40::from(deadline));
    // What does not fit the signed struct is signed as if it had been cut.
    let cut = (amount & U256::from(u128::MAX)).to::<u128>();
    let mut open = sign::open(&key(0), &world.domain, &mine, cut, deadline, 9);
    open.amount = amount;
    let mut signed = sign::authorize(&key(0), &world.domain, &mine, cut, deadline, 9);
    signed.amount = amount;
    let one = authorizeCall {
        lock: of.clone(),
        amount,
        deadline: until,
    };
    let many = authorizeManyCall {
        locks: vec![of],
        amounts: vec![amount],
        deadlines: vec![until],
    };
    let mut ways = vec![
        said(world, 9, &open),
        said(world, 0, &one),
        said(world, 0, &many),
    ];
    if amount <= U256::from(u128::MAX) {
        ways.push(said(world, 9, &signed));
        ways.push(said(world, 0, &rows::open(&[(mine, cut)], deadline)));
    } else {
        assert!(said(world, 9, &signed).is_err());
    }
    ways
}

#[test]
fn no_way_in_takes_more_than_104_bits() {
    let mut world = rich();
    let deadline = world.now() + 5_000;
    let too_large = Err(Refusal::of(&AmountTooLarge {}));
    let limit = U256::ONE << 104;
    for amount in [
        limit,
        limit + U256::ONE,
        U256::from(u128::MAX),
        U256::ONE << 128,
        U256::MAX,
    ] {
        for way in openings(&world, amount, 1, deadline) {
            assert_eq!(way, too_large, "{amount}");
        }
        assert_eq!(
            said(
                &world,
                0,
                &depositCall {
                    token: USDC,
                    amount
                }
            ),
            too_large
        );
        let mut signed = sign::deposit(&key(0), &world.domain, USDC, 1, 9);
        signed.amount = amount;
        assert_eq!(said(&world, 9, &signed), too_large);
    }
    for way in openings(&world, U256::from(MOST), 1, deadline) {
        assert_eq!(way, Ok(()));
    }
    let signed = sign::deposit(&key(0), &world.domain, USDC, MOST, 9);
    assert_eq!(said(&world, 9, &signed), Ok(()));

    // A full lock takes no more, and neither does one that its own rest would overfill; also not
    // when all of it was claimed.
    let full = sign::open(&key(0), &world.domain, &lock(0, 5, 1), MOST, deadline, 1);
    world.escrow(account(9), &full).unwrap();
    for claimed in [false, true] {
        for way in openings(&world, U256::ONE, 1, deadline) {
            assert_eq!(way, too_large, "claimed: {claimed}");
        }
        let row = rows::signed(&key(0), &world.domain, &lock(0, 5, 1), u128::MAX, MOST);
        let paid = world.escrow(account(9), &rows::settle(account(5), USDC, &[row]));
        assert_eq!(
            paid.unwrap().returned,
            U256::from(if claimed { 0 } else { MOST })
        );
    }
    let half = sign::open(
        &key(0),
        &world.domain,
        &lock(0, 5, 2),
        MOST / 2,
        deadline,
        2,
    );
    world.escrow(account(9), &half).unwrap();
    for (amount, fits) in [(MOST / 2 + 1, true), (MOST / 2 + 2, false)] {
        for way in openings(&world, U256::from(amount), 2, deadline) {
            assert_eq!(way.is_ok(), fits);
        }
    }
}

#[test]
fn what_goes_out_is_cut_to_what_there_is_or_refused() {
    let mut world = rich();
    let (mine, deadline) = (lock(0, 5, 1), world.now() + 5_000);
    let open = sign::open(&key(0), &world.domain, &mine, MOST, deadline, 1);
    world.escrow(account(9), &open).unwrap();
    let give = IZ402Escrow::releaseByPayeeCall {
        lock: on_chain(&mine),
        amount: U256::MAX,
    };
    let given = world.attempt(account(5), CONTRACTS.escrow, &give);
    assert_eq!(given, Ok(U256::from(MOST)));
    let mut signed = sign::release(&key(5), &world.domain, &mine, u128::MAX, 1);
    let given = world.attempt(account(9), CONTRACTS.escrow, &signed);
    assert_eq!(given, Ok(U256::from(MOST)));
    signed.amount = U256::ONE << 128;
    assert_eq!(
        said(&world, 9, &signed),
        Err(Refusal::of(&AmountTooLarge {}))
    );
    let take = |amount| IZ402Escrow::withdrawCall {
        token: USDC,
        amount,
        to: account(0),
    };
    let vault = world.vault(account(0), USDC);
    for amount in [vault + U256::ONE, U256::MAX] {
        assert_eq!(
            said(&world, 0, &take(amount)),
            Err(Refusal::of(&InsufficientVault {}))
        );
    }
    assert_eq!(
        said(&world, 0, &take(vault)),
        Ok(()),
        "a vault is not bound by 104 bits"
    );
    let row = rows::signed(&key(0), &world.domain, &mine, u128::MAX, u128::MAX);
    let over = rows::settle(account(5), USDC, &[row]);
    let error = IZ402Escrow::ClaimExceedsAuthorized { row: U256::ZERO };
    assert_eq!(said(&world, 9, &over), Err(Refusal::of(&error)));
}

#[test]
fn amounts_in_one_call_are_added_without_loss() {
    let mut world = rich();
    let deadline = world.now() + 5_000;
    let four: Vec<_> = (1..5).map(|salt| (lock(0, 5, salt), MOST)).collect();
    let many = |count: usize| authorizeManyCall {
        locks: four
            .iter()
            .take(count)
            .map(|(lock, _)| on_chain(lock))
            .collect(),
        amounts: vec![U256::from(MOST); count],
        deadlines: vec![U40::from(deadline); count],
    };
    let short = Err(Refusal::of(&InsufficientVault {}));
    assert_eq!(said(&world, 0, &many(4)), short);
    assert_eq!(said(&world, 0, &rows::open(&four, deadline)), short);
    assert_eq!(said(&world, 0, &many(3)), Ok(()));
    world
        .escrow(account(0), &rows::open(&four[..3], deadline))
        .unwrap();
    assert_eq!(world.vault(account(0), USDC), U256::ZERO);
    let all: Vec<_> = four[..3]
        .iter()
        .map(|(lock, _)| rows::signed(&key(0), &world.domain, lock, MOST, MOST))
        .collect();
    let paid = world.escrow(account(9), &rows::settle(account(5), USDC, &all));
    assert_eq!(paid.unwrap().returned, U256::from(MOST) * U256::from(3));
}
