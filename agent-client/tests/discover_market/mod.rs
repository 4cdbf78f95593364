//! A market on a development chain: registered sellers that take vouchers and settle them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_client::buyer::Buyer;
use agent_client::chain::Chain;
use agent_client::chain::bindings::{IIdentityRegistry, IZ402Escrow};
use agent_client::chain::outbox::{Mined, TxOutbox, TxOutcome, TxRequest};
use agent_client::clock::SystemClock;
use agent_client::discover::TrustPolicy;
use agent_client::egress::EgressPolicy;
use agent_client::settings::ChainSettings;
use agent_client::sqlite::Durability;
use agent_client::wallet::PayerKey;
use agent_core::money::BaseUnits;
use agent_core::trust::{
    AgentId, AgentRegistryId, GlobalAgentId, Registration, RegistrationFile, ScorePolicy, Service,
};
use agent_devnet::{Devnet, DevnetConfig};
use alloy_primitives::Address;
use alloy_sol_types::{SolCall, SolEvent};
use url::Url;

use crate::call_fake::{Fake, Reply};

mod shelf;
pub use shelf::Shelf;

pub const WAIT: Duration = Duration::from_secs(30);

pub struct Market {
    pub devnet: Devnet,
    pub chain: Chain,
    pub settings: ChainSettings,
    dir: tempfile::TempDir,
    outboxes: tokio::sync::Mutex<BTreeMap<usize, TxOutbox>>,
    serial: Mutex<u64>,
}

pub struct Shop {
    pub account: usize,
    pub address: Address,
    pub agent: GlobalAgentId,
    pub fake: Fake,
    pub shelf: Arc<Mutex<Shelf>>,
}

impl Market {
    pub async fn open() -> Self {
        let devnet = Devnet::start(DevnetConfig::default())
            .await
            .expect("the devnet starts");
        let settings = ChainSettings {
            poll_millis: 20,
            ..ChainSettings::devnet(devnet.url())
        };
        let chain = settings.chain().expect("a chain");
        let dir = tempfile::tempdir().expect("a directory");
        Self {
            devnet,
            chain,
            settings,
            dir,
            outboxes: Default::default(),
            serial: Mutex::new(0),
        }
    }

    pub fn address(&self, account: usize) -> Address {
        self.devnet.accounts()[account].address
    }

    fn serial(&self) -> u64 {
        let mut serial = self.serial.lock().expect("not poisoned");
        *serial += 1;
        *serial
    }

    pub async fn outbox(&self, account: usize) -> TxOutbox {
        let mut outboxes = self.outboxes.lock().await;
        if let Some(outbox) = outboxes.get(&account) {
            return outbox.clone();
        }
        let path = self.dir.path().join(format!("outbox-{account}.db"));
        let signer = self.devnet.accounts()[account]
            .private_key
            .parse()
            .expect("a key");
        let (config, clock) = (self.settings.outbox(), Arc::new(SystemClock));
        let opened = TxOutbox::open(path, self.chain.clone(), signer, config, clock).await;
        let outbox = opened.expect("the outbox opens");
        outboxes.insert(account, outbox.clone());
        outbox
    }

    /// Sends a call and waits for how it ends.
    pub async fn outcome<C: SolCall>(&self, account: usize, to: Address, call: &C) -> TxOutcome {
        let outbox = self.outbox(account).await;
        let request = TxRequest::call(format!("test {}", self.serial()), to, call);
        let queued = outbox.enqueue(request).await.expect("queued");
        outbox.wait(queued.id, WAIT).await.expect("ends")
    }

    pub async fn send<C: SolCall>(&self, account: usize, to: Address, call: &C) -> Mined {
        match self.outcome(account, to, call).await {
            TxOutcome::Mined(mined) => mined,
            failed => panic!("{failed:?}"),
        }
    }

    /// A buyer that pays, and rates, from a developer's account.
    pub async fn buyer(&self, account: usize) -> Buyer {
        let key = PayerKey::from_hex(self.devnet.accounts()[account].private_key).expect("a key");
        let trust = TrustPolicy {
            // A thousandth of a dollar is a full payment in this market.
            score: ScorePolicy {
                full_weight_base_units: NonZeroU64::new(1_000).expect("not zero"),
                ..ScorePolicy::default()
            },
            ..TrustPolicy::default()
        };
        let dir = self
            .dir
            .path()
            .join(format!("buyer-{account}-{}", self.serial()));
        Buyer::builder(self.settings.clone(), key, dir)
            .egress(EgressPolicy::strict().allow_loopback())
            .trust(trust)
            .outbox(self.outbox(account).await)
            .wallet(|wallet| wallet.durability = Durability::Relaxed)
            .open()
            .await
            .expect("the buyer opens")
    }

    /// Registers an agent without a file.
    pub async fn register(&self, account: usize) -> GlobalAgentId {
        let registry = self.settings.identity_registry;
        let mined = self
            .send(account, registry, &IIdentityRegistry::register_0Call {})
            .await;
        let receipt = self
            .chain
            .receipt(mined.hash)
            .await
            .expect("reads")
            .expect("mined");
        let registered = receipt
            .logs()
            .iter()
            .find_map(|log| IIdentityRegistry::Registered::decode_log(&log.inner).ok())
            .expect("an event");
        let registry = AgentRegistryId::new(self.settings.network(), registry);
        GlobalAgentId::new(registry, AgentId(registered.agentId))
    }

    pub async fn set_uri(&self, account: usize, agent: &GlobalAgentId, uri: String) {
        let call = IIdentityRegistry::setAgentURICall {
            agentId: agent.agent_id.0,
            newURI: uri,
        };
        self.send(account, self.settings.identity_registry, &call)
            .await;
    }

    /// A registered seller of `skill` whose file names it back and leads to its card.
    pub async fn shop(&self, account: usize, skill: &str, price: u128) -> Shop {
        let (address, settings) = (self.address(account), self.settings.clone());
        let shelf = Arc::new(Mutex::new(Shelf {
            price,
            pay_to: address,
            skills: vec![skill.to_owned()],
            identity: None,
            payments: Vec::new(),
        }));
        let shared = Arc::clone(&shelf);
        let fake = Fake::start(move |base, seen| {
            let mut shelf = shared.lock().expect("not poisoned");
            match seen.method.as_str() {
                "GET" if seen.path.contains("agent-card") => {
                    Reply::Json(200, shelf.card(base, &settings).to_string())
                }
                "GET" => Reply::Json(404, "{}".to_owned()),
                _ => shelf.sell(seen, &settings),
            }
        })
        .await;
        let agent = self.register(account).await;
        shelf.lock().expect("not poisoned").identity = Some(agent);
        let file = file(&agent, &fake.url);
        self.set_uri(account, &agent, file.to_data_uri().expect("a file"))
            .await;
        Shop {
            account,
            address,
            agent,
            fake,
            shelf,
        }
    }

    /// Claims everything that a shop was promised, with the newest voucher of each lock.
    pub async fn settle(&self, shop: &Shop) -> Mined {
        let (rows, payee) = {
            let shelf = shop.shelf.lock().expect("not poisoned");
            (shelf.rows(), shelf.pay_to)
        };
        let call = IZ402Escrow::settleBatchCall {
            payee,
            token: self.settings.token.address,
            rows: rows.into(),
        };
        self.send(shop.account, self.settings.escrow, &call).await
    }
}

/// A registration file that names `agent` back.
pub fn file(agent: &GlobalAgentId, base: &str) -> RegistrationFile {
    let mut file = RegistrationFile::new("shop", "sells things");
    let url = Url::parse(&format!("{base}/.well-known/agent-card.json")).expect("a URL");
    file.services.push(Service::a2a(&url, "1.0"));
    file.registrations.push(Registration::of(agent));
    file
}

pub const fn units(amount: u128) -> BaseUnits {
    BaseUnits::new(amount)
}
