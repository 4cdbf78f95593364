//! `CanonicalSignature` and `recover_signer` against the contract's reading of 65 bytes.
//!
//! `releaseBySig` takes signatures as we do on the wire; whether it gets past the signature is
//! whether it takes it.

use agent_client::chain::bindings::IZ402Escrow;
use agent_core::voucher::{CanonicalSignature, recover_signer};
use agent_tests::{
    repeats,
    sign::{self, escrow_domain, structs},
    world::{Refusal, World, account, key, lock},
};
use alloy_sol_types::SolStruct;

use crate::{AT_ONCE, MUTATIONS, curve, dice::Dice};

/// How many are made of one honest signature.
const OF_ONE: u32 = 8;

/// The bytes of a signature, changed once or not at all.
fn change(bytes: &mut Vec<u8>, dice: &mut Dice) {
    match dice.below(9) {
        0 => {}
        1 => dice.flip(bytes),
        2 => curve::mirror_s(bytes),
        3 => {
            curve::mirror_s(bytes);
            bytes[64] ^= 27 ^ 28;
        }
        4 => bytes[64] = u8::try_from(dice.below(256)).unwrap(),
        5 => curve::edge(bytes, dice),
        6 => curve::overflow_r(bytes),
        7 => bytes.truncate(dice.below(65)),
        _ => bytes.resize(66 + dice.below(60), 27),
    }
}

#[test]
fn sixty_five_bytes_are_read_as_the_contract_reads_them() {
    let mut world = World::new();
    let mine = lock(0, 5, 1);
    let mut dice = Dice::new("signatures");
    // An unfunded lock: a good signature is told from a bad one by the error that comes after it.
    let good = Refusal::of(&IZ402Escrow::NothingLocked {});
    let bad = Refusal::of(&IZ402Escrow::BadSignature {});
    let mut taken = [0_u32; 2];
    let mut honest = sign::release(&key(5), &world.domain, &mine, 9, 0);
    let numbers: Vec<u32> = (0..repeats("AGENT_TEST_MUTATIONS", MUTATIONS)).collect();
    for numbers in numbers.chunks(AT_ONCE.try_into().unwrap()) {
        let (ours, calls): (Vec<bool>, Vec<_>) = numbers
            .iter()
            .map(|nonce| {
                if nonce % OF_ONE == 0 {
                    honest = sign::release(&key(5), &world.domain, &mine, 9, (*nonce).into());
                }
                let mut call = honest.clone();
                let mut bytes = call.signature.to_vec();
                change(&mut bytes, &mut dice);
                let signed = structs::Release {
                    lockId: world.id(&mine),
                    amount: 9,
                    nonce: call.nonce,
                };
                let digest = signed.eip712_signing_hash(&escrow_domain(&world.domain));
                let signature = CanonicalSignature::from_slice(&bytes).ok();
                let signer = signature.and_then(|signature| recover_signer(digest, &signature));
                call.signature = bytes.into();
                (signer == Some(account(5)), call)
            })
            .unzip();
        let said = world.try_all(world.domain.contract(), &calls);
        for ((ours, call), said) in ours.into_iter().zip(&calls).zip(said) {
            let refused = said.unwrap_err();
            let theirs = refused == good;
            assert!(theirs || refused == bad, "{refused:?}");
            assert_eq!(ours, theirs, "{:?}", call.signature);
            taken[usize::from(theirs)] += 1;
        }
    }
    println!("refused, accepted: {taken:?}");
    assert!(taken.iter().all(|count| *count > 0));
}
