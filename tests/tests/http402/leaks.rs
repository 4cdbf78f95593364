//! Shared caches between a buyer and a seller: what one paid for is for nobody else.

use crate::counter::Counter;
use crate::wire::{Ask, Reply, get};
use agent_tests::e2e::PRICE;
use std::collections::HashMap;

#[tokio::test]
async fn no_cache_is_told_to_keep_what_was_paid_for() {
    let counter = Counter::open().await;
    let payment = counter.purse(PRICE).payment(PRICE, PRICE);
    let ask = get("/a/cached").paid(&payment);
    let first = ask.to(counter.address).await;
    first.assert_private();
    // What a handler forges is not the receipt; what it sets for one client is not given to another.
    assert_eq!(first.charged(), Some(PRICE));
    assert_eq!(first.header("set-cookie"), "session=1");
    let again = ask.to(counter.address).await;
    again.assert_private();
    assert_eq!(
        (
            again.header("set-cookie").as_str(),
            again.header("x-kept").as_str()
        ),
        ("", "yes")
    );
}

/// A cache that keeps everything that says nothing against it, under the address alone.
#[tokio::test]
async fn a_greedy_cache_gives_nobody_what_another_paid_for() {
    let counter = Counter::open().await;
    let mut cache: HashMap<String, Reply> = HashMap::new();
    let mut through = async |ask: &Ask| {
        if let Some(kept) = cache.get(&ask.path) {
            return kept.clone();
        }
        let reply = ask.to(counter.address).await;
        if !reply.header("cache-control").contains("no-store") {
            cache.insert(ask.path.clone(), reply.clone());
        }
        reply
    };
    let payment = counter.purse(PRICE).payment(PRICE, PRICE);
    for path in ["/a/cached", "/a/x"] {
        assert_eq!(through(&get(path)).await.status, 402);
    }
    assert_eq!(through(&get("/a/cached").paid(&payment)).await.status, 200);
    // Neither the answer nor the terms were kept.
    assert_eq!(through(&get("/a/cached")).await.status, 402);
    assert_eq!(through(&get("/a/cached").paid(&payment)).await.status, 200);
}
