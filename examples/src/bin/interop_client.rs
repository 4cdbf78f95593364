//! Drives our own client by commands on standard input, for the interoperability tests: the other
//! side is an agent on an official SDK's server. `tests/interop/README.md` lists the commands; each
//! line is one, and each is answered by one line.

use agent_client::call::{
    Attempt, Binding, CallError, CallOptions, CardStanding, CardTrust, EventStream, Interceptor,
    RemoteAgent, SignatureMode,
};
use agent_client::egress::{Egress, EgressPolicy};
use agent_core::a2a::signing::Jwk;
use agent_core::a2a::{
    CancelTaskRequest, ListTaskPushNotificationConfigsRequest, SubscribeToTaskRequest, Version,
};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

/// How long a stream may be silent before the command fails; the tests wait a little longer.
const EVENT_WAIT: Duration = Duration::from_secs(25);

type Fault = Box<dyn Error + Send + Sync>;

#[derive(Debug)]
struct Driver {
    egress: Egress,
    remote: Option<RemoteAgent>,
    streams: HashMap<u64, EventStream>,
    opened: u64,
}

/// Headers that a test wants in each request.
#[derive(Debug)]
struct Headers(HeaderMap);

impl Interceptor for Headers {
    fn before<'a>(
        &'a self,
        _: Attempt<'a>,
        headers: &'a mut HeaderMap,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        headers.extend(self.0.clone());
        Box::pin(async { Ok(()) })
    }
}

impl Driver {
    fn remote(&self) -> Result<&RemoteAgent, Fault> {
        self.remote.as_ref().ok_or_else(|| "not connected".into())
    }

    fn stream(&mut self, command: &Value) -> Result<&mut EventStream, Fault> {
        let handle: u64 = field(command, "stream")?;
        let stream = self.streams.get_mut(&handle);
        stream.ok_or_else(|| "no such stream".into())
    }

    fn open(&mut self, stream: EventStream) -> Result<Value, Fault> {
        self.opened = self.opened.saturating_add(1);
        self.streams.insert(self.opened, stream);
        Ok(self.opened.into())
    }

    async fn obey(&mut self, command: &Value) -> Result<Value, Fault> {
        let op: String = field(command, "op")?;
        match op.as_str() {
            "connect" => self.connect(command).await,
            "verify" => self.verify(command).await,
            "send" => shown(self.remote()?.send(field(command, "request")?).await?),
            "stream" => {
                let stream = self.remote()?.send_streaming(field(command, "request")?);
                let stream = stream.await?;
                self.open(stream)
            }
            "subscribe" => {
                let request = SubscribeToTaskRequest {
                    id: field(command, "id")?,
                    ..Default::default()
                };
                let stream = self.remote()?.subscribe(request).await?;
                self.open(stream)
            }
            "next" => {
                let event = tokio::time::timeout(EVENT_WAIT, self.stream(command)?.next());
                shown(event.await??)
            }
            "drop" => {
                self.streams.remove(&field(command, "stream")?);
                Ok(Value::Null)
            }
            "get" => shown(self.remote()?.get_task(field(command, "request")?).await?),
            "list" => shown(
                self.remote()?
                    .list_tasks(field(command, "request")?)
                    .await?,
            ),
            "cancel" => {
                let request = CancelTaskRequest {
                    id: field(command, "id")?,
                    ..Default::default()
                };
                shown(self.remote()?.cancel_task(request).await?)
            }
            "push_create" => {
                let config = field(command, "request")?;
                shown(self.remote()?.create_push_config(config).await?)
            }
            "push_get" => {
                let request = field(command, "request")?;
                shown(self.remote()?.get_push_config(request).await?)
            }
            "push_list" => {
                let request: ListTaskPushNotificationConfigsRequest = field(command, "request")?;
                shown(self.remote()?.list_push_configs(request).await?.configs)
            }
            "push_delete" => {
                let request = field(command, "request")?;
                self.remote()?.delete_push_config(request).await?;
                Ok(Value::Null)
            }
            "extended" => shown(&*self.remote()?.extended_card().await?),
            other => Err(format!("no command is called {other}").into()),
        }
    }

    async fn connect(&mut self, command: &Value) -> Result<Value, Fault> {
        let (url, binding, version): (String, String, String) = (
            field(command, "url")?,
            field(command, "binding")?,
            field(command, "version")?,
        );
        let mut headers = HeaderMap::new();
        for (name, value) in field::<BTreeMap<String, String>>(command, "headers")? {
            headers.insert(name.parse::<HeaderName>()?, value.parse::<HeaderValue>()?);
        }
        let options = CallOptions::default()
            .over(Binding::of_name(&binding).ok_or("no such binding")?)
            .in_version(Version::of_name(&version).ok_or("no such version")?)
            .with(Arc::new(Headers(headers)));
        let remote = RemoteAgent::connect_with(&self.egress, &url, options).await?;
        let card = shown(&*remote.card());
        self.remote = Some(remote);
        card
    }

    async fn verify(&self, command: &Value) -> Result<Value, Fault> {
        let url: String = field(command, "url")?;
        let keys: Vec<Jwk> = field(command, "keys")?;
        let trust = CardTrust::new(SignatureMode::Require);
        let trust = keys.into_iter().fold(trust, |trust, key| {
            trust.pin(key, std::iter::empty::<String>())
        });
        let options = CallOptions::default().trusting(trust);
        let remote = RemoteAgent::connect_with(&self.egress, &url, options).await?;
        match remote.card_standing() {
            CardStanding::Signed { .. } => Ok(Value::Null),
            standing => Err(standing.to_string().into()),
        }
    }
}

fn field<T: DeserializeOwned>(command: &Value, name: &str) -> Result<T, Fault> {
    let value = command.get(name).cloned().unwrap_or_default();
    serde_json::from_value(value).map_err(|error| format!("{name}: {error}").into())
}

fn shown(answer: impl Serialize) -> Result<Value, Fault> {
    Ok(serde_json::to_value(answer)?)
}

/// What a caller of our client sees of an error.
fn told(fault: &Fault) -> Value {
    let mut told = json!({ "name": "Fault", "message": fault.to_string() });
    if let Some(error) = fault.downcast_ref::<CallError>() {
        let reason = error
            .agent_reason()
            .map(|reason| format!("{reason:?}Error"));
        told = json!({
            "name": reason.unwrap_or_else(|| error.code().to_owned()),
            "message": error.to_string(),
        });
        // Agents of 0.3 say some errors by the status alone.
        if let (CallError::Http(status), Some(told)) = (error, told.as_object_mut()) {
            told.insert("http".to_owned(), Value::from(*status));
        }
    }
    told
}

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let mut driver = Driver {
        egress: Egress::new(EgressPolicy::strict().allow_loopback())?,
        remote: None,
        streams: HashMap::new(),
        opened: 0,
    };
    while let Some(line) =
        tokio::task::spawn_blocking(|| std::io::stdin().lock().lines().next()).await?
    {
        let line = line?;
        let answer = match driver.obey(&serde_json::from_str(&line)?).await {
            Ok(answer) => json!({ "ok": answer }),
            Err(fault) => json!({ "error": told(&fault) }),
        };
        println!("{answer}");
    }
    Ok(())
}
