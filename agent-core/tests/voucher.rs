//! Vouchers: only the canonical signature of the lock's signer, over this chain, contract and
//! amount, is ever accepted.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use agent_core::money::BaseUnits;
use agent_core::voucher::{
    CanonicalSignature, ChannelId, EscrowDomain, Lock, Received, Salt, SignatureError, Voucher,
    VoucherError, recover_signer,
};
use alloy_primitives::{Address, B256, U256, Uint, address, b256, keccak256};
use alloy_sol_types::{SolStruct, eip712_domain};
use proptest::prelude::*;
use secp256k1::{Message, SECP256K1, SecretKey};

/// The structs as the contract declares them; alloy hashes them independently of us.
mod wire {
    alloy_sol_types::sol! {
        struct Lock { address payer; address signer; address payee; address token; uint96 salt; }
        struct Voucher { bytes32 channelId; uint128 maxClaimableAmount; }
    }
}

const CONTRACT: Address = address!("0x2402000000000000000000000000000000002402");

fn domain() -> EscrowDomain {
    EscrowDomain::new(84_532, CONTRACT)
}

fn key() -> SecretKey {
    SecretKey::from_byte_array([7; 32]).unwrap()
}

fn signer() -> Address {
    let key = key().public_key(SECP256K1).serialize_uncompressed();
    Address::from_slice(&keccak256(&key[1..])[12..])
}

fn lock() -> Lock {
    Lock {
        payer: address!("0x1111111111111111111111111111111111111111"),
        signer: signer(),
        payee: address!("0x3333333333333333333333333333333333333333"),
        token: address!("0x5555555555555555555555555555555555555555"),
        salt: Salt(Uint::from(5)),
    }
}

fn sign(digest: B256) -> CanonicalSignature {
    let message = Message::from_digest(digest.0);
    CanonicalSignature::from_recoverable(&SECP256K1.sign_ecdsa_recoverable(message, &key()))
}

fn voucher(ceiling: u128) -> Voucher<Received> {
    let id = lock().id(&domain());
    let signature = sign(domain().voucher_digest(id, BaseUnits::new(ceiling)));
    Voucher::received(id, BaseUnits::new(ceiling), signature)
}

#[test]
fn digests_agree_with_alloy() {
    let alloy = eip712_domain! {
        name: "z402 Escrow",
        version: "1",
        chain_id: 84_532,
        verifying_contract: CONTRACT,
    };
    assert_eq!(domain().separator(), alloy.separator());
    let theirs = wire::Lock {
        payer: lock().payer,
        signer: lock().signer,
        payee: lock().payee,
        token: lock().token,
        salt: lock().salt.0,
    };
    let id = lock().id(&domain());
    assert_eq!(id.0, theirs.eip712_signing_hash(&alloy));
    let theirs = wire::Voucher {
        channelId: id.0,
        maxClaimableAmount: 1_000,
    };
    assert_eq!(
        domain().voucher_digest(id, BaseUnits::new(1_000)),
        theirs.eip712_signing_hash(&alloy)
    );
}

#[test]
fn the_voucher_struct_is_the_one_of_x402_batch_settlement() {
    // The published vector L2.2 of x402's batch-settlement: the same struct under another domain.
    let separator = agent_core::voucher::domain_separator(
        "x402 Batch Settlement",
        "1",
        84_532,
        address!("0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003"),
    );
    let channel = b256!("0x5aa0c653042e33ac01a3e944daa7f9a9db4153a203423551757927bca6a8fc93");
    let hash = keccak256(
        [
            keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)"),
            channel,
            B256::from(U256::from(1_000)),
        ]
        .concat(),
    );
    let digest = keccak256([&[0x19, 0x01], separator.as_slice(), hash.as_slice()].concat());
    assert_eq!(
        digest,
        b256!("0xbeff2905f91d80520e5393b1e6aa65c14c4cf4f6e9c36eab64b49a90953873e2")
    );
}

#[test]
fn a_genuine_voucher_is_checked() {
    let checked = voucher(1_000).check(&domain(), &lock()).unwrap();
    assert_eq!(checked.ceiling(), BaseUnits::new(1_000));
}

#[test]
fn a_voucher_for_another_chain_contract_lock_or_amount_is_refused() {
    let elsewhere = EscrowDomain::new(8_453, CONTRACT);
    let other = EscrowDomain::new(84_532, Address::ZERO);
    // The id itself is bound to the domain, so it does not even name the lock there.
    for domain in [elsewhere, other] {
        assert_eq!(
            voucher(10).check(&domain, &lock()),
            Err(VoucherError::LockMismatch)
        );
        let id = lock().id(&domain);
        let moved = Voucher::received(id, BaseUnits::new(10), voucher(10).signature());
        assert_eq!(
            moved.check(&domain, &lock()),
            Err(VoucherError::WrongSigner)
        );
    }
    for changed in [
        Lock {
            payee: Address::ZERO,
            ..lock()
        },
        Lock {
            token: Address::ZERO,
            ..lock()
        },
        Lock {
            payer: Address::ZERO,
            ..lock()
        },
        Lock {
            signer: Address::ZERO,
            ..lock()
        },
        Lock {
            salt: Salt(Uint::from(6)),
            ..lock()
        },
    ] {
        assert_eq!(
            voucher(10).check(&domain(), &changed),
            Err(VoucherError::LockMismatch)
        );
        let moved = Voucher::received(
            changed.id(&domain()),
            BaseUnits::new(10),
            voucher(10).signature(),
        );
        assert_eq!(
            moved.check(&domain(), &changed),
            Err(VoucherError::WrongSigner)
        );
    }
    let id: ChannelId = lock().id(&domain());
    let raised = Voucher::received(id, BaseUnits::new(11), voucher(10).signature());
    assert_eq!(
        raised.check(&domain(), &lock()),
        Err(VoucherError::WrongSigner)
    );
    let huge = Voucher::received(id, BaseUnits::new(1 << 104), voucher(10).signature());
    assert_eq!(
        huge.check(&domain(), &lock()),
        Err(VoucherError::CeilingTooLarge)
    );
}

/// The same signature with s mirrored and v flipped: plain ECDSA accepts it, the contract does not.
fn high_s(signature: &[u8; 65]) -> [u8; 65] {
    let order = U256::from_be_bytes(
        b256!("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").0,
    );
    let mut high = *signature;
    let s = order - U256::from_be_slice(&signature[32..64]);
    high[32..64].copy_from_slice(&s.to_be_bytes::<32>());
    high[64] = if signature[64] == 27 { 28 } else { 27 };
    high
}

#[test]
fn only_the_canonical_form_is_a_signature() {
    let good = *voucher(10).signature().as_bytes();
    assert_eq!(
        CanonicalSignature::from_slice(&high_s(&good)),
        Err(SignatureError::HighS)
    );
    for v in [0, 1, 26, 29, 35, 255] {
        let mut bad = good;
        bad[64] = v;
        assert_eq!(
            CanonicalSignature::from_slice(&bad),
            Err(SignatureError::RecoveryByte)
        );
    }
    assert_eq!(
        CanonicalSignature::from_slice(&good[..64]),
        Err(SignatureError::Length(64))
    );
    let long = [&good[..], &[0]].concat();
    assert_eq!(
        CanonicalSignature::from_slice(&long),
        Err(SignatureError::Length(66))
    );
    let mut zero = good;
    zero[..32].fill(0);
    assert_eq!(
        CanonicalSignature::from_slice(&zero),
        Err(SignatureError::OutOfRange)
    );
    for text in ["", "0x", "0xzz", "1234"] {
        assert!(text.parse::<CanonicalSignature>().is_err());
    }
    assert!(
        "0x".to_owned()
            .repeat(1_000_000)
            .parse::<CanonicalSignature>()
            .is_err()
    );
}

#[test]
fn a_flipped_recovery_byte_is_another_signer() {
    let mut flipped = *voucher(10).signature().as_bytes();
    flipped[64] = if flipped[64] == 27 { 28 } else { 27 };
    let flipped = CanonicalSignature::from_slice(&flipped).unwrap();
    let id = lock().id(&domain());
    let presented = Voucher::received(id, BaseUnits::new(10), flipped);
    assert_eq!(
        presented.check(&domain(), &lock()),
        Err(VoucherError::WrongSigner)
    );
}

#[test]
fn text_and_compact_forms_round_trip() {
    let signature = voucher(10).signature();
    assert_eq!(signature.to_string().parse(), Ok(signature));
    let compact = signature.to_compact();
    assert_eq!(compact[32] >> 7 == 1, signature.as_bytes()[64] == 28);
    assert!(!format!("{signature:?}").contains(&signature.to_string()[12..]));
}

proptest! {
    /// No mutation of a good voucher's signature is accepted for it.
    #[test]
    fn a_mutated_signature_is_refused(byte in 0usize..65, flip in 1u8..=255) {
        let mut bytes = *voucher(10).signature().as_bytes();
        bytes[byte] ^= flip;
        if let Ok(signature) = CanonicalSignature::from_slice(&bytes) {
            let id = lock().id(&domain());
            let presented = Voucher::received(id, BaseUnits::new(10), signature);
            prop_assert_eq!(
                presented.check(&domain(), &lock()),
                Err(VoucherError::WrongSigner)
            );
        }
    }

    /// Arbitrary bytes are refused or recover some address; they never panic.
    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(signature) = CanonicalSignature::from_slice(&bytes) {
            let _ = recover_signer(B256::repeat_byte(1), &signature);
        }
    }
}
