//! The HTTP interface, and the client of it.

use crate::batch::{AUTHORIZER, Shop, lending};
use crate::world::{SELLER, World, address};
use crate::z402::opening;
use agent_client::egress::{Egress, EgressPolicy, ExchangeLimits};
use agent_core::a2a::{APIKeySecurityScheme, Secret, SecurityScheme};
use agent_core::x402::facilitator::{Facilitator, FacilitatorError, RequestV1};
use agent_core::x402::limits::MAX_BODY_BYTES;
use agent_core::x402::{ResourceInfo, X402_VERSION, v1};
use agent_server::auth::{AccessPolicy, ApiKeys, KeyLocation, RateConfig};
use agent_server::facilitator::{
    FacilitatorOptions, Lends, RemoteFacilitator, RemoteOptions, router,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use std::sync::Arc;

const KEY: &str = "a key of enough bytes to be one, for tests";

fn egress() -> Egress {
    Egress::new(EgressPolicy::strict().allow_loopback()).unwrap()
}

/// Serves a facilitator until the test ends.
pub(crate) async fn serve(
    facilitator: Arc<dyn Facilitator>,
    options: FacilitatorOptions,
) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = router(facilitator, options);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

pub(crate) fn remote(url: &str, options: RemoteOptions) -> RemoteFacilitator {
    RemoteFacilitator::new(egress(), url, options).unwrap()
}

fn with_key() -> RemoteOptions {
    RemoteOptions::default().with_header(HeaderName::from_static("x-api-key"), Secret::new(KEY))
}

fn policy() -> AccessPolicy {
    let mut keys = ApiKeys::new(KeyLocation::Header, "x-api-key").unwrap();
    keys.add("alice", &Secret::new(KEY)).unwrap();
    let card: APIKeySecurityScheme = keys.scheme("");
    let mut policy = AccessPolicy::new("facilitator");
    policy
        .add("key", SecurityScheme::ApiKey(card), Arc::new(keys))
        .unwrap();
    policy.allow_anonymous();
    policy
}

pub(crate) async fn post(url: &str, body: Vec<u8>) -> (StatusCode, serde_json::Value) {
    let limits = ExchangeLimits::default();
    let egress = egress();
    let sent = egress.send(Method::POST, url, HeaderMap::new(), body.into(), limits);
    let response = sent.await.unwrap();
    (response.status, response.json().unwrap())
}

#[tokio::test]
async fn what_is_said_over_http_is_what_is_said_here() {
    let world = World::new().await;
    let local = lending(&world).await;
    let url = serve(Arc::new(local.clone()), FacilitatorOptions::default()).await;
    let remote = remote(&url, RemoteOptions::default());

    let supported = remote.supported().await.unwrap();
    assert_eq!(supported, local.supported().await.unwrap());
    let lent = supported.kind("batch-settlement", "eip155:84532").unwrap();
    let key: Option<String> = lent.extra.parse("receiverAuthorizer").unwrap();
    assert_eq!(key, Some(address(AUTHORIZER).to_string()));

    let shop = Shop::new(&world);
    for request in [
        world.exact(7, 1),
        world.exact(u128::from(u64::MAX), 2),
        shop.deposit(1_000, 1, 100),
        shop.claim(200, 100),
    ] {
        let said = remote.verify(request.clone()).await.unwrap();
        assert_eq!(said, local.verify(request).await.unwrap());
    }
    for request in [
        world.exact(7, 1),
        world.exact(u128::from(u64::MAX), 2),
        shop.deposit(1_000, 1, 100),
    ] {
        let said = remote.settle(request.clone()).await.unwrap();
        assert_eq!(said, local.settle(request).await.unwrap());
    }
    let asked = opening(&world, 300);
    let opened = remote.authorize(asked.clone()).await.unwrap();
    assert!(opened.success);
    assert_eq!(opened, local.authorize(asked).await.unwrap());
}

#[tokio::test]
async fn a_seller_of_v1_is_answered_in_v1() {
    let world = World::new().await;
    let url = serve(
        Arc::new(world.facilitator().await),
        FacilitatorOptions::default(),
    )
    .await;
    let request = |amount: u128, nonce: u8, asked: u128| {
        let offered = world.offered("exact", asked);
        let resource = ResourceInfo {
            url: "https://shop.example/".to_owned(),
            ..ResourceInfo::default()
        };
        let payload = world.exact(amount, nonce).payment_payload.payload;
        let text = serde_json::json!({
            "x402Version": 1, "scheme": "exact", "network": "base-sepolia", "payload": payload,
        });
        let request = RequestV1 {
            x402_version: v1::X402_VERSION,
            payment_payload: serde_json::from_value(text).unwrap(),
            payment_requirements: v1::PaymentRequirements::of(&offered, &resource).unwrap(),
        };
        serde_json::to_vec(&request).unwrap()
    };
    let (status, said) = post(&format!("{url}/verify"), request(5, 1, 5)).await;
    assert_eq!(
        (status, &said["isValid"]),
        (StatusCode::OK, &true.into()),
        "{said}"
    );
    let (_, said) = post(&format!("{url}/verify"), request(5, 1, 6)).await;
    let code = "invalid_exact_evm_payload_authorization_value";
    assert_eq!(said["invalidReason"], code);
    let (_, said) = post(&format!("{url}/settle"), request(5, 1, 5)).await;
    assert_eq!(said["success"], true, "{said}");
    assert_eq!(said["network"], "base-sepolia");
}

#[tokio::test]
async fn the_authorizer_is_lent_to_whom_it_is_lent_and_for_whom() {
    let world = World::new().await;
    let local = Arc::new(lending(&world).await);
    let shop = Shop::new(&world);
    let deposit = local.settle(shop.deposit(1_000, 1, 100)).await.unwrap();
    assert!(deposit.success, "{deposit:?}");
    let before = world.transactions().await;
    let options = |receiver: Option<usize>| {
        let mut lends = Lends::default();
        if let Some(receiver) = receiver {
            lends.add("key:alice", address(receiver));
        }
        FacilitatorOptions {
            policy: Some(policy()),
            lends,
            ..FacilitatorOptions::default()
        }
    };
    let (claim, refund) = (shop.claim(100, 50), shop.refund(10, 0, vec![], None));
    // Nobody known, nobody lent to, and lent to for somebody else.
    for (receiver, known) in [(Some(SELLER), false), (None, true), (Some(9), true)] {
        let url = serve(local.clone(), options(receiver)).await;
        let options = if known {
            with_key()
        } else {
            RemoteOptions::default()
        };
        let remote = remote(&url, options);
        for request in [claim.clone(), refund.clone()] {
            let said = remote.settle(request).await;
            assert!(
                matches!(said, Err(FacilitatorError::Unavailable(_))),
                "{said:?}"
            );
        }
    }
    assert_eq!(world.transactions().await, before);
    let url = serve(local, options(Some(SELLER))).await;
    let remote = remote(&url, with_key());
    for request in [claim, refund] {
        let said = remote.settle(request).await.unwrap();
        assert!(said.success, "{said:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_unread() {
    let world = World::new().await;
    let options = FacilitatorOptions::default();
    let url = serve(Arc::new(world.facilitator().await), options).await;
    let deep = "[".repeat(64) + &"]".repeat(64);
    let bodies = [
        (b"{}".to_vec(), StatusCode::BAD_REQUEST),
        (deep.into_bytes(), StatusCode::BAD_REQUEST),
        (
            vec![b' '; MAX_BODY_BYTES + 1],
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        (
            format!(r#"{{"x402Version":{X402_VERSION},"paymentPayload":{{"x402Version":9}}}}"#)
                .into_bytes(),
            StatusCode::BAD_REQUEST,
        ),
    ];
    for path in ["verify", "settle", "authorize"] {
        for (body, status) in &bodies {
            let (said, _) = post(&format!("{url}/{path}"), body.clone()).await;
            assert_eq!(said, *status, "{path}");
        }
    }
}

#[tokio::test]
async fn who_asks_too_often_waits() {
    let world = World::new().await;
    let options = FacilitatorOptions {
        rate: RateConfig {
            per_sec: 1,
            burst: 1,
            count_loopback: true,
        },
        ..FacilitatorOptions::default()
    };
    let url = serve(Arc::new(world.facilitator().await), options).await;
    let body = serde_json::to_vec(&world.exact(1, 1)).unwrap();
    let mut said = Vec::new();
    for _ in 0..4 {
        said.push(post(&format!("{url}/verify"), body.clone()).await.0);
    }
    assert_eq!(said[0], StatusCode::OK);
    assert!(said.contains(&StatusCode::TOO_MANY_REQUESTS), "{said:?}");
    // The client comes again when it may.
    let said = remote(&url, RemoteOptions::default())
        .verify(world.exact(1, 1))
        .await;
    assert!(said.unwrap().is_valid);
}

#[tokio::test]
async fn silence_after_settle_is_not_taken_for_a_no() {
    // Takes the request and hangs up.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 64];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut head).await;
        }
    });
    let world = World::new().await;
    let hanging = remote(&url, RemoteOptions::default());
    let said = hanging.settle(world.exact(1, 1)).await;
    assert!(
        matches!(said, Err(FacilitatorError::Unknown(_))),
        "{said:?}"
    );
    let said = hanging.verify(world.exact(1, 1)).await;
    assert!(
        matches!(said, Err(FacilitatorError::Unavailable(_))),
        "{said:?}"
    );
    // Nobody there: nothing was sent.
    let nobody = remote("http://127.0.0.1:1", RemoteOptions::default());
    let said = nobody.settle(world.exact(1, 1)).await;
    assert!(
        matches!(said, Err(FacilitatorError::Unavailable(_))),
        "{said:?}"
    );
}
