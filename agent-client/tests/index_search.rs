//! What agents say of themselves, searched without asking anyone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]
#![allow(dead_code, unreachable_pub, reason = "support is shared")]

mod call_fake;
mod index_world {
    use agent_client::chain::bindings;
    #[path = "mod.rs"]
    mod world;
    pub use world::{IDENTITY, MadeBlock, REPUTATION, World};
    pub mod node;
}

use std::path::Path;
use std::sync::{Arc, Mutex};

use agent_client::chain::bindings::IIdentityRegistry::URIUpdated;
use agent_client::discover::RegistryConfig;
use agent_client::discover::store::{Described, Describer, IndexStore, Indexer, Offer, Search};
use agent_core::clock::ManualClock;
use agent_core::money::{AssetId, BaseUnits, Network};
use agent_core::trust::{
    AgentId, AgentRegistryId, GlobalAgentId, Registration, RegistrationFile, Service,
};
use agent_core::untrusted::Untrusted;
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolEvent;
use call_fake::{Fake, Reply, card, egress};
use index_world::node::{CHAIN_ID, Node};
use index_world::{IDENTITY, REPUTATION, World};

const CONFIG: RegistryConfig = RegistryConfig {
    identity: IDENTITY,
    reputation: REPUTATION,
    from_block: 0,
};

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at_unix_secs(1_000))
}

fn id(agent: u64) -> GlobalAgentId {
    let registry = AgentRegistryId::new(Network::eip155(CHAIN_ID), IDENTITY);
    GlobalAgentId::new(registry, AgentId::from(agent))
}

const fn usdc() -> AssetId {
    AssetId {
        network: Network::eip155(CHAIN_ID),
        address: Address::repeat_byte(9),
    }
}

async fn indexed(dir: &Path, world: World) -> (IndexStore, Node) {
    let store = IndexStore::open(dir.join("index.db")).unwrap();
    let node = Node::new(world);
    read(&store, &node).await;
    (store, node)
}

async fn read(store: &IndexStore, node: &Node) {
    let chain = node.chain().await;
    let mut indexer = Indexer::new(store.clone(), chain, CHAIN_ID, CONFIG, clock())
        .await
        .unwrap();
    indexer.catch_up().await.unwrap();
}

fn offer(skill: u64, price: Option<u128>) -> Offer {
    Offer {
        skill: format!("skill-{skill}"),
        name: format!("Skill number {skill}"),
        tags: vec![format!("tag{}", skill % 2), "any".to_owned()],
        price: price.map(|price| (usdc(), BaseUnits::new(price))),
    }
}

fn said(agent: u64) -> Described {
    let odd = agent % 2 == 1;
    Described {
        name: Untrusted::new(format!("Größe {agent}")),
        description: Untrusted::new(format!("does {} things", if odd { "odd" } else { "even" })),
        active: !agent.is_multiple_of(5),
        card_url: String::new(),
        live: agent.is_multiple_of(3),
        offers: vec![
            offer(agent % 4, Some(u128::from(agent) * 10)),
            offer(7, odd.then_some(1_000)),
        ],
        problem: None,
    }
}

async fn found(store: &IndexStore, search: Search) -> Vec<u64> {
    let search = Search {
        limit: 500,
        ..search
    };
    let hits = store.search(&search).await.unwrap().hits;
    let mut ids: Vec<u64> = hits
        .iter()
        .map(|hit| hit.agent.agent_id.0.to::<u64>())
        .collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn filters_find_what_a_look_at_every_agent_finds() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = indexed(dir.path(), World::new(4, 150, 4)).await;
    let agents = store.status().await.unwrap()[0].agents;
    assert!(agents > 20);
    for agent in 0..agents {
        let uri = store.agent(id(agent)).await.unwrap().unwrap().uri;
        let now_ms = 1_000 + agent;
        assert!(
            store
                .describe(id(agent), &uri, said(agent), now_ms)
                .await
                .unwrap()
        );
        let stale = store.describe(id(agent), "https://other.example", said(0), now_ms);
        assert!(!stale.await.unwrap(), "it has another URI by now");
    }
    // Offline: the file alone.
    store.close().await;
    let store = IndexStore::open(dir.path().join("index.db")).unwrap();

    type Keeps = Box<dyn Fn(u64) -> bool>;
    let active = |agent: u64| !agent.is_multiple_of(5);
    let cases: Vec<(Search, Keeps)> = vec![
        (Search::default(), Box::new(active)),
        (
            Search {
                with_inactive: true,
                ..Search::default()
            },
            Box::new(|_| true),
        ),
        (
            Search {
                skill: Some("skill-1".to_owned()),
                ..Search::default()
            },
            Box::new(move |a| active(a) && a % 4 == 1),
        ),
        (
            Search {
                text: "GROSSE odd".to_owned(),
                ..Search::default()
            },
            Box::new(|_| false),
        ),
        (
            Search {
                text: "große thing".to_owned(),
                ..Search::default()
            },
            Box::new(active),
        ),
        (
            Search {
                text: "größe ODD thin".to_owned(),
                ..Search::default()
            },
            Box::new(move |a| active(a) && a % 2 == 1),
        ),
        (
            Search {
                tags: vec!["any".to_owned(), "tag0".to_owned()],
                ..Search::default()
            },
            Box::new(move |a| active(a) && a % 2 == 0),
        ),
        (
            Search {
                skill: Some("skill-7".to_owned()),
                tags: vec!["tag0".to_owned()],
                ..Search::default()
            },
            Box::new(|_| false),
        ),
        (
            Search {
                skill: Some("skill-7".to_owned()),
                max_price: Some((usdc(), BaseUnits::new(999))),
                ..Search::default()
            },
            Box::new(move |a| active(a) && a % 2 == 0),
        ),
        (
            Search {
                max_price: Some((usdc(), BaseUnits::new(100))),
                ..Search::default()
            },
            Box::new(move |a| active(a) && (a % 2 == 0 || a <= 10)),
        ),
        (
            Search {
                live_since_ms: Some(1_010),
                ..Search::default()
            },
            Box::new(move |a| active(a) && a % 3 == 0 && a >= 10),
        ),
        (
            Search {
                chains: vec![CHAIN_ID + 1],
                ..Search::default()
            },
            Box::new(|_| false),
        ),
    ];
    for (search, keeps) in cases {
        let expected: Vec<u64> = (0..agents).filter(|agent| keeps(*agent)).collect();
        assert_eq!(found(&store, search.clone()).await, expected, "{search:?}");
    }

    let by_skill = Search {
        skill: Some("skill-1".to_owned()),
        ..Search::default()
    };
    let hits = store.search(&by_skill).await.unwrap();
    let prices: Vec<_> = hits.hits.iter().map(|hit| hit.offers[0].price).collect();
    assert!(prices.is_sorted(), "cheapest first: {prices:?}");
    assert_eq!(hits.staleness_ms(1_060_000), Some(60_000));
    assert_eq!(hits.registries[0].next_block, 150);
}

#[tokio::test]
async fn text_has_no_operators_and_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = indexed(dir.path(), World::new(4, 40, 4)).await;
    let uri = store.agent(id(0)).await.unwrap().unwrap().uri;
    let mut hostile = said(1);
    hostile.name = Untrusted::new("\u{202e}\" OR 1=1; DROP TABLE agent; --".to_owned());
    hostile.description = Untrusted::new("ä".repeat(1_000_000));
    hostile.offers = (0..10_000).map(|n| offer(n, None)).collect();
    store.describe(id(0), &uri, hostile, 1_000).await.unwrap();
    for text in [
        "name:drop",
        "\" OR \"",
        "drop* OR NOT",
        "NEAR(drop table)",
        "{name} : drop",
        "'; DROP TABLE agent; --",
        "^drop",
    ] {
        let search = Search {
            text: text.to_owned(),
            ..Search::default()
        };
        // None of it is obeyed: each is words that must all be there, or no words at all.
        match store.search(&search).await {
            Ok(_) => {}
            Err(error) => assert_eq!(error.code(), "index.query", "{text}: {error}"),
        }
    }
    let drop = Search {
        text: "drop table agent".to_owned(),
        ..Search::default()
    };
    let hits = store.search(&drop).await.unwrap().hits;
    assert_eq!(hits.len(), 1);
    assert!(hits[0].offers.len() <= 64);
    assert!(hits[0].description.as_received().len() <= 8 * 1_024);
    assert!(
        !hits[0].name.to_string().contains('\u{202e}'),
        "shown escaped"
    );
    for text in [
        "a b c d e f g h i".to_owned(),
        "x".repeat(65),
        "!!!".to_owned(),
    ] {
        let search = Search {
            text,
            ..Search::default()
        };
        assert_eq!(
            store.search(&search).await.unwrap_err().code(),
            "index.query"
        );
    }
}

#[tokio::test]
async fn a_describer_follows_uris_to_cards_and_notices_who_is_gone() {
    let up = Arc::new(Mutex::new(true));
    let shared = Arc::clone(&up);
    let shop = Fake::start(move |base, seen| match seen.path.as_str() {
        _ if !*shared.lock().unwrap() => Reply::Close,
        path if path.contains("agent-card") => Reply::Json(200, card(base).to_string()),
        "/mine.json" | "/stolen.json" => {
            let mut file = RegistrationFile::new("Shouting shop", "It shouts");
            let url = format!("{base}/.well-known/agent-card.json")
                .parse()
                .unwrap();
            file.services.push(Service::a2a(&url, "1.0"));
            file.registrations.push(Registration::of(&id(0)));
            Reply::Json(200, String::from_utf8(file.to_bytes().unwrap()).unwrap())
        }
        _ => Reply::Json(404, "{}".to_owned()),
    })
    .await;
    let mut world = World::new(2, 20, 4);
    for (agent, path) in [(0_u64, "mine"), (1, "stolen")] {
        let event = URIUpdated {
            agentId: U256::from(agent),
            newURI: format!("{}/{path}.json", shop.url),
            updatedBy: Address::ZERO,
        };
        let block = world.blocks.last_mut().unwrap();
        let mut log = world_log(block, agent);
        log.inner.data = event.encode_log_data();
        block.logs.push(log);
    }
    let dir = tempfile::tempdir().unwrap();
    let (store, node) = indexed(dir.path(), world).await;
    let clock = clock();
    let describer = Describer::new(store.clone(), egress()).with_clock(clock.clone());
    let round = describer.round().await.unwrap();
    assert_eq!(round.live, 1, "{round:?}");
    assert_eq!(describer.round().await.unwrap().asked, 0, "nobody is due");

    let shout = Search {
        text: "shouting".to_owned(),
        skill: Some("shout".to_owned()),
        live_since_ms: Some(1_000_000),
        ..Search::default()
    };
    let hits = store.search(&shout).await.unwrap().hits;
    assert_eq!(hits.len(), 1, "the file of another is not believed");
    assert_eq!((hits[0].agent, hits[0].live_ms), (id(0), Some(1_000_000)));
    assert_eq!(
        found(
            &store,
            Search {
                tags: vec!["text".to_owned()],
                ..Search::default()
            }
        )
        .await,
        [0]
    );

    // Gone, but not forgotten: the answer says since when.
    *up.lock().unwrap() = false;
    clock.advance_millis(24 * 3_600 * 1_000);
    let round = describer.round().await.unwrap();
    assert_eq!(round.live, 0);
    let hits = store.search(&shout).await.unwrap().hits;
    assert_eq!(hits[0].live_ms, Some(1_000_000));
    assert!(hits[0].asked_ms > 1_000_000);
    assert_eq!(hits[0].problem.as_deref(), Some("no_file"));
    let live = Search {
        live_since_ms: Some(1_000_001),
        ..shout.clone()
    };
    assert!(store.search(&live).await.unwrap().hits.is_empty());

    // A fork without the URI: what was said under it is not its word any more.
    let fork = node.world.lock().unwrap().forked(1, 3);
    *node.world.lock().unwrap() = fork;
    read(&store, &node).await;
    assert!(store.search(&shout).await.unwrap().hits.is_empty());
}

fn world_log(block: &index_world::MadeBlock, nth: u64) -> alloy_rpc_types_eth::Log {
    let after = block.logs.iter().filter_map(|log| log.log_index).max();
    let tx = block
        .logs
        .iter()
        .filter_map(|log| log.transaction_index)
        .max();
    alloy_rpc_types_eth::Log {
        inner: alloy_primitives::Log {
            address: IDENTITY,
            data: alloy_primitives::LogData::default(),
        },
        block_hash: Some(block.hash),
        block_number: Some(block.number),
        block_timestamp: Some(block.time),
        transaction_hash: Some(U256::from(nth + 1).into()),
        transaction_index: Some(tx.map_or(0, |tx| tx + 1)),
        log_index: Some(after.map_or(0, |after| after + 1)),
        removed: false,
    }
}
