//! However rows are ordered and split over batches, the end is the same.

use agent_tests::{
    rows::{self, ROW_BYTES},
    sign,
    world::{account, key},
};
use proptest::{collection::vec, prelude::*};

use crate::drive::{PAYEES, Pair, STRANGER, token};

/// The locks of payee 0 in token 0, each with 1,000.
const LOCKS: [usize; 4] = [0, 1, 4, 5];

fn opened() -> Pair {
    let mut pair = Pair::new();
    for lock in LOCKS {
        let (of, payer) = (pair.locks[lock], lock / 4);
        let (deadline, salt) = (pair.next() + 5_000, pair.fresh());
        let call = sign::open(&key(payer), &pair.world.domain, &of, 1_000, deadline, salt);
        let act = |m: &mut crate::model::Model, now| m.open(false, lock, 1_000, deadline, now);
        pair.both(account(STRANGER), &call, |_| 0, act);
    }
    pair
}

/// Settles the rows in batches of at most `size`.
fn settle(pair: &mut Pair, rows: &[(usize, [u8; ROW_BYTES], u128)], size: usize) -> u128 {
    let mut paid = 0;
    for part in rows.chunks(size) {
        let packed: Vec<_> = part.iter().map(|(_, row, _)| *row).collect();
        let call = rows::settle(account(PAYEES[0]), token(0), &packed);
        let done = pair.world.escrow(account(STRANGER), &call).unwrap();
        paid += done.returned.to::<u128>();
    }
    paid
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(agent_tests::repeats("AGENT_TEST_CASES", 48)))]

    #[test]
    fn order_and_splitting_do_not_matter(
        claims in vec((0..LOCKS.len(), 0..=1_000_u128), 1..12),
        seed in any::<u64>(),
        size in 1..6_usize,
    ) {
        let mut one = opened();
        let rows: Vec<_> = claims
            .iter()
            .map(|(at, claim)| {
                let lock = LOCKS[*at];
                let signer = if lock % 2 == 1 { crate::drive::DELEGATE } else { lock / 4 };
                let of = &one.locks[lock];
                let row = rows::signed(&key(signer), &one.world.domain, of, *claim, *claim);
                (lock, row, *claim)
            })
            .collect();
        let mut other = one.clone();
        let mut shuffled = rows.clone();
        shuffled.sort_by_key(|(lock, _, claim)| {
            alloy_primitives::keccak256([lock.to_be_bytes().as_slice(), &claim.to_be_bytes(), &seed.to_be_bytes()].concat())
        });

        let highest: u128 = LOCKS
            .iter()
            .map(|lock| rows.iter().filter(|row| row.0 == *lock).map(|row| row.2).max().unwrap_or(0))
            .sum();
        let whole = settle(&mut one, &rows, rows.len());
        prop_assert_eq!(whole, highest, "the sum of the highest claims");
        prop_assert_eq!(settle(&mut other, &shuffled, size), whole);
        for lock in &one.locks {
            prop_assert_eq!(one.world.state(lock), other.world.state(lock));
        }
        for owner in crate::drive::watched() {
            let has = one.world.balance(token(0), owner);
            prop_assert_eq!(has, other.world.balance(token(0), owner));
        }
        // And a third time, in any order: nothing.
        prop_assert_eq!(settle(&mut other, &rows, size), 0);
        prop_assert_eq!(settle(&mut one, &shuffled, rows.len()), 0);
    }
}
