//! An agent's life in the registries.

use agent_client::chain::bindings::{
    AgentWalletSet, IIdentityRegistry as identity, IReputationRegistry as ratings,
};
use agent_tests::sign;
use alloy_primitives::{Address, B256, U256};

use crate::node::{Cast, Node};

alloy_sol_types::sol! {
    function initialize(address identityRegistry) external;
}

const AGENT: U256 = U256::ZERO;

pub(crate) async fn play(node: &mut Node, cast: &Cast) {
    let [_, registry, reputation, _] = node.contracts;
    let (owner, client) = (cast.address(0), cast.address(1));
    node.act(
        0,
        reputation,
        &initializeCall {
            identityRegistry: registry,
        },
    )
    .await;
    let register = identity::register_1Call {
        agentURI: "https://agent.example/a.json".to_owned(),
    };
    node.act(0, registry, &register).await;
    let wallet = identity::getAgentWalletCall { agentId: AGENT };
    assert_eq!(node.ask(registry, &wallet).await, owner);

    let consent = AgentWalletSet {
        agentId: AGENT,
        newWallet: client,
        owner,
        deadline: U256::from(cast.start() + crate::PASSED + 200),
    };
    let chain_id = node.chain.chain_id();
    let mut set = identity::setAgentWalletCall {
        agentId: AGENT,
        newWallet: client,
        deadline: consent.deadline,
        signature: sign::agent_wallet(&cast.keys[1], chain_id, registry, &consent),
    };
    node.act(0, registry, &set).await;
    assert_eq!(node.ask(registry, &wallet).await, client);
    set.deadline = U256::ZERO;
    node.refused(0, registry, &set, "expired").await;

    let rating = ratings::giveFeedbackCall {
        agentId: AGENT,
        value: -95,
        valueDecimals: 1,
        tag1: "starred".to_owned(),
        tag2: "a2a.task".to_owned(),
        endpoint: String::new(),
        feedbackURI: "data:application/json,{}".to_owned(),
        feedbackHash: B256::repeat_byte(9),
    };
    node.refused(0, reputation, &rating, "Self-feedback not allowed")
        .await;
    let unknown = ratings::giveFeedbackCall {
        agentId: U256::from(77),
        ..rating.clone()
    };
    node.refused(1, reputation, &unknown, "ERC721NonexistentToken")
        .await;
    node.act(1, reputation, &rating).await;
    node.act(1, reputation, &rating).await;
    let respond = ratings::appendResponseCall {
        agentId: AGENT,
        clientAddress: client,
        feedbackIndex: 1,
        responseURI: "ipfs://response".to_owned(),
        responseHash: B256::ZERO,
    };
    node.act(0, reputation, &respond).await;
    let revoke = ratings::revokeFeedbackCall {
        agentId: AGENT,
        feedbackIndex: 2,
    };
    node.act(1, reputation, &revoke).await;
    node.refused(1, reputation, &revoke, "Already revoked")
        .await;
    let summary = ratings::getSummaryCall {
        agentId: AGENT,
        clientAddresses: vec![client],
        tag1: "starred".to_owned(),
        tag2: String::new(),
    };
    let answer = node.chain.call(reputation, &summary).await.unwrap();
    let answer = (
        answer.count,
        answer.summaryValue,
        answer.summaryValueDecimals,
    );
    assert_eq!(answer, (1, -95, 1));

    let sell = identity::transferFromCall {
        from: owner,
        to: client,
        tokenId: AGENT,
    };
    node.act(0, registry, &sell).await;
    assert_eq!(node.ask(registry, &wallet).await, Address::ZERO);
    assert_eq!(
        node.ask(registry, &identity::ownerOfCall { tokenId: AGENT })
            .await,
        client
    );
}
