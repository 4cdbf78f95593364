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

use crate::{curve, dice::Dice};

#[test]
fn sixty_five_bytes_are_read_as_the_contract_reads_them() {
    let world = World::new();
    let mine = lock(0, 5, 1);
    let mut dice = Dice::new("signatures");
    // An unfunded lock: a good signature is told from a bad one by the error that comes after it.
    let good = Refusal::of(&IZ402Escrow::NothingLocked {});
    let bad = Refusal::of(&IZ402Escrow::BadSignature {});
    let mut taken = [0_u32; 2];
    for nonce in 0..repeats("AGENT_TEST_MUTATIONS", 6_000) {
        let mut call = sign::release(&key(5), &world.domain, &mine, 9, nonce.into());
        let mut bytes = call.signature.to_vec();
        match dice.below(9) {
            0 => {}
            1 => dice.flip(&mut bytes),
            2 => curve::mirror_s(&mut bytes),
            3 => {
                curve::mirror_s(&mut bytes);
                bytes[64] ^= 27 ^ 28;
            }
            4 => bytes[64] = u8::try_from(dice.below(256)).unwrap(),
            5 => curve::edge(&mut bytes, &mut dice),
            6 => curve::overflow_r(&mut bytes),
            7 => bytes.truncate(dice.below(65)),
            _ => bytes.resize(66 + dice.below(60), 27),
        }
        let signed = structs::Release {
            lockId: world.id(&mine),
            amount: 9,
            nonce: call.nonce,
        };
        let digest = signed.eip712_signing_hash(&escrow_domain(&world.domain));
        let signature = CanonicalSignature::from_slice(&bytes).ok();
        let signer = signature.and_then(|signature| recover_signer(digest, &signature));
        let ours = signer == Some(account(5));

        call.signature = bytes.into();
        let refused = world
            .attempt(account(9), world.domain.contract(), &call)
            .unwrap_err();
        let theirs = refused == good;
        assert!(theirs || refused == bad, "{refused:?}");
        assert_eq!(ours, theirs, "{:?}", call.signature);
        taken[usize::from(theirs)] += 1;
    }
    println!("refused, accepted: {taken:?}");
    assert!(taken.iter().all(|count| *count > 0));
}
