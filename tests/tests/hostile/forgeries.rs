//! Payments that are for somebody else or signed by somebody else.

use agent_core::voucher::EscrowDomain;
use agent_tests::e2e::{PRICE, Payment, Purse, Shop};
use agent_tests::world;

/// Sends each payment and holds what the seller says against the table; none is taken.
pub(super) async fn all_refused(shop: &Shop, table: Vec<(&str, Payment, &str)>) {
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

pub(super) fn good(purse: &Purse) -> Payment {
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
