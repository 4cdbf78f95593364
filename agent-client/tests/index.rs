//! The discovery index against nodes that fail, lie and change their minds, and killed at every
//! step.
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
    pub use world::{IDENTITY, REPUTATION, World};
    pub mod node;
}

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agent_client::chain::{Chain, ChainError, Head};
use agent_client::discover::RegistryConfig;
use agent_client::discover::store::{Follower, IndexError, IndexStore, Indexer, Source, limits};
use agent_core::clock::ManualClock;
use agent_core::money::Network;
use agent_core::trust::{AgentId, AgentRegistryId, GlobalAgentId};
use alloy_rpc_types_eth::{Filter, Log};
use index_world::node::{CHAIN_ID, Manner, Node};
use index_world::{IDENTITY, REPUTATION, World};
use tokio::sync::Notify;

const CONFIG: RegistryConfig = RegistryConfig {
    identity: IDENTITY,
    reputation: REPUTATION,
    from_block: 0,
};
const BLOCKS: u64 = 150;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at_unix_secs(1_000))
}

fn registry() -> AgentRegistryId {
    AgentRegistryId::new(Network::eip155(CHAIN_ID), IDENTITY)
}

fn open(dir: &Path) -> IndexStore {
    IndexStore::open(dir.join("index.db")).unwrap()
}

async fn indexer<S: Source>(store: &IndexStore, source: S) -> Indexer<S> {
    Indexer::new(store.clone(), source, CHAIN_ID, CONFIG, clock())
        .await
        .unwrap()
}

/// Everything that the index says of every agent, as text.
async fn dump(store: &IndexStore) -> String {
    let status = store.status().await.unwrap();
    let mut text = format!("next {}\n", status[0].next_block);
    for id in 0..status[0].agents + 3 {
        let id = GlobalAgentId::new(registry(), AgentId::from(id));
        let agent = store.agent(id).await.unwrap();
        let items = store.feedback(id, usize::MAX, usize::MAX).await.unwrap();
        text.push_str(&format!("{agent:?}\n{items:#?}\n"));
    }
    text
}

/// What an honest node leads to.
async fn truth(world: &World) -> String {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut honest = indexer(&store, Local(Node::new(world.clone()))).await;
    honest.catch_up().await.unwrap();
    assert_eq!(store.status().await.unwrap()[0].gaps, 0);
    let text = dump(&store).await;
    store.close().await;
    text
}

/// The same node without the wire.
#[derive(Clone)]
struct Local(Node);

impl Source for Local {
    async fn head(&self) -> Result<Head, ChainError> {
        let number = self.0.world.lock().unwrap().head().number;
        Ok(self.block(number).await?.unwrap())
    }

    async fn block(&self, number: u64) -> Result<Option<Head>, ChainError> {
        let world = self.0.world.lock().unwrap();
        let block = world.blocks.get(number as usize);
        Ok(block.map(|block| Head {
            number,
            hash: block.hash,
            timestamp: block.time,
            base_fee: 0,
        }))
    }

    async fn logs(&self, _: &Filter, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        Ok(self.0.world.lock().unwrap().logs(from, to))
    }
}

/// A store that reads over the wire from a node that behaves like this.
struct Bench {
    _dir: tempfile::TempDir,
    node: Node,
    store: IndexStore,
    indexer: Indexer<Chain>,
}

async fn bench(manner: Manner) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let node = Node::new(World::new(11, BLOCKS, 4));
    node.behave(manner);
    let indexer = indexer(&store, node.chain().await).await;
    Bench {
        _dir: dir,
        node,
        store,
        indexer,
    }
}

impl Bench {
    fn world(&self) -> World {
        self.node.world.lock().unwrap().clone()
    }

    async fn is_true(&self) {
        let (ours, truth) = (dump(&self.store).await, truth(&self.world()).await);
        assert!(
            ours == truth,
            "the index differs from what an honest node leads to"
        );
        assert_eq!(self.store.status().await.unwrap()[0].gaps, 0);
    }
}

#[tokio::test]
async fn order_repetition_and_refusals_do_not_change_what_is_indexed() {
    for manner in [
        Manner::Honest,
        Manner::Reordered,
        Manner::Duplicated,
        Manner::BlocksMax(10),
        Manner::BlocksMax(1),
        Manner::LogsMax(20),
    ] {
        let mut bench = bench(manner).await;
        let looked = bench.indexer.catch_up().await.unwrap();
        assert_eq!(looked.next_block, BLOCKS, "{manner:?}");
        bench.is_true().await;
    }
}

#[tokio::test]
async fn a_node_that_hangs_up_on_large_windows_is_asked_for_smaller_ones() {
    let mut bench = bench(Manner::HangsUp(5)).await;
    let mut failures = 0;
    while bench.store.status().await.unwrap()[0].next_block < BLOCKS {
        if let Err(error) = bench.indexer.look().await {
            assert_eq!(error.code(), "chain.unreachable");
            failures += 1;
        }
        assert!(failures < 40, "the windows shrink");
    }
    bench.is_true().await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_true_changes_nothing() {
    for (manner, code) in [
        (Manner::Foreign, "index.log_foreign"),
        (Manner::OutOfRange, "index.log_out_of_range"),
        (Manner::OtherBlock, "index.other_block"),
        (Manner::Contradicts, "index.two_logs"),
        (Manner::Removed, "index.log_no_place"),
        (Manner::Placeless, "index.log_no_place"),
    ] {
        let mut bench = bench(manner).await;
        let before = dump(&bench.store).await;
        for _ in 0..3 {
            let error = bench.indexer.look().await.unwrap_err();
            assert_eq!(error.code(), code, "{manner:?}");
        }
        assert_eq!(dump(&bench.store).await, before, "{manner:?}");
        bench.node.behave(Manner::Honest);
        bench.indexer.catch_up().await.unwrap();
        bench.is_true().await;
    }
}

#[tokio::test]
async fn what_is_cut_off_near_the_head_is_found_at_the_next_look() {
    for seed in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let world = World::new(seed, limits::UNDO_BLOCKS - 10, 4);
        let node = Node::new(world.clone());
        node.behave(Manner::CutNowAndThen);
        let mut reader = indexer(&store, node.chain().await).await;
        // The first answer is cut, and the one that it is compared with is not.
        reader.catch_up().await.unwrap();
        reader.catch_up().await.unwrap();
        node.behave(Manner::Honest);
        reader.catch_up().await.unwrap();
        assert!(dump(&store).await == truth(&world).await, "{seed}");
        assert_eq!(store.status().await.unwrap()[0].gaps, 0);
    }
}

#[tokio::test]
async fn what_is_always_hidden_is_counted_and_the_rest_is_kept() {
    let mut bench = bench(Manner::Hides).await;
    let looked = bench.indexer.catch_up().await.unwrap();
    assert_eq!(looked.next_block, BLOCKS);
    let status = bench.store.status().await.unwrap();
    assert!(status[0].gaps > 10, "{}", status[0].gaps);

    // Another node, and everything anew.
    bench.node.behave(Manner::Honest);
    bench.store.forget(registry()).await.unwrap();
    let mut again = indexer(&bench.store, bench.node.chain().await).await;
    again.catch_up().await.unwrap();
    bench.is_true().await;
}

#[tokio::test]
async fn logs_that_come_later_than_their_blocks_are_added() {
    let mut bench = bench(Manner::Honest).await;
    bench.indexer.catch_up().await.unwrap();
    bench.node.world.lock().unwrap().grow(5);
    bench.node.behave(Manner::Lags(5));
    bench.indexer.catch_up().await.unwrap();
    assert_ne!(dump(&bench.store).await, truth(&bench.world()).await);
    bench.node.behave(Manner::Honest);
    let looked = bench.indexer.catch_up().await.unwrap();
    assert_eq!(looked.taken_back.is_some(), looked.events > 0);
    bench.is_true().await;
}

#[tokio::test]
async fn what_was_there_before_cannot_be_withheld() {
    let mut bench = bench(Manner::Honest).await;
    bench.indexer.catch_up().await.unwrap();
    let before = dump(&bench.store).await;
    bench.node.behave(Manner::Silent);
    let error = bench.indexer.look().await.unwrap_err();
    assert_eq!(error.code(), "index.withheld");
    assert_eq!(dump(&bench.store).await, before);
}

#[tokio::test]
async fn a_silent_limit_of_a_round_number_is_seen_through() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let world = World::new(5, 700, 4);
    assert!(world.logs(0, 700 - limits::UNDO_BLOCKS).len() > limits::SUSPECT_LOGS);
    let node = Node::new(world.clone());
    node.behave(Manner::CutsAt(limits::SUSPECT_LOGS));
    let mut indexer = indexer(&store, node.chain().await).await;
    indexer.catch_up().await.unwrap();
    assert_eq!(store.status().await.unwrap()[0].gaps, 0);
    assert!(dump(&store).await == truth(&world).await);
}

#[tokio::test]
async fn a_fork_is_undone_and_one_that_is_too_deep_is_reported() {
    let mut bench = bench(Manner::Honest).await;
    bench.indexer.catch_up().await.unwrap();
    for depth in [1, 3, 20, 60] {
        let fork = bench.world().forked(depth, depth);
        *bench.node.world.lock().unwrap() = fork;
        let looked = bench.indexer.catch_up().await.unwrap();
        let taken_back = looked.taken_back.unwrap();
        assert!(taken_back <= looked.head - depth, "{depth}");
        bench.is_true().await;
    }
    let before = dump(&bench.store).await;
    let fork = bench.world().forked(100, 7);
    *bench.node.world.lock().unwrap() = fork;
    let error = bench.indexer.look().await.unwrap_err();
    assert!(matches!(error, IndexError::OtherChain { .. }), "{error}");
    assert_eq!(dump(&bench.store).await, before);
}

#[tokio::test]
async fn a_node_that_lags_behind_another_takes_nothing_back() {
    let mut bench = bench(Manner::Honest).await;
    bench.indexer.catch_up().await.unwrap();
    let before = dump(&bench.store).await;
    *bench.node.head.lock().unwrap() = Some(BLOCKS - 10);
    let error = bench.indexer.look().await.unwrap_err();
    assert_eq!(error.code(), "index.node_behind");
    assert_eq!(dump(&bench.store).await, before);
}

/// Ends the program that reads, so to speak, at the n-th question.
#[derive(Clone)]
struct Mortal {
    inner: Local,
    left: Arc<AtomicU64>,
    dead: Arc<Notify>,
}

impl Mortal {
    async fn live(&self) {
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 {
            self.dead.notify_one();
            std::future::pending::<()>().await;
        }
        self.left.store(left - 1, Ordering::SeqCst);
    }
}

impl Source for Mortal {
    async fn head(&self) -> Result<Head, ChainError> {
        self.live().await;
        self.inner.head().await
    }

    async fn block(&self, number: u64) -> Result<Option<Head>, ChainError> {
        self.live().await;
        self.inner.block(number).await
    }

    async fn logs(&self, filter: &Filter, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        self.live().await;
        self.inner.logs(filter, from, to).await
    }
}

#[tokio::test]
async fn a_reader_that_dies_at_any_question_goes_on_where_it_was() {
    let world = World::new(3, 90, 2);
    let fork = world.forked(9, 4);
    let truth = truth(&fork).await;
    for questions in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        let node = Node::new(world.clone());
        for lives in 0..3 {
            let store = open(dir.path());
            let mortal = Mortal {
                inner: Local(node.clone()),
                left: Arc::new(AtomicU64::new(questions)),
                dead: Arc::default(),
            };
            let dead = Arc::clone(&mortal.dead);
            let mut reader = indexer(&store, mortal).await;
            tokio::select! {
                () = dead.notified() => {}
                read = reader.catch_up() => drop(read.unwrap()),
            }
            store.close().await;
            if lives == 0 {
                *node.world.lock().unwrap() = fork.clone();
            }
        }
        let store = open(dir.path());
        let mut reader = indexer(&store, Local(node)).await;
        reader.catch_up().await.unwrap();
        assert!(dump(&store).await == truth, "{questions}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_file_cut_off_at_any_byte_goes_on_where_it_was() {
    let world = World::new(9, 80, 3);
    let fork = world.forked(6, 2);
    let truth = truth(&fork).await;
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let node = Node::new(world);
    let mut reader = indexer(&store, Local(node.clone())).await;
    reader.catch_up().await.unwrap();
    *node.world.lock().unwrap() = fork;
    reader.catch_up().await.unwrap();
    // As they are on disk in mid-flight: the store is not closed.
    let file = std::fs::read(dir.path().join("index.db")).unwrap();
    let log = std::fs::read(dir.path().join("index.db-wal")).unwrap();
    assert!(log.len() > 100_000);
    for cut in 0..24 {
        let at = log.len() * cut / 23;
        let copy = tempfile::tempdir().unwrap();
        std::fs::write(copy.path().join("index.db"), &file).unwrap();
        std::fs::write(copy.path().join("index.db-wal"), &log[..at]).unwrap();
        let store = open(copy.path());
        let mut reader = indexer(&store, Local(node.clone())).await;
        reader.catch_up().await.unwrap();
        assert!(dump(&store).await == truth, "{at}");
        store.close().await;
    }
}

#[tokio::test]
async fn several_chains_are_in_one_file_and_do_not_touch_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let worlds = [World::new(1, 100, 3), World::new(2, 60, 3)];
    for (chain_id, world) in [(1_u64, &worlds[0]), (8_453, &worlds[1])] {
        let source = Local(Node::new(world.clone()));
        let mut reader = Indexer::new(store.clone(), source, chain_id, CONFIG, clock())
            .await
            .unwrap();
        reader.catch_up().await.unwrap();
    }
    let status = store.status().await.unwrap();
    let agents: Vec<_> = status.iter().map(|one| one.agents).collect();
    assert_eq!(agents, [worlds[0].agents(), worlds[1].agents()]);
    let first = status[0].registry;
    store.forget(first).await.unwrap();
    let left = store.status().await.unwrap();
    assert_eq!(left, status[1..]);
    let moved = RegistryConfig {
        from_block: 5,
        ..CONFIG
    };
    let error = store.add(8_453, moved).await.unwrap_err();
    assert_eq!(error.code(), "index.registry");
}

#[tokio::test]
async fn a_follower_keeps_up_through_forks_and_outages() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let node = Node::new(World::new(21, 30, 3));
    let reader = indexer(&store, node.chain().await).await;
    let follower = Follower::start(reader, Duration::from_millis(5));
    let wait = Duration::from_secs(20);
    assert!(follower.reached(29, wait).await);
    node.behave(Manner::HangsUp(0));
    node.world.lock().unwrap().grow(4);
    node.behave(Manner::Honest);
    assert!(follower.reached(33, wait).await);
    let fork = node.world.lock().unwrap().forked(5, 1);
    *node.world.lock().unwrap() = fork.clone();
    assert!(follower.reached(34, wait).await);
    drop(follower);
    assert!(dump(&store).await == truth(&fork).await);
}
