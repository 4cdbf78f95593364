//! Programs sold as skills: `[commands.<id>]` in `agent.toml`.

use crate::config::CommandConfig;
use agent_core::price::Price;
use agent_core::skill::{About, Outcome, Skill, SkillContext, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::process::Stdio;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// What a program may write. It is held in memory and stored with the task.
const OUTPUT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A program that turns text on standard input into text on standard output.
///
/// It runs as the agent's user with the agent's environment; it is not confined. It is killed when
/// its task is cancelled or takes too long.
#[derive(Debug)]
pub(crate) struct CommandSkill {
    about: About,
    price: Price,
    run: Vec<String>,
}

/// Text in.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct TextIn {
    /// What the program reads on standard input.
    text: String,
}

/// Text out.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TextOut {
    /// What the program wrote on standard output.
    text: String,
}

impl CommandSkill {
    pub(crate) fn new(id: &str, config: &CommandConfig) -> Self {
        let mut about = About::new(id, &config.about);
        about.tags.clone_from(&config.tags);
        let price = config.price.as_ref().map(ToString::to_string);
        let price = price.map_or_else(Price::free, |price| Price::per_task(&price));
        Self {
            about,
            price,
            run: config.run.clone(),
        }
    }
}

impl Skill for CommandSkill {
    type Input = TextIn;
    type Output = TextOut;

    fn about(&self) -> About {
        self.about.clone()
    }

    fn price(&self) -> Price {
        self.price.clone()
    }

    async fn run(&self, input: TextIn, _cx: &mut SkillContext) -> Outcome<TextOut> {
        let [program, arguments @ ..] = self.run.as_slice() else {
            return Err(Stop::failed("the skill has no program"));
        };
        let broken = |error: std::io::Error| {
            tracing::warn!(skill = self.about.id, %error, "a program could not be run");
            Stop::failed("the program could not be run")
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(broken)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A program need not read everything before it ends.
                let _ = stdin.write_all(input.text.as_bytes()).await;
            }
        };
        let mut text = String::new();
        let read = async {
            match stdout {
                Some(stdout) => {
                    stdout
                        .take(OUTPUT_BYTES_MAX)
                        .read_to_string(&mut text)
                        .await
                }
                None => Ok(0),
            }
        };
        let ((), read) = tokio::join!(feed, read);
        read.map_err(|_| Stop::failed("the program's output is not text"))?;
        let status = child.wait().await.map_err(broken)?;
        if status.success() {
            Ok(TextOut { text }.into())
        } else {
            Err(Stop::failed("the program failed"))
        }
    }
}
