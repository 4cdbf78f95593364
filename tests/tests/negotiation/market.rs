//! A seller that haggles, and those who come to it.

use agent_client::buyer::{Budget, Buyer, Seller};
use agent_client::egress::EgressPolicy;
use agent_client::wallet::PayerKey;
use agent_core::clock::Clock;
use agent_core::ledger::Books;
use agent_core::money::{Amount, BaseUnits};
use agent_core::price::Price;
use agent_core::skill::{About, Outcome, Quote, Skill, SkillContext};
use agent_devnet::DEV_ACCOUNTS;
use agent_server::{Agent, RunningAgent};
use agent_tests::e2e::{BUYER, Peer, Said, Shift, Shop, Work};
use std::path::Path;
use std::sync::Arc;

/// The price in the card.
pub(crate) const LISTED: u128 = 1_000;
/// What is charged for doing it fast.
pub(crate) const FAST: u128 = 3_000;
/// The seller takes bids down to this.
pub(crate) const FLOOR: u128 = 400;
/// How long its quotes hold.
pub(crate) const VALID_SECS: u64 = 120;

/// Says what it was paid for.
struct Haggle;

impl Skill for Haggle {
    type Input = Work;
    type Output = Said;

    fn about(&self) -> About {
        About::new("haggle", "Says things at a price that can be talked about")
    }

    fn price(&self) -> Price {
        Price::per_task("0.001 USDC")
    }

    fn quote(&self, _: &Work, bid: Option<Amount>) -> Price {
        let bid = bid.map_or(LISTED, |bid| bid.value.get());
        Price::per_task(&usdc(bid.clamp(FLOOR, LISTED)))
    }

    fn quotes(&self, input: &Work, bid: Option<Amount>) -> Vec<Quote> {
        let fast = Quote::new("fast", Price::per_task("0.003 USDC")).note("at once");
        let standard = Quote::from(self.quote(input, bid));
        vec![standard.valid_secs(VALID_SECS), fast.valid_secs(VALID_SECS)]
    }

    async fn run(&self, work: Work, cx: &mut SkillContext) -> Outcome<Said> {
        let quote = cx.accepted_quote().unwrap_or("none");
        let text = format!("{}: {quote}", work.text);
        Ok(Said { text }.into())
    }
}

/// The same work at a fixed price: an offer for the one is none for the other.
struct Fixed;

impl Skill for Fixed {
    type Input = Work;
    type Output = Said;

    fn about(&self) -> About {
        About::new("fixed", "Says things at a fixed price")
    }

    fn price(&self) -> Price {
        Price::per_task("0.001 USDC")
    }

    async fn run(&self, work: Work, _: &mut SkillContext) -> Outcome<Said> {
        Ok(Said { text: work.text }.into())
    }
}

fn usdc(units: u128) -> String {
    format!("0.{units:06} USDC")
}

pub(crate) struct Market {
    pub(crate) shop: Shop,
    pub(crate) clock: Arc<Shift>,
    agent: Option<RunningAgent>,
    files: tempfile::TempDir,
}

impl Market {
    pub(crate) async fn open() -> Self {
        let mut market = Self {
            shop: Shop::closed().await,
            clock: Arc::default(),
            agent: None,
            files: tempfile::tempdir().unwrap(),
        };
        market.start().await;
        market
    }

    /// Starts the seller again on its files.
    pub(crate) async fn restart(&mut self) {
        if let Some(agent) = self.agent.take() {
            Box::pin(agent.stop()).await;
        }
        self.start().await;
    }

    async fn start(&mut self) {
        let mut config = self.shop.config.clone();
        // The same port again, so that whoever knew the seller finds it.
        if let Some(port) = self.port() {
            config.listen.set_port(port);
        }
        let clock: Arc<dyn Clock> = Arc::<Shift>::clone(&self.clock);
        let agent = Agent::named("market").config(config).clock(clock);
        let agent = agent.sell(Haggle).sell(Fixed);
        let agent = Box::pin(agent.start()).await.unwrap();
        self.shop
            .config
            .listen
            .set_port(agent.url().port().unwrap());
        self.agent = Some(agent);
    }

    fn port(&self) -> Option<u16> {
        Some(self.shop.config.listen.port()).filter(|port| *port != 0)
    }

    fn agent(&self) -> &RunningAgent {
        self.agent.as_ref().expect("the seller runs")
    }

    pub(crate) fn peer(&self) -> Peer {
        let url = self.agent().url();
        Peer::new(url.socket_addrs(|| None).unwrap()[0])
    }

    /// A buyer that knows the seller.
    pub(crate) async fn customer(&self) -> Seller {
        let bound = || "5 USDC".parse().ok();
        let budget = Budget {
            per_payment: "0.01 USDC".parse().ok(),
            per_hour: bound(),
            per_day: bound(),
            per_payee_per_day: bound(),
            per_lock: bound(),
            locked_total: "20 USDC".parse().ok(),
            ..Budget::default()
        };
        let settings = &self.shop.settings;
        let key = PayerKey::from_hex(DEV_ACCOUNTS[BUYER].private_key).unwrap();
        let files: &Path = self.files.path();
        let builder = Buyer::builder(settings.clone(), key, files.join("buyer"))
            .policy(budget.policy(settings).unwrap())
            .egress(EgressPolicy::strict().allow_loopback());
        let buyer = Box::pin(builder.open()).await.unwrap();
        buyer.connect(self.agent().url().as_str()).await.unwrap()
    }

    /// The sums of the seller's ledger, which must be in order.
    pub(crate) async fn books(&self) -> Books {
        let violations = self.agent().store().unwrap().verify().await.unwrap();
        assert!(violations.is_empty(), "{violations:?}");
        let books = self.agent().books().await.unwrap();
        assert_eq!(books.reserved, BaseUnits::ZERO);
        books
    }
}

/// What a buyer sends.
pub(crate) fn work(text: &str) -> serde_json::Value {
    serde_json::json!({ "text": text })
}
