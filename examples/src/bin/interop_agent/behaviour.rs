//! What a message's text asks for. `tests/interop/README.md` says the same of every server there.

use agent_core::a2a::{Artifact, Message, Part, PartContent};
use agent_core::skill::{Done, Outcome, SkillContext, Stop};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a task waits to be let on. A check that forgets it fails, and does not hang.
const GATE_WAIT: Duration = Duration::from_secs(60);

/// Gates that tasks wait at, by a key that the caller chose. A gate may be opened before anybody
/// waits at it.
#[derive(Debug, Default)]
pub(crate) struct Gates(Mutex<HashMap<String, Arc<Semaphore>>>);

impl Gates {
    fn gate(&self, key: &str) -> Arc<Semaphore> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(key.to_owned());
        Arc::clone(gate.or_insert_with(|| Arc::new(Semaphore::new(0))))
    }

    async fn pass(&self, key: &str) -> Result<(), Stop> {
        let gate = self.gate(key);
        match tokio::time::timeout(GATE_WAIT, gate.acquire()).await {
            Ok(Ok(permit)) => {
                permit.forget();
                Ok(())
            }
            _ => Err(Stop::failed("nobody opened the gate")),
        }
    }
}

pub(crate) async fn act(text: &str, cx: &mut SkillContext) -> Outcome<Value> {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    let said = match verb {
        "echo" => rest.to_owned(),
        "say" => return Ok(Done::from(json!({ "text": rest })).as_message()),
        "files" => {
            let file = Part::raw(*b"hello").with_filename("hello.txt");
            let place = Part::url("https://example.com/a.json").with_filename("a.json");
            let parts = vec![
                file.with_media_type("text/plain"),
                place.with_media_type("application/json"),
            ];
            cx.artifact(Artifact::new("files", parts)).await?;
            "2".to_owned()
        }
        "parts" => {
            let parts = cx.message().map(described).unwrap_or_default();
            return Ok(json!({ "parts": parts }).into());
        }
        "count" => {
            let pieces = rest.parse::<u32>().map_err(Stop::failed)?;
            cx.progress("counting").await?;
            for piece in 1..=pieces {
                cx.chunk("pieces", format!("{piece} ")).await?;
            }
            rest.to_owned()
        }
        "steps" => {
            for step in 1..=3_u8 {
                if step > 1 {
                    let gates = Arc::clone(cx.resource::<Arc<Gates>>()?);
                    gates.pass(rest).await?;
                }
                cx.chunk("pieces", format!("{step} ")).await?;
            }
            "3".to_owned()
        }
        "open" => {
            cx.resource::<Arc<Gates>>()?.gate(rest).add_permits(1);
            "opened".to_owned()
        }
        "ask" => {
            let mut answers = Vec::new();
            for question in 1..=rest.parse::<u32>().map_err(Stop::failed)? {
                let answer: Value = cx.ask(&format!("question {question}")).await?;
                answers.push(words(&answer));
            }
            answers.join(", ")
        }
        "hold" => {
            cx.progress("holding").await?;
            std::future::pending::<()>().await;
            String::new()
        }
        "fail" => return Err(Stop::failed("as asked")),
        "reject" => return Err(Stop::rejected("as asked")),
        other => return Err(Stop::rejected(format!("unknown: {other}"))),
    };
    Ok(json!({ "text": said }).into())
}

/// The text of an answer, which comes as a person's words or as an object with them.
fn words(answer: &Value) -> String {
    let text = answer.as_str().or_else(|| answer.get("text")?.as_str());
    text.map_or_else(|| answer.to_string(), str::to_owned)
}

/// What arrived, so that the caller can compare it with what it sent.
fn described(message: &Message) -> Vec<Value> {
    let describe = |part: &Part| {
        let mut said = match &part.content {
            PartContent::Text(text) => json!({ "text": text }),
            PartContent::Raw(bytes) => json!({ "raw": String::from_utf8_lossy(bytes) }),
            PartContent::Url(url) => json!({ "url": url }),
            PartContent::Data(data) => json!({ "data": data }),
        };
        if let Some(said) = said.as_object_mut() {
            for (name, value) in [
                ("filename", &part.filename),
                ("mediaType", &part.media_type),
            ] {
                if !value.is_empty() {
                    said.insert(name.to_owned(), Value::from(value.as_str()));
                }
            }
        }
        said
    };
    message.parts.iter().map(describe).collect()
}
