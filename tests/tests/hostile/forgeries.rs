//! Payments that are for somebody else, signed by somebody else, or not payments at all.

use agent_core::voucher::EscrowDomain;
use agent_tests::e2e::{PRICE, Payment, Purse, Shop};
use agent_tests::world;
use alloy_primitives::{U256, b256};
use serde_json::json;

/// Sends each payment and holds what the seller says against the table; none is taken.
async fn all_refused(shop: &Shop, table: Vec<(&str, Payment, &str)>) {
    let peer = shop.peer();
    for (what, payment, code) in table {
        let answer = peer.pay("echo", "x", &payment).await;
        assert_eq!(answer.state(), "INPUT_REQUIRED", "{what}: {answer:?}");
        assert_eq!(answer.payment_error(), code, "{what}: {answer:?}");
        assert_eq!(answer.payment_status(), "payment-failed", "{what}");
        assert_eq!(answer.required()["error"], code, "{what}");
        assert_eq!(
            answer.required()["accepts"][0]["amount"],
            PRICE.to_string(),
            "{what}"
        );
        assert_eq!(answer.receipt()["success"], false, "{what}");
        assert!(
            answer.text().starts_with("Payment was not accepted: "),
            "{what}: {answer:?}"
        );
        assert!(
            answer.task()["artifacts"]
                .as_array()
                .is_none_or(Vec::is_empty),
            "{what}"
        );
    }
    assert_eq!(shop.floor.all_runs(), 0);
    shop.assert_untouched().await;
}

fn good(purse: &Purse) -> Payment {
    purse.payment(PRICE, PRICE)
}

#[tokio::test]
async fn a_payment_for_something_else_is_refused_and_says_for_what() {
    let shop = Shop::open().await;
    let purse = shop.purse(100_000);
    let stranger = world::account(9).to_string();
    let payee = |p: Payment| p.with("payload.lock.payee", stranger.as_str());
    let token = |p: Payment| p.with("payload.lock.token", stranger.as_str());
    let table = vec![
        (
            "chain",
            good(&purse).with("accepted.network", "eip155:1"),
            "invalid_z402_network_mismatch",
        ),
        (
            "chain",
            good(&purse).with("accepted.network", ""),
            "invalid_z402_network_mismatch",
        ),
        (
            "asset",
            good(&purse).with("accepted.asset", stranger.as_str()),
            "invalid_z402_token_mismatch",
        ),
        ("token", token(good(&purse)), "invalid_z402_token_mismatch"),
        (
            "pay to",
            good(&purse).with("accepted.payTo", stranger.as_str()),
            "invalid_z402_payee_mismatch",
        ),
        ("payee", payee(good(&purse)), "invalid_z402_payee_mismatch"),
        (
            "contract",
            good(&purse).with("accepted.extra.contract", stranger.as_str()),
            "invalid_z402_contract_mismatch",
        ),
        (
            "no contract",
            good(&purse).without("accepted.extra.contract"),
            "invalid_z402_contract_mismatch",
        ),
        (
            "payer",
            good(&purse).with("payload.lock.payer", stranger.as_str()),
            "invalid_z402_channel_id_mismatch",
        ),
        (
            "salt",
            good(&purse).with("payload.lock.salt", "77"),
            "invalid_z402_channel_id_mismatch",
        ),
        (
            "id",
            good(&purse).with(
                "payload.voucher.channelId",
                format!("0x{}", "11".repeat(32)),
            ),
            "invalid_z402_channel_id_mismatch",
        ),
        (
            "nobody",
            good(&purse).with("payload.lock.signer", format!("0x{}", "00".repeat(20))),
            "invalid_z402_lock",
        ),
        (
            "amount",
            good(&purse).with("accepted.amount", "999"),
            "invalid_z402_amount_too_low",
        ),
        (
            "nothing",
            good(&purse).with("accepted.amount", "0"),
            "invalid_z402_amount_too_low",
        ),
    ];
    all_refused(&shop, table).await;
    let paid = shop.peer().pay("echo", "x", &good(&purse)).await;
    assert_eq!(paid.state(), "COMPLETED", "{paid:?}");
}

#[tokio::test]
async fn a_voucher_signed_for_another_chain_or_contract_or_by_another_is_refused() {
    let shop = Shop::open().await;
    let purse = shop.purse(100_000);
    let under = |domain: EscrowDomain| {
        // The attacker keeps our lock's id and signs it under its own domain.
        let id = purse.lock.id(&purse.domain);
        let digest = domain.voucher_digest(id, agent_core::money::BaseUnits::new(PRICE));
        good(&purse).signed(&agent_tests::sign::hash(&purse.key, digest))
    };
    let (chain, contract) = (purse.domain.chain_id(), purse.domain.contract());
    let other_chain = EscrowDomain::new(chain + 1, contract);
    let other_contract = EscrowDomain::new(chain, world::account(9));
    let thief = {
        let id = purse.lock.id(&purse.domain);
        let digest = purse
            .domain
            .voucher_digest(id, agent_core::money::BaseUnits::new(PRICE));
        good(&purse).signed(&agent_tests::sign::hash(&world::key(6), digest))
    };
    let wrong = "invalid_z402_voucher_signature";
    let mut flipped = purse.signature(PRICE);
    flipped[64] ^= 27 ^ 28;
    let elsewhere = |domain: &EscrowDomain| {
        good(&purse).with(
            "payload.voucher.channelId",
            purse.lock.id(domain).to_string(),
        )
    };
    let table = vec![
        ("other chain's digest", under(other_chain), wrong),
        ("other contract's digest", under(other_contract), wrong),
        (
            "other chain's lock",
            elsewhere(&other_chain),
            "invalid_z402_channel_id_mismatch",
        ),
        (
            "other contract's lock",
            elsewhere(&other_contract),
            "invalid_z402_channel_id_mismatch",
        ),
        ("a thief's", thief, wrong),
        ("the other parity", good(&purse).signed(&flipped), wrong),
        (
            "another ceiling's",
            good(&purse).signed(&purse.signature(PRICE + 1)),
            wrong,
        ),
        (
            "raised by hand",
            good(&purse).with("payload.voucher.maxClaimableAmount", "2000"),
            wrong,
        ),
        (
            "another lock's",
            good(&purse).signed(&shop.purse(5_000).signature(PRICE)),
            wrong,
        ),
    ];
    all_refused(&shop, table).await;
}

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

#[tokio::test]
async fn a_lock_that_the_chain_does_not_know_is_refused() {
    let shop = Shop::open().await;
    let mut unopened = shop.purse(100_000);
    unopened.lock.salt = agent_core::voucher::Salt(alloy_primitives::aliases::U96::from(987_654));
    all_refused(
        &shop,
        vec![("unopened", good(&unopened), "invalid_z402_lock_unknown")],
    )
    .await;
}
