//! Drives our paying HTTP client by commands on standard input, for the interoperability tests: the
//! other side is a stock x402 seller. `tests/interop/payments/README.md` lists the commands; each
//! line is one, and each is answered by one line.

use agent_client::buyer::Buyer;
use agent_client::egress::EgressPolicy;
use agent_client::pay::{PaidResponse, PayError, PayingClient};
use agent_client::settings::ChainSettings;
use agent_client::wallet::{PayerKey, Scheme};
use agent_core::x402::{HeaderObject, PaymentRequired, SettleResponse, v1};
use agent_devnet::DEV_ACCOUNTS;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};
use std::error::Error;
use std::io::BufRead;

type Fault = Box<dyn Error + Send + Sync>;

/// The account that buys, one of the well-known ones of development chains.
const BUYER: usize = 1;

/// A buyer with books in a directory of its own.
struct Shopper {
    rpc: String,
    scheme: Scheme,
    buyer: Buyer,
    client: PayingClient,
    _dir: tempfile::TempDir,
}

impl Shopper {
    async fn open(rpc: String, scheme: Scheme) -> Result<Self, Fault> {
        let account = DEV_ACCOUNTS.get(BUYER).ok_or("no such account")?;
        let key = PayerKey::from_hex(account.private_key)?;
        let dir = tempfile::tempdir()?;
        let buyer = Buyer::builder(ChainSettings::devnet(&rpc), key, dir.path())
            .egress(EgressPolicy::strict().allow_loopback())
            .schemes([scheme])
            .open()
            .await?;
        let client = buyer.http();
        Ok(Self {
            rpc,
            scheme,
            buyer,
            client,
            _dir: dir,
        })
    }

    async fn call(&self, url: &str, text: &str) -> Result<Value, Fault> {
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        let body = json!({ "text": text }).to_string().into();
        match self.client.request(Method::POST, url, headers, body).await {
            Ok(answer) => Ok(shown(&answer)),
            Err(PayError::Receipt { error, .. }) => Err(error.into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn refund(&self, url: &str) -> Result<Value, Fault> {
        let refunded = self.client.refund(Method::POST, url).await?;
        let transaction = refunded.into_iter().find_map(|refund| refund.transaction);
        Ok(json!({ "success": true, "transaction": transaction }))
    }
}

fn shown(answer: &PaidResponse) -> Value {
    json!({
        "status": answer.status.as_u16(),
        "body": String::from_utf8_lossy(&answer.bytes),
        "trips": answer.requests,
        "receipt": read::<SettleResponse>(&answer.headers)
            .or_else(|| read::<v1::SettleResponse>(&answer.headers)),
        "required": read::<PaymentRequired>(&answer.headers),
    })
}

fn read<T: HeaderObject>(headers: &HeaderMap) -> Option<Value> {
    let text = headers.get(T::NAME)?.to_str().ok()?;
    serde_json::to_value(T::from_header(text).ok()?).ok()
}

fn field<'a>(command: &'a Value, name: &str) -> Result<&'a str, Fault> {
    let found = command.get(name).and_then(Value::as_str);
    found.ok_or_else(|| format!("the command has no {name}").into())
}

async fn obey(shopper: &mut Option<Shopper>, command: &Value) -> Result<Value, Fault> {
    let op = field(command, "op")?;
    if op == "connect" {
        let (rpc, scheme) = (field(command, "rpc")?, field(command, "scheme")?.parse()?);
        *shopper = Some(Shopper::open(rpc.to_owned(), scheme).await?);
        return Ok(Value::Null);
    }
    let known = shopper.as_ref().ok_or("not connected")?;
    match op {
        "call" => Box::pin(known.call(field(command, "url")?, field(command, "text")?)).await,
        "refund" => Box::pin(known.refund(field(command, "url")?)).await,
        "forget" => {
            known.buyer.close().await;
            let (rpc, scheme) = (known.rpc.clone(), known.scheme);
            *shopper = Some(Shopper::open(rpc, scheme).await?);
            Ok(Value::Null)
        }
        other => Err(format!("no command is called {other}").into()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let mut shopper = None;
    while let Some(line) =
        tokio::task::spawn_blocking(|| std::io::stdin().lock().lines().next()).await?
    {
        let answer = match obey(&mut shopper, &serde_json::from_str(&line?)?).await {
            Ok(answer) => json!({ "ok": answer }),
            Err(fault) => {
                let name = fault.downcast_ref().map_or("Fault", PayError::code);
                json!({ "error": { "name": name, "message": fault.to_string() } })
            }
        };
        println!("{answer}");
    }
    Ok(())
}
