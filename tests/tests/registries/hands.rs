//! Short words for what the tests do.

use agent_client::chain::bindings::{
    IIdentityRegistry::{self as identity, IIdentityRegistryEvents},
    IReputationRegistry as reputation,
};
use agent_devnet::CONTRACTS;
use agent_tests::world::{Done, Refusal, World, account};
use alloy_primitives::{B256, U256};
use alloy_sol_types::{SolCall, SolEventInterface};

pub(crate) fn registry<C: SolCall>(
    world: &mut World,
    from: usize,
    call: &C,
) -> Result<Done<C::Return>, Refusal> {
    world.send(account(from), CONTRACTS.identity, call)
}

pub(crate) fn reputation<C: SolCall>(
    world: &mut World,
    from: usize,
    call: &C,
) -> Result<Done<C::Return>, Refusal> {
    world.send(account(from), CONTRACTS.reputation, call)
}

/// A world with agent 0 of account 0.
pub(crate) fn with_agent() -> World {
    let mut world = World::new();
    let done = registry(&mut world, 0, &identity::register_0Call {}).unwrap();
    assert_eq!(done.returned, U256::ZERO, "the first agent is number 0");
    world
}

/// All events in the order in which they were emitted.
pub(crate) fn events<R>(done: &Done<R>) -> Vec<IIdentityRegistryEvents> {
    let logs = done.receipt.logs().iter();
    logs.map(|log| {
        IIdentityRegistryEvents::decode_log(&log.inner)
            .unwrap()
            .data
    })
    .collect()
}

/// A rating with nothing else to it.
pub(crate) fn rating(value: i128, decimals: u8, tag: &str) -> reputation::giveFeedbackCall {
    reputation::giveFeedbackCall {
        agentId: U256::ZERO,
        value,
        valueDecimals: decimals,
        tag1: tag.to_owned(),
        tag2: String::new(),
        endpoint: String::new(),
        feedbackURI: String::new(),
        feedbackHash: B256::ZERO,
    }
}

/// The registry's event for the agent's wallet.
pub(crate) fn wallet_set(agent: u64, wallet: &[u8]) -> IIdentityRegistryEvents {
    metadata_set(agent, "agentWallet", wallet)
}

pub(crate) fn metadata_set(agent: u64, key: &str, value: &[u8]) -> IIdentityRegistryEvents {
    IIdentityRegistryEvents::MetadataSet(identity::MetadataSet {
        agentId: U256::from(agent),
        indexedMetadataKey: alloy_primitives::keccak256(key),
        metadataKey: key.to_owned(),
        metadataValue: value.to_vec().into(),
    })
}
