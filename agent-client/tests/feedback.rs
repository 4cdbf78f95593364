//! Feedback: given once, with proof, and believed only with proof.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod call_fake;
mod discover_market;

use agent_client::buyer::{Answer, Buyer, BuyerError, Paid};
use agent_client::discover::Query;
use agent_client::feedback::{FeedbackOutboxError, FeedbackRequest};
use agent_core::trust::{GlobalAgentId, ProofOfPayment, Score};
use alloy_primitives::B256;
use discover_market::{Market, Shop, WAIT};
use serde_json::{Value, json};

async fn buy(buyer: &Buyer, shop: &Shop) -> Paid {
    let seller = buyer.connect(&shop.fake.url).await.unwrap();
    let answer: Answer<Value> = seller
        .ask_in_full("shout", &json!({"text": "hi"}))
        .await
        .unwrap();
    answer.paid.unwrap()
}

async fn score(buyer: &Buyer, agent: &GlobalAgentId) -> Score {
    buyer.discovery().score(agent).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_paid_task_is_rated_once_and_read_back_and_believed() {
    let market = Market::open().await;
    let shop = market.shop(1, "shout", 1_000).await;
    let buyer = market.buyer(9).await;
    let paid = buy(&buyer, &shop).await;
    buy(&buyer, &shop).await;
    assert!(matches!(
        buyer.rate(&paid, 90).await.unwrap_err(),
        BuyerError::NotSettled
    ));

    let settled = market.settle(&shop).await;
    assert_eq!(buyer.settlement(&paid).await.unwrap(), Some(settled.hash));
    let given = buyer.rate(&paid, 90).await.unwrap();
    assert!(given.new);
    let read = buyer.feedback().read_back(given.id, WAIT).await.unwrap();
    assert_eq!(read.index, 1);

    let again = buyer.rate(&paid, 10).await.unwrap();
    assert_eq!(
        (again.id, again.new),
        (given.id, false),
        "what was said stands"
    );

    let reader = market.buyer(8).await;
    let score = score(&reader, &shop.agent).await;
    assert_eq!(
        (score.items_counted, score.reviewers),
        (1, 1),
        "{score} {:?}",
        score.reasons
    );
    assert_eq!(
        score.paid_base_units, 2_000,
        "both payments were settled together"
    );
    assert!(
        score.expectation_ppm > 500_000 && score.uncertainty_ppm < 1_000_000,
        "{score}"
    );
}

#[tokio::test]
async fn a_bad_name_keeps_a_seller_from_being_found_and_a_good_one_beats_a_lower_price() {
    let market = Market::open().await;
    let (bad, good) = (
        market.shop(1, "shout", 1_000).await,
        market.shop(2, "shout", 1_100).await,
    );
    for account in [7, 8, 9] {
        let buyer = market.buyer(account).await;
        for (shop, stars) in [(&bad, 0), (&good, 100)] {
            let paid = buy(&buyer, shop).await;
            market.settle(shop).await;
            let given = buyer.rate(&paid, stars).await.unwrap();
            buyer.feedback().wait(given.id, WAIT).await.unwrap();
        }
    }
    let newcomer = market.buyer(6).await;
    let offers = newcomer
        .find(Query::skill("shout").min_trust(0.6))
        .await
        .unwrap();
    assert_eq!(offers.best().unwrap().agent(), Some(good.agent));
    let out = &offers.found().left_out[0];
    assert_eq!((out.agent, out.code), (bad.agent, "trust"), "{}", out.why);
    let anybody = newcomer.find(Query::skill("shout")).await.unwrap();
    let order: Vec<_> = anybody
        .found()
        .candidates
        .iter()
        .map(|found| found.agent)
        .collect();
    assert_eq!(
        order,
        [good.agent, bad.agent],
        "quality is worth a tenth of the price"
    );
}

#[tokio::test]
async fn what_should_not_be_sent_is_refused() {
    let market = Market::open().await;
    let shop = market.shop(1, "shout", 1_000).await;
    let buyer = market.buyer(9).await;
    let request = |payer, agent| FeedbackRequest {
        agent,
        score: 80,
        skill: "shout".to_owned(),
        task_id: None,
        context_id: None,
        endpoint: None,
        payment: ProofOfPayment {
            from_address: payer,
            to_address: market.address(1),
            chain_id: market.settings.chain_id,
            tx_hash: B256::repeat_byte(3),
        },
        commitment: None,
    };
    let me = market.address(9);
    let mut stranger = shop.agent;
    stranger.registry = agent_core::trust::AgentRegistryId::new(
        agent_core::money::Network::eip155(1),
        stranger.registry.address(),
    );
    let too_good = FeedbackRequest {
        score: 101,
        ..request(me, shop.agent)
    };
    for (request, code) in [
        (
            request(market.address(8), shop.agent),
            "feedback.not_the_payer",
        ),
        (request(me, stranger), "feedback.other_registry"),
        (too_good, "feedback.bad_score"),
    ] {
        assert_eq!(
            buyer.feedback().give(&request).await.unwrap_err().code(),
            code
        );
    }

    // The agent's own owner: the registry refuses, and that is final.
    let owner = market.buyer(1).await;
    let own = request(market.address(1), shop.agent);
    let given = owner.feedback().give(&own).await.unwrap();
    let refused = owner.feedback().wait(given.id, WAIT).await.unwrap_err();
    assert!(
        matches!(&refused, FeedbackOutboxError::NotRecorded { reason, .. } if reason.contains("Self-feedback")),
        "{refused}"
    );
}
