//! An agent with a free and a priced skill of the same work, and a chain to be paid on.

use crate::buyer::{Buyer, Lines, Way};
use crate::load::{self, Measured, post};
use crate::{Result, chain};
use agent_client::settings::ChainSettings;
use agent_devnet::{Devnet, DevnetConfig};
use agent_server::RunningAgent;
use agent_server::config::{AgentConfig, KeyConfig, PaymentConfig};
use agent_server::gate::credit_key;
use agent_server::prelude::*;
use std::net::SocketAddr;
use std::time::Duration;
use tempfile::TempDir;

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

/// The agent, at work.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) buyer: Buyer,
    devnet: Devnet,
    agent: RunningAgent,
    _files: TempDir,
}

impl World {
    /// How it is paid.
    pub(crate) const WAYS: [Way; 3] = [Way::Unpaid, Way::Voucher, Way::Credit];
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
    let terms = agent.card().extension(agent_core::x402::EXTENSION_URI);
    let terms = serde_json::to_string(&terms.ok_or("no payment terms")?.params)?;
    let store = agent.store().ok_or("no books")?;
    let terms = serde_json::from_str(&terms)?;
    let buyer = Buyer::new(terms, &settings, credit_key(store).await?)?;
    chain::open_lock(&mut devnet.chain(), &settings, &buyer.lock)?;
    let port = agent.url().port().ok_or("no port")?;
    Ok(World {
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        buyer,
        devnet,
        agent,
        _files: files,
    })
}

fn message(skill: &str, number: u64, payment: Option<&str>) -> String {
    let payment = payment.map(|payment| {
        format!(r#","x402.payment.status":"payment-submitted","x402.payment.payload":{payment}"#)
    });
    format!(
        r#"{{"message":{{"messageId":"m-{number}","role":"ROLE_USER","parts":[{{"data":{{"text":"hello number {number}"}}}}],"metadata":{{"urn:z402:a2a:v1/skill":"{skill}"{}}}}}}}"#,
        payment.unwrap_or_default()
    )
}

/// A call of a skill over JSON-RPC.
pub(crate) fn call(skill: &str, number: u64, payment: Option<&str>) -> Vec<u8> {
    let params = message(skill, number, payment);
    let json =
        format!(r#"{{"jsonrpc":"2.0","id":{number},"method":"SendMessage","params":{params}}}"#);
    post("/a2a", &json)
}

/// Sends these calls. The load has a thread of its own, beside those of the runtime.
pub(crate) async fn answered(
    address: SocketAddr,
    lines: Lines,
    in_flight: usize,
) -> Result<Measured> {
    let load = move || load::run_lines(address, &lines, in_flight, "TASK_STATE_COMPLETED");
    tokio::task::spawn_blocking(load).await?
}

impl World {
    /// Claims everything, and fails unless the books are right.
    pub(crate) async fn close(self) -> Result<()> {
        self.agent.settle_now(Duration::from_secs(60)).await?;
        let books = self.agent.books().await?;
        if books.charged != books.claimed || books.posted != self.buyer.payments {
            return Err(format!("the books do not balance: {books:?}").into());
        }
        eprintln!("{:?}", self.agent.store().map(|store| store.stats()));
        self.agent.stop().await;
        self.devnet.stop().await;
        Ok(())
    }
}
