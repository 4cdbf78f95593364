//! Putting an agent together and running it.

mod build;
mod entrance;
mod running;
mod stores;

pub(crate) use build::{Paid, assets, open_store};
pub(crate) use running::Earnings;
pub use running::RunningAgent;

use crate::auth::Authenticator;
use crate::config::AgentConfig;
use crate::error::Error;
use agent_client::clock::SystemClock;
use agent_client::egress::{Lookup, SystemLookup};
use agent_core::a2a::signing::CardSigner;
use agent_core::a2a::{AgentCard, AgentExtension, SecurityScheme};
use agent_core::clock::Clock;
use agent_core::skill::{AnySkill, Resources, Skill, erase};
use entrance::Visitors;
use std::any::Any;
use std::path::Path;
use std::sync::Arc;

/// An agent that sells skills.
///
/// ```no_run
/// # use agent_core::skill::{About, Outcome, Skill, SkillContext};
/// # struct Shout;
/// # impl Skill for Shout {
/// #     type Input = String;
/// #     type Output = String;
/// #     fn about(&self) -> About { About::new("shout", "Shouts your text back") }
/// #     async fn run(&self, ask: String, _cx: &mut SkillContext) -> Outcome<String> {
/// #         Ok(ask.to_uppercase().into())
/// #     }
/// # }
/// #[tokio::main]
/// async fn main() -> agent_server::Result<()> {
///     agent_server::Agent::named("shouter").sell(Shout).run().await
/// }
/// ```
#[must_use = "an agent does nothing until it is started or run"]
pub struct Agent {
    name: Option<String>,
    description: Option<String>,
    skills: Vec<Arc<dyn AnySkill>>,
    resources: Resources,
    config: Option<AgentConfig>,
    clock: Arc<dyn Clock>,
    webhook_lookup: Arc<dyn Lookup>,
    visitors: Visitors,
    signer: Option<CardSigner>,
}

impl Agent {
    /// An agent of this name.
    pub fn named(name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            description: None,
            skills: Vec::new(),
            resources: Resources::default(),
            config: None,
            clock: Arc::new(SystemClock),
            webhook_lookup: Arc::new(SystemLookup),
            visitors: Visitors::default(),
            signer: None,
        }
    }

    /// An agent that is described by its configuration alone.
    pub fn configured(config: AgentConfig) -> Self {
        Self {
            name: None,
            config: Some(config),
            ..Self::named("")
        }
    }

    /// Says what the agent is for.
    pub fn about(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    /// Adds a skill to sell.
    pub fn sell<S: Skill>(mut self, skill: S) -> Self {
        self.skills.push(erase(skill));
        self
    }

    /// Gives the skills something to use, found again by its type with
    /// [`agent_core::skill::SkillContext::resource`].
    pub fn with<T: Any + Send + Sync>(mut self, resource: T) -> Self {
        self.resources.insert(resource);
        self
    }

    /// Sets the configuration; without it [`Agent::run`] reads `agent.toml`, if there is one.
    pub fn config(mut self, config: AgentConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// Lets callers in who authenticate themselves in this way, beside those that the
    /// configuration names. The card calls it `name` and describes it as `scheme` says. With one
    /// way or more, nobody else is let in, unless the configuration allows anonymous callers.
    pub fn authenticate(
        mut self,
        name: &str,
        scheme: SecurityScheme,
        authenticator: impl Authenticator + 'static,
    ) -> Self {
        let authenticator: Arc<dyn Authenticator> = Arc::new(authenticator);
        let name = name.to_owned();
        self.visitors.schemes.push((name, scheme, authenticator));
        self
    }

    /// Names an extension in the card. If it is `required`, callers that do not name it in
    /// `A2A-Extensions` are refused. What it means is for the skills to do.
    pub fn extension(mut self, extension: AgentExtension) -> Self {
        self.visitors.extensions.push(extension);
        self
    }

    /// Shows each caller that is known a card of its own (A2A §3.1.11), made from the caller's name
    /// and the public card; `None` refuses it.
    pub fn extended_card(
        mut self,
        make: impl Fn(&str, AgentCard) -> Option<AgentCard> + Send + Sync + 'static,
    ) -> Self {
        self.visitors.extended = Some(Arc::new(make));
        self
    }

    /// Signs the card (A2A §8.4), and the extended one; in place of the key that the configuration
    /// names. The public half is served at [`agent_core::a2a::signing::JwkSet::WELL_KNOWN_PATH`].
    pub fn sign_card(mut self, signer: CardSigner) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Takes the time from another clock; for tests.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Finds the addresses of webhooks with another resolver; for tests. What it answers is checked
    /// all the same.
    pub fn webhook_lookup(mut self, lookup: Arc<dyn Lookup>) -> Self {
        self.webhook_lookup = lookup;
        self
    }

    /// Starts the agent and serves until the process is asked to stop. Requests in flight finish,
    /// and what was earned is claimed if the chain can be reached.
    ///
    /// # Errors
    /// [`Error`] when the agent cannot be started.
    pub async fn run(mut self) -> Result<(), Error> {
        if self.config.is_none() {
            let path = Path::new("agent.toml");
            let config = if path.exists() {
                AgentConfig::read(path)?
            } else {
                AgentConfig::default()
            };
            self.config = Some(config.with_environment(|name| std::env::var(name).ok())?);
        }
        let agent = Box::pin(self.start()).await?;
        // Said without a logger too: whoever runs an agent wants to know where it is.
        eprintln!("{} is open at {}", agent.card().name, agent.url());
        shutdown_signal().await;
        eprintln!("closing");
        agent.stop().await;
        Ok(())
    }
}

/// Waits for ctrl-c, or on Unix for SIGTERM.
pub(crate) async fn shutdown_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            let _ = interrupt.await;
            return;
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = interrupt.await;
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
