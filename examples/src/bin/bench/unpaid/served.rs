//! The process that is measured: one worker thread, told what to do over its standard input.

use super::echo;
use crate::Result;
use agent_server::config::{AgentConfig, Durability};
use agent_server::prelude::*;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};

/// What a process serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Served {
    /// Nothing but axum and serde, by hand.
    Echo,
    /// The same in the four lines that everybody writes: any JSON in, any JSON out.
    Axum,
    /// An agent whose tasks are in memory.
    Memory,
    /// An agent whose tasks are on disk before their answers leave.
    Disk,
}

impl Served {
    pub(crate) const ALL: [Self; 4] = [Self::Echo, Self::Axum, Self::Memory, Self::Disk];

    pub(crate) const fn is_agent(self) -> bool {
        matches!(self, Self::Memory | Self::Disk)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Axum => "axum",
            Self::Memory => "memory",
            Self::Disk => "disk",
        }
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Text {
    text: String,
}

/// The work that is measured: next to none.
struct Shout;

impl Skill for Shout {
    type Input = Text;
    type Output = Text;
    fn about(&self) -> About {
        About::new("free", "Shouts your text back")
    }
    async fn run(&self, ask: Text, _cx: &mut SkillContext) -> Outcome<Text> {
        Ok(Text {
            text: ask.text.to_uppercase(),
        }
        .into())
    }
}

/// Works for ever, to see what an open task holds.
struct Wait;

impl Skill for Wait {
    type Input = Text;
    type Output = Text;
    fn about(&self) -> About {
        About::new("wait", "Never answers")
    }
    async fn run(&self, _ask: Text, _cx: &mut SkillContext) -> Outcome<Text> {
        std::future::pending().await
    }
}

/// Tells of as many steps as the text says, once all who listen are there.
struct Steps(Arc<Notify>);

impl Skill for Steps {
    type Input = Text;
    type Output = Text;
    fn about(&self) -> About {
        About::new("steps", "Counts aloud")
    }
    async fn run(&self, ask: Text, cx: &mut SkillContext) -> Outcome<Text> {
        let steps: u32 = ask.text.parse().map_err(|_| Stop::failed("not a number"))?;
        self.0.notified().await;
        for step in 1..=steps {
            cx.progress(format!("step {step}")).await?;
        }
        Ok(ask.into())
    }
}

/// Serves until standard input ends. Every line there lets one task of `steps` go on.
pub(crate) fn run(served: Served, data_dir: PathBuf) -> Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build()?;
    let (told, mut lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if line.is_err() || told.send(()).is_err() {
                return;
            }
        }
    });
    runtime.block_on(async {
        if let Some(router) = echo::router(served) {
            println!("{}", echo::serve(router).await?);
            while lines.recv().await.is_some() {}
            return Ok(());
        }
        let mut config = AgentConfig {
            data_dir,
            durability: match served {
                Served::Disk => Durability::Disk,
                _ => Durability::Memory,
            },
            ..AgentConfig::default()
        };
        config.limits.live_tasks = 100_000;
        let go = Arc::new(Notify::new());
        let agent = Agent::named("bench")
            .sell(Shout)
            .sell(Wait)
            .sell(Steps(Arc::clone(&go)))
            .config(config);
        let agent = Box::pin(agent.start()).await?;
        let url = agent.url();
        let host = url.host_str().ok_or("no host")?;
        println!("{host}:{}", url.port().ok_or("no port")?);
        while lines.recv().await.is_some() {
            go.notify_one();
        }
        Ok(())
    })
}
