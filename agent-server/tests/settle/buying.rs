//! Our buyer and our agent, over channels of `batch-settlement`, from deposit to payout.

use crate::buyer::{SELLER, WAIT, World, address, key};
use crate::seller::until;
use agent_client::buyer::Buyer;
use agent_client::egress::EgressPolicy;
use agent_client::wallet::Scheme;
use agent_server::Agent;
use agent_server::config::{AgentConfig, CommandConfig, KeyConfig, PayScheme, PaymentConfig};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_three_schemes_is_paid_over_a_channel_and_gives_back_the_rest() {
    let world = World::new().await;
    let before = [world.tokens(SELLER).await, world.tokens(2).await];
    let mut payment = PaymentConfig::new(world.settings.clone(), KeyConfig::Devnet(1));
    payment.schemes = vec![
        PayScheme::Z402,
        PayScheme::BatchSettlement,
        PayScheme::Exact,
    ];
    let echo = CommandConfig {
        about: "says it again".to_owned(),
        tags: Vec::new(),
        price: Some("0.001 USDC".parse().unwrap()),
        run: vec!["cat".to_owned()],
    };
    let config = AgentConfig {
        data_dir: world.dir.path().join("agent"),
        payment: Some(payment),
        commands: [("echo".to_owned(), echo)].into(),
        ..AgentConfig::default()
    };
    let agent = Agent::configured(config).start().await.unwrap();
    let buyer = Buyer::builder(
        world.settings.clone(),
        key(2),
        world.dir.path().join("buyer"),
    )
    .schemes([Scheme::BatchSettlement])
    .egress(EgressPolicy::strict().allow_loopback())
    .open()
    .await
    .unwrap();
    let url = agent.url().join("skills/echo").unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for _ in 0..3 {
        let body = Bytes::from_static(br#"{"text":"hello"}"#);
        let paid = buyer
            .http()
            .request(Method::POST, url.as_str(), headers.clone(), body)
            .await
            .unwrap();
        assert_eq!(paid.status, StatusCode::OK, "{paid:?}");
        let paid = paid.payment.unwrap();
        assert_eq!(paid.scheme, Scheme::BatchSettlement);
        assert_eq!(paid.charged.map(|units| units.get()), Some(1_000));
    }
    assert_eq!(agent.books().await.unwrap().charged.get(), 3_000);
    let refunded = buyer
        .http()
        .refund(Method::POST, url.as_str())
        .await
        .unwrap();
    assert_eq!(refunded.len(), 1);
    until("the rest is back", async || {
        before[1] - world.tokens(2).await == 3_000
    })
    .await;
    agent.settle_now(WAIT).await.unwrap();
    assert_eq!(world.tokens(SELLER).await - before[0], 3_000);
    assert_eq!(agent.payee(), Some(address(SELLER)));
    assert_eq!(agent.books().await.unwrap().claimed.get(), 3_000);
    buyer.close().await;
    agent.stop().await;
}
