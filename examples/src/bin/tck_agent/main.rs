//! An agent for the A2A conformance kit: one skill that does what the kit's messages ask for.
//!
//! ```text
//! cargo run --release --bin tck_agent -- --port 9999
//! ```
//!
//! With `--off` it offers nothing that an agent may leave out, and with `--required-extension` it
//! demands an extension of its callers: the kit has tests for each of the three. Results are in
//! `docs/CONFORMANCE.md`.

mod behaviour;

use agent_core::a2a::{AgentExtension, MutualTlsSecurityScheme, SecurityScheme};
use agent_core::ledger::BoxFuture;
use agent_core::skill::{About, Outcome, Skill, SkillContext};
use agent_server::Agent;
use agent_server::auth::{AuthError, Authenticator, Identity, Presented};
use agent_server::config::{AgentConfig, PushConfig};
use behaviour::Behaviour;
use clap::Parser;
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use std::net::{Ipv4Addr, SocketAddr};

/// An agent for the A2A conformance kit.
#[derive(Debug, Parser)]
struct Args {
    /// Where to listen on the loopback interface.
    #[arg(long, default_value_t = 9999)]
    port: u16,
    /// Offer nothing that may be left out: no streams, no webhooks, no extended card.
    #[arg(long)]
    off: bool,
    /// Demand the kit's extension of every caller.
    #[arg(long)]
    required_extension: bool,
    /// Speak A2A 0.3 too, and be as the kit for 0.3 wants it: tasks wait for more, and there is no
    /// extended card. The kit for 1.0 takes the older members of the card for a mistake.
    #[arg(long)]
    v0_3: bool,
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

struct Conform {
    /// What is done with messages that name nothing.
    otherwise: Behaviour,
}

impl Skill for Conform {
    type Input = Anything;
    type Output = ();

    fn about(&self) -> About {
        About::new(
            "conform",
            "Behaves as the message's id, or else its text, begins",
        )
        .tags(["tck"])
        .output_modes(["application/octet-stream"])
        .answers_directly()
    }

    async fn run(&self, _input: Anything, cx: &mut SkillContext) -> Outcome<()> {
        let asked = cx.message().map_or(self.otherwise, |message| {
            Behaviour::named(&message.message_id)
                .or_else(|| Behaviour::named(&message.text()))
                .unwrap_or(self.otherwise)
        });
        asked.act(cx).await
    }
}

/// Calls everybody by one name: the kit has no credentials, and asks for what only callers with a
/// name get.
#[derive(Debug)]
struct Everybody;

impl Authenticator for Everybody {
    fn authenticate<'a>(
        &'a self,
        _presented: &'a Presented<'a>,
    ) -> BoxFuture<'a, Result<Identity, AuthError>> {
        Box::pin(async { Ok(Identity::new("kit", "everybody")) })
    }

    fn challenge(&self, _error: AuthError, _realm: &str) -> Option<String> {
        None
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
        streaming: !args.off,
        v0_3: args.v0_3,
        // The kit receives notifications on this machine.
        push: PushConfig {
            enabled: !args.off,
            allow_http: true,
            allow_private: true,
        },
        ..AgentConfig::default()
    };
    let mut agent = Agent::named("tck_agent").about("For the A2A conformance kit");
    if !args.off && !args.v0_3 {
        agent = agent
            .authenticate(
                "nothing",
                SecurityScheme::Mtls(MutualTlsSecurityScheme::default()),
                Everybody,
            )
            .extended_card(|_, mut card| {
                card.description
                    .push_str(", as only callers with a name see it");
                Some(card)
            });
    }
    if args.required_extension {
        agent = agent.extension(AgentExtension {
            uri: "urn:a2a:tck:required-extension".to_owned(),
            description: "Demanded of every caller".to_owned(),
            required: true,
            ..AgentExtension::default()
        });
    }
    let otherwise = if args.v0_3 {
        Behaviour::Ask
    } else {
        Behaviour::Complete
    };
    Box::pin(agent.config(config).sell(Conform { otherwise }).run()).await?;
    Ok(())
}
