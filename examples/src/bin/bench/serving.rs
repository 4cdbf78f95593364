//! An agent with a free and a priced skill of the same work, and a chain to be paid on.

use crate::load::{self, Measured, post};
use crate::{Result, chain, paid};
use agent_client::settings::ChainSettings;
use agent_client::wallet::PayerKey;
use agent_core::money::BaseUnits;
use agent_core::voucher::{EscrowDomain, Lock};
use agent_core::x402::PaymentTerms;
use agent_devnet::{Devnet, DevnetConfig};
use agent_server::RunningAgent;
use agent_server::config::{AgentConfig, KeyConfig, PaymentConfig};
use agent_server::prelude::*;
use agent_server::settle::SettleReport;
use std::net::SocketAddr;
use std::time::Duration;
use tempfile::TempDir;

const PRICE: u128 = 100;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Text {
    text: String,
}

struct Shout(Option<&'static str>);

impl Skill for Shout {
    type Input = Text;
    type Output = Text;
    fn about(&self) -> About {
        About::new(
            if self.0.is_some() { "paid" } else { "free" },
            "Shouts your text back",
        )
    }
    fn price(&self) -> Price {
        self.0.map_or_else(Price::free, Price::per_task)
    }
    async fn run(&self, ask: Text, _cx: &mut SkillContext) -> Outcome<Text> {
        Ok(Text {
            text: ask.text.to_uppercase(),
        }
        .into())
    }
}

/// Everything that is measured.
pub(crate) struct World {
    devnet: Devnet,
    agent: RunningAgent,
    terms: PaymentTerms,
    domain: EscrowDomain,
    key: PayerKey,
    lock: Lock,
    signed: u128,
    charged: u64,
    _files: TempDir,
}

pub(crate) async fn open() -> Result<World> {
    let devnet = Devnet::start(DevnetConfig::default()).await?;
    let settings = ChainSettings::devnet(devnet.url());
    let files = tempfile::tempdir()?;
    let mut payment = PaymentConfig::new(settings.clone(), KeyConfig::Devnet(1));
    payment.max_unclaimed = "1000 USDC".parse()?;
    payment.settle_at = "1000 USDC".parse()?;
    let config = AgentConfig {
        data_dir: files.path().to_owned(),
        payment: Some(payment),
        ..AgentConfig::default()
    };
    let agent = Agent::named("bench")
        .sell(Shout(None))
        .sell(Shout(Some("0.0001 USDC")))
        .config(config);
    let agent = Box::pin(agent.start()).await?;
    let payee = agent.payee().ok_or("nobody is paid")?;
    let lock = paid::lock(&settings, payee, 1)?;
    chain::open_locks(&mut devnet.chain(), &settings, &[lock], 1_000_000_000)?;
    let terms = agent.card().extension(agent_core::x402::EXTENSION_URI);
    let terms = serde_json::to_string(&terms.ok_or("no payment terms")?.params)?;
    Ok(World {
        terms: serde_json::from_str(&terms)?,
        domain: settings.domain(),
        key: paid::payer()?,
        lock,
        signed: 0,
        charged: 0,
        devnet,
        agent,
        _files: files,
    })
}

fn message(skill: &str, number: u128, payment: Option<&str>) -> String {
    let payment = payment.map(|payment| {
        format!(r#","x402.payment.status":"payment-submitted","x402.payment.payload":{payment}"#)
    });
    format!(
        r#"{{"message":{{"messageId":"m-{number}","role":"ROLE_USER","parts":[{{"data":{{"text":"hello number {number}"}}}}],"metadata":{{"urn:z402:a2a:v1/skill":"{skill}"{}}}}}}}"#,
        payment.unwrap_or_default()
    )
}

fn call(skill: &str, number: u128, payment: Option<&str>) -> Vec<u8> {
    let params = message(skill, number, payment);
    let json =
        format!(r#"{{"jsonrpc":"2.0","id":{number},"method":"SendMessage","params":{params}}}"#);
    post("/a2a", &json)
}

impl World {
    fn address(&self) -> Result<SocketAddr> {
        let url = self.agent.url();
        let port = url.port().ok_or("no port")?;
        Ok(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    pub(crate) async fn unpaid(&self, calls: u32, in_flight: usize) -> Result<Measured> {
        let requests = (0..calls).map(|n| call("free", n.into(), None)).collect();
        self.answered(requests, in_flight).await
    }

    pub(crate) async fn paid(&mut self, calls: u32, in_flight: usize) -> Result<Measured> {
        let mut requests = Vec::new();
        for _ in 0..calls {
            self.signed = self.signed.saturating_add(PRICE);
            let (max, ceiling) = (BaseUnits::new(PRICE), BaseUnits::new(self.signed));
            let (terms, domain) = (&self.terms, &self.domain);
            let payment = paid::payload(terms, domain, &self.key, self.lock, max, ceiling)?;
            requests.push(call("paid", self.signed, Some(&payment)));
        }
        self.charged = self.charged.saturating_add(u64::from(calls));
        self.answered(requests, in_flight).await
    }

    /// The load has a thread of its own, beside those of the runtime.
    async fn answered(&self, requests: Vec<Vec<u8>>, in_flight: usize) -> Result<Measured> {
        let address = self.address()?;
        let load = move || load::run(address, &requests, in_flight, "TASK_STATE_COMPLETED");
        tokio::task::spawn_blocking(load).await?
    }

    /// Claims everything: one lock, all payments. Returns their number beside the report.
    pub(crate) async fn settle(&self) -> Result<(u64, SettleReport)> {
        let report = self.agent.settle_now(Duration::from_secs(60)).await?;
        let books = self.agent.books().await?;
        if books.charged != books.claimed || books.posted != self.charged {
            return Err(format!("the books do not balance: {books:?}").into());
        }
        Ok((books.posted, report))
    }

    pub(crate) async fn close(self) {
        eprintln!("{:?}", self.agent.store().map(|store| store.stats()));
        self.agent.stop().await;
        self.devnet.stop().await;
    }
}
