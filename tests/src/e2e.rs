//! A seller on a loopback port, a chain behind it, and a peer that writes every byte by hand.
//!
//! The peer shares no code with the client of this project: what it sends is what an attacker could
//! send, and what it reads is what stands on the wire.

mod answer;
mod cable;
mod child;
mod payment;
mod peer;
mod purse;
mod shift;
mod skills;

pub use answer::Answer;
pub use cable::Cable;
pub use child::{Child, SELLER_ENV, run_as_child};
pub use payment::Payment;
pub use peer::{Peer, Reply, message, request, with_payment};
pub use purse::Purse;
pub use shift::Shift;
pub use skills::{Floor, PRICE, Said, Work, sell_everything};

use agent_client::settings::ChainSettings;
use agent_core::clock::Clock;
use agent_core::ledger::Books;
use agent_core::money::BaseUnits;
use agent_devnet::{DEV_ACCOUNTS, Devnet, DevnetConfig};
use agent_server::config::{AgentConfig, KeyConfig, PaymentConfig};
use agent_server::{Agent, RunningAgent};
use alloy_primitives::Address;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long anything may take that is awaited; far more than it ever does.
pub const WAIT: Duration = Duration::from_secs(30);
/// The development account that is paid.
pub const SELLER: usize = 1;
/// The development account that pays.
pub const BUYER: usize = 5;

/// A seller, its chain and its files.
#[derive(Debug)]
pub struct Shop {
    /// The chain.
    pub devnet: Devnet,
    /// The chain as an honest client configures it.
    pub settings: ChainSettings,
    /// What the skills of the seller do and have done.
    pub floor: Arc<Floor>,
    /// How the seller is set up.
    pub config: AgentConfig,
    agent: Option<RunningAgent>,
    clock: Option<Arc<dyn Clock>>,
    salts: AtomicU64,
    _files: tempfile::TempDir,
}

impl Shop {
    /// A shop as it is usually set up.
    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// A shop whose configuration was changed.
    pub async fn open_with(change: impl FnOnce(&mut AgentConfig)) -> Self {
        let mut shop = Self::closed().await;
        change(&mut shop.config);
        shop.start().await;
        shop
    }

    /// A shop with everything but its seller.
    pub async fn closed() -> Self {
        let devnet = Devnet::start(DevnetConfig::default()).await.unwrap();
        let settings = ChainSettings::devnet(devnet.url());
        let files = tempfile::tempdir().unwrap();
        let config = config(&settings, files.path());
        Self {
            devnet,
            settings,
            floor: Arc::default(),
            config,
            agent: None,
            clock: None,
            salts: AtomicU64::new(1),
            _files: files,
        }
    }

    /// Gives the seller another clock, from its next start.
    pub fn set_clock(&mut self, clock: Arc<dyn Clock>) {
        self.clock = Some(clock);
    }

    /// Starts the seller on its files.
    pub async fn start(&mut self) {
        let mut agent = Agent::named("shop").config(self.config.clone());
        if let Some(clock) = &self.clock {
            agent = agent.clock(Arc::clone(clock));
        }
        let agent = sell_everything(agent, &self.floor);
        self.agent = Some(Box::pin(agent.start()).await.unwrap());
    }

    /// Stops the seller; its files stay.
    pub async fn stop(&mut self) {
        if let Some(agent) = self.agent.take() {
            Box::pin(agent.stop()).await;
        }
    }

    /// The seller.
    #[must_use]
    pub fn agent(&self) -> &RunningAgent {
        self.agent.as_ref().expect("the seller runs")
    }

    /// Somebody who talks to the seller.
    #[must_use]
    pub fn peer(&self) -> Peer {
        let url = self.agent().url();
        Peer::new(url.socket_addrs(|| None).unwrap()[0])
    }

    /// A fresh lock of the buyer's for the seller, with a day to run.
    pub fn purse(&self, amount: u128) -> Purse {
        // A statement of its own: the guard of the chain lives as long as its statement.
        let now = self.devnet.chain().timestamp();
        self.purse_until(amount, now + 86_400)
    }

    /// A fresh lock with this deadline.
    pub fn purse_until(&self, amount: u128, deadline: u64) -> Purse {
        let salt = self.salts.fetch_add(1, Ordering::Relaxed);
        Purse::open(&self.devnet, &self.settings, BUYER, salt, amount, deadline)
    }

    /// The sums of the seller's ledger, which must be in order.
    pub async fn books(&self) -> Books {
        let violations = self.agent().store().unwrap().verify().await.unwrap();
        assert!(violations.is_empty(), "{violations:?}");
        self.agent().books().await.unwrap()
    }

    /// Asserts what the ledger has come to.
    pub async fn assert_books(&self, charged: u128, posted: u64, voided: u64, pending: u64) {
        let books = self.books().await;
        let found = (
            books.charged.get(),
            books.posted,
            books.voided,
            books.pending,
        );
        assert_eq!(found, (charged, posted, voided, pending), "{books:?}");
        assert!(
            pending > 0 || books.reserved == BaseUnits::ZERO,
            "{books:?}"
        );
    }

    /// Asserts that no payment was ever taken.
    pub async fn assert_untouched(&self) {
        self.assert_books(0, 0, 0, 0).await;
    }

    /// What an account has in tokens.
    #[must_use]
    pub fn tokens(&self, owner: Address) -> u128 {
        purse::tokens(&self.devnet, &self.settings, owner)
    }

    /// What the seller earned on chain.
    #[must_use]
    pub fn earned(&self) -> u128 {
        self.tokens(DEV_ACCOUNTS[SELLER].address) - u128::from(agent_devnet::GENESIS_USDC)
    }
}

/// A seller's usual configuration on this chain, its files below this directory.
#[must_use]
pub fn config(settings: &ChainSettings, files: &Path) -> AgentConfig {
    let key = KeyConfig::Devnet(u8::try_from(SELLER).unwrap());
    let payment = PaymentConfig::new(settings.clone(), key);
    AgentConfig {
        data_dir: files.join("seller"),
        payment: Some(payment),
        ..AgentConfig::default()
    }
}

/// Waits until a condition holds. For what no event tells of; it looks often and gives up late.
///
/// # Panics
/// When it does not hold in time.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let look = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(
        tokio::time::timeout(WAIT, look).await.is_ok(),
        "not in time: {what}"
    );
}
