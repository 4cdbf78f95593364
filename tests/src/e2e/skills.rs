//! Skills that behave as badly as skills can, and a floor that shows what they did.

use agent_core::price::Price;
use agent_core::skill::{About, Outcome, Skill, SkillContext, Stop};
use agent_server::Agent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// What every priced skill costs at most, in base units.
pub const PRICE: u128 = 1_000;

/// What is asked.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// What to say.
    pub text: String,
    /// How often.
    #[serde(default)]
    pub count: u32,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// What was said.
    pub text: String,
}

/// How often each skill ran, and the door before which `held` waits.
#[derive(Debug)]
pub struct Floor {
    runs: Mutex<BTreeMap<&'static str, u64>>,
    door: watch::Sender<bool>,
}

impl Default for Floor {
    fn default() -> Self {
        Self {
            runs: Mutex::default(),
            door: watch::Sender::new(false),
        }
    }
}

impl Floor {
    /// How often a skill ran.
    #[must_use]
    pub fn runs(&self, skill: &str) -> u64 {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.get(skill).copied().unwrap_or(0)
    }

    /// How often all of them ran.
    #[must_use]
    pub fn all_runs(&self) -> u64 {
        self.runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .sum()
    }

    /// Lets those go on that wait in `held`, and all that come later.
    pub fn open_door(&self) {
        self.door.send_replace(true);
    }

    /// Makes `held` wait again.
    pub fn shut_door(&self) {
        self.door.send_replace(false);
    }

    fn enter(&self, skill: &'static str) {
        *self
            .runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(skill)
            .or_default() += 1;
    }
}

/// One way to behave.
#[derive(Debug, Clone, Copy)]
enum Manner {
    Free,
    Echo,
    Panics,
    Hangs,
    Fails,
    Rejects,
    Asks,
    Less,
    Streams,
    Held,
    Metered,
}

const MANNERS: [Manner; 11] = [
    Manner::Free,
    Manner::Echo,
    Manner::Panics,
    Manner::Hangs,
    Manner::Fails,
    Manner::Rejects,
    Manner::Asks,
    Manner::Less,
    Manner::Streams,
    Manner::Held,
    Manner::Metered,
];

impl Manner {
    const fn id(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Echo => "echo",
            Self::Panics => "panics",
            Self::Hangs => "hangs",
            Self::Fails => "fails",
            Self::Rejects => "rejects",
            Self::Asks => "asks",
            Self::Less => "less",
            Self::Streams => "streams",
            Self::Held => "held",
            Self::Metered => "metered",
        }
    }
}

struct Act(Manner, Arc<Floor>);

impl Skill for Act {
    type Input = Work;
    type Output = Said;

    fn about(&self) -> About {
        About::new(self.0.id(), "For tests").tags(["test"])
    }

    fn price(&self) -> Price {
        match self.0 {
            Manner::Free => Price::free(),
            Manner::Less => Price::up_to("0.001 USDC"),
            Manner::Metered => Price::per_unit("0.00001 USDC", "piece", "0.001 USDC"),
            _ => Price::per_task("0.001 USDC"),
        }
    }

    async fn run(&self, work: Work, cx: &mut SkillContext) -> Outcome<Said> {
        let Self(manner, floor) = self;
        floor.enter(manner.id());
        let text = match manner {
            Manner::Free | Manner::Echo => work.text,
            Manner::Panics => panic!("a secret of the skill's: {}", work.text),
            Manner::Hangs => std::future::pending().await,
            Manner::Fails => return Err(Stop::failed("it does not work")),
            Manner::Rejects => return Err(Stop::rejected("it will not do that")),
            Manner::Asks => {
                let answer: String = cx.ask("Which language?").await?;
                format!("{} in {answer}", work.text)
            }
            Manner::Less => {
                cx.charge("0.0004 USDC")?;
                work.text
            }
            Manner::Streams => {
                cx.progress("begun").await?;
                for piece in 0..work.count {
                    cx.chunk("pieces", format!("{piece};")).await?;
                }
                work.text
            }
            Manner::Metered => {
                for piece in 0..work.count {
                    cx.meter(1).await?;
                    cx.chunk("pieces", format!("{piece};")).await?;
                }
                work.text
            }
            Manner::Held => {
                // An error means that the shop is gone, and then nobody waits for the answer.
                let _ = floor.door.subscribe().wait_for(|open| *open).await;
                work.text
            }
        };
        Ok(Said { text }.into())
    }
}

/// Adds every skill of this module to an agent.
pub fn sell_everything(agent: Agent, floor: &Arc<Floor>) -> Agent {
    MANNERS.iter().fold(agent, |agent, manner| {
        agent.sell(Act(*manner, Arc::clone(floor)))
    })
}
