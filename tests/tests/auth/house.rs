//! An agent that is set up by a piece of `agent.toml`.

use crate::http::{self, Reply};
use agent_core::clock::ManualClock;
use agent_core::skill::{About, Outcome, Skill, SkillContext};
use agent_server::config::AgentConfig;
use agent_server::{Agent, RunningAgent};
use ring::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;

/// When all of it happens.
pub const NOW: u64 = 1_800_000_000;

#[derive(Deserialize, JsonSchema)]
struct Ask {
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Said {
    text: String,
}

/// By its text: `ask` asks, `hold` never ends, `trace` says the trace it is in; else it echoes.
struct Play;

impl Skill for Play {
    type Input = Ask;
    type Output = Said;

    fn about(&self) -> About {
        About::new("play", "Does what it is told")
    }

    async fn run(&self, ask: Ask, cx: &mut SkillContext) -> Outcome<Said> {
        let text = match ask.text.as_str() {
            "ask" => cx.ask("which?").await?,
            "hold" => std::future::pending().await,
            "trace" => cx.trace().map_or("none".to_owned(), |trace| {
                format!("{trace} {}", trace.state())
            }),
            _ => ask.text,
        };
        Ok(Said { text }.into())
    }
}

pub struct House {
    pub agent: RunningAgent,
    pub address: SocketAddr,
    pub clock: Arc<ManualClock>,
    _files: tempfile::TempDir,
}

impl House {
    pub async fn open(toml: &str) -> Self {
        Self::open_with(toml, |agent| agent).await
    }

    pub async fn open_with(toml: &str, change: impl FnOnce(Agent) -> Agent) -> Self {
        let files = tempfile::tempdir().unwrap();
        let mut config = AgentConfig::parse(toml).unwrap();
        config.data_dir = files.path().join("data");
        let clock = Arc::new(ManualClock::at_unix_secs(NOW));
        let shared: Arc<ManualClock> = Arc::clone(&clock);
        let agent = Agent::named("house")
            .config(config)
            .sell(Play)
            .clock(shared);
        let agent = Box::pin(change(agent).start()).await.unwrap();
        let address = agent.url().socket_addrs(|| None).unwrap()[0];
        Self {
            agent,
            address,
            clock,
            _files: files,
        }
    }

    /// A house in which `alice` and `bob` have keys, in the header `x-key`.
    pub async fn of_two(more: &str) -> Self {
        Self::open(&format!("{}\n{more}", two_keys())).await
    }

    pub async fn http(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        http::ask(self.address, method, path, headers, body).await
    }

    /// A JSON-RPC call.
    pub async fn rpc(&self, headers: &str, method: &str, params: Value) -> Reply {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.http("POST", "/a2a", headers, &body.to_string()).await
    }

    /// Asks for nothing in particular.
    pub async fn list(&self, headers: &str) -> Reply {
        self.rpc(headers, "ListTasks", json!({})).await
    }

    /// Begins a task of this text; it is told of at once.
    pub async fn begin(&self, headers: &str, text: &str, tenant: &str) -> Value {
        let params = json!({
            "tenant": tenant,
            "message": message(text),
            "configuration": { "returnImmediately": text == "hold" },
        });
        let reply = self.rpc(headers, "SendMessage", params).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let task = reply.json()["result"]["task"].take();
        assert!(task["id"].is_string(), "{}", reply.body);
        task
    }
}

pub fn message(text: &str) -> Value {
    json!({ "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": text }] })
}

pub const ALICE: &str = "x-key: alice-alice-alice-alice\r\n";
pub const BOB: &str = "x-key: bob-bob-bob-bob-bob-bob\r\n";

/// `[auth]` with a key for each of the two.
pub fn two_keys() -> String {
    let alice = sha256("alice-alice-alice-alice");
    let bob = sha256("bob-bob-bob-bob-bob-bob");
    format!(
        "[auth.schemes.key]\ntype = \"api_key\"\nin = \"header\"\nname = \"X-Key\"\n\
         callers.alice = {{ sha256 = \"{alice}\" }}\ncallers.bob = [{{ sha256 = \"{bob}\" }}]\n"
    )
}

pub fn sha256(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    let hex = |byte: &u8| format!("{byte:02x}");
    digest.as_ref().iter().map(hex).collect()
}

/// The reason in an error of either binding.
pub fn reason(reply: &Reply) -> String {
    let answer = reply.json();
    let details = [&answer["error"]["data"], &answer["error"]["details"]];
    let mut all = details.into_iter().filter_map(Value::as_array).flatten();
    all.find_map(|detail| detail["reason"].as_str())
        .unwrap_or("")
        .to_owned()
}

/// Our finer code in an error of either binding.
pub fn detail(reply: &Reply) -> String {
    let answer = reply.json();
    let details = [&answer["error"]["data"], &answer["error"]["details"]];
    let mut all = details.into_iter().filter_map(Value::as_array).flatten();
    all.find_map(|detail| detail["metadata"]["code"].as_str())
        .unwrap_or("")
        .to_owned()
}
