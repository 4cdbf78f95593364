//! The discovery index on disk: read the registry into it, ask how old it is, and search it offline.

use super::buyer::{BuyerOptions, Reading};
use super::{Failure, show};
use agent_client::clock::SystemClock;
use agent_client::discover::RegistryConfig;
use agent_client::discover::store::{Describer, Hit, IndexStore, Indexer, RegistryStatus, Search};
use agent_client::egress::Egress;
use agent_core::clock::Clock;
use agent_core::money::AssetTable;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Pause between looks at the chain while it is followed.
const FOLLOW_PAUSE: Duration = Duration::from_secs(2);

/// Milliseconds of an hour.
const HOUR_MS: u64 = 3_600_000;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Read the registry up to its newest block, and fetch what its agents say about themselves.
    Sync(Sync),
    /// What the index holds, and how old that is. Asks nobody but the file.
    Status(Status),
    /// Search the index. Asks nobody but the file.
    Search(Asked),
}

#[derive(Debug, clap::Args)]
struct Sync {
    /// Go on until it is stopped.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    status: Status,
}

#[derive(Debug, clap::Args)]
struct Status {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    buyer: BuyerOptions,
}

#[derive(Debug, clap::Args)]
struct Asked {
    /// Words that must all be there; the last may be the beginning of one.
    #[arg(default_value = "")]
    text: String,
    /// Only agents that offer this skill.
    #[arg(long)]
    skill: Option<String>,
    /// Only if the skill carries this tag; can be given several times.
    #[arg(long)]
    tag: Vec<String>,
    /// Only at most this dear, for example "0.01 USDC".
    #[arg(long, value_name = "AMOUNT")]
    max_price: Option<String>,
    /// Only agents of registries on this chain; can be given several times.
    #[arg(long, value_name = "CHAIN_ID")]
    chain: Vec<u64>,
    /// Only agents whose card was had in the last so many hours.
    #[arg(long, value_name = "HOURS")]
    live_within: Option<u64>,
    /// At most so many answers.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    status: Status,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let options = match &arguments.action {
        Action::Sync(sync) => &sync.status,
        Action::Status(status) => status,
        Action::Search(asked) => &asked.status,
    };
    let reading = options.buyer.reading()?;
    let index = open(&reading)?;
    let done = match &arguments.action {
        Action::Sync(arguments) => sync(arguments, &reading, &index).await,
        Action::Status(status) => tell(status, &index).await,
        Action::Search(asked) => search(asked, &reading, &index).await,
    };
    index.close().await;
    done
}

fn open(reading: &Reading) -> Result<IndexStore, Failure> {
    let path = &reading.index_file;
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)
            .map_err(|error| Failure::usage(format!("{}: {error}", dir.display())))?;
    }
    IndexStore::open(path).map_err(|error| Failure::work(format!("{}: {error}", path.display())))
}

async fn sync(arguments: &Sync, reading: &Reading, index: &IndexStore) -> Result<(), Failure> {
    let settings = &reading.settings;
    let chain = settings.chain().map_err(Failure::usage)?;
    let registry = RegistryConfig {
        identity: settings.identity_registry,
        reputation: settings.reputation_registry,
        from_block: settings.registry_from_block,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let indexer = Indexer::new(index.clone(), chain, settings.chain_id, registry, clock).await;
    let mut indexer = indexer.map_err(Failure::work)?;
    let egress = Egress::new(reading.egress.clone()).map_err(Failure::usage)?;
    let describer =
        Describer::new(index.clone(), egress).with_card_trust(reading.card_trust.clone());
    loop {
        let looked = indexer.catch_up().await;
        let read = looked.is_ok();
        match looked {
            Ok(looked) if arguments.follow && looked.events > 0 => {
                eprintln!("{} events up to block {}", looked.events, looked.head);
            }
            Ok(_) => {}
            // Whoever follows wants to go on when the node is back.
            Err(error) if arguments.follow => eprintln!("{error}; trying again"),
            Err(error) => return Err(Failure::work(error)),
        }
        while read && describer.round().await.map_err(Failure::work)?.more {}
        if !arguments.follow {
            return tell(&arguments.status, index).await;
        }
        tokio::select! {
            () = tokio::time::sleep(FOLLOW_PAUSE) => {}
            stopped = tokio::signal::ctrl_c() => {
                stopped.map_err(Failure::work)?;
                return tell(&arguments.status, index).await;
            }
        }
    }
}

async fn tell(arguments: &Status, index: &IndexStore) -> Result<(), Failure> {
    let registries = index.status().await.map_err(Failure::work)?;
    let now = SystemClock.now_unix_millis();
    if arguments.json {
        let registries: Vec<Value> = registries
            .iter()
            .map(|status| status_json(status, now))
            .collect();
        show::document(&json!({ "registries": registries }));
        return Ok(());
    }
    if registries.is_empty() {
        println!("the index is empty; fill it with `agent index sync`");
    }
    for status in &registries {
        println!(
            "{}: {} agents, read up to block {}, {}",
            status.registry,
            status.agents,
            status.next_block.saturating_sub(1),
            age(status.staleness_ms(now)),
        );
        if status.gaps > 0 {
            println!(
                "  {} events are missing: the node did not give them",
                status.gaps
            );
        }
    }
    Ok(())
}

async fn search(asked: &Asked, reading: &Reading, index: &IndexStore) -> Result<(), Failure> {
    let assets = reading.settings.assets();
    let now = SystemClock.now_unix_millis();
    let max_price = asked.max_price.as_deref().map(|amount| {
        let money = amount.parse().map_err(Failure::usage)?;
        let (asset, units) = assets.resolve(&money).map_err(Failure::usage)?;
        Ok::<_, Failure>((asset.id(), units))
    });
    let search = Search {
        text: asked.text.clone(),
        skill: asked.skill.clone(),
        tags: asked.tag.clone(),
        max_price: max_price.transpose()?,
        chains: asked.chain.clone(),
        live_since_ms: asked
            .live_within
            .map(|hours| now.saturating_sub(hours.saturating_mul(HOUR_MS))),
        limit: asked.limit,
        ..Search::default()
    };
    let found = index.search(&search).await.map_err(Failure::work)?;
    let staleness = found.staleness_ms(now);
    if asked.status.json {
        let hits: Vec<Value> = found
            .hits
            .iter()
            .map(|hit| hit_json(&assets, hit))
            .collect();
        show::document(&json!({ "hits": hits, "cut": found.cut, "staleness_ms": staleness }));
        return Ok(());
    }
    for hit in &found.hits {
        println!("{} {} at {}", hit.agent, hit.name, hit.card_url);
        for offer in &hit.offers {
            let price = offer
                .price
                .map(|(asset, units)| show::amount(&assets, asset, units));
            println!("  {}: {}", offer.skill, price.as_deref().unwrap_or("free"));
        }
        if let Some(problem) = &hit.problem {
            println!("  not reached when last asked: {problem}");
        }
    }
    eprintln!(
        "{} found; the index was {}",
        found.hits.len(),
        age(staleness)
    );
    Ok(())
}

fn age(staleness_ms: Option<u64>) -> String {
    match staleness_ms {
        Some(ms) => format!("read {} s ago", ms / 1_000),
        None => "never read to the end".to_owned(),
    }
}

fn status_json(status: &RegistryStatus, now: u64) -> Value {
    json!({
        "registry": status.registry.to_string(),
        "agents": status.agents,
        "next_block": status.next_block,
        "head": status.head,
        "staleness_ms": status.staleness_ms(now),
        "gaps": status.gaps,
    })
}

fn hit_json(assets: &AssetTable, hit: &Hit) -> Value {
    let offers: Vec<Value> = hit
        .offers
        .iter()
        .map(|offer| {
            let price = offer.price.map(|(asset, units)| show::amount_json(assets, asset, units));
            json!({ "skill": offer.skill.as_received(), "name": offer.name.as_received(), "price": price })
        })
        .collect();
    json!({
        "agent": hit.agent,
        "name": hit.name.as_received(),
        "description": hit.description.as_received(),
        "card_url": hit.card_url.as_received(),
        "owner": hit.owner.to_string(),
        "offers": offers,
        "live_ms": hit.live_ms,
        "problem": hit.problem,
        "feedback_given": hit.feedback_given,
        "feedback_revoked": hit.feedback_revoked,
    })
}
