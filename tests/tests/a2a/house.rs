//! An agent with one skill that does what its text says.

use crate::http::{self, Reply, Stream};
use agent_core::a2a::{Artifact, Part};
use agent_core::clock::Clock;
use agent_core::skill::{About, Done, Outcome, Skill, SkillContext, Stop};
use agent_server::config::AgentConfig;
use agent_server::{Agent, RunningAgent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;

#[derive(Deserialize, JsonSchema)]
struct Ask {
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Said {
    text: String,
}

/// What the skill does, by its text: `ask`, `ask-held`, `ask-on`, `hold`, `pieces`, `drip`, `fail`,
/// `reject`; else it echoes.
struct Play(Arc<watch::Sender<bool>>);

impl Skill for Play {
    type Input = Ask;
    type Output = Said;

    fn about(&self) -> About {
        About::new("play", "Does what it is told")
    }

    async fn run(&self, ask: Ask, cx: &mut SkillContext) -> Outcome<Said> {
        let hold = async || {
            let _ = self.0.subscribe().wait_for(|open| *open).await;
        };
        let text = match ask.text.as_str() {
            "ask" | "ask-held" => {
                let answer: String = cx.ask("which?").await?;
                if ask.text == "ask-held" {
                    hold().await;
                }
                format!("it is {answer}")
            }
            "ask-on" => loop {
                let _: String = cx.ask("and now?").await?;
            },
            "hold" => {
                hold().await;
                "held".to_owned()
            }
            "pieces" => {
                hold().await;
                for number in 0..300 {
                    cx.chunk("pieces", format!("{number};")).await?;
                }
                "all".to_owned()
            }
            "drip" => loop {
                cx.chunk("drops", "drop").await?;
            },
            "fail" => return Err(Stop::failed("it does not work")),
            "reject" => return Err(Stop::rejected("it will not")),
            _ => ask.text,
        };
        Ok(Said { text }.into())
    }
}

/// Makes whatever can be made: `hello`, `murmur`, `file`, `url`, `two`, `allow`, `recall <id>`.
struct Studio;

impl Skill for Studio {
    type Input = Ask;
    type Output = Value;

    fn about(&self) -> About {
        About::new("studio", "Makes what can be made")
            .output_modes(["image/png"])
            .answers_directly()
    }

    async fn run(&self, ask: Ask, cx: &mut SkillContext) -> Outcome<Value> {
        match ask.text.as_str() {
            "hello" => return Ok(Done::from(json!("hello to you")).as_message()),
            // It has said something, so there is a task.
            "murmur" => {
                cx.progress("hm").await?;
                return Ok(Done::from(json!({ "text": "well" })).as_message());
            }
            "file" => {
                let picture = Part::raw(*b"\x89PNG").with_filename("a.png");
                let picture = picture.with_media_type("image/png");
                cx.artifact(Artifact::new("picture", vec![picture])).await?;
            }
            "url" => {
                let page = Part::url("https://example.com/a").with_media_type("text/html");
                cx.artifact(Artifact::new("page", vec![page])).await?;
            }
            "two" => {
                cx.piece("both", Part::text("one"), false).await?;
                cx.piece("both", Part::text("two"), true).await?;
            }
            "allow" => {
                let word: String = cx.authorize("say the word to go on").await?;
                return Ok(json!({ "word": word }).into());
            }
            other => {
                let id = other.strip_prefix("recall ").unwrap_or_default();
                let task = cx.task_of_caller(id).await?;
                return Ok(json!({ "found": task.map(|task| task.id) }).into());
            }
        }
        Ok(Value::Null.into())
    }
}

pub struct House {
    pub agent: RunningAgent,
    pub address: SocketAddr,
    door: Arc<watch::Sender<bool>>,
    _files: tempfile::TempDir,
}

impl House {
    /// A house whose tasks anybody may list.
    pub async fn open() -> Self {
        Self::open_with(|config| config.list_all_tasks = true).await
    }

    pub async fn open_with(change: impl FnOnce(&mut AgentConfig)) -> Self {
        Self::open_as(change, |agent| agent).await
    }

    /// A house whose agent is changed beyond its configuration.
    pub async fn open_as(
        change: impl FnOnce(&mut AgentConfig),
        build: impl FnOnce(Agent) -> Agent,
    ) -> Self {
        Self::open_in(tempfile::tempdir().unwrap(), change, build).await
    }

    /// Closes it, and opens it again at that time.
    pub async fn reopen_at(self, clock: Arc<dyn Clock>) -> Self {
        self.agent.stop().await;
        Self::open_in(self._files, |_| {}, |agent| agent.clock(clock)).await
    }

    async fn open_in(
        files: tempfile::TempDir,
        change: impl FnOnce(&mut AgentConfig),
        build: impl FnOnce(Agent) -> Agent,
    ) -> Self {
        let mut config = AgentConfig {
            data_dir: files.path().join("data"),
            ..AgentConfig::default()
        };
        change(&mut config);
        let door = Arc::new(watch::Sender::new(false));
        let agent = Agent::named("house")
            .config(config)
            .sell(Play(Arc::clone(&door)))
            .sell(Studio);
        let agent = Box::pin(build(agent).start()).await.unwrap();
        let address = agent.url().socket_addrs(|| None).unwrap()[0];
        Self {
            agent,
            address,
            door,
            _files: files,
        }
    }

    /// Lets those go on that hold.
    pub fn open_door(&self) {
        self.door.send_replace(true);
    }

    /// A JSON-RPC call.
    pub async fn rpc(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let reply = self.http("POST", "/a2a", &body.to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }

    /// What a JSON-RPC call gives when it succeeds.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let mut answer = self.rpc(method, params).await;
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].take()
    }

    /// An HTTP request.
    pub async fn http(&self, method: &str, path: &str, body: &str) -> Reply {
        http::ask(self.address, method, path, "", body).await
    }

    /// A task of this text, and its id once it ended or waits.
    pub async fn task(&self, text: &str) -> Value {
        let params = json!({ "message": message(text) });
        self.call("SendMessage", params).await["task"].take()
    }

    /// What a message to the other skill leads to.
    pub async fn studio(&self, text: &str, configuration: Value) -> Value {
        let params = studio(text, configuration);
        self.call("SendMessage", params).await
    }

    /// The events of a message to the other skill.
    pub async fn studio_stream(&self, text: &str) -> Stream {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "SendStreamingMessage",
            "params": studio(text, json!({}))
        });
        Stream::open(self.address, "POST", "/a2a", &body.to_string()).await
    }

    /// A task of this text that goes on.
    pub async fn begun(&self, text: &str) -> String {
        let params = json!({
            "message": message(text), "configuration": { "returnImmediately": true }
        });
        let task = self.call("SendMessage", params).await["task"].take();
        task["id"].as_str().unwrap().to_owned()
    }

    /// The answer to a task's question.
    pub async fn answer(&self, id: &str, text: &str) -> Value {
        let mut message = message(text);
        message["taskId"] = id.into();
        self.call("SendMessage", json!({ "message": message }))
            .await["task"]
            .take()
    }

    /// A subscription over JSON-RPC or, every second time, over HTTP+JSON.
    pub async fn subscribe(&self, id: &str, rest: bool) -> Stream {
        if rest {
            let path = format!("/rest/tasks/{id}:subscribe");
            return Stream::open(self.address, "POST", &path, "").await;
        }
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "SubscribeToTask", "params": { "id": id }
        });
        Stream::open(self.address, "POST", "/a2a", &body.to_string()).await
    }
}

/// A request to the other skill.
pub fn studio(text: &str, configuration: Value) -> Value {
    let mut message = message(text);
    message["metadata"] = json!({ agent_core::x402::keys::SKILL: "studio" });
    json!({ "message": message, "configuration": configuration })
}

pub fn message(text: &str) -> Value {
    json!({
        "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": text }],
        "metadata": { agent_core::x402::keys::SKILL: "play" }
    })
}

/// The reason in an error of either binding.
pub fn reason(answer: &Value) -> &str {
    let details = [&answer["error"]["data"], &answer["error"]["details"]];
    let mut all = details.into_iter().filter_map(Value::as_array).flatten();
    all.find_map(|detail| detail["reason"].as_str())
        .unwrap_or("")
}

/// The state of a task, an event's or its own.
pub fn state(value: &Value) -> &str {
    let at = [
        "/status/state",
        "/task/status/state",
        "/statusUpdate/status/state",
    ];
    let mut found = at.into_iter().filter_map(|at| value.pointer(at));
    let state = found.next().and_then(Value::as_str).unwrap_or("");
    state.trim_start_matches("TASK_STATE_")
}

/// Asks again and again until it is so.
pub async fn soon(so: impl AsyncFn() -> bool) {
    let waits = async {
        while !so().await {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(30), waits).await;
    waited.expect("it never is so");
}
