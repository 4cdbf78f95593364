//! Sells to stock x402 buyers, for the interoperability tests: an agent's skills over plain HTTP, or
//! routes of axum behind a price. `tests/interop/payments/README.md` lists the commands on standard
//! input; each line is one, and each is answered by one line.

mod till;

use agent_client::settings::ChainSettings;
use agent_core::money::BaseUnits;
use agent_core::x402::BatchOffer;
use agent_core::x402::batch::SCHEME_BATCH_SETTLEMENT;
use agent_core::x402::facilitator::{Facilitator, Supported};
use agent_server::config::{
    AgentConfig, FacilitatorChoice, KeyConfig, Limits, PayScheme, PaymentConfig,
};
use agent_server::paid::{Charge, PaidLayer, Till};
use agent_server::prelude::*;
use agent_server::{Agent, RunningAgent};
use alloy_primitives::Address;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::any;
use axum::{Json, Router};
use clap::{Parser, ValueEnum};
use serde_json::{Value, json};
use std::error::Error;
use std::io::BufRead;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

type Fault = Box<dyn Error + Send + Sync>;

/// The account that sells, one of the well-known ones of development chains.
const SELLER: u8 = 2;
const PRICE: &str = "0.001 USDC";
/// What the page `part` charges of it, in base units.
const PART: BaseUnits = BaseUnits::new(400);

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// An agent's skills, at `/skills/{id}`.
    Skills,
    /// Routes behind a [`PaidLayer`].
    Routes,
}

#[derive(Debug, Clone, Parser)]
struct Arguments {
    form: Form,
    scheme: String,
    /// The URL of a facilitator, or `local`.
    facilitator: String,
    /// Whose key claims: the seller's `own`, or `lent` by the facilitator.
    authorizer: String,
    /// The node.
    rpc: String,
}

impl Arguments {
    fn config(&self, listen: SocketAddr, dir: &tempfile::TempDir) -> Result<AgentConfig, Fault> {
        let chain = ChainSettings {
            poll_millis: 50,
            ..ChainSettings::devnet(&self.rpc)
        };
        let payment = PaymentConfig {
            schemes: vec![PayScheme::Z402, PayScheme::Exact],
            facilitator: FacilitatorChoice::try_from(self.facilitator.clone())?,
            ..PaymentConfig::new(chain, KeyConfig::Devnet(SELLER))
        };
        Ok(AgentConfig {
            listen,
            data_dir: dir.path().to_owned(),
            payment: Some(payment),
            limits: Limits {
                skill_timeout_secs: 120,
                ..Limits::default()
            },
            ..AgentConfig::default()
        })
    }
}

impl Arguments {
    /// How the scheme is offered, by the facilitator's key or by the seller's own.
    async fn batch(&self, facilitator: Option<&dyn Facilitator>) -> Result<BatchOffer, Fault> {
        let receiver_authorizer = match facilitator {
            Some(facilitator) if !self.is_own() => {
                let supported = facilitator.supported().await?;
                lent(&supported).ok_or("the facilitator lends no authorizer")?
            }
            _ => KeyConfig::Devnet(SELLER).read()?.address(),
        };
        Ok(BatchOffer {
            receiver_authorizer,
            withdraw_delay: 900,
            // As much as a stock seller asks for unless told otherwise: ten calls.
            min_deposit: Some(BaseUnits::new(10_000)),
            asset_transfer_method: None,
        })
    }

    fn is_own(&self) -> bool {
        self.authorizer == "own"
    }
}

fn lent(supported: &Supported) -> Option<Address> {
    let kind = supported.kind(SCHEME_BATCH_SETTLEMENT, "eip155:84532")?;
    kind.extra.parse("receiverAuthorizer").ok()?
}

/// What is asked, of a skill or a route.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct Ask {
    #[serde(default)]
    text: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Said {
    echo: String,
}

/// One of the three pages, as a skill.
struct Page(&'static str);

impl Skill for Page {
    type Input = Ask;
    type Output = Said;

    fn about(&self) -> About {
        About::new(self.0, "Says what it is told").tags(["text"])
    }

    fn price(&self) -> Price {
        match self.0 {
            "part" => Price::up_to(PRICE),
            _ => Price::per_task(PRICE),
        }
    }

    async fn run(&self, ask: Ask, cx: &mut SkillContext) -> Outcome<Said> {
        match self.0 {
            "fail" => return Err(Stop::failed("broken")),
            "part" => cx.charge_base_units(PART)?,
            _ => {}
        }
        Ok(Said { echo: ask.text }.into())
    }
}

fn echo(body: &[u8]) -> Json<Value> {
    let ask: Ask = serde_json::from_slice(body).unwrap_or_default();
    Json(json!({ "echo": ask.text }))
}

fn routes(till: &Till) -> Result<Router, Fault> {
    let price = PaidLayer::new(till, Price::per_task(PRICE))?.describe("Says what it is told");
    let part = |body: axum::body::Bytes| async move {
        let mut response = echo(&body).into_response();
        response.extensions_mut().insert(Charge(PART));
        response
    };
    let fail = || async { (StatusCode::INTERNAL_SERVER_ERROR, "broken") };
    Ok(Router::new()
        .route(
            "/paid",
            any(|body: axum::body::Bytes| async move { echo(&body) }),
        )
        .route("/part", any(part))
        .route("/fail", any(fail))
        .layer(price))
}

/// An open shop, with books in a directory of its own.
struct Shop {
    address: SocketAddr,
    inner: Inner,
    _dir: tempfile::TempDir,
}

enum Inner {
    Skills(Box<RunningAgent>),
    Routes {
        till: Till,
        stop: oneshot::Sender<()>,
        serving: JoinHandle<std::io::Result<()>>,
    },
}

impl Shop {
    async fn open(
        given: &Arguments,
        facilitator: Option<&Arc<dyn Facilitator>>,
        listen: SocketAddr,
    ) -> Result<Self, Fault> {
        let dir = tempfile::tempdir()?;
        let config = given.config(listen, &dir)?;
        let (address, inner) = match given.form {
            Form::Skills => {
                let agent = Agent::named("seller").config(config);
                let agent = agent.sell(Page("paid")).sell(Page("part"));
                let agent = Box::new(Box::pin(agent.sell(Page("fail")).start()).await?);
                let port = agent.url().port().ok_or("a URL without a port")?;
                let address = SocketAddr::new(listen.ip(), port);
                (address, Inner::Skills(agent))
            }
            Form::Routes => {
                let batch = given.batch(facilitator.map(AsRef::as_ref)).await?;
                let mut till = Till::builder(config).batch(batch);
                if let Some(facilitator) = facilitator {
                    till = till.facilitator(Arc::clone(facilitator));
                }
                let till = Box::pin(till.open()).await?;
                let app = routes(&till)?;
                let listener = TcpListener::bind(listen).await?;
                let address = listener.local_addr()?;
                let (stop, stopped) = oneshot::channel();
                let served = axum::serve(listener, app).with_graceful_shutdown(async {
                    let _ = stopped.await;
                });
                let serving = tokio::spawn(served.into_future());
                let inner = Inner::Routes {
                    till,
                    stop,
                    serving,
                };
                (address, inner)
            }
        };
        Ok(Self {
            address,
            inner,
            _dir: dir,
        })
    }

    fn url(&self) -> String {
        match &self.inner {
            Inner::Skills(_) => format!("http://{}/skills", self.address),
            Inner::Routes { .. } => format!("http://{}", self.address),
        }
    }

    async fn close(self) -> Result<(), Fault> {
        match self.inner {
            Inner::Skills(agent) => agent.stop().await,
            Inner::Routes {
                till,
                stop,
                serving,
            } => {
                let _ = stop.send(());
                serving.await??;
                till.close().await;
            }
        }
        Ok(())
    }
}

/// A seller that obeys.
struct Seller {
    given: Arguments,
    /// Unless the seller is its own.
    facilitator: Option<Arc<dyn Facilitator>>,
    shop: Option<Shop>,
}

impl Seller {
    async fn open(&mut self, listen: SocketAddr) -> Result<String, Fault> {
        let facilitator = self.facilitator.as_ref();
        let shop = Box::pin(Shop::open(&self.given, facilitator, listen)).await?;
        Ok(self.shop.insert(shop).url())
    }

    async fn obey(&mut self, line: &str) -> Result<Value, Fault> {
        let command: Value = serde_json::from_str(line)?;
        let op = command.get("op").and_then(Value::as_str);
        if op == Some("forget") {
            let open = self.shop.take().ok_or("the shop is closed")?;
            let address = open.address;
            Box::pin(open.close()).await?;
            self.open(address).await?;
            return Ok(Value::Null);
        }
        let Some(Inner::Routes { till, .. }) = self.shop.as_ref().map(|shop| &shop.inner) else {
            return Err("only routes are paid with channels".into());
        };
        let facilitator = self.facilitator.as_deref().ok_or("no facilitator")?;
        match op {
            Some("claim") => Ok(till::claim(till, facilitator, self.given.is_own())
                .await?
                .into()),
            Some("settle") => Ok(till::pay_out(till, facilitator).await?.into()),
            other => Err(format!("no command is called {other:?}").into()),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Fault> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter("warn")
        .init();
    let given = Arguments::parse();
    let facilitator = match given.facilitator.as_str() {
        "local" => None,
        url => Some(till::remote(url, !given.is_own())?),
    };
    let mut seller = Seller {
        given,
        facilitator,
        shop: None,
    };
    let url = seller.open(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    println!("{}", json!({ "url": url }));
    while let Some(line) =
        tokio::task::spawn_blocking(|| std::io::stdin().lock().lines().next()).await?
    {
        let answer = match seller.obey(&line?).await {
            Ok(answer) => json!({ "ok": answer }),
            Err(fault) => json!({ "error": { "name": "Fault", "message": fault.to_string() } }),
        };
        println!("{answer}");
    }
    Ok(())
}
