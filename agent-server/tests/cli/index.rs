//! The index on disk: filled from the chain, and asked when nobody else answers.

use crate::world::World;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_index_answers_when_nobody_else_does() {
    let mut world = World::new().await;
    let empty = world.buyer(&["index", "status"]).await;
    assert!(empty.text().contains("the index is empty"), "{empty:?}");
    world.sell().await;

    let synced = world.buyer(&["index", "sync", "--json"]).await.json(0);
    let registry = &synced["registries"][0];
    assert_eq!(
        (&registry["agents"], &registry["gaps"]),
        (&json!(1), &json!(0))
    );
    world.kill_seller().await;

    let cheap = [
        "index", "search", "shou", "--skill", "shout", "--tag", "text",
    ];
    let price = |amount| [&cheap[..], &["--max-price", amount, "--json"]].concat();
    let found = world.buyer(&price("0.01 USDC")).await.json(0);
    let hit = &found["hits"][0];
    assert_eq!(
        (&hit["name"], &hit["problem"]),
        (&json!("shouter"), &json!(null))
    );
    assert_eq!(hit["offers"][0]["price"]["amount"], "0.001 USDC");
    assert!(found["staleness_ms"].as_u64().is_some());
    let found = world.buyer(&price("0.0001 USDC")).await.json(0);
    assert_eq!(found["hits"], json!([]));
    let none = ["index", "search", "--chain", "1", "--live-within", "1"];
    let words = world.buyer(&none).await;
    assert_eq!(words.text(), "");
    assert!(words.stderr.contains("0 found; the index was"), "{words:?}");

    // What makes no sense is refused as such.
    let wrong = world
        .buyer(&["index", "search", "--max-price", "cheap"])
        .await;
    assert_eq!(wrong.status, 2, "{wrong:?}");
}
