//! The payer's key: where it may come from and what it signs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod wallet_support;

use agent_client::wallet::{KeyError, PayerKey, opening_nonce};
use agent_core::{
    money::BaseUnits,
    voucher::{ChannelId, recover_signer},
};
use alloy_primitives::{B256, U256, address, keccak256};
use alloy_signer::SignerSync as _;
use wallet_support::{KEY, domain, key};

#[test]
fn a_known_key_has_its_known_address_in_every_form() {
    let expected = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
    for text in [KEY, &KEY[2..], &format!(" {KEY}\n")] {
        assert_eq!(PayerKey::from_hex(text).unwrap().address(), expected);
    }
    assert_eq!(key().to_signer().unwrap().address(), expected);
    assert_eq!(format!("{:?}", key()), format!("PayerKey({expected:?})"));
}

#[test]
fn both_signers_agree_byte_for_byte() {
    let digest = domain().voucher_digest(ChannelId(B256::repeat_byte(3)), BaseUnits::new(9));
    let ours = key().sign(digest);
    let theirs = key().to_signer().unwrap().sign_hash_sync(&digest).unwrap();
    assert_eq!(ours.as_bytes(), &theirs.as_bytes());
    assert_eq!(recover_signer(digest, &ours), Some(key().address()));
}

#[test]
fn the_opening_nonce_is_the_contracts() {
    let (id, salt) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let words = [id, B256::from(U256::from(77)), salt].concat();
    assert_eq!(opening_nonce(ChannelId(id), 77, salt), keccak256(words));
}

#[test]
fn what_is_not_a_key_is_refused_without_repeating_it() {
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    for text in [
        "",
        "0x",
        "12",
        &"00".repeat(32),
        order,
        &"zz".repeat(32),
        &"11".repeat(33),
    ] {
        let error = PayerKey::from_hex(text).unwrap_err();
        assert!(matches!(error, KeyError::NotAKey));
        assert!(text.is_empty() || text.len() < 10 || !error.to_string().contains(text));
    }
}

#[cfg(unix)]
#[test]
fn a_key_file_is_its_owners_alone() {
    use std::{fs, os::unix::fs::PermissionsExt as _};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    fs::write(&path, KEY).unwrap();
    for (mode, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let read = PayerKey::from_file(&path);
        assert_eq!(read.is_ok(), fine, "{mode:o}");
        if let Err(error) = read {
            assert_eq!(error.code(), "key_file_too_open");
        }
    }
    let missing = PayerKey::from_file(dir.path().join("none")).unwrap_err();
    assert_eq!(missing.code(), "key_file_unreadable");
    let unset = PayerKey::from_env("AGENT_WALLET_TEST_KEY_THAT_IS_NOT_SET").unwrap_err();
    assert_eq!(unset.code(), "key_variable_missing");
}
