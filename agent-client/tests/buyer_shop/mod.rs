//! A buyer with a wallet over an escrow in memory, and the words a seller answers with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::sync::Arc;
use std::time::Duration;

use agent_client::buyer::{Answer, AskError, Buyer};
use agent_client::egress::EgressPolicy;
use agent_client::settings::{ChainSettings, TokenSettings};
use agent_client::sqlite::Durability;
use agent_core::json::Json;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call_fake::{Fake, Reply, Seen, card};
use crate::wallet_support::{CHAIN, ESCROW, FakeEscrow, SELLER, TOKEN, key, policy, units};

pub const PRICE: u128 = 1_000;

pub struct Shop {
    pub dir: tempfile::TempDir,
    pub escrow: Arc<FakeEscrow>,
    pub buyer: Buyer,
}

pub fn settings() -> ChainSettings {
    ChainSettings {
        chain_id: CHAIN,
        escrow: ESCROW,
        token: TokenSettings {
            address: TOKEN,
            symbol: "USDC".into(),
            decimals: 6,
            name: "USD Coin".into(),
            version: "2".into(),
        },
        // Nobody listens there: none of this needs the chain.
        ..ChainSettings::devnet("http://127.0.0.1:1")
    }
}

impl Shop {
    pub async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let escrow = Arc::new(FakeEscrow::default());
        let buyer = Buyer::builder(settings(), key(), dir.path())
            .policy(policy())
            .egress(EgressPolicy::strict().allow_loopback())
            .escrow_port(escrow.clone())
            .wallet(|wallet| {
                wallet.lock_size = units(100_000);
                wallet.slot_wait = Duration::from_secs(5);
                wallet.durability = Durability::Relaxed;
            })
            .open()
            .await
            .unwrap();
        Self { dir, escrow, buyer }
    }

    /// Charged and in flight, as the wallet counts them.
    pub async fn sums(&self) -> (u128, u128) {
        let books = self.buyer.wallet().books().await.unwrap();
        (books.charged.get(), books.in_flight.get())
    }
}

/// A card that prices the skill `shout`.
pub fn priced(base: &str, price: u128) -> Value {
    let mut card = card(base);
    card["capabilities"]["extensions"] = json!([{
        "uri": "urn:z402:a2a:v1",
        "params": {
            "x402Version": 2, "modes": ["z"], "schemes": ["z402"],
            "asset": {"network": format!("eip155:{CHAIN}"), "address": TOKEN, "symbol": "USDC",
                      "decimals": 6, "name": "USD Coin", "version": "2"},
            "payTo": SELLER, "contract": ESCROW, "minDeadlineSeconds": 600, "maxInFlight": 32,
            "maxTimeoutSeconds": 5,
            "skills": {"shout": {"amount": price.to_string(), "unit": "task"}},
        },
    }]);
    card
}

/// A seller whose n-th message (from 0) `answer` answers.
pub async fn seller(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Fake {
    let count = std::sync::atomic::AtomicUsize::new(0);
    Fake::start(move |base, seen| match seen.method.as_str() {
        "GET" => Reply::Json(200, priced(base, PRICE).to_string()),
        _ => answer(
            seen,
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst),
        ),
    })
    .await
}

pub fn metadata(seen: &Seen) -> Value {
    seen.json()["params"]["message"]["metadata"].clone()
}

pub fn payment(seen: &Seen) -> Value {
    metadata(seen)["x402.payment.payload"].clone()
}

pub fn payment_id(seen: &Seen) -> Value {
    payment(seen)["extensions"]["payment-identifier"]["info"]["id"].clone()
}

pub fn ceiling(seen: &Seen) -> u128 {
    let text = payment(seen)["payload"]["voucher"]["maxClaimableAmount"].clone();
    text.as_str().unwrap().parse().unwrap()
}

/// A receipt for the payment in `seen`; `None` for one that was not taken.
pub fn receipt(seen: &Seen, charged: Option<u128>) -> Value {
    json!({
        "success": charged.is_some(), "mode": "z", "transaction": "",
        "network": format!("eip155:{CHAIN}"),
        "extra": {
            "paymentId": payment_id(seen),
            "channelId": payment(seen)["payload"]["voucher"]["channelId"],
            "chargedAmount": charged.unwrap_or(0).to_string(),
        },
    })
}

pub fn task(id: &str, state: &str, metadata: Value) -> Value {
    json!({
        "id": id, "contextId": "c-1",
        "status": {"state": state, "message": {
            "messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": "words"}],
            "metadata": metadata,
        }},
    })
}

/// The task done, with its receipts.
pub fn done(seen: &Seen, receipts: Value) -> Reply {
    let metadata =
        json!({"x402.payment.status": "payment-completed", "x402.payment.receipts": receipts});
    let mut task = task("t-1", "TASK_STATE_COMPLETED", metadata);
    task["artifacts"] =
        json!([{"artifactId": "a", "parts": [{"text": "see data"}, {"data": {"text": "HI"}}]}]);
    seen.result(json!({"task": task}))
}

/// What an honest seller answers to a good payment.
pub fn honest(seen: &Seen) -> Reply {
    done(seen, json!([receipt(seen, Some(PRICE))]))
}

/// Asks for payment, refusing the one that came if `code` says why.
pub fn wants(seen: &Seen, amount: u128, code: Option<&str>, channel: Option<Value>) -> Reply {
    let mut required = json!({
        "x402Version": 2, "mode": "z", "resource": {"url": "a2a:skill/shout"},
        "accepts": [{
            "scheme": "z402", "network": format!("eip155:{CHAIN}"), "amount": amount.to_string(),
            "asset": TOKEN, "payTo": SELLER, "maxTimeoutSeconds": 5,
            "extra": {"contract": ESCROW, "name": "USD Coin", "version": "2",
                      "minDeadlineSeconds": 600, "maxInFlight": 32},
        }],
    });
    if let Some(channel) = channel {
        required["extensions"] = json!({"z402": {"info": {"channel": channel}}});
    }
    let mut metadata = json!({"x402.payment.required": required});
    match code {
        Some(code) => {
            metadata["x402.payment.status"] = json!("payment-failed");
            metadata["x402.payment.error"] = json!(code);
            metadata["x402.payment.receipts"] = json!([{
                "success": false, "mode": "z", "errorReason": code, "transaction": "",
                "network": format!("eip155:{CHAIN}"),
            }]);
        }
        None => metadata["x402.payment.status"] = json!("payment-required"),
    }
    seen.result(json!({"task": task("t-1", "TASK_STATE_INPUT_REQUIRED", metadata)}))
}

pub fn ask() -> Json {
    Json::from_text(r#"{"text":"hi"}"#).unwrap()
}

#[derive(Debug, Deserialize, PartialEq)]
pub struct Said {
    pub text: String,
}

pub async fn buy(shop: &Shop, fake: &Fake) -> Result<Answer<Said>, AskError> {
    let seller = shop.buyer.connect(&fake.url).await.unwrap();
    seller.ask_in_full("shout", &ask()).await
}
