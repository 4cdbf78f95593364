//! The seller of the README: reads `agent.toml`, or sells to a development chain without one.

use agent_client::settings::ChainSettings;
use agent_server::config::{AgentConfig, KeyConfig, PaymentConfig};
use agent_server::prelude::*;
use std::path::Path;

#[derive(Deserialize, JsonSchema)]
struct Ask {
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Said {
    text: String,
}

/// Shouts back.
struct Shout;

impl Skill for Shout {
    type Input = Ask;
    type Output = Said;

    fn about(&self) -> About {
        About::new("shout", "Shouts your text back").tags(["text"])
    }

    fn price(&self) -> Price {
        Price::per_task("0.001 USDC")
    }

    async fn run(&self, ask: Ask, cx: &mut SkillContext) -> Outcome<Said> {
        cx.progress("thinking").await?;
        Ok(Said {
            text: ask.text.to_uppercase(),
        }
        .into())
    }
}

#[tokio::main]
async fn main() -> agent_server::Result<()> {
    let shouter = Agent::named("shouter").sell(Shout);
    if Path::new("agent.toml").exists() {
        return shouter.run().await;
    }
    let devnet = ChainSettings::devnet(ChainSettings::DEVNET_RPC_URL);
    let payment = PaymentConfig::new(devnet, KeyConfig::Devnet(1));
    let config = AgentConfig {
        payment: Some(payment),
        ..AgentConfig::default()
    };
    shouter.config(config).run().await
}
