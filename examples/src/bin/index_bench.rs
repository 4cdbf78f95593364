//! How fast the discovery index takes events up, and how fast it is searched.
//!
//! The events are made up, the same each time, and come from within this process: what is measured
//! is checking them and writing them to disk, not a node. Each agent is registered (three events),
//! changes its URI, and fourteen strangers rate one agent or another, of which one takes it back
//! and one is answered: twenty events.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_client::chain::bindings::IIdentityRegistry::{
    MetadataSet, Registered, Transfer, URIUpdated,
};
use agent_client::chain::bindings::IReputationRegistry::{
    FeedbackRevoked, NewFeedback, ResponseAppended,
};
use agent_client::chain::{ChainError, Head};
use agent_client::clock::SystemClock;
use agent_client::discover::RegistryConfig;
use agent_client::discover::store::{Described, IndexStore, Indexer, Offer, Search, Source};
use agent_core::money::{AssetId, BaseUnits, Network};
use agent_core::trust::{AgentId, GlobalAgentId};
use agent_core::untrusted::Untrusted;
use alloy_primitives::{Address, B256, Bytes, LogData, U256, keccak256};
use alloy_rpc_types_eth::{Filter, Log};
use alloy_sol_types::SolEvent;
use clap::Parser;
use futures_util::{StreamExt, TryStreamExt, stream};

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

const CHAIN_ID: u64 = 8_453;
const IDENTITY: Address = Address::repeat_byte(0x81);
const REPUTATION: Address = Address::repeat_byte(0x82);
const EVENTS_PER_AGENT: u64 = 20;
const AGENTS_PER_BLOCK: u64 = 2;
const RATINGS_PER_AGENT: u64 = 14;
const SKILLS: u64 = 500;
const WORDS: [&str; 12] = [
    "translate",
    "summarize",
    "weather",
    "invoice",
    "image",
    "legal",
    "flight",
    "music",
    "code",
    "review",
    "market",
    "language",
];

/// Fills an index with made-up events and searches it.
#[derive(Debug, Parser)]
struct Arguments {
    /// Events, roughly.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=20_000_000))]
    events: u64,
    /// Searches of each kind.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    searches: u32,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("index_bench: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("index_bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("index.db");
    let store = IndexStore::open(&path)?;
    let agents = arguments.events / EVENTS_PER_AGENT;
    let made = Made {
        blocks: agents.div_ceil(AGENTS_PER_BLOCK),
    };
    let config = RegistryConfig {
        identity: IDENTITY,
        reputation: REPUTATION,
        from_block: 0,
    };

    let generating = Instant::now();
    let sample = made
        .logs(&Filter::new(), 0, made.blocks.min(500))
        .await?
        .len();
    let generated = generating.elapsed();
    println!("making up {sample} events alone: {generated:?} (part of the next line)");

    let clock = Arc::new(SystemClock);
    let mut indexer = Indexer::new(store.clone(), made, CHAIN_ID, config, clock).await?;
    let id = indexer.id();
    let started = Instant::now();
    let looked = indexer.catch_up().await?;
    let took = started.elapsed();
    println!(
        "indexed {} events of {} blocks in {took:?}: {} events/s",
        looked.events,
        looked.next_block,
        per_second(looked.events, took)
    );
    let status = store.status().await?;
    println!("gaps: {}", status.iter().map(|one| one.gaps).sum::<u64>());

    let started = Instant::now();
    let described: usize = stream::iter(0..made.blocks.saturating_mul(AGENTS_PER_BLOCK))
        .map(|agent| {
            let global = GlobalAgentId::new(id, AgentId::from(agent));
            let (store, found) = (&store, described(agent));
            async move {
                store
                    .describe(global, &second_uri(agent), found, 1_000)
                    .await
            }
        })
        .buffer_unordered(256)
        .try_fold(0, |sum, kept| async move { Ok(sum + usize::from(kept)) })
        .await?;
    let took = started.elapsed();
    println!(
        "described {described} agents in {took:?}: {} agents/s",
        per_second(described, took)
    );

    for kind in KINDS {
        measure(&store, kind, arguments.searches).await?;
    }
    store.close().await;
    let size = std::fs::metadata(&path)?.len();
    println!(
        "file: {} MiB, {} bytes an event",
        size >> 20,
        size / arguments.events.max(1)
    );
    Ok(())
}

type Kind = (&'static str, fn(u64) -> Search);

const KINDS: [Kind; 6] = [
    ("by skill", |n| Search {
        skill: Some(format!("skill-{}", n % SKILLS)),
        ..Search::default()
    }),
    ("by skill, tag and price", |n| Search {
        skill: Some(format!("skill-{}", n % SKILLS)),
        tags: vec![word(n % SKILLS).to_owned()],
        max_price: Some((usdc(), BaseUnits::new(5_000))),
        ..Search::default()
    }),
    ("a rare word", |n| Search {
        text: format!("specialist{}", n.wrapping_mul(7_919) % 10_000),
        ..Search::default()
    }),
    ("two common words", |n| Search {
        text: format!("{} {}", word(n), word(n.wrapping_add(1))),
        ..Search::default()
    }),
    ("a word in every agent", |_| Search {
        text: "agent".to_owned(),
        ..Search::default()
    }),
    ("a tag, live, on one chain", |n| Search {
        tags: vec![word(n).to_owned()],
        live_since_ms: Some(500),
        chains: vec![CHAIN_ID],
        ..Search::default()
    }),
];

async fn measure(store: &IndexStore, (name, search): Kind, times: u32) -> Result<()> {
    let mut took = Vec::new();
    let mut hits = 0_usize;
    for n in 0..u64::from(times) {
        let search = search(n);
        let started = Instant::now();
        hits = hits.saturating_add(store.search(&search).await?.hits.len());
        took.push(started.elapsed());
    }
    took.sort();
    let at = |percent: usize| {
        let place = took.len().saturating_sub(1).saturating_mul(percent) / 100;
        took.get(place).copied().unwrap_or_default()
    };
    println!(
        "search {name}: p50 {:?}, p95 {:?}, p99 {:?}, {hits} hits in {times}",
        at(50),
        at(95),
        at(99)
    );
    Ok(())
}

fn per_second(count: usize, took: Duration) -> u128 {
    let count = u128::try_from(count).unwrap_or(u128::MAX);
    count.saturating_mul(1_000) / took.as_millis().max(1)
}

fn described(agent: u64) -> Described {
    let skill = agent % SKILLS;
    let specialist = agent.wrapping_mul(31) % 10_000;
    Described {
        name: Untrusted::new(format!("Agent {agent}")),
        description: Untrusted::new(format!(
            "An agent that will {} and {} for you, day and night; specialist{specialist} of its kind.",
            word(agent),
            word(agent.wrapping_add(1))
        )),
        active: true,
        card_url: format!("https://agent-{agent}.example/.well-known/agent-card.json"),
        live: !agent.is_multiple_of(7),
        offers: vec![Offer {
            skill: format!("skill-{skill}"),
            name: format!("Skill {skill}"),
            tags: vec![word(skill).to_owned(), word(agent).to_owned()],
            price: Some((usdc(), BaseUnits::new(u128::from(agent % 10_000)))),
        }],
        problem: None,
    }
}

const fn usdc() -> AssetId {
    AssetId {
        network: Network::eip155(CHAIN_ID),
        address: Address::repeat_byte(0x83),
    }
}

fn word(n: u64) -> &'static str {
    let place = usize::try_from(n).unwrap_or(0) % WORDS.len();
    WORDS.get(place).copied().unwrap_or("agent")
}

fn second_uri(agent: u64) -> String {
    format!("https://agent-{agent}.example/agent.json")
}

/// A chain that is made up block by block when it is asked for.
#[derive(Clone, Copy, Debug)]
struct Made {
    blocks: u64,
}

impl Made {
    fn at(number: u64) -> Head {
        Head {
            number,
            hash: keccak256(number.to_be_bytes()),
            timestamp: number.saturating_mul(2),
            base_fee: 0,
        }
    }
}

impl Source for Made {
    async fn head(&self) -> Result<Head, ChainError> {
        Ok(Self::at(self.blocks.saturating_sub(1)))
    }

    async fn block(&self, number: u64) -> Result<Option<Head>, ChainError> {
        Ok((number < self.blocks).then(|| Self::at(number)))
    }

    async fn logs(&self, _: &Filter, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        let mut logs = Vec::new();
        for number in from..=to.min(self.blocks.saturating_sub(1)) {
            let block = Self::at(number);
            let first = number.saturating_mul(AGENTS_PER_BLOCK);
            let mut index = 0_u64;
            for agent in first..first.saturating_add(AGENTS_PER_BLOCK) {
                for (address, data) in life(agent) {
                    logs.push(Log {
                        inner: alloy_primitives::Log { address, data },
                        block_hash: Some(block.hash),
                        block_number: Some(number),
                        block_timestamp: Some(block.timestamp),
                        transaction_hash: Some(B256::from(U256::from(agent))),
                        transaction_index: Some(agent),
                        log_index: Some(index),
                        removed: false,
                    });
                    index = index.saturating_add(1);
                }
            }
        }
        Ok(logs)
    }
}

/// The events that come with one agent.
fn life(agent: u64) -> Vec<(Address, LogData)> {
    let (id, owner) = (U256::from(agent), person(0, agent));
    let wallet = MetadataSet {
        agentId: id,
        indexedMetadataKey: keccak256("agentWallet"),
        metadataKey: "agentWallet".to_owned(),
        metadataValue: Bytes::copy_from_slice(owner.as_slice()),
    };
    let minted = Transfer {
        from: Address::ZERO,
        to: owner,
        tokenId: id,
    };
    let registered = Registered {
        agentId: id,
        agentURI: format!("https://agent-{agent}.example/first.json"),
        owner,
    };
    let moved = URIUpdated {
        agentId: id,
        newURI: second_uri(agent),
        updatedBy: owner,
    };
    let mut events = vec![
        (IDENTITY, minted.encode_log_data()),
        (IDENTITY, registered.encode_log_data()),
        (IDENTITY, wallet.encode_log_data()),
        (IDENTITY, moved.encode_log_data()),
    ];
    for nth in 0..RATINGS_PER_AGENT {
        let rating = agent.saturating_mul(RATINGS_PER_AGENT).saturating_add(nth);
        events.push((
            REPUTATION,
            rated(rating, rating.wrapping_mul(2_654_435_761) % (agent + 1)),
        ));
    }
    let rating = agent.saturating_mul(RATINGS_PER_AGENT);
    let rated = U256::from(rating.wrapping_mul(2_654_435_761) % (agent + 1));
    let revoked = FeedbackRevoked {
        agentId: rated,
        clientAddress: person(1, rating),
        feedbackIndex: 1,
    };
    let answered = ResponseAppended {
        agentId: rated,
        clientAddress: person(1, rating),
        feedbackIndex: 1,
        responder: owner,
        responseURI: "https://answers.example/1".to_owned(),
        responseHash: B256::ZERO,
    };
    events.push((REPUTATION, revoked.encode_log_data()));
    events.push((REPUTATION, answered.encode_log_data()));
    events
}

fn rated(rating: u64, agent: u64) -> LogData {
    let event = NewFeedback {
        agentId: U256::from(agent),
        clientAddress: person(1, rating),
        feedbackIndex: 1,
        value: i128::from(rating % 101),
        valueDecimals: 0,
        indexedTag1: B256::repeat_byte(0xd6),
        tag1: "starred".to_owned(),
        tag2: "a2a.task".to_owned(),
        endpoint: format!("https://agent-{agent}.example/a2a"),
        feedbackURI: format!("https://feedback.example/{rating}.json"),
        feedbackHash: B256::from(U256::from(rating)),
    };
    event.encode_log_data()
}

fn person(kind: u8, n: u64) -> Address {
    let mut bytes = [kind.wrapping_add(1); 20];
    bytes
        .iter_mut()
        .rev()
        .zip(n.to_le_bytes())
        .for_each(|(byte, of)| *byte = of);
    Address::from(bytes)
}
