//! The index on disk against the index in memory, over random histories.

#![allow(
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the world is shared with other tests"
)]

use std::sync::{Arc, Mutex};

use agent_core::clock::ManualClock;
use agent_core::money::Network;
use agent_core::trust::{AgentId, AgentRegistryId, GlobalAgentId};
use alloy_primitives::U256;
use alloy_rpc_types_eth::{Filter, Log};
use proptest::prelude::*;

use super::super::RegistryConfig;
use super::super::index::{Index, View};
use super::super::limits as outer;
use super::{IndexStore, Indexer, Source};
use crate::chain::{ChainError, Head, bindings};

#[path = "../../../tests/index_world/mod.rs"]
mod world;
use world::World;

const CONFIG: RegistryConfig = RegistryConfig {
    identity: world::IDENTITY,
    reputation: world::REPUTATION,
    from_block: 0,
};

#[derive(Clone)]
struct Node(Arc<Mutex<World>>);

impl Source for Node {
    async fn head(&self) -> Result<Head, ChainError> {
        let number = self.0.lock().unwrap().head().number;
        Ok(self.block(number).await?.unwrap())
    }

    async fn block(&self, number: u64) -> Result<Option<Head>, ChainError> {
        let world = self.0.lock().unwrap();
        Ok(world.blocks.get(number as usize).map(|block| Head {
            number,
            hash: block.hash,
            timestamp: block.time,
            base_fee: 0,
        }))
    }

    async fn logs(&self, _: &Filter, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        Ok(self.0.lock().unwrap().logs(from, to))
    }
}

fn id(agent: u64) -> GlobalAgentId {
    let registry = AgentRegistryId::new(Network::eip155(7), CONFIG.identity);
    GlobalAgentId::new(registry, AgentId::from(agent))
}

/// What both know of each agent, in one form.
async fn compare(store: &IndexStore, world: &World) {
    let registry = id(0).registry;
    let mut memory = Index::new(registry, 0);
    let head = world.head().number;
    let firm = head.saturating_sub(outer::TAIL_BLOCKS);
    memory.absorb(&world.logs(0, firm), firm);
    let view = View::of(&memory, world.logs(firm + 1, head));
    assert_eq!(view.newest(usize::MAX).len() as u64, world.agents());
    for agent in 0..world.agents() + 2 {
        let known = view.get(U256::from(agent));
        let stored = store.agent(id(agent)).await.unwrap();
        let (Some(known), Some(stored)) = (known, &stored) else {
            assert_eq!(known.is_none(), stored.is_none(), "{agent}");
            continue;
        };
        assert_eq!(stored.owner, known.owner);
        assert_eq!(stored.wallet, known.wallet);
        assert_eq!(stored.uri, *known.uri);
        let insiders: Vec<_> = known.insiders.iter().copied().collect();
        assert_eq!(stored.insiders, insiders);
        let items = store
            .feedback(
                id(agent),
                outer::FEEDBACK_PER_AGENT_MAX,
                outer::FEEDBACK_PER_REVIEWER_MAX,
            )
            .await
            .unwrap();
        let newest: Vec<_> = known.feedback.iter().rev().collect();
        assert_eq!(items.len(), newest.len());
        for (item, known_item) in items.iter().zip(newest) {
            assert_eq!(item.event, known_item.event);
            assert_eq!(item.block, known_item.block);
            let revoked = (item.event.client, item.event.index);
            assert_eq!(item.revoked, known.revoked.contains(&revoked));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The chain grows and forks while it is read; what is on disk is what the last chain adds up
    /// to, however it was come by.
    #[test]
    fn it_holds_what_the_index_in_memory_holds(
        seed in any::<u64>(),
        blocks in 1_u64..220,
        steps in proptest::collection::vec((0_u64..90, 0_u64..40), 0..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let store = IndexStore::open(dir.path().join("index.db")).unwrap();
            let node = Node(Arc::new(Mutex::new(World::new(seed, blocks, 3))));
            let clock = Arc::new(ManualClock::at_unix_secs(1));
            let mut indexer = Indexer::new(store.clone(), node.clone(), 7, CONFIG, clock)
                .await
                .unwrap();
            indexer.catch_up().await.unwrap();
            for (grown, depth) in steps {
                {
                    let mut world = node.0.lock().unwrap();
                    world.grow(grown);
                    let depth = depth.min(world.head().number);
                    if depth > 0 {
                        *world = world.forked(depth, seed ^ grown);
                    }
                }
                indexer.catch_up().await.unwrap();
            }
            let world = node.0.lock().unwrap().clone();
            compare(&store, &world).await;
            let status = store.status().await.unwrap();
            assert_eq!(status[0].gaps, 0);
            assert_eq!(status[0].agents, world.agents());
            assert_eq!(status[0].next_block, world.head().number + 1);
            store.close().await;
        });
    }
}
