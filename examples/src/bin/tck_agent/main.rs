//! An agent for the A2A conformance kit: one skill that does what the kit's messages ask for.
//!
//! ```text
//! cargo run --release --bin tck_agent -- --port 9999
//! ```
//!
//! It is an agent as anybody writes one, and so cannot do what a typed skill cannot say. The kit
//! asks for some of that, and those cases fail until the runtime can do it; `docs/CONFORMANCE.md`
//! lists them:
//!
//! - a message as the direct answer, without a task (`tck-message-response`),
//! - `TASK_STATE_AUTH_REQUIRED` (`tck-auth-required`),
//! - an artifact of a file or a URL (`tck-artifact-file`, `tck-artifact-file-url`,
//!   `tck-stream-artifact-file`): a result is data, and pieces before it are text,
//! - a last piece that says so (`lastChunk`) of an artifact that came in pieces.

mod behaviour;

use agent_core::skill::{About, Outcome, Skill, SkillContext};
use agent_server::Agent;
use agent_server::config::AgentConfig;
use behaviour::Behaviour;
use clap::Parser;
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};

/// An agent for the A2A conformance kit.
#[derive(Debug, Parser)]
struct Args {
    /// Where to listen on the loopback interface.
    #[arg(long, default_value_t = 9999)]
    port: u16,
}

/// Says that it takes a text, and takes anything: what counts is the message around it.
#[derive(Debug, JsonSchema)]
struct Anything {
    #[expect(
        dead_code,
        reason = "for the schema, which lets plain text stand for the input"
    )]
    text: String,
}

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        Ok(Self {
            text: String::new(),
        })
    }
}

struct Conform;

impl Skill for Conform {
    type Input = Anything;
    type Output = Value;

    fn about(&self) -> About {
        About::new(
            "conform",
            "Behaves as the message's id, or else its text, begins",
        )
        .tags(["tck"])
    }

    async fn run(&self, _input: Anything, cx: &mut SkillContext) -> Outcome<Value> {
        let asked = cx.message().map_or(Behaviour::Complete, |message| {
            Behaviour::named(&message.message_id)
                .or_else(|| Behaviour::named(&message.text()))
                .unwrap_or(Behaviour::Complete)
        });
        asked.act(cx).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let files = tempfile::tempdir()?;
    let config = AgentConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)),
        data_dir: files.path().join("data"),
        // The kit lists tasks without naming a context.
        list_all_tasks: true,
        ..AgentConfig::default()
    };
    let agent = Agent::named("tck_agent").about("For the A2A conformance kit");
    Box::pin(agent.config(config).sell(Conform).run()).await?;
    Ok(())
}
