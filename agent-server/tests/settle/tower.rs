//! A watchtower claims for a seller that is down, and does nothing else.

use crate::buyer::{SELLER, WAIT, World, address, key};
use crate::seller::{Seller, until, wish};
use agent_client::chain::outbox::{OutboxConfig, TxOutbox};
use agent_client::clock::SystemClock;
use agent_client::egress::{Egress, EgressPolicy};
use agent_core::clock::Clock;
use agent_core::ledger::Ledger;
use agent_core::money::BaseUnits;
use agent_core::voucher::Lock;
use agent_server::settle::tower::{
    PushToken, TowerBook, WatchClaim, WatchExport, WatchPush, WatchPushConfig, Watchtower,
    WatchtowerConfig, tower_router,
};
use alloy_primitives::Address;
use axum::http::HeaderValue;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// The account that pays the tower's gas.
const TOWER: usize = 9;
const SOON: u64 = 2 * 86_400;

struct Tower {
    book: TowerBook,
    outbox: TxOutbox,
}

impl Tower {
    /// Book and outbox of a tower, which does not look yet.
    async fn open(world: &World) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let outbox = TxOutbox::open(
            world.dir.path().join("tower-outbox.db"),
            world.chain.clone(),
            key(TOWER).to_signer().unwrap(),
            OutboxConfig {
                poll_interval: Duration::from_millis(20),
                rebroadcast_after: Duration::from_millis(200),
                ..OutboxConfig::default()
            },
            clock,
        );
        Self {
            book: book(world, "tower.db"),
            outbox: outbox.await.unwrap(),
        }
    }

    fn look(&self, world: &World, margin: u64, files: Vec<PathBuf>) -> Watchtower {
        let config = WatchtowerConfig {
            deadline_margin_secs: margin,
            dust: BaseUnits::ZERO,
            interval: Duration::from_millis(50),
            files,
        };
        let (book, outbox) = (self.book.clone(), self.outbox.clone());
        Watchtower::start(
            book,
            world.chain.clone(),
            outbox,
            config,
            Arc::new(SystemClock),
        )
    }

    async fn close(self) {
        self.book.close().await;
        self.outbox.close().await;
    }

    async fn told(&self) -> u128 {
        let claims = self.book.claims().await.unwrap();
        claims.iter().map(|claim| claim.charged.get()).sum()
    }
}

fn book(world: &World, name: &str) -> TowerBook {
    let tokens = BTreeSet::from([world.settings.token.address]);
    let payees = BTreeSet::from([address(SELLER)]);
    let path = world.dir.path().join(name);
    TowerBook::open(path, world.settings.domain(), payees, tokens).unwrap()
}

/// Where a tower takes pushes.
async fn listens(book: &TowerBook) -> String {
    let token = PushToken::new(TOKEN).unwrap();
    let router = tower_router(book.clone(), token, Arc::new(SystemClock));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn tells(seller: &Seller, url: Option<&str>, file: Option<PathBuf>) -> WatchPush {
    let egress = Egress::new(EgressPolicy::strict().allow_loopback()).unwrap();
    let shows = HeaderValue::try_from(format!("Bearer {TOKEN}")).unwrap();
    let config = WatchPushConfig {
        tower: url.map(|url| (url.to_owned(), shows)),
        file,
        interval: Duration::from_millis(20),
    };
    WatchPush::start(seller.store.clone(), egress, config)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_that_is_down_is_paid_before_the_deadline_and_finds_its_books_right() {
    let world = World::new().await;
    let before = world.tokens(SELLER).await;
    let tower = Tower::open(&world).await;
    let url = listens(&tower.book).await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let push = tells(&seller, Some(&url), None);
    for buyer in 2..5 {
        let lock = world.open(buyer, 10_000).await;
        seller.earn(&world, buyer, &lock, &[700, 300]).await;
    }
    until("told", async || tower.told().await == 3_000).await;
    // The seller is gone. A tower whose margin is not reached does nothing.
    drop(push);
    seller.close().await;
    let patient = tower.look(&world, 60, Vec::new());
    tokio::time::sleep(Duration::from_millis(300)).await;
    patient.stop().await;
    assert_eq!(world.tokens(SELLER).await, before);
    let watch = tower.look(&world, SOON, Vec::new());
    until("claimed", async || {
        world.tokens(SELLER).await == before + 3_000
    })
    .await;
    until("seen", async || watch.transactions() == 1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(watch.transactions(), 1, "nothing is claimed twice");
    watch.stop().await;
    tower.close().await;
    assert_eq!(world.seller_transactions().await, 0);
    // The seller comes back to what the chain says.
    let seller = Seller::open(&world, &wish(&world)).await;
    until("observed", async || {
        seller.store.books().await.unwrap().claimed.get() == 3_000
    })
    .await;
    seller.assert_paid(&world, 3_000, before).await;
    seller.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tower_that_is_killed_goes_on_and_claims_once() {
    let world = World::new().await;
    let before = world.tokens(SELLER).await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let lock = world.open(2, 10_000).await;
    seller.earn(&world, 2, &lock, &[900]).await;
    let file = world.dir.path().join("claims.json");
    let push = tells(&seller, None, Some(file.clone()));
    until("written", async || file.exists()).await;
    drop(push);
    seller.close().await;
    // Stopped at moments of all kinds, from before the file is read to after it was paid.
    for pause in [0, 1, 3, 10, 30, 60, 100, 200] {
        let tower = Tower::open(&world).await;
        let watch = tower.look(&world, SOON, vec![file.clone()]);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        drop(watch);
        tower.close().await;
    }
    let tower = Tower::open(&world).await;
    let _watch = tower.look(&world, SOON, vec![file]);
    until("claimed", async || {
        world.tokens(SELLER).await == before + 900
    })
    .await;
    let sent = world.chain.mined_nonce(address(TOWER)).await.unwrap();
    assert_eq!(sent, 1);
}

/// An export as an honest seller makes it.
async fn honest(world: &World) -> (Lock, WatchExport) {
    let seller = Seller::open(world, &wish(world)).await;
    let lock = world.open(2, 10_000).await;
    seller.earn(world, 2, &lock, &[500]).await;
    let claims = seller.store.claims(10).await.unwrap();
    seller.close().await;
    (lock, WatchExport::of(&world.settings.domain(), &claims))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_hold_is_not_taken() {
    let world = World::new().await;
    let (_, export) = honest(&world).await;
    let book = book(&world, "tower.db");
    let domain = *book.domain();
    let changed = |change: &dyn Fn(&mut WatchClaim)| {
        let mut export = export.clone();
        change(&mut export.claims[0]);
        export
    };
    let with_lock = |claim: &WatchClaim, name: &str, value: Address| {
        let mut json = serde_json::to_value(claim).unwrap();
        json["funding"]["lock"][name] = serde_json::to_value(value).unwrap();
        serde_json::from_value::<WatchClaim>(json).unwrap()
    };
    let thief = address(8);
    for refused in [
        changed(&|claim| claim.amount = BaseUnits::new(501)),
        changed(&|claim| claim.amount = BaseUnits::ZERO),
        changed(&|claim| claim.ceiling = BaseUnits::new(10_000)),
        changed(&|claim| claim.signature = vec![27; 65].into()),
        changed(&|claim| claim.signature = Vec::new().into()),
        changed(&|claim| *claim = with_lock(claim, "payee", thief)),
        changed(&|claim| *claim = with_lock(claim, "token", thief)),
        changed(&|claim| *claim = with_lock(claim, "signer", thief)),
    ] {
        let taken = book.take(&refused, 1).await.unwrap();
        assert_eq!((taken.taken, taken.refused), (0, 1), "{refused:?}");
    }
    for whole in [
        WatchExport {
            version: 2,
            ..export.clone()
        },
        WatchExport {
            contract: thief,
            ..export.clone()
        },
        WatchExport {
            network: agent_core::money::Network::eip155(1),
            ..export.clone()
        },
        WatchExport {
            claims: vec![export.claims[0].clone(); 1_001],
            ..export.clone()
        },
    ] {
        assert!(book.take(&whole, 1).await.is_err());
    }
    assert!(book.claims().await.unwrap().is_empty());
    assert_eq!(book.take(&export, 1).await.unwrap().taken, 1);
    // Lower, and the same again: nothing changes.
    let lower = changed(&|claim| claim.amount = BaseUnits::new(499));
    assert_eq!(book.take(&lower, 2).await.unwrap().known, 1);
    assert_eq!(book.take(&export, 3).await.unwrap().known, 1);
    let kept = book.claims().await.unwrap();
    assert_eq!(WatchExport::of(&domain, &kept), export);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_has_the_token_pushes() {
    let world = World::new().await;
    let (_, export) = honest(&world).await;
    let book = book(&world, "tower.db");
    let url = format!("{}/v1/claims", listens(&book).await);
    let egress = Egress::new(EgressPolicy::strict().allow_loopback()).unwrap();
    let push = async |token: Option<&str>, body: Vec<u8>| {
        let mut headers = axum::http::HeaderMap::new();
        if let Some(token) = token {
            headers.insert("authorization", HeaderValue::from_str(token).unwrap());
        }
        let limits = agent_client::egress::ExchangeLimits::default();
        let answer = egress.post_json(&url, headers, body.into(), limits).await;
        answer.map(|answer| answer.status.as_u16())
    };
    let body = serde_json::to_vec(&export).unwrap();
    let right = format!("Bearer {TOKEN}");
    for token in [
        None,
        Some(""),
        Some(TOKEN),
        Some("Bearer "),
        Some("Bearer 0123456789abcdef0123456789abcdee"),
        Some("Basic 0123456789abcdef0123456789abcdef"),
    ] {
        assert_eq!(push(token, body.clone()).await.unwrap(), 401, "{token:?}");
    }
    for malformed in ["", "{}", "[]", "null", "{\"version\":1,\"claims\":[]}"] {
        let status = push(Some(&right), malformed.into()).await.unwrap();
        assert_eq!(status, 400, "{malformed}");
    }
    let large = push(Some(&right), vec![b' '; 2 * 1_024 * 1_024]).await;
    assert!(large.is_err() || large.is_ok_and(|status| status == 413));
    assert!(book.claims().await.unwrap().is_empty());
    assert_eq!(push(Some(&right), body).await.unwrap(), 200);
    assert_eq!(book.claims().await.unwrap().len(), 1);
    assert!(PushToken::new("short").is_none());
}

/// When both are down until the payer has taken the rest back, the loss is what was not claimed.
#[tokio::test(flavor = "multi_thread")]
async fn with_both_down_no_more_is_lost_than_was_not_claimed() {
    let world = World::new().await;
    let before = world.tokens(SELLER).await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let lock = world.open(2, 10_000).await;
    seller.earn(&world, 2, &lock, &[4_000]).await;
    seller.settler.settle_now(WAIT).await.unwrap();
    seller.earn(&world, 2, &lock, &[600]).await;
    let claims = seller.store.claims(10).await.unwrap();
    let exposed: u128 = claims
        .iter()
        .map(|claim| claim.charged.minus(claim.claimed).unwrap().get())
        .sum();
    seller.close().await;
    let earned = 4_600;
    assert_eq!(world.tokens(SELLER).await - before, earned - exposed);
    // A tower that comes back before the payer takes it still saves it.
    let tower = Tower::open(&world).await;
    let export = WatchExport::of(&world.settings.domain(), &claims);
    tower.book.take(&export, 1).await.unwrap();
    let _watch = tower.look(&world, SOON, Vec::new());
    until("saved", async || {
        world.tokens(SELLER).await == before + earned
    })
    .await;
}
