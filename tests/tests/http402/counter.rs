//! A web application that is paid, a chain behind it, and what its handlers saw.

use agent_core::clock::Clock;
use agent_core::money::BaseUnits;
use agent_core::price::Price;
use agent_server::paid::{Charge, PaidCall, PaidLayer, Till};
use agent_tests::e2e::{Purse, Shift, Shop};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// More than is kept of an answer.
pub const LARGE: usize = agent_server::paid::limits::KEPT_BODY_BYTES_MAX + 100_000;

pub struct Counter {
    pub shop: Shop,
    pub clock: Arc<Shift>,
    pub till: Till,
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
}

/// What the handlers saw.
pub struct Seen {
    pub runs: AtomicU64,
    pub headers: Mutex<HeaderMap>,
    pub door: watch::Sender<bool>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            runs: AtomicU64::new(0),
            headers: Mutex::default(),
            door: watch::Sender::new(false),
        }
    }
}

impl Counter {
    pub async fn open() -> Self {
        let mut shop = Shop::closed().await;
        shop.config.limits.skill_timeout_secs = 2;
        Self::on(shop).await
    }

    pub async fn on(shop: Shop) -> Self {
        let clock = Arc::new(Shift::default());
        let time: Arc<dyn Clock> = clock.clone();
        let till = Till::builder(shop.config.clone()).clock(time).open();
        let till = Box::pin(till).await.unwrap();
        Self::with(shop, clock, till).await
    }

    /// The routes over a till that is open.
    pub async fn with(shop: Shop, clock: Arc<Shift>, till: Till) -> Self {
        let seen = Arc::new(Seen::default());
        let app = routes(&till, &seen);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            shop,
            clock,
            till,
            address,
            seen,
        }
    }

    pub fn purse(&self, amount: u128) -> Purse {
        self.shop.purse(amount)
    }

    pub fn runs(&self) -> u64 {
        self.seen.runs.load(Ordering::SeqCst)
    }

    pub async fn assert_books(&self, charged: u128, posted: u64, voided: u64, pending: u64) {
        let violations = self.till.store().verify().await.unwrap();
        assert!(violations.is_empty(), "{violations:?}");
        let books = self.till.books().await.unwrap();
        let found = (
            books.charged.get(),
            books.posted,
            books.voided,
            books.pending,
        );
        assert_eq!(found, (charged, posted, voided, pending), "{books:?}");
        assert!(pending > 0 || books.reserved == BaseUnits::ZERO);
    }
}

fn routes(till: &Till, seen: &Arc<Seen>) -> Router {
    let fixed = PaidLayer::new(till, Price::per_task("0.001 USDC")).unwrap();
    let strict = fixed.clone().require_payment_id();
    let quoted = PaidLayer::quoting(till, |parts: &Parts| match parts.uri.query() {
        Some("free") => Price::free(),
        Some("wrong") => Price::per_task("1 DOGE"),
        Some("twice") => Price::per_task("0.002 USDC"),
        _ => Price::per_task("0.001 USDC"),
    });
    let by_use = fixed.clone().variable();
    let handler = || {
        let seen = Arc::clone(seen);
        any(move |request: Request| handle(seen, request))
    };
    let fixed = fixed.describe("<b>Reports</b> \"for\" everybody");
    Router::new()
        .route("/a/{what}", handler())
        .route("/b/{what}", handler())
        .nest("/deep", Router::new().route("/{what}", handler()))
        .layer(fixed)
        .merge(Router::new().route("/strict", handler()).layer(strict))
        .merge(Router::new().route("/use/{what}", handler()).layer(by_use))
        .merge(Router::new().route("/quoted", handler()).layer(quoted))
}

async fn handle(seen: Arc<Seen>, request: Request) -> Response {
    let run = seen.runs.fetch_add(1, Ordering::SeqCst) + 1;
    *seen.headers.lock().unwrap() = request.headers().clone();
    let paid = request.extensions().get::<PaidCall>().cloned();
    let what = request.uri().path().rsplit('/').next().unwrap().to_owned();
    let body = format!("{what} {run}");
    match what.as_str() {
        "less" => {
            let mut response = body.into_response();
            let charge = Charge(BaseUnits::new(400));
            response.extensions_mut().insert(charge);
            response
        }
        "more" => {
            let mut response = body.into_response();
            let charge = Charge(BaseUnits::new(1_001));
            response.extensions_mut().insert(charge);
            response
        }
        "missing" => (StatusCode::NOT_FOUND, body).into_response(),
        "moved" => (StatusCode::FOUND, [("location", "/b/x")]).into_response(),
        "panics" => panic!("as it was told to"),
        "hangs" => std::future::pending().await,
        "held" => {
            let _ = seen.door.subscribe().wait_for(|open| *open).await;
            body.into_response()
        }
        "large" => "x".repeat(LARGE).into_response(),
        "breaks" => {
            let pieces = [Ok("some"), Err(std::io::Error::other("broken"))];
            Body::from_stream(futures_util::stream::iter(pieces)).into_response()
        }
        "cached" => (
            [
                ("cache-control", "public, max-age=3600"),
                ("cdn-cache-control", "max-age=3600"),
                ("expires", "Thu, 01 Dec 2044 16:00:00 GMT"),
                ("set-cookie", "session=1"),
                ("x-kept", "yes"),
                ("payment-response", "forged"),
            ],
            body,
        )
            .into_response(),
        _ => {
            assert!(paid.is_none_or(|paid| paid.at_most.get() >= 1_000));
            body.into_response()
        }
    }
}
