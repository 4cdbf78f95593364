//! Two copies of one wallet, and an old one that is started again.

use crate::street::{BUYER, PRICE};
use agent_client::buyer::{AskError, Budget, Buyer, Seller};
use agent_client::egress::EgressPolicy;
use agent_client::wallet::PayerKey;
use agent_devnet::DEV_ACCOUNTS;
use agent_tests::e2e::{Said, Shop};
use serde_json::json;
use std::path::Path;

async fn buyer(shop: &Shop, files: &Path) -> Buyer {
    let budget = Budget {
        per_payment: "0.01 USDC".parse().ok(),
        ..Budget::default()
    };
    let key = PayerKey::from_hex(DEV_ACCOUNTS[BUYER].private_key).unwrap();
    let builder = Buyer::builder(shop.settings.clone(), key, files)
        .policy(budget.policy(&shop.settings).unwrap())
        .egress(EgressPolicy::strict().allow_loopback());
    Box::pin(builder.open()).await.unwrap()
}

async fn meets(buyer: &Buyer, shop: &Shop) -> Seller {
    let url = shop.agent().url().to_string();
    Box::pin(buyer.connect(&url)).await.unwrap()
}

async fn ask(seller: &Seller, text: &str) -> Result<u128, AskError> {
    let asked = json!({ "text": text });
    let answer = Box::pin(seller.ask_in_full::<_, Said>("echo", &asked)).await?;
    assert_eq!(answer.output.text, text);
    Ok(answer.paid.expect("it costs something").charged.get())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// One call of a whole buyer, with files of its own; what was charged.
pub async fn buys_one(shop: &Shop) -> u128 {
    let files = tempfile::tempdir().unwrap();
    let buyer = buyer(shop, files.path()).await;
    let charged = ask(&meets(&buyer, shop).await, "one").await.unwrap();
    println!("{buyer:?}");
    buyer.close().await;
    charged
}

/// An old backup signs ceilings again that were used. They buy nothing, and cost nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_backup_pays_for_nothing_twice_and_loses_no_more_than_it_is_served() {
    let shop = Shop::open().await;
    let files = tempfile::tempdir().unwrap();
    let (now, old) = (files.path().join("now"), files.path().join("old"));
    let first = buyer(&shop, &now).await;
    let seller = meets(&first, &shop).await;
    assert_eq!(ask(&seller, "before").await.unwrap(), PRICE);
    first.close().await;
    copy(&now, &old);
    // The newest file goes on for a while.
    let newest = buyer(&shop, &now).await;
    let seller = meets(&newest, &shop).await;
    for call in 0..5 {
        assert_eq!(ask(&seller, &format!("now {call}")).await.unwrap(), PRICE);
    }
    newest.close().await;
    shop.assert_books(6 * PRICE, 6, 0, 0).await;
    // The backup counts one call where there were six.
    let backup = buyer(&shop, &old).await;
    let seller = meets(&backup, &shop).await;
    let mut served = 0;
    for call in 0..5 {
        served += ask(&seller, &format!("old {call}")).await.unwrap_or(0);
    }
    // What is paid in the end is what was served: not a call less or more.
    let charged = 6 * PRICE + served;
    let posted = u64::try_from(charged / PRICE).unwrap();
    shop.assert_books(charged, posted, 0, 0).await;
    shop.agent()
        .settle_now(agent_tests::e2e::WAIT)
        .await
        .unwrap();
    assert_eq!(shop.earned(), charged);
    backup.close().await;
}
