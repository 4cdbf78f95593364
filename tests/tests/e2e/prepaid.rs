//! One signature for many calls, between a buyer and a seller as they are shipped.

use agent_client::buyer::{Budget, Buyer, Seller};
use agent_client::egress::EgressPolicy;
use agent_client::wallet::PayerKey;
use agent_core::clock::Clock;
use agent_core::money::BaseUnits;
use agent_devnet::DEV_ACCOUNTS;
use agent_tests::e2e::{BUYER, PRICE, Said, Shift, Shop};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Fifteen calls further than the one that is paid.
const AHEAD: u128 = 15 * PRICE;

async fn customer(shop: &Shop, files: &Path) -> Seller {
    let bound = || "5 USDC".parse().ok();
    let budget = Budget {
        per_payment: "0.01 USDC".parse().ok(),
        per_hour: bound(),
        per_day: bound(),
        per_payee_per_day: bound(),
        per_lock: bound(),
        locked_total: "20 USDC".parse().ok(),
        ..Budget::default()
    };
    let mut policy = budget.policy(&shop.settings).unwrap();
    policy.rules.prepaid_ahead_base_units = BaseUnits::new(AHEAD);
    let key = PayerKey::from_hex(DEV_ACCOUNTS[BUYER].private_key).unwrap();
    let builder = Buyer::builder(shop.settings.clone(), key, files.join("buyer"))
        .policy(policy)
        .wallet(|wallet| wallet.lock_secs = 80_000)
        .egress(EgressPolicy::strict().allow_loopback());
    let buyer = Box::pin(builder.open()).await.unwrap();
    buyer.connect(shop.agent().url().as_str()).await.unwrap()
}

fn work() -> Value {
    json!({ "text": "hi" })
}

async fn call(seller: &Seller) {
    let work = work();
    let answer = Box::pin(seller.ask_in_full::<_, Said>("echo", &work)).await;
    let paid = answer.unwrap().paid.unwrap();
    assert_eq!(paid.charged.get(), PRICE);
}

/// What the buyer signed, after its books were counted anew.
async fn signed(seller: &Seller) -> u128 {
    let wallet = seller.buyer().wallet();
    wallet.verify().await.unwrap();
    wallet.books().await.unwrap().signed.get()
}

#[tokio::test]
async fn sixteen_calls_are_paid_with_one_signature() {
    let (shop, files) = (Shop::open().await, tempfile::tempdir().unwrap());
    let seller = customer(&shop, files.path()).await;
    for _ in 0..16 {
        call(&seller).await;
        assert_eq!(signed(&seller).await, 16 * PRICE, "signed once");
    }
    shop.assert_books(16 * PRICE, 16, 0, 0).await;
    call(&seller).await;
    assert_eq!(signed(&seller).await, 32 * PRICE);
    shop.assert_books(17 * PRICE, 17, 0, 0).await;
}

#[tokio::test]
async fn many_at_once_share_what_was_signed() {
    let (shop, files) = (Shop::open().await, tempfile::tempdir().unwrap());
    let seller = customer(&shop, files.path()).await;
    for _ in 0..4 {
        join_all((0..16).map(|_| call(&seller))).await;
    }
    shop.assert_books(64 * PRICE, 64, 0, 0).await;
    let bound = 64 * PRICE + AHEAD + 64;
    assert!(
        signed(&seller).await <= bound,
        "no further ahead than allowed"
    );
}

#[tokio::test]
async fn a_seller_that_was_restarted_takes_the_credit_it_gave() {
    let (mut shop, files) = (Shop::open().await, tempfile::tempdir().unwrap());
    let seller = customer(&shop, files.path()).await;
    call(&seller).await;
    let port = shop.agent().url().port().unwrap();
    shop.config.listen.set_port(port);
    shop.stop().await;
    shop.start().await;
    call(&seller).await;
    assert_eq!(signed(&seller).await, 16 * PRICE, "nothing was signed anew");
    shop.assert_books(2 * PRICE, 2, 0, 0).await;
}

#[tokio::test]
async fn credit_that_the_seller_calls_expired_costs_a_signature_and_no_more() {
    let (mut shop, files) = (Shop::closed().await, tempfile::tempdir().unwrap());
    let clock = Arc::<Shift>::default();
    let theirs: Arc<dyn Clock> = Arc::<Shift>::clone(&clock);
    shop.set_clock(theirs);
    shop.start().await;
    let seller = customer(&shop, files.path()).await;
    call(&seller).await;
    // Longer than a token is good, by the seller's clock only.
    clock.by_secs(3_601);
    call(&seller).await;
    // One unit for a fresh voucher, and one for each that came before the next look at the chain.
    let raised = signed(&seller).await - 16 * PRICE;
    assert!((1..=4).contains(&raised), "{raised}");
    assert_eq!(shop.books().await.charged.get(), 2 * PRICE);
}
