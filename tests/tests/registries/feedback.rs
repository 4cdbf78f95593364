//! Giving feedback and taking it back.

use agent_client::chain::bindings::{
    IIdentityRegistry as identity,
    IReputationRegistry::{self as ratings, FeedbackRevoked, NewFeedback},
};
use agent_devnet::CONTRACTS;
use agent_tests::world::{Refusal, account};
use alloy_primitives::{B256, U256, keccak256};

use crate::hands::{rating, registry, reputation, with_agent};

const MOST: i128 = 100_000_000_000_000_000_000_000_000_000_000_000_000;

#[test]
fn feedback_is_numbered_from_one_for_each_client_and_told_in_full() {
    let mut world = with_agent();
    let call = ratings::giveFeedbackCall {
        tag2: "a2a.task".to_owned(),
        endpoint: "https://agent.example/a2a".to_owned(),
        feedbackURI: "data:,x".to_owned(),
        feedbackHash: B256::repeat_byte(7),
        ..rating(-975, 1, "starred")
    };
    for (client, index) in [(1, 1), (1, 2), (2, 1)] {
        let done = reputation(&mut world, client, &call).unwrap();
        let told = NewFeedback {
            agentId: U256::ZERO,
            clientAddress: account(client),
            feedbackIndex: index,
            value: -975,
            valueDecimals: 1,
            indexedTag1: keccak256("starred"),
            tag1: "starred".to_owned(),
            tag2: "a2a.task".to_owned(),
            endpoint: call.endpoint.clone(),
            feedbackURI: call.feedbackURI.clone(),
            feedbackHash: call.feedbackHash,
        };
        assert_eq!(done.events::<NewFeedback>(), [told]);
    }
    let ask = ratings::getLastIndexCall {
        agentId: U256::ZERO,
        clientAddress: account(1),
    };
    assert_eq!(world.view(CONTRACTS.reputation, &ask), 2);
    let ask = ratings::getClientsCall {
        agentId: U256::ZERO,
    };
    assert_eq!(
        world.view(CONTRACTS.reputation, &ask),
        [account(1), account(2)]
    );
    let read = |index| ratings::readFeedbackCall {
        agentId: U256::ZERO,
        clientAddress: account(1),
        feedbackIndex: index,
    };
    let feedback = world.view(CONTRACTS.reputation, &read(2));
    assert_eq!((feedback.value, feedback.valueDecimals), (-975, 1));
    assert_eq!(
        (feedback.tag2.as_str(), feedback.isRevoked),
        ("a2a.task", false)
    );
    for (index, error) in [(0, "index must be > 0"), (3, "index out of bounds")] {
        let refused = world.attempt(account(1), CONTRACTS.reputation, &read(index));
        assert_eq!(refused.map(drop), Err(Refusal::text(error)));
    }
}

#[test]
fn decimals_and_values_are_bounded() {
    let mut world = with_agent();
    for (value, decimals) in [(MOST, 18), (-MOST, 0), (0, 0)] {
        reputation(&mut world, 1, &rating(value, decimals, "")).unwrap();
    }
    for (value, decimals, error) in [
        (1, 19, "too many decimals"),
        (MOST + 1, 0, "value too large"),
        (-MOST - 1, 18, "value too large"),
        (i128::MIN, 0, "value too large"),
    ] {
        let refused = reputation(&mut world, 1, &rating(value, decimals, "")).unwrap_err();
        assert_eq!(refused, Refusal::text(error));
    }
    let unknown = ratings::giveFeedbackCall {
        agentId: U256::ONE,
        ..rating(1, 0, "")
    };
    let refused = reputation(&mut world, 1, &unknown).unwrap_err();
    let missing = identity::ERC721NonexistentToken { tokenId: U256::ONE };
    assert_eq!(refused, Refusal::of(&missing));
}

#[test]
fn nobody_who_may_act_for_an_agent_rates_it_but_its_wallet_may() {
    let mut world = with_agent();
    let approve = identity::approveCall {
        to: account(1),
        tokenId: U256::ZERO,
    };
    registry(&mut world, 0, &approve).unwrap();
    let operator = identity::setApprovalForAllCall {
        operator: account(2),
        approved: true,
    };
    registry(&mut world, 0, &operator).unwrap();
    for who in 0..3 {
        let refused = reputation(&mut world, who, &rating(100, 0, "starred")).unwrap_err();
        assert_eq!(refused, Refusal::text("Self-feedback not allowed"));
    }
    // After a transfer the wallet is nobody's; the old owner may rate what it sold.
    let sell = identity::transferFromCall {
        from: account(0),
        to: account(3),
        tokenId: U256::ZERO,
    };
    registry(&mut world, 0, &sell).unwrap();
    reputation(&mut world, 0, &rating(100, 0, "starred")).unwrap();
    assert!(reputation(&mut world, 3, &rating(100, 0, "starred")).is_err());
}

#[test]
fn the_agents_wallet_may_rate_it() {
    let mut world = with_agent();
    let consent = agent_client::chain::bindings::AgentWalletSet {
        agentId: U256::ZERO,
        newWallet: account(4),
        owner: account(0),
        deadline: U256::from(world.now() + 100),
    };
    let (chain_id, at) = (world.chain.chain_id(), CONTRACTS.identity);
    let key = agent_tests::world::key(4);
    let set = identity::setAgentWalletCall {
        agentId: U256::ZERO,
        newWallet: account(4),
        deadline: consent.deadline,
        signature: agent_tests::sign::agent_wallet(&key, chain_id, at, &consent),
    };
    registry(&mut world, 0, &set).unwrap();
    // As deployed, which is one reason not to believe a score without evidence.
    reputation(&mut world, 4, &rating(100, 0, "starred")).unwrap();
}

#[test]
fn feedback_is_revoked_once_and_by_its_client() {
    let mut world = with_agent();
    reputation(&mut world, 1, &rating(10, 0, "starred")).unwrap();
    let revoke = |index| ratings::revokeFeedbackCall {
        agentId: U256::ZERO,
        feedbackIndex: index,
    };
    for (who, index, error) in [
        (1, 0, "index must be > 0"),
        (1, 2, "index out of bounds"),
        (0, 1, "index out of bounds"),
        (2, 1, "index out of bounds"),
    ] {
        let refused = reputation(&mut world, who, &revoke(index)).unwrap_err();
        assert_eq!(refused, Refusal::text(error));
    }
    let done = reputation(&mut world, 1, &revoke(1)).unwrap();
    let told = FeedbackRevoked {
        agentId: U256::ZERO,
        clientAddress: account(1),
        feedbackIndex: 1,
    };
    assert_eq!(done.events::<FeedbackRevoked>(), [told]);
    let refused = reputation(&mut world, 1, &revoke(1)).unwrap_err();
    assert_eq!(refused, Refusal::text("Already revoked"));
    // The number is used up.
    reputation(&mut world, 1, &rating(20, 0, "starred")).unwrap();
    let all = |revoked| ratings::readAllFeedbackCall {
        agentId: U256::ZERO,
        clientAddresses: vec![],
        tag1: String::new(),
        tag2: String::new(),
        includeRevoked: revoked,
    };
    let some = world.view(CONTRACTS.reputation, &all(false));
    assert_eq!((some.feedbackIndexes, some.values), (vec![2], vec![20]));
    let whole = world.view(CONTRACTS.reputation, &all(true));
    assert_eq!(whole.feedbackIndexes, [1, 2]);
    assert_eq!(whole.revokedStatuses, [true, false]);
    assert_eq!(whole.clients, [account(1), account(1)]);
}
