//! Scheme `exact` over HTTP, as stock clients of both versions pay: a transfer that is made after the
//! work and before the answer.

use crate::counter::Counter;
use crate::wire::{Ask, get, header};
use agent_core::json::{Json, Metadata};
use agent_core::ledger::BoxFuture;
use agent_core::x402::facilitator::{
    Facilitator, FacilitatorError, RequestV2, Supported, VerifyResponse,
};
use agent_core::x402::{ExactOffer, HeaderObject, Mode, SettleResponse, v1};
use agent_server::paid::Till;
use agent_tests::e2e::{BUYER, PRICE, SELLER, Shift, Shop};
use agent_tests::{sign, world};
use alloy_primitives::{B256, U256};
use alloy_sol_types::sol;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

sol! {
    struct TransferWithAuthorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }
}

/// A facilitator that does as it is told.
#[derive(Debug, Default)]
struct Fake {
    refuses: Mutex<Option<&'static str>>,
    settled: AtomicU64,
}

impl Facilitator for Fake {
    fn supported(&self) -> BoxFuture<'_, Result<Supported, FacilitatorError>> {
        Box::pin(async { Ok(Supported::default()) })
    }

    fn verify(&self, _: RequestV2) -> BoxFuture<'_, Result<VerifyResponse, FacilitatorError>> {
        Box::pin(async { Ok(VerifyResponse::valid(world::account(BUYER).to_string())) })
    }

    fn settle(
        &self,
        request: RequestV2,
    ) -> BoxFuture<'_, Result<SettleResponse, FacilitatorError>> {
        Box::pin(async move {
            self.settled.fetch_add(1, Ordering::SeqCst);
            let refused = *self.refuses.lock().unwrap();
            Ok(SettleResponse {
                success: refused.is_none(),
                mode: Mode::X,
                error_reason: refused.map(str::to_owned),
                error_message: None,
                payer: Some(world::account(BUYER).to_string()),
                transaction: format!("0x{}", "ab".repeat(32)),
                network: request.payment_requirements.network,
                amount: None,
                extra: Json::default(),
                extensions: Metadata::new(),
            })
        })
    }
}

async fn open() -> (Counter, Arc<Fake>) {
    let fake = Arc::new(Fake::default());
    let mut shop = Shop::closed().await;
    shop.config.limits.skill_timeout_secs = 2;
    let clock = Arc::new(Shift::default());
    let till = Till::builder(shop.config.clone())
        .clock(clock.clone())
        .facilitator(fake.clone())
        .exact(ExactOffer::default());
    let till = Box::pin(till.open()).await.unwrap();
    (Counter::with(shop, clock, till).await, fake)
}

/// What a client signs for an offer; `version` 1 takes it from the body, 2 from the header.
fn signed(counter: &Counter, salt: u64) -> Value {
    let settings = &counter.shop.settings;
    let (from, to) = (world::account(BUYER), world::account(SELLER));
    let message = TransferWithAuthorization {
        from,
        to,
        value: U256::from(PRICE),
        validAfter: U256::ZERO,
        validBefore: U256::from(u64::MAX),
        nonce: B256::from(U256::from(salt)),
    };
    let domain = sign::usdc_domain(settings.chain_id, settings.token.address);
    json!({
        "signature": sign::message(&world::key(BUYER), &domain, &message).to_string(),
        "authorization": {
            "from": from.to_string(),
            "to": to.to_string(),
            "value": PRICE.to_string(),
            "validAfter": "0",
            "validBefore": u64::MAX.to_string(),
            "nonce": message.nonce.to_string(),
        },
    })
}

/// A payment of version 2, from the terms in the header of a 402.
async fn v2(counter: &Counter, path: &str, salt: u64) -> Ask {
    let required = get(path)
        .to(counter.address)
        .await
        .object("payment-required");
    let accepts = required["accepts"].as_array().unwrap();
    let offer = accepts
        .iter()
        .find(|offer| offer["scheme"] == "exact")
        .unwrap();
    let payment = json!({
        "x402Version": 2, "accepted": offer, "resource": required["resource"],
        "payload": signed(counter, salt), "extensions": required["extensions"],
    });
    get(path).with("PAYMENT-SIGNATURE", &header(&payment))
}

/// A payment of version 1, from the terms in its body.
async fn v1(counter: &Counter, path: &str, salt: u64) -> Ask {
    let body = get(path).to(counter.address).await;
    let required = v1::PaymentRequired::read_body(&body.body).unwrap();
    // Clients of version 1 read the first, and all that there are must be theirs.
    let offer = &required.accepts[0];
    assert_eq!(
        (offer.scheme.as_str(), offer.network.as_str()),
        ("exact", "base-sepolia")
    );
    assert_eq!(offer.max_amount_required.get(), PRICE);
    assert!(offer.resource.ends_with(path), "{}", offer.resource);
    let payment = json!({
        "x402Version": 1, "scheme": "exact", "network": offer.network,
        "payload": signed(counter, salt),
    });
    get(path).with("X-PAYMENT", &header(&payment))
}

#[tokio::test]
async fn stock_clients_of_both_versions_pay_with_a_transfer() {
    let (counter, fake) = open().await;
    for (number, path) in [(1, "/a/x"), (2, "/a/y")] {
        let ask = match number {
            1 => v1(&counter, path, number).await,
            _ => v2(&counter, path, number).await,
        };
        let reply = ask.to(counter.address).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.assert_private();
        let receipt = reply.object("payment-response");
        assert_eq!(receipt["transaction"], format!("0x{}", "ab".repeat(32)));
        let older = reply.header("x-payment-response");
        if number == 1 {
            let older = v1::SettleResponse::from_header(&older).unwrap();
            assert!(
                older.success && older.network == "base-sepolia",
                "{older:?}"
            );
        } else {
            assert_eq!(older, "");
        }
        // The same once more is the same answer; another request with it is refused.
        let again = ask.to(counter.address).await;
        assert_eq!((again.status, again.text()), (200, reply.text()));
        let mut other = ask.clone();
        "/b/x".clone_into(&mut other.path);
        assert_eq!(other.to(counter.address).await.status, 409);
        assert_eq!(fake.settled.load(Ordering::SeqCst), number);
        assert_eq!(counter.runs(), number);
    }
}

#[tokio::test]
async fn a_transfer_that_fails_buys_nothing() {
    let (counter, fake) = open().await;
    *fake.refuses.lock().unwrap() = Some("insufficient_funds");
    let ask = v2(&counter, "/a/x", 1).await;
    let reply = ask.to(counter.address).await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (402, "payment_not_settled"),
        "{reply:?}"
    );
    assert_eq!(reply.object("payment-response")["success"], false);
    assert!(!reply.text().contains("x 1"), "the answer is withheld");
    let again = ask.to(counter.address).await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (402, "payment_not_settled")
    );
    assert!(!again.text().contains("x 1"));
    assert_eq!(counter.runs(), 1);
}

#[tokio::test]
async fn work_that_fails_moves_no_transfer() {
    let (counter, fake) = open().await;
    for (salt, what, status) in [(1, "/a/missing", 404), (2, "/a/panics", 500)] {
        let ask = v2(&counter, what, salt).await;
        assert_eq!(ask.to(counter.address).await.status, status);
    }
    assert_eq!(fake.settled.load(Ordering::SeqCst), 0);
}

/// Thirty-two requests with one transfer: the paper's "one payment, 248 grants".
#[tokio::test]
async fn one_transfer_at_once_in_many_places_buys_one_thing() {
    let (counter, fake) = open().await;
    let ask = v2(&counter, "/a/x", 1).await;
    let asks: Vec<Ask> = (0..32)
        .map(|number| {
            let mut ask = ask.clone();
            if number % 2 == 0 {
                ask.path = format!("/b/{number}");
            }
            ask
        })
        .collect();
    let sent = asks.iter().map(|ask| ask.to(counter.address));
    let replies = futures_util::future::join_all(sent).await;
    let granted: std::collections::BTreeSet<String> = replies
        .iter()
        .filter(|reply| reply.status == 200)
        .map(crate::wire::Reply::text)
        .collect();
    assert_eq!(granted.len(), 1, "{granted:?}");
    assert_eq!(
        (counter.runs(), fake.settled.load(Ordering::SeqCst)),
        (1, 1)
    );
}

/// A transfer moves the whole price, so it cannot pay for what costs as much as it uses.
#[tokio::test]
async fn what_charges_by_use_takes_no_transfer() {
    let (counter, fake) = open().await;
    let required = get("/use/less").to(counter.address).await;
    let required = required.object("payment-required");
    let accepts = required["accepts"].as_array().unwrap();
    assert!(accepts.iter().all(|offer| offer["scheme"] != "exact"));
    for ask in [v2(&counter, "/a/x", 1).await, v1(&counter, "/a/x", 2).await] {
        let mut ask = ask;
        "/use/less".clone_into(&mut ask.path);
        let reply = ask.to(counter.address).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (402, "unsupported_scheme")
        );
    }
    assert_eq!(fake.settled.load(Ordering::SeqCst), 0);
    let payment = counter.purse(PRICE).payment(PRICE, PRICE);
    let reply = get("/use/less").paid(&payment).to(counter.address).await;
    assert_eq!((reply.status, reply.charged()), (200, Some(400)));
    assert_eq!(counter.runs(), 1);
}
