//! Feedback that somebody wrote by hand, and what of it counts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod call_fake;
mod discover_market;

use agent_client::buyer::{Answer, Buyer, Paid};
use agent_client::chain::bindings::{IReputationRegistry, IToken};
use agent_core::trust::{FeedbackFile, FeedbackValue, GlobalAgentId, ProofOfPayment, Score, tags};
use alloy_primitives::{Address, B256, U256};
use discover_market::{Market, Shop};
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

/// `giveFeedback` by hand, with whatever file.
fn say(
    market: &Market,
    agent: &GlobalAgentId,
    file: &FeedbackFile,
) -> IReputationRegistry::giveFeedbackCall {
    let _ = market;
    IReputationRegistry::giveFeedbackCall {
        agentId: agent.agent_id.0,
        value: file.value().value(),
        valueDecimals: file.value().decimals(),
        tag1: file.tag1().to_owned(),
        tag2: file.tag2().to_owned(),
        endpoint: String::new(),
        feedbackURI: file.to_data_uri().unwrap(),
        feedbackHash: file.feedback_hash().unwrap(),
    }
}

fn praise(agent: &GlobalAgentId, client: Address) -> FeedbackFile {
    FeedbackFile::new(
        *agent,
        client,
        1_800_000_000,
        FeedbackValue::stars(100).unwrap(),
    )
    .unwrap()
    .with_tags(tags::STARRED, tags::A2A_TASK)
}

#[tokio::test]
async fn praise_without_a_payment_of_its_author_counts_for_nothing() {
    let market = Market::open().await;
    let shop = market.shop(1, "shout", 1_000).await;
    let buyer = market.buyer(9).await;
    buy(&buyer, &shop).await;
    let settled = market.settle(&shop).await;
    let (fan, payee) = (market.address(7), market.address(1));
    let reputation = market.settings.reputation_registry;
    let proof = |from, tx_hash| ProofOfPayment {
        from_address: from,
        to_address: payee,
        chain_id: market.settings.chain_id,
        tx_hash,
    };
    let commitment = {
        let paid = buy(&buyer, &shop).await;
        paid.commitment(buyer.escrow())
    };
    // Money to oneself, and money that goes to the agent and was not for it.
    let usdc = market.settings.token.address;
    let call = IToken::transferCall {
        to: market.address(6),
        value: U256::from(1_000),
    };
    let elsewhere = market.send(7, usdc, &call).await;
    for file in [
        praise(&shop.agent, fan),
        praise(&shop.agent, fan).with_payment(proof(fan, B256::repeat_byte(1))),
        // Somebody else's settlement, as one's own and as it was.
        praise(&shop.agent, fan).with_payment(proof(fan, settled.hash)),
        praise(&shop.agent, fan)
            .with_payment(proof(fan, settled.hash))
            .with_commitment(commitment.clone()),
        praise(&shop.agent, fan).with_payment(proof(fan, elsewhere.hash)),
    ] {
        market
            .send(7, reputation, &say(&market, &shop.agent, &file))
            .await;
    }
    // A bare number, and a file that says something else than the event.
    let mut bare = say(&market, &shop.agent, &praise(&shop.agent, fan));
    bare.feedbackURI = String::new();
    bare.feedbackHash = B256::ZERO;
    market.send(7, reputation, &bare).await;
    let mut other = say(&market, &shop.agent, &praise(&shop.agent, fan));
    other.value = 99;
    market.send(7, reputation, &other).await;

    let score = score(&buyer, &shop.agent).await;
    assert_eq!(
        (score.items_counted, score.items_ignored),
        (0, 7),
        "{:?}",
        score.reasons
    );
    assert_eq!(score.expectation_ppm, 500_000);
}

#[tokio::test]
async fn a_plain_transfer_to_the_agent_is_a_payment_too_and_can_be_taken_back() {
    let market = Market::open().await;
    let shop = market.shop(1, "shout", 1_000).await;
    let (client, payee) = (market.address(7), market.address(1));
    let call = IToken::transferCall {
        to: payee,
        value: U256::from(1_000),
    };
    let paid = market.send(7, market.settings.token.address, &call).await;
    let file = praise(&shop.agent, client).with_payment(ProofOfPayment {
        from_address: client,
        to_address: payee,
        chain_id: market.settings.chain_id,
        tx_hash: paid.hash,
    });
    let reputation = market.settings.reputation_registry;
    // Twice for one payment: the second does not count.
    for _ in 0..2 {
        market
            .send(7, reputation, &say(&market, &shop.agent, &file))
            .await;
    }
    let reader = market.buyer(9).await;
    let before = score(&reader, &shop.agent).await;
    assert_eq!(
        (before.items_counted, before.items_ignored),
        (1, 1),
        "{:?}",
        before.reasons
    );

    for index in [1, 2] {
        let agent_id = shop.agent.agent_id.0;
        let revoke = IReputationRegistry::revokeFeedbackCall {
            agentId: agent_id,
            feedbackIndex: index,
        };
        market.send(7, reputation, &revoke).await;
    }
    let after = score(&reader, &shop.agent).await;
    assert_eq!(
        (after.items_counted, after.expectation_ppm),
        (0, 500_000),
        "{:?}",
        after.reasons
    );
}
