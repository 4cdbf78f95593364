//! Who is there: the chain, three sellers, one buyer.

use crate::{Arguments, Result};
use agent_client::buyer::{Budget, Buyer, Seller};
use agent_client::discover::Query;
use agent_client::egress::EgressPolicy;
use agent_client::settings::ChainSettings;
use agent_devnet::{Devnet, DevnetConfig};
use agent_examples::{Digest, Keywords, Readability};
use agent_server::config::{AgentConfig, KeyConfig, PaymentConfig};
use agent_server::{Agent, RunningAgent};
use std::path::Path;
use tempfile::TempDir;

/// Development keys, by role. An agent that sells and buys uses one key for each.
const SWIFT: u8 = 1;
const FINE: u8 = 2;
const DESK: u8 = 3;
const DESK_HIRES: u8 = 4;
const BUYER: u8 = 5;

/// Everyone and everything.
pub(crate) struct World {
    pub(crate) devnet: Devnet,
    pub(crate) chain: ChainSettings,
    pub(crate) sellers: Vec<RunningAgent>,
    /// Buys from all of them.
    pub(crate) buyer: Buyer,
    /// The digest seller's own wallet, with which it hires.
    pub(crate) hirer: Buyer,
    /// Chosen among the sellers of keywords.
    pub(crate) keywords: Seller,
    /// The other one.
    pub(crate) rival: Seller,
    pub(crate) digest: Seller,
    why: Vec<String>,
    _files: TempDir,
}

/// Starts everything and lets the buyers find and choose.
pub(crate) async fn open(arguments: &Arguments) -> Result<World> {
    let devnet = Devnet::start(DevnetConfig::default()).await?;
    let chain = ChainSettings::devnet(devnet.url());
    let files = tempfile::tempdir()?;
    let at = |name: &str| files.path().join(name);

    let swift = Agent::named("Swift Words")
        .about("Keywords, fast and cheap; readability for free")
        .sell(Keywords::at("0.0004 USDC"))
        .sell(Readability)
        .config(config(&chain, &at("swift"), SWIFT, arguments));
    let fine = Agent::named("Fine Words")
        .about("Keywords, chosen with care")
        .sell(Keywords::at("0.0009 USDC"))
        .config(config(&chain, &at("fine"), FINE, arguments));
    let (swift, fine) = (
        Box::pin(swift.start()).await?,
        Box::pin(fine.start()).await?,
    );

    let hirer = buyer(&chain, &at("desk-hires"), DESK_HIRES, arguments).await?;
    let hired = hirer.find(keywords()).await?.best()?;
    let desk = Agent::named("Digest Desk")
        .about("One sentence that says it all; hires others for the keywords")
        .sell(Digest::at("0.003 USDC"))
        .with(hired)
        .config(config(&chain, &at("desk"), DESK, arguments));
    let desk = Box::pin(desk.start()).await?;

    let buyer = buyer(&chain, &at("buyer"), BUYER, arguments).await?;
    let offers = buyer.find(keywords()).await?;
    let why = offers
        .found()
        .candidates
        .iter()
        .map(ToString::to_string)
        .collect();
    let [keywords, rival] = <[Seller; 2]>::try_from(offers.sellers())
        .map_err(|sellers| format!("found {} sellers of keywords, not 2", sellers.len()))?;
    let digest = buyer
        .find(Query::skill(Digest::ID).max_price("0.01 USDC"))
        .await?
        .best()?;
    let sellers = vec![swift, fine, desk];
    Ok(World {
        devnet,
        chain,
        sellers,
        buyer,
        hirer,
        keywords,
        rival,
        digest,
        why,
        _files: files,
    })
}

fn keywords() -> Query {
    Query::skill(Keywords::ID)
        .max_price("0.001 USDC")
        .min_trust(0.4)
}

fn config(chain: &ChainSettings, dir: &Path, key: u8, arguments: &Arguments) -> AgentConfig {
    let mut payment = PaymentConfig::new(chain.clone(), KeyConfig::Devnet(key));
    payment.register = true;
    let mut config = AgentConfig {
        data_dir: dir.to_owned(),
        payment: Some(payment),
        ..AgentConfig::default()
    };
    config.limits.in_flight_per_lock = arguments.in_flight.max(64);
    config
}

async fn buyer(chain: &ChainSettings, dir: &Path, key: u8, arguments: &Arguments) -> Result<Buyer> {
    let key = KeyConfig::Devnet(key).read()?;
    // Enough for the dearest mix of calls, and no more: a tenth of a cent a call and some change.
    let bound = |cents: u32| {
        format!("{}.{:02} USDC", cents / 100, cents % 100)
            .parse()
            .ok()
    };
    let all = arguments.calls.div_ceil(10).saturating_add(100);
    let budget = Budget {
        per_payment: bound(1),
        per_hour: bound(all),
        per_day: bound(all),
        per_payee_per_day: bound(all),
        per_lock: bound(all),
        locked_total: bound(all.saturating_mul(4)),
        ..Budget::default()
    };
    std::fs::create_dir_all(dir)?;
    Ok(Buyer::builder(chain.clone(), key, dir)
        .policy(budget.policy(chain)?)
        .egress(EgressPolicy::strict().allow_loopback())
        .require_identity(true)
        .open()
        .await?)
}

/// Says who is there and why the buyer chose as it did.
pub(crate) fn introduce(world: &World) {
    eprintln!(
        "chain {} at {}",
        world.devnet.chain_id(),
        world.devnet.url()
    );
    for seller in &world.sellers {
        eprintln!("selling at {}: {}", seller.url(), seller.card().name);
    }
    eprintln!("sellers of keywords, best first:");
    for line in &world.why {
        eprintln!("  {line}");
    }
}

impl World {
    /// Stops everyone.
    pub(crate) async fn stop(self) {
        self.buyer.close().await;
        self.hirer.close().await;
        for seller in self.sellers {
            seller.stop().await;
        }
        self.devnet.stop().await;
    }
}
