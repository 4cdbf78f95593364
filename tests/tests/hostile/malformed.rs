//! Signatures in forms that the contract would refuse, and what is no payment at all.

use super::forgeries::{all_refused, good};
use agent_tests::e2e::{PRICE, Payment, Shop};
use alloy_primitives::{U256, b256};
use serde_json::json;

#[tokio::test]
async fn a_signature_in_any_form_but_the_contracts_is_refused() {
    let shop = Shop::open().await;
    let purse = shop.purse(100_000);
    let good_signature = purse.signature(PRICE);
    let order = U256::from_be_bytes(
        b256!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").0,
    );
    let mut high = good_signature;
    let s = U256::from_be_slice(&good_signature[32..64]);
    high[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
    high[64] ^= 27 ^ 28;
    let v = |v: u8| {
        let mut signature = good_signature;
        signature[64] = v;
        good(&purse).signed(&signature)
    };
    let zeroed = |range: std::ops::Range<usize>| {
        let mut signature = good_signature;
        signature[range].fill(0);
        good(&purse).signed(&signature)
    };
    let text = |text: &str| good(&purse).with("payload.voucher.signature", text);
    let long = format!("0x{}", "ab".repeat(100_000));
    let hex = alloy_primitives::hex::encode(good_signature);
    let table = vec![
        (
            "high s",
            good(&purse).signed(&high),
            "invalid_z402_signature_high_s",
        ),
        ("v = 0", v(0), "invalid_z402_signature_v"),
        ("v = 1", v(1), "invalid_z402_signature_v"),
        ("v = 29", v(29), "invalid_z402_signature_v"),
        ("v of EIP-155", v(37), "invalid_z402_signature_v"),
        (
            "64 bytes",
            good(&purse).signed(&good_signature[..64]),
            "invalid_z402_signature_length",
        ),
        (
            "66 bytes",
            good(&purse).signed(&[&good_signature[..], &[0]].concat()),
            "invalid_z402_signature_length",
        ),
        ("nothing", text("0x"), "invalid_z402_signature_length"),
        ("very long", text(&long), "invalid_z402_signature_length"),
        ("no 0x", text(&hex), "invalid_z402_signature_hex"),
        (
            "odd",
            text(&format!("0x{}", &hex[1..])),
            "invalid_z402_signature_hex",
        ),
        (
            "not hex",
            text(&format!("0x{}zz", &hex[2..])),
            "invalid_z402_signature_hex",
        ),
        ("empty", text(""), "invalid_z402_signature_hex"),
        ("r = 0", zeroed(0..32), "invalid_z402_signature_range"),
        ("s = 0", zeroed(32..64), "invalid_z402_signature_range"),
    ];
    all_refused(&shop, table).await;
}

#[tokio::test]
async fn what_is_no_payment_is_refused_by_its_part() {
    let shop = Shop::open().await;
    let purse = shop.purse(100_000);
    let raw = |value: serde_json::Value| Payment(value);
    let bad = "invalid_payload";
    let id = "invalid_payment_identifier";
    let named = |text: &str| good(&purse).named(text);
    let table = vec![
        ("null", raw(json!(null)), bad),
        ("a word", raw(json!("please")), bad),
        ("a list", raw(json!([])), bad),
        ("empty", raw(json!({})), bad),
        ("no payload", good(&purse).with("payload", json!({})), bad),
        (
            "unknown type",
            good(&purse).with("payload.type", "cheque"),
            bad,
        ),
        (
            "negative ceiling",
            good(&purse).with("payload.voucher.maxClaimableAmount", "-1"),
            bad,
        ),
        ("fraction", good(&purse).with("accepted.amount", "0.1"), bad),
        (
            "2^128",
            good(&purse).with(
                "payload.voucher.maxClaimableAmount",
                "340282366920938463463374607431768211456",
            ),
            bad,
        ),
        (
            "beyond any lock",
            good(&purse).with(
                "payload.voucher.maxClaimableAmount",
                (u128::MAX).to_string(),
            ),
            "invalid_z402_ceiling_too_large",
        ),
        (
            "short channel id",
            good(&purse).with("payload.voucher.channelId", "0x11"),
            bad,
        ),
        (
            "salt of 2^96",
            good(&purse).with("payload.lock.salt", "79228162514264337593543950336"),
            bad,
        ),
        (
            "version 1",
            good(&purse).with("x402Version", 1),
            "invalid_x402_version",
        ),
        (
            "mode x",
            good(&purse).with("mode", "x"),
            "unsupported_scheme",
        ),
        (
            "exact",
            good(&purse).with("accepted.scheme", "exact"),
            "unsupported_scheme",
        ),
        (
            "no id",
            good(&purse).without("extensions.payment-identifier"),
            id,
        ),
        (
            "id of nothing",
            good(&purse).without("extensions.payment-identifier.info.id"),
            id,
        ),
        ("short id", named("short"), id),
        ("long id", named(&"x".repeat(129)), id),
        ("id with blanks", named("sixteen letters and a blank"), id),
        (
            "id of a number",
            good(&purse).with("extensions.payment-identifier.info.id", 7),
            bad,
        ),
    ];
    all_refused(&shop, table).await;
}
