//! An agent for the interoperability tests: the other side is an official SDK's client.
//!
//! It listens on a free loopback port, says where in one line of JSON on standard output, and
//! serves until its standard input ends. `tests/interop/run` starts it, with the key that signs the
//! card in the variable `INTEROP_CARD_KEY`.

mod behaviour;

use agent_core::skill::{About, Outcome, Skill, SkillContext};
use agent_server::Agent;
use agent_server::config::AgentConfig;
use behaviour::{Gates, act};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::sync::Arc;

/// Says that it takes a text, and takes anything: a message of several parts has data for an input.
#[derive(Debug, JsonSchema)]
struct Asked {
    text: String,
}

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let input = Value::deserialize(deserializer)?;
        let text = input.get("text").and_then(Value::as_str);
        Ok(Self {
            text: text.unwrap_or_default().to_owned(),
        })
    }
}

/// Webhooks here are on this machine, and there is a caller to be known.
const CONFIG: &str = r#"
[push]
allow_http = true
allow_private = true

[auth]
allow_anonymous = true

[auth.schemes.key]
type = "api_key"
in = "header"
name = "X-API-Key"
callers.tester = { sha256 = "ffea07d78e8cb578cb12256c71474c28d5032526eadd46bbf5c50d5c44de8b12" }

[card]
kid = "interop"
sign_with.env = "INTEROP_CARD_KEY"

[card.extended]
description = "For the trusted"
"#;

/// What the digest in the configuration is of.
const API_KEY: &str = "extended-card-token";

struct Interoperate;

impl Skill for Interoperate {
    type Input = Asked;
    type Output = Value;

    fn about(&self) -> About {
        About::new("interoperate", "Does what the text says")
            .tags(["test"])
            .answers_directly()
    }

    async fn run(&self, asked: Asked, cx: &mut SkillContext) -> Outcome<Value> {
        let text = match (asked.text, cx.message()) {
            (text, Some(message)) if text.is_empty() => message.text(),
            (text, _) => text,
        };
        act(text.lines().next().unwrap_or_default(), cx).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = tempfile::tempdir()?;
    let config = AgentConfig {
        data_dir: files.path().join("data"),
        ..AgentConfig::parse(CONFIG)?
    };
    let signing = config.card.signing().ok_or("no key to sign with")?;
    let keys = [signing.signer()?.public()];
    let agent = Agent::named("interop_agent").about("For the interoperability tests");
    let agent = agent.with(Arc::new(Gates::default())).config(config);
    let agent = Box::pin(agent.sell(Interoperate).start()).await?;
    let trusted = json!({ "X-API-Key": API_KEY });
    println!(
        "{}",
        json!({ "url": agent.url().as_str(), "keys": keys, "trusted": trusted })
    );
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()))
        .await??;
    agent.stop().await;
    Ok(())
}
