//! An agent with a facilitator of its own, as `agent.toml` sets it up.

use crate::world::{BUYER, SELLER, World, address};
use agent_client::egress::{Egress, EgressPolicy, ExchangeLimits, Response};
use agent_core::x402::facilitator::{Facilitator, RequestV2};
use agent_core::x402::{HeaderObject, PaymentRequired};
use agent_server::config::AgentConfig;
use agent_server::facilitator::{RemoteFacilitator, RemoteOptions};
use agent_server::{Agent, RunningAgent};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

/// In base units.
const PRICE: u128 = 2_000;

fn egress() -> Egress {
    Egress::new(EgressPolicy::strict().allow_loopback()).unwrap()
}

fn config(world: &World, more: &str) -> AgentConfig {
    let text = format!(
        "{more}\n[commands.echo]\nabout = \"says it again\"\nprice = \"0.002 USDC\"\nrun = [\"cat\"]\n"
    );
    let mut config = AgentConfig::parse(&text).unwrap();
    config.data_dir = tempfile::tempdir_in(world.dir.path()).unwrap().keep();
    if let Some(payment) = config.payment.as_mut() {
        payment.chain = world.settings.clone();
    }
    config
}

async fn agent(world: &World, more: &str) -> RunningAgent {
    Agent::configured(config(world, more))
        .start()
        .await
        .unwrap()
}

/// Asks for the skill, with a payment or without.
async fn ask(agent: &RunningAgent, payment: Option<&RequestV2>) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    if let Some(request) = payment {
        let text = request.payment_payload.to_header().unwrap();
        headers.insert("payment-signature", text.parse().unwrap());
    }
    let url = agent.url().join("skills/echo").unwrap();
    let limits = ExchangeLimits::default();
    let body = bytes::Bytes::from_static(br#"{"text":"hello"}"#);
    let sent = egress();
    let sent = sent.send(Method::POST, url.as_str(), headers, body, limits);
    sent.await.unwrap()
}

/// What is offered by `exact`, paid.
fn paying(world: &World, unpaid: &Response, nonce: u8) -> RequestV2 {
    let header = unpaid.headers["payment-required"].to_str().unwrap();
    let required = PaymentRequired::from_header(header).unwrap();
    let mut offers = required.accepts.into_iter();
    let offer = offers.find(|offer| offer.scheme == "exact").unwrap();
    assert_eq!(offer.amount.get(), PRICE);
    world.request(offer, &world.signed(world.authorization(PRICE, nonce)))
}

async fn buys_once(world: &World, agent: &RunningAgent) {
    let unpaid = ask(agent, None).await;
    assert_eq!(unpaid.status, StatusCode::PAYMENT_REQUIRED);
    let (seller, buyer) = (world.tokens(SELLER).await, world.tokens(BUYER).await);
    let payment = paying(world, &unpaid, 1);
    let (paid, again) = tokio::join!(ask(agent, Some(&payment)), ask(agent, Some(&payment)));
    for paid in [paid, again, ask(agent, Some(&payment)).await] {
        let text = String::from_utf8_lossy(&paid.bytes);
        // The second may come while the first is worked on.
        assert!(
            paid.status == StatusCode::OK || paid.status == StatusCode::CONFLICT,
            "{} {text}",
            paid.status
        );
    }
    let paid = ask(agent, Some(&payment)).await;
    assert_eq!(paid.status, StatusCode::OK);
    assert!(paid.headers.contains_key("payment-response"));
    assert_eq!(world.tokens(SELLER).await, seller + PRICE);
    assert_eq!(world.tokens(BUYER).await, buyer - PRICE);
}

const PAYMENT: &str = "[payment]\nchain = \"devnet\"\nkey = { devnet = 1 }\n";

#[tokio::test]
async fn an_agent_makes_the_transfers_that_it_is_paid_by() {
    let world = World::new().await;
    let agent = agent(&world, &format!("{PAYMENT}schemes = [\"exact\", \"z402\"]")).await;
    let unpaid = ask(&agent, None).await;
    let header = unpaid.headers["payment-required"].to_str().unwrap();
    let required = PaymentRequired::from_header(header).unwrap();
    let schemes: Vec<_> = required.accepts.iter().map(|one| &*one.scheme).collect();
    assert_eq!(schemes, ["exact", "z402"], "in the order of the file");
    buys_once(&world, &agent).await;
    // Nobody else is let at it.
    let url = agent.url().join("facilitator").unwrap();
    let closed = RemoteFacilitator::new(egress(), url.as_str(), RemoteOptions::default()).unwrap();
    assert!(closed.supported().await.is_err());
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_asks_the_facilitator_of_another() {
    let world = World::new().await;
    let open = agent(
        &world,
        "[payment]\nchain = \"devnet\"\nkey = { devnet = 5 }\n\
         [facilitator]\nschemes = { z402 = false }",
    )
    .await;
    let url = open.url().join("facilitator").unwrap();
    let remote = RemoteFacilitator::new(egress(), url.as_str(), RemoteOptions::default()).unwrap();
    let supported = remote.supported().await.unwrap();
    assert!(supported.kind("exact", "eip155:84532").is_some());
    assert!(supported.kind("z402", "eip155:84532").is_none());

    let poor = format!("{PAYMENT}schemes = [\"exact\"]\nfacilitator = \"{url}\"");
    let seller = agent(&world, &poor).await;
    let sent = world.chain.mined_nonce(address(SELLER)).await.unwrap();
    buys_once(&world, &seller).await;
    let now = world.chain.mined_nonce(address(SELLER)).await.unwrap();
    assert_eq!(now, sent, "the other one paid for the transaction");
    seller.stop().await;
    open.stop().await;
}

#[tokio::test]
async fn what_cannot_be_set_up_is_said_at_the_start() {
    let world = World::new().await;
    for (text, said) in [
        ("[facilitator]\n".to_owned(), "[payment]"),
        (format!("{PAYMENT}schemes = []"), "no scheme"),
        (
            format!("{PAYMENT}schemes = [\"exact\"]\n[facilitator]\nschemes = {{ exact = false }}"),
            "facilitator.schemes",
        ),
        (
            format!("{PAYMENT}schemes = [\"exact\"]\nfacilitator = \"http://pay.example/\""),
            "payment.facilitator",
        ),
    ] {
        let mut config = config(&world, &text);
        if config.payment.is_none() {
            config
                .commands
                .values_mut()
                .for_each(|one| one.price = None);
        }
        let error = Agent::configured(config).start().await.unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    for wrong in ["schemes = [\"upfront\"]", "facilitator = \"here\""] {
        assert!(AgentConfig::parse(&format!("{PAYMENT}{wrong}")).is_err());
    }
}
