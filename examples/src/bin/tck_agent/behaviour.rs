//! What the kit asks for, by the beginning of a message's id or text.

use agent_core::a2a::{Artifact, Part};
use agent_core::json::Json;
use agent_core::skill::{Done, Outcome, SkillContext, Stop};
use serde_json::{Value, json};
use std::time::Duration;

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Complete,
    /// A message, and no task.
    Message,
    /// An artifact, then the end.
    Make(Kind),
    /// A status, an artifact, then the end.
    StreamOne(Kind),
    /// A status, a text in so many pieces, then the end.
    Pieces(u32),
    Ask,
    /// One question, then the end.
    Turns,
    Allow,
    Reject,
    Fail,
    /// A status, so many times the kit's streaming timeout, then the end.
    Wait(u32),
}

/// What an artifact is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    File,
    Url,
    Data,
}

impl Kind {
    fn artifact(self) -> Artifact {
        Artifact::new("artifact", vec![self.part()]).named("output")
    }

    fn part(self) -> Part {
        match self {
            Self::Text => Part::text("Generated text content"),
            Self::File => Part::raw(*b"Generated file content")
                .with_filename("output.txt")
                .with_media_type("text/plain"),
            Self::Url => Part::url("https://example.com/output.txt")
                .with_filename("output.txt")
                .with_media_type("text/plain"),
            Self::Data => Part::data(
                Json::from_value(&json!({ "key": "value", "count": 42 })).unwrap_or_default(),
            ),
        }
    }
}

/// Where one beginning is the beginning of another, the longer one comes first.
const NAMES: [(&str, Behaviour); 25] = [
    ("tck-complete-task", Behaviour::Complete),
    ("tck-message-response", Behaviour::Message),
    ("tck-artifact-text", Behaviour::Make(Kind::Text)),
    ("tck-artifact-file-url", Behaviour::Make(Kind::Url)),
    ("tck-artifact-file", Behaviour::Make(Kind::File)),
    ("tck-artifact-data", Behaviour::Make(Kind::Data)),
    ("tck-input-required", Behaviour::Ask),
    ("tck-auth-required", Behaviour::Allow),
    ("tck-multi-turn", Behaviour::Turns),
    ("tck-reject-task", Behaviour::Reject),
    ("tck-task-failure", Behaviour::Fail),
    ("tck-stream-artifact-text", Behaviour::StreamOne(Kind::Text)),
    ("tck-stream-artifact-file", Behaviour::StreamOne(Kind::File)),
    ("tck-stream-artifact-chunked", Behaviour::Pieces(2)),
    ("tck-stream-ordering-001", Behaviour::StreamOne(Kind::Text)),
    ("tck-stream-001", Behaviour::StreamOne(Kind::Text)),
    ("tck-stream-002", Behaviour::Message),
    ("tck-stream-003", Behaviour::StreamOne(Kind::Text)),
    ("tck-stream-basic", Behaviour::StreamOne(Kind::Text)),
    ("tck-stream-chunked", Behaviour::Pieces(3)),
    ("tck-long-running", Behaviour::Wait(5)),
    ("tck-cancel", Behaviour::Wait(10)),
    ("tck-delayed-complete", Behaviour::Wait(1)),
    ("test-resubscribe-message-id", Behaviour::Wait(2)),
    ("tck-", Behaviour::Complete),
];

impl Behaviour {
    /// The behaviour that a text begins with.
    pub(crate) fn named(text: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(name, _)| text.starts_with(name));
        found.map(|(_, behaviour)| *behaviour)
    }

    pub(crate) async fn act(self, cx: &mut SkillContext) -> Outcome<()> {
        match self {
            Self::Complete => {}
            Self::Message => {
                return Ok(Done::from(()).note("Direct message response").as_message());
            }
            Self::Make(kind) => cx.artifact(kind.artifact()).await?,
            Self::StreamOne(kind) => {
                cx.progress("working").await?;
                cx.artifact(kind.artifact()).await?;
            }
            Self::Pieces(number) => {
                cx.progress("working").await?;
                for piece in 1..=number {
                    let part = Part::text(format!("piece {piece} "));
                    cx.piece("stream", part, piece == number).await?;
                }
            }
            Self::Ask => return Err(Stop::NeedInput("More input is needed".to_owned())),
            Self::Turns => {
                let _answer: Value = cx.ask("What else?").await?;
            }
            Self::Allow => {
                let _answer: Value = cx.authorize("Sign in to go on").await?;
            }
            Self::Reject => return Err(Stop::rejected("This is rejected")),
            Self::Fail => return Err(Stop::failed("This fails")),
            Self::Wait(times) => {
                cx.progress("working").await?;
                tokio::time::sleep(streaming_timeout().saturating_mul(times)).await;
            }
        }
        Ok(Done::from(()).note("Hello from TCK"))
    }
}

/// How long the kit waits on a stream; both read it from the same variable.
fn streaming_timeout() -> Duration {
    let seconds = std::env::var("TCK_STREAMING_TIMEOUT").ok();
    let seconds =
        seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.parse().ok()?).ok());
    seconds.unwrap_or(Duration::from_secs(2))
}
