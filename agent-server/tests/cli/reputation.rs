//! What was said of an agent, and what it is worth.

use crate::world::World;
use agent_client::buyer::{Answer, Buyer};
use agent_client::chain::bindings::IReputationRegistry::giveFeedbackCall;
use agent_client::egress::EgressPolicy;
use agent_client::settings::ChainSettings;
use agent_client::wallet::PayerKey;
use agent_devnet::DEV_ACCOUNTS;
use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn feedback_counts_by_its_evidence() {
    let mut world = World::new().await;
    let url = world.sell().await;
    let said = rated(&mut world, &url).await;

    // By number, and by the whole name.
    let explained = world
        .buyer(&["trust", "explain", "0", "--json"])
        .await
        .json(0);
    assert_eq!(explained["trust"]["items_counted"], 1);
    assert_eq!(explained["trust"]["paid_base_units"], "1000");
    assert!(explained["trust"]["expectation_ppm"].as_u64().unwrap() > 500_000);
    let item = &explained["items"][0];
    assert_eq!(item["evidence"], "E2");
    assert_eq!(item["value"], "90");
    assert_eq!(item["reviewer"], said);
    assert_eq!(item["paid"], "0.001 USDC");
    assert_eq!(item["unused"], Value::Null);
    let name = explained["agent"].as_str().unwrap();
    let words = world.buyer(&["trust", "explain", name]).await;
    assert!(
        words.text().contains("the chain confirms the payment"),
        "{words:?}"
    );
    let verified = world
        .buyer(&["feedback", "verify", name, "--json"])
        .await
        .json(0);
    assert_eq!(verified["confirmed"], 1);

    // A stranger's word is listed, and proves nothing.
    slander(&world);
    let listed = world.buyer(&["feedback", "list", "0"]).await;
    assert_eq!(listed.text().lines().count(), 2, "{listed:?}");
    assert!(listed.text().contains("E0 bare"), "{listed:?}");
    // What would turn the terminal's text around is shown as what it is.
    assert!(listed.text().contains("\\u{202e}"), "{listed:?}");
    let verified = world.buyer(&["feedback", "verify", "0", "--json"]).await;
    assert!(verified.stdout.contains("\\u202e"), "{verified:?}");
    let verified = verified.json(1);
    assert_eq!(verified["items"][0]["unused"], "weak_evidence");
    assert_eq!(verified["items"][0]["tag2"], "\u{202e}x");
    let after = world
        .buyer(&["trust", "explain", "0", "--json"])
        .await
        .json(0);
    assert_eq!(
        after["trust"]["expectation_ppm"],
        explained["trust"]["expectation_ppm"]
    );
}

/// A buyer pays, the seller claims, the buyer rates; gives the buyer's address.
async fn rated(world: &mut World, url: &str) -> String {
    let account = DEV_ACCOUNTS[3];
    let key = PayerKey::from_hex(account.private_key).unwrap();
    let settings = ChainSettings::devnet(world.devnet.url());
    let buyer = Buyer::builder(settings, key, world.dir.path().join("rater-data"))
        .egress(EgressPolicy::strict().allow_loopback())
        .open()
        .await
        .unwrap();
    let seller = buyer.connect(url).await.unwrap();
    let ask = json!({"text": "hi"});
    let answer: Answer<Value> = Box::pin(seller.ask_in_full("shout", &ask)).await.unwrap();
    world.kill_seller().await;
    world.agent(&["settle"]).await.text();
    let given = buyer.rate(&answer.paid.unwrap(), 90).await.unwrap();
    let mined = buyer.feedback().wait(given.id, Duration::from_secs(60));
    mined.await.unwrap();
    buyer.close().await;
    account.address.to_string()
}

/// Somebody who never paid rates agent 0, under a tag with a trap for terminals.
fn slander(world: &World) {
    let call = giveFeedbackCall {
        agentId: U256::ZERO,
        value: 1,
        valueDecimals: 0,
        tag1: "starred".to_owned(),
        tag2: "\u{202e}x".to_owned(),
        endpoint: String::new(),
        feedbackURI: String::new(),
        feedbackHash: B256::ZERO,
    };
    let request = TransactionRequest {
        from: Some(DEV_ACCOUNTS[4].address),
        to: Some(world.devnet.contracts().reputation.into()),
        input: call.abi_encode().into(),
        ..TransactionRequest::default()
    };
    let receipt = world.devnet.chain().transact(request).unwrap();
    assert!(receipt.status());
}
