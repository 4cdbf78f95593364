//! An agent with one skill that does what its text says, and clients of it.

use agent_client::call::{Binding, CallError, CallOptions, EventStream, RemoteAgent, Wire};
use agent_client::egress::{Egress, EgressPolicy};
use agent_core::a2a::{Message, Part, SendMessageRequest, Task, Version};
use agent_core::json::Json;
use agent_core::skill::{About, Done, Outcome, Skill, SkillContext, Stop};
use agent_server::config::AgentConfig;
use agent_server::{Agent, RunningAgent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::watch;

#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Ask {
    pub text: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    pub text: String,
}

/// What the skill does, by its text: `ask`, `allow`, `message`, `fail`, `reject`, `hold`, `count`;
/// else it echoes. `hold` waits for the gate to open at all, and piece `n` of `count` for it to
/// open wider than `n`.
struct Play(Arc<watch::Sender<usize>>);

/// How many pieces `count` has.
pub const PIECES: usize = 5;

impl Skill for Play {
    type Input = Ask;
    type Output = Said;

    fn about(&self) -> About {
        About::new("play", "Does what it is told").answers_directly()
    }

    async fn run(&self, ask: Ask, cx: &mut SkillContext) -> Outcome<Said> {
        let open = async |wide: usize| {
            let _ = self.0.subscribe().wait_for(|open| *open > wide).await;
        };
        let text = match ask.text.as_str() {
            "ask" => format!("it is {}", cx.ask::<String>("which?").await?),
            "allow" => cx.authorize::<String>("say the word").await?,
            "message" => {
                let text = "no task".to_owned();
                return Ok(Done::from(Said { text }).as_message());
            }
            "fail" => return Err(Stop::failed("it does not work")),
            "reject" => return Err(Stop::rejected("it will not")),
            "hold" => {
                cx.progress("here it is").await?;
                open(0).await;
                "held".to_owned()
            }
            "count" => {
                cx.progress("counting").await?;
                for number in 0..PIECES {
                    open(number).await;
                    cx.chunk("pieces", format!("{number};")).await?;
                }
                "all".to_owned()
            }
            _ => ask.text,
        };
        Ok(Said { text }.into())
    }
}

pub struct Shop {
    pub agent: RunningAgent,
    gate: Arc<watch::Sender<usize>>,
    _files: tempfile::TempDir,
}

/// What is spoken in these tests.
pub const WIRES: [Wire; 5] = [
    wire(Binding::JsonRpc, Version::V1_0),
    wire(Binding::HttpJson, Version::V1_0),
    wire(Binding::Grpc, Version::V1_0),
    wire(Binding::JsonRpc, Version::V0_3),
    wire(Binding::HttpJson, Version::V0_3),
];

const fn wire(binding: Binding, version: Version) -> Wire {
    Wire { binding, version }
}

/// What has every operation, lists among them.
pub fn modern() -> impl Iterator<Item = Wire> {
    WIRES
        .into_iter()
        .filter(|wire| wire.version == Version::V1_0)
}

/// What the proxy can stand before: it knows HTTP/1.1 and server-sent events.
pub fn over_http() -> impl Iterator<Item = Wire> {
    WIRES
        .into_iter()
        .filter(|wire| wire.binding != Binding::Grpc)
}

/// The error of a stream that is refused, whether at once or as its first event.
pub async fn refused(stream: Result<EventStream, CallError>) -> CallError {
    match stream {
        Ok(mut stream) => stream.next().await.unwrap_err(),
        Err(error) => error,
    }
}

impl Shop {
    pub async fn open() -> Self {
        let files = tempfile::tempdir().unwrap();
        let config = AgentConfig {
            data_dir: files.path().join("data"),
            list_all_tasks: true,
            ..AgentConfig::default()
        };
        let gate = Arc::new(watch::Sender::new(0));
        let agent = Agent::named("shop")
            .config(config)
            .sell(Play(Arc::clone(&gate)));
        let agent = Box::pin(agent.start()).await.unwrap();
        Self {
            agent,
            gate,
            _files: files,
        }
    }

    /// Lets pieces below `wide` go on.
    pub fn open_gate(&self, wide: usize) {
        self.gate.send_replace(wide);
    }

    pub async fn client(&self, wire: Wire) -> RemoteAgent {
        client(self.agent.url().as_str(), wire).await
    }
}

/// A client of the agent at `url` that speaks this and nothing else.
pub async fn client(url: &str, wire: Wire) -> RemoteAgent {
    let egress = Egress::new(EgressPolicy::strict().allow_loopback()).unwrap();
    let options = CallOptions::default()
        .over(wire.binding)
        .in_version(wire.version);
    let client = RemoteAgent::connect_with(&egress, url, options)
        .await
        .unwrap();
    assert_eq!(client.wire(), wire);
    client
}

/// A message that asks the skill for this.
pub fn says(text: &str) -> SendMessageRequest {
    let data = Json::from_value(&json!({ "text": text })).unwrap();
    SendMessageRequest::new(Message::user(Part::data(data)))
}

/// The text of the skill's output.
pub fn said(task: &Task) -> String {
    let result = task.artifacts.iter().find(|a| a.artifact_id == "result");
    let data = result
        .unwrap()
        .parts
        .iter()
        .find_map(Part::as_data)
        .unwrap();
    data.parse::<Said>().unwrap().text
}
