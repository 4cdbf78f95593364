//! What the kit asks for, by the beginning of a message's id or text.

use agent_core::skill::{Outcome, SkillContext, Stop};
use serde_json::{Value, json};
use std::time::Duration;

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Complete,
    /// Text, then the end.
    Text,
    /// A status, a text in pieces, then the end.
    Pieces(u32),
    Data,
    Ask,
    /// One question, then the end.
    Turns,
    Reject,
    Fail,
    /// A status, so many times the kit's streaming timeout, then the end.
    Wait(u32),
}

/// Where one beginning is the beginning of another, the longer one comes first.
const NAMES: [(&str, Behaviour); 21] = [
    ("tck-complete-task", Behaviour::Complete),
    ("tck-artifact-text", Behaviour::Text),
    ("tck-artifact-data", Behaviour::Data),
    ("tck-input-required", Behaviour::Ask),
    ("tck-multi-turn", Behaviour::Turns),
    ("tck-reject-task", Behaviour::Reject),
    ("tck-task-failure", Behaviour::Fail),
    ("tck-stream-artifact-text", Behaviour::Pieces(1)),
    ("tck-stream-artifact-chunked", Behaviour::Pieces(2)),
    ("tck-stream-ordering-001", Behaviour::Pieces(1)),
    ("tck-stream-001", Behaviour::Pieces(1)),
    ("tck-stream-002", Behaviour::Complete),
    ("tck-stream-003", Behaviour::Pieces(1)),
    ("tck-stream-basic", Behaviour::Pieces(1)),
    ("tck-stream-chunked", Behaviour::Pieces(3)),
    ("tck-long-running", Behaviour::Wait(5)),
    ("tck-cancel", Behaviour::Wait(10)),
    ("tck-delayed-complete", Behaviour::Wait(1)),
    ("test-resubscribe-message-id", Behaviour::Wait(2)),
    // What a typed skill cannot say, and does the nearest to.
    ("tck-artifact-file", Behaviour::Complete),
    ("tck-stream-artifact-file", Behaviour::Pieces(1)),
];

impl Behaviour {
    /// The behaviour that a text begins with.
    pub(crate) fn named(text: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(name, _)| text.starts_with(name));
        found.map(|(_, behaviour)| *behaviour)
    }

    pub(crate) async fn act(self, cx: &mut SkillContext) -> Outcome<Value> {
        let output = json!({ "text": "done" });
        match self {
            Self::Complete => {}
            Self::Text => cx.chunk("text", "Generated text content").await?,
            Self::Data => {
                let output = agent_core::skill::Done::from(json!({ "key": "value", "count": 42 }));
                return Ok(output.note("Hello from TCK"));
            }
            Self::Pieces(number) => {
                cx.progress("working").await?;
                for piece in 1..=number {
                    cx.chunk("stream", format!("piece {piece} ")).await?;
                }
            }
            Self::Ask => return Err(Stop::NeedInput("More input is needed".to_owned())),
            Self::Turns => {
                let _answer: Value = cx.ask("What else?").await?;
            }
            Self::Reject => return Err(Stop::rejected("This is rejected")),
            Self::Fail => return Err(Stop::failed("This fails")),
            Self::Wait(times) => {
                cx.progress("working").await?;
                tokio::time::sleep(streaming_timeout().saturating_mul(times)).await;
            }
        }
        Ok(agent_core::skill::Done::from(output).note("Hello from TCK"))
    }
}

/// How long the kit waits on a stream; both read it from the same variable.
fn streaming_timeout() -> Duration {
    let seconds = std::env::var("TCK_STREAMING_TIMEOUT").ok();
    let seconds =
        seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.parse().ok()?).ok());
    seconds.unwrap_or(Duration::from_secs(2))
}
