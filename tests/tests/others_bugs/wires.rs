//! One agent, asked over each binding.

use crate::caller::{Caller, Events};
use crate::house::House;
use crate::http::Stream;
use agent_server::config::AgentConfig;
use agent_tests::stage::Stage;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    JsonRpc,
    HttpJson,
    Grpc,
}

pub const WIRES: [Wire; 3] = [Wire::JsonRpc, Wire::HttpJson, Wire::Grpc];

/// An agent with the stage, whose tasks anybody may list.
pub async fn house() -> (House, Stage) {
    let stage = Stage::default();
    let skill = stage.clone();
    let change = |config: &mut AgentConfig| config.list_all_tasks = true;
    let house = House::open_as(change, |agent| agent.sell(skill)).await;
    (house, stage)
}

/// What came of a call: its result, or nothing and its reason.
pub type Answer = Result<Value, String>;

impl Wire {
    /// `SendMessage`.
    pub async fn send(self, house: &House, params: &Value) -> Answer {
        match self {
            Self::JsonRpc => {
                let mut answer = house.rpc("SendMessage", params.clone()).await;
                match answer.get("error") {
                    None => Ok(answer["result"].take()),
                    Some(_) => Err(crate::house::reason(&answer).to_owned()),
                }
            }
            Self::HttpJson => {
                let body = params.to_string();
                let reply = house.http("POST", "/rest/message:send", &body).await;
                match reply.status {
                    200 => Ok(reply.json()),
                    _ => Err(crate::house::reason(&reply.json()).to_owned()),
                }
            }
            Self::Grpc => {
                let mut answer = Caller::of(house.address).call("SendMessage", params).await;
                match answer.status.code {
                    0 => Ok(answer.messages.remove(0)),
                    _ => Err(answer.error().code().reason().to_owned()),
                }
            }
        }
    }

    /// The task of a message.
    pub async fn task(self, house: &House, message: Value) -> Value {
        let mut sent = self.send(house, &json!({ "message": message })).await;
        sent.as_mut().unwrap()["task"].take()
    }

    /// `SendStreamingMessage`.
    pub async fn stream(self, house: &House, message: Value) -> Heard {
        let params = json!({ "message": message });
        match self {
            Self::JsonRpc => {
                let body = json!({
                    "jsonrpc": "2.0", "id": 1, "method": "SendStreamingMessage", "params": params
                });
                let body = body.to_string();
                Heard::Sse(Stream::open(house.address, "POST", "/a2a", &body).await)
            }
            Self::HttpJson => {
                let (path, body) = ("/rest/message:stream", params.to_string());
                Heard::Sse(Stream::open(house.address, "POST", path, &body).await)
            }
            Self::Grpc => Heard::grpc(house, "SendStreamingMessage", &params).await,
        }
    }

    /// `SubscribeToTask`.
    pub async fn subscribe(self, house: &House, id: &str) -> Heard {
        match self {
            Self::JsonRpc => Heard::Sse(house.subscribe(id, false).await),
            Self::HttpJson => Heard::Sse(house.subscribe(id, true).await),
            Self::Grpc => Heard::grpc(house, "SubscribeToTask", &json!({ "id": id })).await,
        }
    }
}

/// A stream of any binding.
pub enum Heard {
    Sse(Stream),
    /// With the client whose connection it is on.
    Grpc(Box<(Caller, Events)>),
}

impl Heard {
    async fn grpc(house: &House, method: &str, params: &Value) -> Self {
        let caller = Caller::of(house.address);
        let events = caller.open(method, params).await;
        Self::Grpc(Box::new((caller, events)))
    }

    /// The next event; `None` at a good end.
    ///
    /// # Panics
    /// When it is an error.
    pub async fn next(&mut self) -> Option<Value> {
        match self {
            Self::Sse(stream) => {
                let event = stream.next().await?;
                assert!(!event.is_null() && event.get("error").is_none(), "{event}");
                Some(event)
            }
            Self::Grpc(both) => {
                let event = both.1.next().await;
                if event.is_none() {
                    assert_eq!(both.1.status().code, 0);
                }
                event
            }
        }
    }

    pub async fn rest(mut self) -> Vec<Value> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }
}

/// The text of the artifact `pieces`, put together from these events as a reader does.
pub fn pieces(events: &[Value]) -> String {
    let mut text = String::new();
    for event in events {
        let artifacts = event["task"]["artifacts"].as_array().into_iter().flatten();
        let artifacts = artifacts.chain(event.pointer("/artifactUpdate/artifact"));
        for artifact in artifacts.filter(|artifact| artifact["artifactId"] == "pieces") {
            for part in artifact["parts"].as_array().unwrap() {
                text.push_str(part["text"].as_str().unwrap());
            }
        }
    }
    text
}
