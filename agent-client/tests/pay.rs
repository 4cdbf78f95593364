//! Paying plain HTTP routes: what is sent, what is believed, what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod wallet_support;
mod x402_world;

use std::sync::{Arc, Mutex};

use agent_client::{
    egress::{Egress, EgressPolicy},
    pay::{Drift, PayError, PayingClient},
    wallet::{OfferRefusal, ReceiptError, Scheme, WalletError},
};
use agent_core::{
    clock::{Clock, ManualClock},
    json::Json,
    money::{Asset, AssetTable, Network},
    voucher::EscrowDomain,
    x402::{
        EvmTerms, ExactPayload, HeaderObject, PaymentPayload, PaymentRequirements, SCHEME_EXACT,
        TokenDomain, batch::codes, v1,
    },
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
};
use wallet_support::{ESCROW, NOW, asset, key, units};
use x402_world::*;

/// How the seller behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Honest,
    /// Takes the payment and closes without an answer, this often.
    LosesAnswers(u32),
    /// Sends the money's answer without a receipt.
    NoReceipt,
    /// Charges one more than it may.
    Overcharges,
    /// Says that it is busy, this often.
    Busy(u32),
    /// Corrects for ever.
    AlwaysCorrects,
    /// Redirects whatever comes.
    Redirects,
}

struct Shop {
    stock: Stock,
    accepts: Vec<PaymentRequirements>,
    mood: Mood,
    charge: u128,
    clock: Arc<ManualClock>,
    /// Whether each request that came carried a payment.
    seen: Vec<bool>,
    ids: Vec<String>,
}

type Shared = Arc<Mutex<Shop>>;

fn with_header<T: HeaderObject>(mut response: Response, object: &T) -> Response {
    let value = HeaderValue::from_str(&object.to_header().unwrap()).unwrap();
    let name = axum::http::HeaderName::from_bytes(T::NAME.as_bytes()).unwrap();
    response.headers_mut().insert(name, value);
    response
}

async fn sell(State(shop): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = answer(&mut shop.lock().unwrap(), &headers, &body);
    answer.unwrap_or_else(|| {
        let broken = Err::<Bytes, _>(std::io::Error::other("the line broke"));
        let body = futures_util::stream::iter([Ok(Bytes::from_static(b"pa")), broken]);
        axum::body::Body::from_stream(body).into_response()
    })
}

fn answer(shop: &mut Shop, headers: &HeaderMap, body: &Bytes) -> Option<Response> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
    let payment = text(PaymentPayload::NAME).map(|text| PaymentPayload::from_header(text).unwrap());
    shop.seen.push(payment.is_some());
    if shop.mood == Mood::Redirects {
        return Some((StatusCode::FOUND, [("location", "http://10.0.0.1/")]).into_response());
    }
    let Some(payment) = payment else {
        return Some(ask(shop, ""));
    };
    if let Ok(Some(id)) = payment
        .extensions
        .parse::<serde_json::Value>("payment-identifier")
    {
        shop.ids.push(id["info"]["id"].as_str().unwrap().to_owned());
    }
    if let Mood::Busy(times) = shop.mood {
        shop.mood = if times > 1 {
            Mood::Busy(times - 1)
        } else {
            Mood::Honest
        };
        return Some(ask(shop, codes::CHANNEL_BUSY));
    }
    let scheme = &payment.accepted.scheme;
    let entry = shop.accepts.iter().find(|entry| entry.scheme == *scheme);
    let entry = entry.unwrap().clone();
    let (charge, now) = (
        shop.charge.min(entry.amount.get()),
        shop.clock.now_unix_secs(),
    );
    if !entry.is_echoed_by(&payment.accepted) {
        return Some(ask(shop, "invalid_payment_requirements"));
    }
    let mut receipt = match shop.stock.take(&payment, &entry, charge, now) {
        Ok(receipt) => receipt,
        Err(required) => {
            return Some(with_header(
                StatusCode::PAYMENT_REQUIRED.into_response(),
                &required,
            ));
        }
    };
    match shop.mood {
        Mood::LosesAnswers(times) => {
            shop.mood = if times > 1 {
                Mood::LosesAnswers(times - 1)
            } else {
                Mood::Honest
            };
            return None;
        }
        Mood::NoReceipt => return Some("paid".into_response()),
        Mood::AlwaysCorrects => {
            let id = shop.stock.sessions.keys().next().copied().unwrap();
            let required = shop.stock.correction(id, &entry);
            return Some(with_header(
                StatusCode::PAYMENT_REQUIRED.into_response(),
                &required,
            ));
        }
        Mood::Overcharges => {
            let mut extra: serde_json::Value = receipt.extra.parse().unwrap();
            extra["chargedAmount"] = (entry.amount.get() + 1).to_string().into();
            receipt.extra = Json::from_value(&extra).unwrap();
        }
        _ => {}
    }
    let response = format!("paid for {} bytes", body.len()).into_response();
    Some(with_header(response, &receipt))
}

fn ask(shop: &Shop, error: &str) -> Response {
    let required = required(shop.accepts.clone(), error);
    with_header(StatusCode::PAYMENT_REQUIRED.into_response(), &required)
}

struct Market {
    world: X402World,
    shop: Shared,
    client: PayingClient,
    url: String,
}

impl Market {
    async fn open(accepts: Vec<PaymentRequirements>) -> Self {
        let world = X402World::new().await;
        let shop = Arc::new(Mutex::new(Shop {
            stock: Stock::new(world.chain.clone()),
            accepts,
            mood: Mood::Honest,
            charge: u128::MAX,
            clock: world.clock.clone(),
            seen: Vec::new(),
            ids: Vec::new(),
        }));
        let router = Router::new().fallback(sell).with_state(shop.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/data", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let egress = Egress::new(EgressPolicy::strict().allow_loopback()).unwrap();
        let client = PayingClient::new(egress, world.wallet.clone());
        Self {
            world,
            shop,
            client,
            url,
        }
    }

    fn set(&self, change: impl FnOnce(&mut Shop)) {
        change(&mut self.shop.lock().unwrap());
    }

    fn seen(&self) -> Vec<bool> {
        self.shop.lock().unwrap().seen.clone()
    }

    async fn charged(&self) -> u128 {
        self.world.wallet.verify().await.unwrap();
        self.world.wallet.books().await.unwrap().charged.get()
    }
}

#[tokio::test]
async fn the_second_call_with_vouchers_pays_in_its_first_request() {
    let market = Market::open(vec![exact_entry(100), batch_entry(100)]).await;
    for _ in 0..3 {
        let answer = market.client.get(&market.url).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        let paid = answer.payment.unwrap();
        assert_eq!(
            (paid.scheme, paid.charged),
            (Scheme::BatchSettlement, Some(units(100)))
        );
    }
    assert_eq!(market.seen(), [false, true, true, true]);
    assert_eq!(market.charged().await, 300);
}

#[tokio::test]
async fn the_order_of_schemes_is_ours_to_choose_and_exact_asks_each_time() {
    let mut market = Market::open(vec![batch_entry(100), exact_entry(100)]).await;
    market.client = market.client.schemes([Scheme::Exact]);
    for _ in 0..2 {
        let paid = market
            .client
            .get(&market.url)
            .await
            .unwrap()
            .payment
            .unwrap();
        assert_eq!(paid.scheme, Scheme::Exact);
        assert!(paid.transaction.is_some());
    }
    assert_eq!(market.seen(), [false, true, false, true]);
    assert_eq!(market.charged().await, 200);
}

#[tokio::test]
async fn a_body_goes_with_both_requests_and_reqwest_builds_them_too() {
    let market = Market::open(vec![batch_entry(100)]).await;
    let url = market.url.parse().unwrap();
    let mut request = reqwest::Request::new(Method::POST, url);
    *request.body_mut() = Some("twelve bytes".into());
    let forged = HeaderValue::from_static("forged");
    request.headers_mut().insert("payment-signature", forged);
    let answer = market.client.execute(request).await.unwrap();
    assert_eq!(answer.bytes, "paid for 12 bytes");
    assert_eq!(
        market.seen(),
        [false, true],
        "the caller's own header was not sent"
    );
}

/// Answers as a seller of x402 v1 on the chain that v1 calls base-sepolia.
async fn sell_old(headers: HeaderMap) -> Response {
    let paid = headers.get(v1::PaymentPayload::NAME);
    let Some(paid) = paid.map(|paid| v1::PaymentPayload::from_header(paid.to_str().unwrap()))
    else {
        let entry = exact_entry(100);
        let body = serde_json::json!({
            "x402Version": 1, "error": "X-PAYMENT header is required", "accepts": [{
                "scheme": "exact", "network": "base-sepolia", "maxAmountRequired": "100",
                "resource": "http://old.example/data", "description": "", "mimeType": "",
                "payTo": entry.pay_to, "maxTimeoutSeconds": 60, "asset": entry.asset,
                "extra": entry.extra,
            }],
        });
        return (StatusCode::PAYMENT_REQUIRED, body.to_string()).into_response();
    };
    let paid = paid.unwrap();
    let mut entry = exact_entry(100);
    entry.network = Network::eip155(84_532).to_string();
    let payment = paid.to_v2(&entry).unwrap();
    let ExactPayload::Eip3009(payment) = payment.payload.parse().unwrap() else {
        panic!("by the token")
    };
    let terms = EvmTerms::read(&entry, SCHEME_EXACT).unwrap();
    let (name, version) = (asset().name, asset().version);
    let domain = TokenDomain::new(&name, &version, terms.token);
    payment
        .check(&terms, &domain, NOW)
        .expect("a transfer that the token takes");
    let receipt = v1::SettleResponse {
        success: true,
        error_reason: None,
        transaction: "0x01".into(),
        network: "base-sepolia".into(),
        payer: Some(key().address().to_string()),
    };
    with_header("old data".into_response(), &receipt)
}

#[tokio::test]
async fn a_seller_of_the_first_version_is_paid_in_it() {
    let world = X402World::with(|config| {
        let asset = Asset {
            network: Network::eip155(84_532),
            ..asset()
        };
        config.escrow = EscrowDomain::new(84_532, ESCROW);
        config.policy.asset = asset.id();
        config.assets = AssetTable::new(vec![asset]);
    })
    .await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/data", listener.local_addr().unwrap());
    let router = Router::new().fallback(sell_old);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let egress = Egress::new(EgressPolicy::strict().allow_loopback()).unwrap();
    let answer = PayingClient::new(egress, world.wallet.clone())
        .get(&url)
        .await
        .unwrap();
    assert_eq!(answer.bytes, "old data");
    let paid = answer.payment.unwrap();
    assert_eq!(
        (paid.charged, paid.transaction.as_deref()),
        (Some(units(100)), Some("0x01"))
    );
}

#[tokio::test]
async fn partial_charges_keep_the_count() {
    let market = Market::open(vec![batch_entry(100)]).await;
    for charge in [100, 30, 0, 55] {
        market.set(|shop| shop.charge = charge);
        let paid = market
            .client
            .get(&market.url)
            .await
            .unwrap()
            .payment
            .unwrap();
        assert_eq!(paid.charged, Some(units(charge)));
    }
    assert_eq!(market.charged().await, 185);
}

#[tokio::test]
async fn a_price_that_rose_or_a_payee_that_changed_is_drift() {
    let market = Market::open(vec![batch_entry(100)]).await;
    market.client.get(&market.url).await.unwrap();
    market.set(|shop| shop.accepts = vec![batch_entry(101)]);
    let error = market.client.get(&market.url).await.unwrap_err();
    let rose = Drift::Price {
        before: units(100),
        asked: units(101),
    };
    assert!(
        matches!(error, PayError::Drift(drift) if drift == rose),
        "{error}"
    );
    let mut swapped = batch_entry(100);
    swapped.pay_to = AUTHORIZER.to_string();
    market.set(|shop| shop.accepts = vec![swapped, exact_entry(100)]);
    let client = market.client.clone();
    let requests = market.seen().len();
    let error = client.get(&market.url).await;
    assert!(error.is_err(), "{error:?}");
    assert_eq!(
        market.charged().await,
        100,
        "nothing was paid on other terms"
    );
    assert!(market.seen().len() <= requests + 2);
    market.set(|shop| shop.accepts = vec![batch_entry(101)]);
    market.client.forget(&Method::GET, &market.url).unwrap();
    market.client.get(&market.url).await.unwrap();
    assert_eq!(market.charged().await, 201);
}

#[tokio::test]
async fn a_cheaper_price_is_taken() {
    let market = Market::open(vec![batch_entry(100)]).await;
    market.client.get(&market.url).await.unwrap();
    market.set(|shop| shop.accepts = vec![batch_entry(60)]);
    let paid = market
        .client
        .get(&market.url)
        .await
        .unwrap()
        .payment
        .unwrap();
    assert_eq!(paid.charged, Some(units(60)));
}

#[tokio::test]
async fn what_is_too_dear_or_unknown_is_refused_with_a_reason_each() {
    let mut market = Market::open(vec![batch_entry(100), exact_entry(90)]).await;
    market.client = market.client.at_most(units(80));
    let error = market.client.get(&market.url).await.unwrap_err();
    let PayError::NoOffer(none) = error else {
        panic!("{error}")
    };
    assert_eq!(none.dearer(), Some((units(90), units(80))));
    let mut upto = exact_entry(1);
    upto.scheme = "upto".into();
    let mut elsewhere = exact_entry(1);
    elsewhere.network = "eip155:1".into();
    market.set(|shop| shop.accepts = vec![upto, elsewhere]);
    let error = market.client.get(&market.url).await.unwrap_err();
    let PayError::NoOffer(none) = error else {
        panic!("{error}")
    };
    let codes: Vec<_> = none.refusals.iter().map(OfferRefusal::code).collect();
    assert_eq!(codes, ["terms_scheme", "terms_network"]);
    assert_eq!(market.seen(), [false, false], "nothing was signed");
}

#[tokio::test]
async fn a_receipt_that_overcharges_ends_the_trust() {
    let market = Market::open(vec![batch_entry(100)]).await;
    market.set(|shop| shop.mood = Mood::Overcharges);
    let error = market.client.get(&market.url).await.unwrap_err();
    let PayError::Receipt { error, response } = error else {
        panic!("{error}")
    };
    assert!(matches!(error, ReceiptError::Overcharged { .. }), "{error}");
    assert_eq!(response.status, StatusCode::OK);
    let error = market.client.get(&market.url).await.unwrap_err();
    assert!(
        matches!(error, PayError::Wallet(WalletError::Suspect { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_without_a_receipt_counts_in_full() {
    let market = Market::open(vec![batch_entry(100)]).await;
    market.set(|shop| shop.mood = Mood::NoReceipt);
    let answer = market.client.get(&market.url).await.unwrap();
    assert_eq!(answer.payment.unwrap().charged, None);
    let books = market.world.wallet.books().await.unwrap();
    assert_eq!((books.charged, books.in_flight), (units(0), units(100)));
    // The seller did charge it; the next call is corrected and then paid.
    market.set(|shop| shop.mood = Mood::Honest);
    let answer = market.client.get(&market.url).await.unwrap();
    assert_eq!(
        (answer.payment.unwrap().charged, answer.requests),
        (Some(units(100)), 2)
    );
    market.world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn a_seller_that_corrects_twice_is_not_paid_a_third_time() {
    let market = Market::open(vec![batch_entry(100)]).await;
    market.client.get(&market.url).await.unwrap();
    market.set(|shop| shop.mood = Mood::AlwaysCorrects);
    let error = market.client.get(&market.url).await.unwrap_err();
    let refused = matches!(
        error,
        PayError::Refused { .. } | PayError::BatchCorrection(_)
    );
    assert!(refused, "{error}");
    assert!(market.seen().len() <= 4);
    market.world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn busy_is_waited_out() {
    let market = Market::open(vec![batch_entry(100)]).await;
    market.set(|shop| shop.mood = Mood::Busy(2));
    let answer = market.client.get(&market.url).await.unwrap();
    assert_eq!(answer.requests, 4);
    assert_eq!(market.charged().await, 100);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_payment() {
    let market = Market::open(vec![exact_entry(100)]).await;
    market.set(|shop| shop.mood = Mood::LosesAnswers(1));
    let error = market.client.get(&market.url).await.unwrap_err();
    // The stock seller knows no ids and refuses the second; the first was settled.
    assert!(matches!(error, PayError::Refused { .. }), "{error}");
    let ids = market.shop.lock().unwrap().ids.clone();
    assert_eq!((ids.len(), ids[0] == ids[1]), (2, true));
    let books = market.world.wallet.books().await.unwrap();
    assert_eq!(
        books.in_flight,
        units(100),
        "it counts until the chain says what came of it"
    );
    market.world.wait(2_000);
    market.world.wallet.sweep(market.world.now()).await.unwrap();
    assert_eq!(market.charged().await, 100);
}

#[tokio::test]
async fn a_redirect_is_handed_back_and_private_addresses_are_refused() {
    let market = Market::open(vec![batch_entry(100)]).await;
    market.set(|shop| shop.mood = Mood::Redirects);
    let answer = market.client.get(&market.url).await.unwrap();
    assert_eq!((answer.status, answer.payment), (StatusCode::FOUND, None));
    let error = market.client.get("http://10.0.0.1/data").await.unwrap_err();
    assert!(matches!(error, PayError::Egress(_)), "{error}");
    let strict = Egress::new(EgressPolicy::strict()).unwrap();
    let client = PayingClient::new(strict, market.world.wallet.clone());
    assert!(client.get(&market.url).await.is_err());
    assert_eq!(market.seen(), [false]);
}

#[tokio::test]
async fn a_402_that_cannot_be_read_is_not_paid() {
    let market = Market::open(vec![]).await;
    let error = market.client.get(&market.url).await.unwrap_err();
    assert!(matches!(error, PayError::NoOffer(_)), "{error}");
    assert_eq!(market.seen(), [false]);
}
