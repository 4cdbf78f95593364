//! `buyer.toml`: what it says and what it must not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use agent_client::buyer::{Buyer, BuyerConfig, BuyerError};
use agent_client::settings::ChainSettings;
use agent_core::money::BaseUnits;

const KEY: &str = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

#[test]
fn amounts_are_text_with_a_unit_and_the_rest_has_bounds() {
    let config = BuyerConfig::parse(
        r#"
        chain = "devnet"
        key = { env = "PAYER" }
        [budget]
        per_payment = "0.01 USDC"
        [trust]
        half_life_days = 30
        require_identity = true
        "#,
    )
    .unwrap();
    let policy = config.budget.policy(&config.chain).unwrap();
    assert_eq!(policy.per_payment, BaseUnits::new(10_000));
    assert_eq!(policy.per_hour, BaseUnits::new(1_000_000));
    assert_eq!(policy.max_lock_secs, 86_400);
    assert!(!policy.killed);
    assert_eq!(
        config
            .trust
            .policy(&config.chain)
            .unwrap()
            .score
            .half_life_secs
            .get(),
        2_592_000
    );
}

#[test]
fn mistakes_are_told_with_their_line_and_without_its_text() {
    for (text, line) in [
        (
            "chain = \"devnet\"\nkey = { env = \"P\" }\nkeys = 1\n",
            "line 3",
        ),
        ("chain = \"mainnet\"\nkey = { env = \"P\" }\n", "line 1"),
        (
            "chain = \"devnet\"\nkey = { env = \"P\" }\n[budget]\nper_payment = 0.01\n",
            "line 4",
        ),
        ("chain = \"devnet\"\nkey = { hex = \"c0ffee\" }\n", "line 2"),
        (
            "chain = \"devnet\"\nkey = { env = \"P\" }\n[budget]\nper_day = \"1\"\n",
            "line 4",
        ),
    ] {
        let error = BuyerConfig::parse(text).unwrap_err();
        assert!(error.starts_with(line), "{text}: {error}");
        assert!(!error.contains("c0ffee"));
    }
}

#[test]
fn an_amount_of_another_token_is_refused_when_it_is_used() {
    let text = "chain = \"devnet\"\nkey = { env = \"P\" }\n[budget]\nper_day = \"1 EURC\"\n";
    let config = BuyerConfig::parse(text).unwrap();
    let error = config
        .budget
        .policy(&ChainSettings::devnet("http://127.0.0.1:1"))
        .unwrap_err();
    assert!(
        matches!(
            error,
            BuyerError::Amount {
                what: "budget.per_day",
                ..
            }
        ),
        "{error}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_buyer_opens_from_its_file_with_paths_beside_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (config, key) = (dir.path().join("buyer.toml"), dir.path().join("payer.key"));
    std::fs::write(
        &config,
        "chain = \"devnet\"\nkey = { file = \"payer.key\" }\n",
    )
    .unwrap();
    std::fs::write(&key, KEY).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        Buyer::open(&config).await.unwrap_err().code(),
        "key_file_too_open"
    );

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let buyer = Buyer::open(&config).await.unwrap();
    assert!(dir.path().join("buyer-data/wallet.db").exists());
    buyer.close().await;

    let none = Buyer::open(dir.path().join("none.toml")).await.unwrap_err();
    assert_eq!(none.code(), "buyer.file");
}
