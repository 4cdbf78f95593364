//! A skill that does in public what skills do to agents: speak a lot, stop, panic, go on for ever.

use agent_core::a2a::{Artifact, Part};
use agent_core::skill::{About, Done, Outcome, Skill, SkillContext};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// What the skill is asked.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Cue {
    /// What to do; see [`Stage`].
    pub text: String,
    /// What to give back.
    #[serde(default)]
    pub data: Value,
}

/// The skill, by the first word of its text:
///
/// - `say COUNT BYTES`: that many pieces of that size, at once;
/// - `burst COUNT BYTES`: a word, and the same once the gate opens at all;
/// - `steps COUNT`: a word, then pieces of which number `n` waits until the gate is above `n`;
/// - `hold`: a word, then nothing until the gate opens at all; `open`: opens it for good;
/// - `tick`: counts for ever;
/// - `panic`: panics;
/// - `turns`: asks three questions, one after another;
/// - `give`: gives back the data; `three`: three artifacts and a result;
/// - `direct`: a message;
/// - anything else is echoed.
#[derive(Debug, Clone, Default)]
pub struct Stage(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    gate: watch::Sender<u64>,
    ticks: AtomicU64,
    running: watch::Sender<u64>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            gate: watch::Sender::new(0),
            ticks: AtomicU64::new(0),
            running: watch::Sender::new(0),
        }
    }
}

/// One run, as long as its future lives.
struct Running<'a>(&'a Shared);

impl<'a> Running<'a> {
    fn of(shared: &'a Shared) -> Self {
        shared.running.send_modify(|running| *running += 1);
        Self(shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running -= 1);
    }
}

impl Stage {
    /// Lets what waits at the gate go on up to this.
    pub fn open_gate(&self, wide: u64) {
        self.0.gate.send_replace(wide);
    }

    /// How often `tick` has counted.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.0.ticks.load(Ordering::SeqCst)
    }

    /// Waits until no run is left, not even one that was given up.
    ///
    /// # Panics
    /// When some are left after a long while.
    pub async fn empty(&self) {
        self.until(|running| running == 0).await;
    }

    /// Waits until so many runs have begun and not ended.
    ///
    /// # Panics
    /// When there are not after a long while.
    pub async fn crowded(&self, count: u64) {
        self.until(|running| running >= count).await;
    }

    async fn until(&self, enough: impl Fn(u64) -> bool) {
        let mut running = self.0.running.subscribe();
        let wait = running.wait_for(|running| enough(*running));
        let waited = tokio::time::timeout(crate::e2e::WAIT, wait).await;
        waited.expect("in time").expect("the stage stays");
    }

    async fn wait(&self, wide: u64) {
        let mut gate = self.0.gate.subscribe();
        let _ = gate.wait_for(|open| *open > wide).await;
    }
}

/// A message to the skill.
#[must_use]
pub fn cue(text: &str) -> Value {
    json!({
        "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": text }],
        "metadata": { agent_core::x402::keys::SKILL: "stage" }
    })
}

/// What `say` and `steps` say as number `n`.
#[must_use]
pub fn piece(number: u64, bytes: usize) -> String {
    format!("{number:.<bytes$};")
}

impl Skill for Stage {
    type Input = Cue;
    type Output = Value;

    fn about(&self) -> About {
        About::new("stage", "Does in public what skills do").answers_directly()
    }

    async fn run(&self, cue: Cue, cx: &mut SkillContext) -> Outcome<Value> {
        let _running = Running::of(&self.0);
        let words: Vec<&str> = cue.text.split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
        let count = number(1).unwrap_or(0);
        match words[0] {
            "say" | "burst" => {
                if words[0] == "burst" {
                    cx.progress("one moment").await?;
                    self.wait(0).await;
                }
                let bytes = usize::try_from(number(2).unwrap_or(0)).unwrap();
                for number in 0..count {
                    cx.chunk("pieces", piece(number, bytes)).await?;
                }
            }
            "steps" => {
                cx.progress("one moment").await?;
                for number in 0..count {
                    self.wait(number).await;
                    cx.chunk("pieces", piece(number, 0)).await?;
                }
            }
            "hold" => {
                cx.progress("one moment").await?;
                self.wait(0).await;
            }
            "open" => self.open_gate(u64::MAX),
            "tick" => loop {
                self.0.ticks.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
            },
            "panic" => panic!("as it was told to"),
            "turns" => {
                let mut said = Vec::new();
                for question in ["one?", "two?", "three?"] {
                    said.push(cx.ask::<String>(question).await?);
                }
                return Ok(json!({ "said": said }).into());
            }
            "give" => return Ok(cue.data.into()),
            "three" => {
                for name in ["a", "b", "c"] {
                    let artifact = Artifact::new(name, vec![Part::text(name)]);
                    cx.artifact(artifact).await?;
                }
            }
            "direct" => return Ok(Done::from(json!("hello")).as_message()),
            _ => {}
        }
        Ok(json!({ "text": cue.text }).into())
    }
}
