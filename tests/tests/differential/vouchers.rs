//! `Voucher::check` against `settleBatch`.
//!
//! A mutation is made on what a buyer sends (lock, ceiling, signature of 65 bytes) or on the domain
//! that it signs under. Ours reads it; the contract gets the row that we would settle it with. Rows
//! carry no recovery byte but one bit, so what has no such form has no row, and must be refused by
//! ours.

use agent_core::{
    money::BaseUnits,
    voucher::{CanonicalSignature, EscrowDomain, Lock, Salt, Voucher, VoucherError},
};
use agent_devnet::CONTRACTS;
use agent_tests::{
    repeats, rows, sign,
    world::{World, account, key, lock},
};
use alloy_primitives::{Address, U256, aliases::U96};

use crate::{AT_ONCE, MUTATIONS, curve, dice::Dice};

const HELD: u128 = 1_000_000;

/// Four funded locks for one payee, so that a voucher for one can be tried on another. Account 7
/// signs for the last one.
fn opened() -> (World, [Lock; 4]) {
    let mut world = World::new();
    let delegated = Lock {
        signer: account(7),
        ..lock(0, 5, 3)
    };
    let locks = [lock(0, 5, 1), lock(0, 5, 2), lock(1, 5, 1), delegated];
    for (at, lock) in (0..).zip(&locks) {
        let payer = usize::from(at == 2);
        let deadline = world.now() + 1_000_000;
        let call = sign::open(&key(payer), &world.domain, lock, HELD, deadline, at);
        world.escrow(account(9), &call).unwrap();
    }
    (world, locks)
}

/// What a buyer sends.
#[derive(Clone, Debug)]
struct Sent {
    lock: Lock,
    ceiling: u128,
    signature: Vec<u8>,
}

/// Which lock, up to what, and the signature.
type Honest = (usize, u128, CanonicalSignature);

/// Who signs for each of the locks.
const SIGNERS: [usize; 4] = [0, 0, 1, 7];

/// Honest vouchers to make others of: signing costs more than checking.
fn honest(world: &World, locks: &[Lock; 4], dice: &mut Dice) -> Vec<Honest> {
    let one = |_| {
        let (at, ceiling) = (dice.below(4), 1 + dice.amount() % HELD);
        let signer = key(SIGNERS[at]);
        let signature = sign::voucher(&signer, &world.domain, &locks[at], ceiling);
        (at, ceiling, signature)
    };
    (0..512).map(one).collect()
}

/// An honest voucher, changed once or not at all. Says which change it was.
fn sent(world: &World, locks: &[Lock; 4], honest: &[Honest], dice: &mut Dice) -> (usize, Sent) {
    let (at, ceiling, signature) = honest[dice.below(honest.len())];
    let (lock, signer) = (locks[at], key(SIGNERS[at]));
    let change = dice.below(14);
    let mut domain = world.domain;
    let mut signed = (lock, ceiling);
    let mut signer = signer;
    match change {
        8 => domain = EscrowDomain::new(domain.chain_id() + 1, domain.contract()),
        9 => domain = EscrowDomain::new(domain.chain_id(), CONTRACTS.usdc),
        10 => signed.0 = locks[(at + 1 + dice.below(3)) % 4],
        11 => signed.1 = ceiling ^ (1 << dice.below(20)),
        12 => signer = key(dice.below(10)),
        _ => {}
    }
    let signature = match change {
        8..=12 => sign::voucher(&signer, &domain, &signed.0, signed.1),
        _ => signature,
    };
    let mut sent = Sent {
        lock,
        ceiling,
        signature: signature.as_bytes().to_vec(),
    };
    match change {
        1 => dice.flip(&mut sent.signature),
        2 => curve::mirror_s(&mut sent.signature),
        3 => {
            curve::mirror_s(&mut sent.signature);
            sent.signature[64] ^= 27 ^ 28;
        }
        4 => sent.signature[64] ^= 27 ^ 28,
        5 => sent.signature[64] = dice.word()[0],
        6 => curve::edge(&mut sent.signature, dice),
        7 => curve::overflow_r(&mut sent.signature),
        13 => {
            let salt = sent.lock.salt.0 ^ (U96::ONE << dice.below(96));
            match dice.below(4) {
                0 => sent.lock.payer = account(dice.below(3)),
                1 => sent.lock.signer = account(dice.below(8)),
                2 => sent.lock.salt = Salt(salt),
                _ => sent.lock.payee = account(dice.below(8)),
            }
        }
        _ => {}
    }
    (change, sent)
}

/// Whether we would take it.
fn ours(world: &World, sent: &Sent) -> bool {
    let Ok(signature) = CanonicalSignature::from_slice(&sent.signature) else {
        return false;
    };
    let (id, ceiling) = (sent.lock.id(&world.domain), BaseUnits::new(sent.ceiling));
    let received = Voucher::received(id, ceiling, signature);
    received.check(&world.domain, &sent.lock).is_ok()
}

/// The row's form of a signature, if it has one.
fn compact(signature: &[u8]) -> Option<[u8; 64]> {
    let high = signature[32] & 0x80 != 0;
    if signature.len() != 65 || high || !matches!(signature[64], 27 | 28) {
        return None;
    }
    let mut compact: [u8; 64] = signature[..64].try_into().ok()?;
    compact[32] |= (signature[64] - 27) << 7;
    Some(compact)
}

/// Whether the contract would pay each one's whole ceiling.
fn contracts(world: &mut World, sent: &[Sent]) -> Vec<bool> {
    let mut pays = vec![false; sent.len()];
    let (at, calls): (Vec<_>, Vec<_>) = sent
        .iter()
        .enumerate()
        .filter_map(|(at, sent)| {
            let signature = compact(&sent.signature)?;
            let row = rows::pack(&sent.lock, sent.ceiling, sent.ceiling, signature);
            Some((at, rows::settle(sent.lock.payee, sent.lock.token, &[row])))
        })
        .unzip();
    for (at, paid) in at.iter().zip(world.try_all(CONTRACTS.escrow, &calls)) {
        pays[*at] = paid == Ok(U256::from(sent[*at].ceiling));
    }
    pays
}

#[test]
fn we_accept_exactly_what_the_contract_pays() {
    let (mut world, locks) = opened();
    let mut dice = Dice::new("vouchers");
    let honest = honest(&world, &locks, &mut dice);
    let mut taken = [[0_u32; 2]; 14];
    let mut left = repeats("AGENT_TEST_MUTATIONS", MUTATIONS);
    while left > 0 {
        let batch = left.min(AT_ONCE);
        left -= batch;
        let (changes, batch): (Vec<_>, Vec<_>) = (0..batch)
            .map(|_| sent(&world, &locks, &honest, &mut dice))
            .unzip();
        let theirs = contracts(&mut world, &batch);
        for ((change, sent), theirs) in changes.into_iter().zip(&batch).zip(theirs) {
            // A lock that nobody funded pays nothing, and whether it is funded is the channel's to know.
            let ours = ours(&world, sent) && locks.contains(&sent.lock);
            assert_eq!(ours, theirs, "change {change}: {sent:?}");
            taken[change][usize::from(theirs)] += 1;
        }
    }
    println!("change: refused, accepted: {taken:?}");
    assert_eq!(taken[0][0], 0, "what is not changed is accepted");
    for change in [2, 3, 4, 7, 8, 9, 10, 11] {
        assert_eq!(taken[change][1], 0, "change {change} is never accepted");
    }
    assert!(taken.iter().all(|count| count[0] + count[1] > 0));
}

#[test]
fn ceilings_that_no_lock_can_hold_are_ours_alone_to_refuse() {
    let (world, locks) = opened();
    let most = BaseUnits::MAX_LOCKABLE.get();
    for (ceiling, fine) in [(most, true), (most + 1, false), (u128::MAX, false)] {
        let signature = sign::voucher(&key(0), &world.domain, &locks[0], ceiling);
        let id = locks[0].id(&world.domain);
        let received = Voucher::received(id, BaseUnits::new(ceiling), signature);
        let checked = received.check(&world.domain, &locks[0]);
        assert_eq!(
            checked.err(),
            (!fine).then_some(VoucherError::CeilingTooLarge)
        );
        let row = rows::pack(&locks[0], ceiling, 7, signature.to_compact());
        let batch = rows::settle(account(5), locks[0].token, &[row]);
        let paid = world.attempt(account(9), CONTRACTS.escrow, &batch);
        assert_eq!(
            paid,
            Ok(U256::from(7)),
            "it can pay no more than the lock holds"
        );
    }
}

#[test]
fn a_zero_signer_is_nobody() {
    let (world, locks) = opened();
    let nobody = Lock {
        signer: Address::ZERO,
        ..locks[0]
    };
    let id = nobody.id(&world.domain);
    for byte in 1..=255_u8 {
        let mut bytes = [byte; 65];
        bytes[32] &= 0x7f;
        bytes[64] = 27 + (byte & 1);
        if let Ok(signature) = CanonicalSignature::from_slice(&bytes) {
            let received = Voucher::received(id, BaseUnits::new(1), signature);
            let refused = received.check(&world.domain, &nobody).unwrap_err();
            assert_eq!(refused, VoucherError::WrongSigner);
        }
    }
}
