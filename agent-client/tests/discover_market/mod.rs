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
use agent_core::voucher::CanonicalSignature;
use agent_devnet::{Devnet, DevnetConfig};
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolEvent};
use serde_json::{Value, json};
use url::Url;

use crate::call_fake::{Fake, Reply, Seen, card};

pub const WAIT: Duration = Duration::from_secs(30);

pub struct Market {
    pub devnet: Devnet,
    pub chain: Chain,
    pub settings: ChainSettings,
    dir: tempfile::TempDir,
    outboxes: tokio::sync::Mutex<BTreeMap<usize, TxOutbox>>,
    serial: Mutex<u64>,
}

/// What a fake seller says and has taken; a test changes it at will.
pub struct Shelf {
    pub price: u128,
    pub pay_to: Address,
    pub skills: Vec<String>,
    pub identity: Option<GlobalAgentId>,
    pub payments: Vec<Value>,
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

impl Shelf {
    fn card(&self, base: &str, settings: &ChainSettings) -> Value {
        let mut card = card(base);
        let skill =
            |id: &String| json!({"id": id, "name": id, "description": id, "tags": ["text"]});
        card["skills"] = self.skills.iter().map(skill).collect();
        let prices: serde_json::Map<String, Value> = self
            .skills
            .iter()
            .map(|id| {
                (
                    id.clone(),
                    json!({"amount": self.price.to_string(), "unit": "task"}),
                )
            })
            .collect();
        let identity = self.identity.map(
            |agent| json!({"agentRegistry": agent.registry, "agentId": agent.agent_id.to_string()}),
        );
        card["capabilities"]["extensions"] = json!([{
            "uri": "urn:z402:a2a:v1",
            "params": {
                "x402Version": 2, "modes": ["z"], "schemes": ["z402"], "asset": settings.asset(),
                "payTo": self.pay_to, "contract": settings.escrow, "minDeadlineSeconds": 600,
                "maxInFlight": 32, "maxTimeoutSeconds": 5, "identity": identity, "skills": prices,
            },
        }]);
        card
    }

    fn sell(&mut self, seen: &Seen, settings: &ChainSettings) -> Reply {
        let payment = seen.json()["params"]["message"]["metadata"]["x402.payment.payload"].clone();
        let receipt = json!({
            "success": true, "mode": "z", "transaction": "",
            "network": settings.network().to_string(),
            "extra": {
                "paymentId": payment["extensions"]["payment-identifier"]["info"]["id"],
                "channelId": payment["payload"]["voucher"]["channelId"],
                "chargedAmount": self.price.to_string(),
            },
        });
        self.payments.push(payment);
        let metadata = json!({"x402.payment.status": "payment-completed",
            "x402.payment.receipts": [receipt]});
        seen.result(json!({"task": {
            "id": format!("task-{}", self.payments.len()), "contextId": "c",
            "status": {"state": "TASK_STATE_COMPLETED", "message": {"messageId": "m",
                "role": "ROLE_AGENT", "parts": [{"text": "done"}], "metadata": metadata}},
            "artifacts": [{"artifactId": "a", "parts": [{"data": {"text": "HI"}}]}],
        }}))
    }

    /// One packed row for each lock: payer, signer, salt, ceiling, claim, signature.
    fn rows(&self) -> Vec<u8> {
        let mut newest: BTreeMap<String, (u128, u128, Value)> = BTreeMap::new();
        for payment in &self.payments {
            let voucher = &payment["payload"]["voucher"];
            let channel = voucher["channelId"].as_str().expect("a channel").to_owned();
            let ceiling: u128 = voucher["maxClaimableAmount"]
                .as_str()
                .expect("text")
                .parse()
                .expect("a number");
            let row = newest.entry(channel).or_insert((0, 0, payment.clone()));
            row.1 += self.price;
            if ceiling > row.0 {
                (row.0, row.2) = (ceiling, payment.clone());
            }
        }
        let mut rows = Vec::new();
        for (ceiling, claim, payment) in newest.into_values() {
            let lock = &payment["payload"]["lock"];
            let address = |field: &str| lock[field].as_str().unwrap().parse::<Address>().unwrap();
            let salt: U256 = lock["salt"]
                .as_str()
                .expect("text")
                .parse()
                .expect("a salt");
            let signature = payment["payload"]["voucher"]["signature"]
                .as_str()
                .expect("text");
            let signature: CanonicalSignature = signature.parse().expect("canonical");
            rows.extend_from_slice(address("payer").as_slice());
            rows.extend_from_slice(address("signer").as_slice());
            rows.extend_from_slice(&salt.to_be_bytes::<32>()[20..]);
            rows.extend_from_slice(&ceiling.to_be_bytes());
            rows.extend_from_slice(&claim.to_be_bytes());
            rows.extend_from_slice(&signature.to_compact());
        }
        rows
    }
}

pub const fn units(amount: u128) -> BaseUnits {
    BaseUnits::new(amount)
}
