//! What the chain has of a piece of feedback, against what was given.

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::{SolCall, SolEvent};

use super::FeedbackOutboxError;
use crate::chain::bindings::IReputationRegistry::{
    NewFeedback, giveFeedbackCall, readFeedbackCall,
};
use crate::chain::outbox::Mined;
use crate::chain::{Chain, ChainError};
use agent_core::trust::{MAX_FEEDBACK_READ_BYTES, data_uri};

/// Feedback as it was found on the chain, equal in everything to what was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadBack {
    /// Its number among those of this reviewer on this agent, from 1.
    pub index: u64,
    /// keccak-256 of its file.
    pub hash: B256,
    /// Its transaction.
    pub transaction: B256,
}

pub(super) async fn compare(
    chain: &Chain,
    registry: Address,
    reviewer: Address,
    calldata: &[u8],
    mined: &Mined,
) -> Result<ReadBack, FeedbackOutboxError> {
    let differs = FeedbackOutboxError::Differs;
    let given = giveFeedbackCall::abi_decode(calldata)
        .map_err(|error| ChainError::BadAnswer(error.to_string()))?;
    let receipt = chain
        .receipt(mined.hash)
        .await?
        .ok_or_else(|| differs("transaction"))?;
    let event = receipt
        .logs()
        .iter()
        .filter(|log| log.address() == registry)
        .find_map(|log| NewFeedback::decode_log(&log.inner).ok())
        .ok_or_else(|| differs("event"))?;
    let agrees = [
        ("agentId", event.agentId == given.agentId),
        ("clientAddress", event.clientAddress == reviewer),
        ("value", event.value == given.value),
        ("valueDecimals", event.valueDecimals == given.valueDecimals),
        ("tag1", event.tag1 == given.tag1),
        ("tag2", event.tag2 == given.tag2),
        ("endpoint", event.endpoint == given.endpoint),
        ("feedbackURI", event.feedbackURI == given.feedbackURI),
        ("feedbackHash", event.feedbackHash == given.feedbackHash),
    ];
    if let Some((what, _)) = agrees.into_iter().find(|(_, same)| !same) {
        return Err(differs(what));
    }
    let file = data_uri::decode(&event.feedbackURI, MAX_FEEDBACK_READ_BYTES);
    if !file.is_ok_and(|file| keccak256(file) == event.feedbackHash) {
        return Err(differs("file"));
    }
    let call = readFeedbackCall {
        agentId: given.agentId,
        clientAddress: reviewer,
        feedbackIndex: event.feedbackIndex,
    };
    let stored = chain.call(registry, &call).await?;
    let agrees = [
        ("stored value", stored.value == given.value),
        (
            "stored valueDecimals",
            stored.valueDecimals == given.valueDecimals,
        ),
        ("stored tag1", stored.tag1 == given.tag1),
        ("stored tag2", stored.tag2 == given.tag2),
        ("revocation", !stored.isRevoked),
    ];
    match agrees.into_iter().find(|(_, same)| !same) {
        Some((what, _)) => Err(differs(what)),
        None => Ok(ReadBack {
            index: event.feedbackIndex,
            hash: event.feedbackHash,
            transaction: mined.hash,
        }),
    }
}
