//! Finding, asking, and where the money is afterwards.

use crate::world::World;
use agent_devnet::DEV_ACCOUNTS;

const PRICE: &str = "1000";

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_finds_asks_and_takes_back_and_a_seller_claims() {
    let mut world = World::new().await;
    let url = world.sell().await;
    let (seller, buyer) = (DEV_ACCOUNTS[1].address, DEV_ACCOUNTS[2].address);

    // Found, with reasons; who is too dear is left out, and a script notices that nobody is left.
    let query = [
        "find",
        "shout",
        "--max-price",
        "0.01 USDC",
        "--min-trust",
        "0.6",
    ];
    let query = [&query[..], &["--tag", "text", "--json"]].concat();
    let found = world.buyer(&query);
    let found = found.await.json(0);
    let first = &found["candidates"][0];
    assert_eq!(first["name"], "shouter");
    assert_eq!(first["price"]["amount"], "0.001 USDC");
    assert_eq!(first["trust"]["uncertainty_ppm"], 1_000_000);
    assert!(!first["reasons"].as_array().unwrap().is_empty());
    let found = world.buyer(&[
        "find",
        "shout",
        "--max-price",
        "0.0001 USDC",
        "-v",
        "--json",
    ]);
    let found = found.await.json(1);
    assert_eq!(found["candidates"].as_array().unwrap().len(), 0);
    assert_eq!(found["left_out"][0]["code"], "price");

    // Its card, for people and whole.
    let card = world.buyer(&["card", &url]).await;
    assert!(card.text().contains("0.001 USDC per task"), "{card:?}");
    assert!(card.text().contains(", verified"), "{card:?}");
    let card = world.buyer(&["card", &url, "--json"]).await.json(0);
    assert_eq!(card["skills"][0]["id"], "shout");

    // A rehearsal costs nothing; the real thing is in the wallet's books.
    let rehearsal = world
        .buyer(&["ask", &url, "shout", "hello", "--dry-run"])
        .await;
    assert_eq!(rehearsal.text(), "");
    assert!(
        rehearsal
            .stderr
            .contains("0.001 USDC on eip155:84532 to 0x")
    );
    let answer = world
        .buyer(&["ask", &url, "shout", "hello", "--json"])
        .await
        .json(0);
    assert_eq!(answer["output"]["text"], "HELLO");
    assert_eq!(answer["charged_base_units"], PRICE);
    let answer = world.buyer(&["ask", &url, "shout", "again"]).await;
    assert_eq!(answer.text(), "AGAIN\n");
    let wallet = world.buyer(&["wallet", "show", "--json"]).await.json(0);
    assert_eq!(wallet["sums"]["charged"]["amount"], "0.002 USDC");
    assert_eq!(wallet["sums"]["claimed"]["amount"], "0 USDC");
    assert_eq!(wallet["payments"]["charged"], 2);
    assert_eq!(wallet["locks"][0]["payee"], seller.to_string());
    assert_eq!(wallet["locks"][0]["state"], "open");

    // The books of a seller that runs are its own.
    for command in [&["ledger", "verify"][..], &["ledger"], &["settle"]] {
        let refused = world.agent(command).await;
        assert_eq!(refused.status, 1, "{refused:?}");
        assert!(refused.stderr.contains("stop it first"), "{refused:?}");
    }
    world.kill_seller().await;

    let ledger = world.agent(&["ledger", "verify", "--json"]).await.json(0);
    assert_eq!(ledger["right"], true);
    let ledger = world.agent(&["ledger", "show", "--json"]).await.json(0);
    assert_eq!(ledger["sums"]["unclaimed"]["amount"], "0.002 USDC");
    assert_eq!(ledger["payments"]["charged"], 2);
    assert_eq!(ledger["locks"][0]["payer"], buyer.to_string());

    let planned = world
        .agent(&["settle", "--dry-run", "--json"])
        .await
        .json(0);
    assert_eq!(planned["claims"][0]["claimable"]["amount"], "0.002 USDC");
    assert_eq!(planned["claims"][0]["recipient"], seller.to_string());
    let settled = world.agent(&["settle", "--json"]).await.json(0);
    assert_eq!(settled["transactions"], 1);
    assert_eq!(settled["transaction_hashes"].as_array().unwrap().len(), 1);
    assert_eq!(settled["claimed"]["base_units"], "2000");
    assert!(settled["gas_used"].as_u64().unwrap() > 0);
    let settled = world.agent(&["settle"]).await;
    assert!(
        settled.text().starts_with("claimed 0 USDC on eip155:84532"),
        "{settled:?}"
    );

    // Nothing comes back before its time, all that is left after it, and only once.
    let early = world.buyer(&["wallet", "reclaim", "--json"]).await.json(0);
    assert_eq!(early["locks"].as_array().unwrap().len(), 0);
    world.travel(2 * 3_600);
    let planned = world.buyer(&["wallet", "reclaim", "--dry-run"]).await;
    let line = planned.text();
    assert!(
        line.contains(&format!(" USDC on eip155:84532 to {buyer} from lock 0x")),
        "{line}"
    );
    let taken = world.buyer(&["wallet", "reclaim", "--json"]).await.json(0);
    let returned = taken["locks"][0]["left"]["base_units"].as_str().unwrap();
    let wallet = world.buyer(&["wallet", "--json"]).await.json(0);
    assert_eq!(wallet["sums"]["returned"]["base_units"], returned);
    assert_eq!(wallet["sums"]["claimed"]["base_units"], "2000");
    assert_eq!(wallet["locks"].as_array().unwrap().len(), 0);
    let again = world.buyer(&["wallet", "reclaim", "--json"]).await.json(0);
    assert_eq!(again["locks"].as_array().unwrap().len(), 0);
}
