//! Giving feedback, durably and once.

use std::sync::Arc;
use std::time::Duration;

use agent_core::clock::Clock;
use agent_core::money::Network;
use agent_core::trust::AgentRegistryId;
use alloy_primitives::{B256, U256};
use serde_json::json;

use super::{FeedbackOutboxError, FeedbackRequest, ReadBack, read_back};
use crate::chain::Chain;
use crate::chain::bindings::IReputationRegistry::giveFeedbackCall;
use crate::chain::outbox::{Mined, OutboxError, TxId, TxOutbox, TxOutcome, TxRecord, TxRequest};
use crate::discover::RegistryConfig;

/// Feedback that is on disk and on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its transaction in the outbox.
    pub id: TxId,
    /// False if this payment was rated before; what was said then stands, whatever is said now.
    pub new: bool,
}

/// Writes feedback through the payer's outbox. Cheap to clone.
///
/// # Contract
///
/// - When [`give`](Self::give) has answered, the feedback survives crashes and is sent until it is
///   mined or can never be.
/// - A payment to an agent is rated at most once, whatever was said the first time.
///
/// Not guaranteed: that readers believe it. They check the payment themselves, and count one
/// rating for each settlement of a lock.
#[derive(Clone, Debug)]
pub struct FeedbackOutbox {
    outbox: TxOutbox,
    chain: Chain,
    config: RegistryConfig,
    clock: Arc<dyn Clock>,
}

impl FeedbackOutbox {
    /// Feedback for the agents of one registry, signed by the outbox's key.
    #[must_use]
    pub fn new(
        outbox: TxOutbox,
        chain: Chain,
        config: RegistryConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            outbox,
            chain,
            config,
            clock,
        }
    }

    /// Stores feedback to be sent.
    ///
    /// # Errors
    /// [`FeedbackOutboxError::OtherRegistry`], [`FeedbackOutboxError::NotThePayer`],
    /// [`FeedbackOutboxError::Value`] and [`FeedbackOutboxError::File`] for what should not be
    /// sent, [`FeedbackOutboxError::Outbox`] when it could not be stored.
    pub async fn give(&self, request: &FeedbackRequest) -> Result<Given, FeedbackOutboxError> {
        let registry =
            AgentRegistryId::new(Network::eip155(self.chain.chain_id()), self.config.identity);
        if request.agent.registry != registry {
            return Err(FeedbackOutboxError::OtherRegistry(request.agent));
        }
        let (payer, reviewer) = (request.payment.from_address, self.outbox.address());
        if payer != reviewer {
            return Err(FeedbackOutboxError::NotThePayer { payer, reviewer });
        }
        let purpose = request.purpose();
        if let Some(first) = self.outbox.by_purpose(&purpose).await? {
            return Ok(Given {
                id: first.id,
                new: false,
            });
        }
        match self
            .outbox
            .enqueue(self.transaction(purpose.clone(), request)?)
            .await
        {
            Ok(enqueued) => Ok(Given {
                id: enqueued.id,
                new: enqueued.new,
            }),
            // Somebody was faster with other words.
            Err(OutboxError::PurposeTaken(taken)) => {
                match self.outbox.by_purpose(&purpose).await? {
                    Some(first) => Ok(Given {
                        id: first.id,
                        new: false,
                    }),
                    None => Err(OutboxError::PurposeTaken(taken).into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until feedback is mined, at most `timeout`.
    ///
    /// # Errors
    /// [`FeedbackOutboxError::NotRecorded`] when it never will be (the agent's own owner may not
    /// rate it), [`FeedbackOutboxError::Outbox`] with [`OutboxError::NotYet`] when it goes on.
    pub async fn wait(&self, id: TxId, timeout: Duration) -> Result<Mined, FeedbackOutboxError> {
        match self.outbox.wait(id, timeout).await? {
            TxOutcome::Mined(mined) => Ok(mined),
            TxOutcome::Reverted { reason, .. } => Err(FeedbackOutboxError::NotRecorded {
                code: "outbox.reverted".to_owned(),
                reason,
            }),
            TxOutcome::Failed { code, reason } => {
                Err(FeedbackOutboxError::NotRecorded { code, reason })
            }
        }
    }

    /// Waits until feedback is mined, and compares what the chain has with what was given: the
    /// event with its hash, and the registry's storage.
    ///
    /// # Errors
    /// [`FeedbackOutboxError::Differs`] names what differs; also as for [`wait`](Self::wait), and
    /// [`FeedbackOutboxError::Chain`].
    pub async fn read_back(
        &self,
        id: TxId,
        timeout: Duration,
    ) -> Result<ReadBack, FeedbackOutboxError> {
        let mined = self.wait(id, timeout).await?;
        let TxRecord { request, .. } = self.outbox.get(id).await?;
        let reviewer = self.outbox.address();
        read_back::compare(
            &self.chain,
            self.config.reputation,
            reviewer,
            &request.data,
            &mined,
        )
        .await
    }

    fn transaction(
        &self,
        purpose: String,
        request: &FeedbackRequest,
    ) -> Result<TxRequest, FeedbackOutboxError> {
        let file = request.file(self.clock.now_unix_secs())?;
        let hash: B256 = file.feedback_hash()?;
        let agent_id: U256 = request.agent.agent_id.0;
        let call = giveFeedbackCall {
            agentId: agent_id,
            value: file.value().value(),
            valueDecimals: file.value().decimals(),
            tag1: file.tag1().to_owned(),
            tag2: file.tag2().to_owned(),
            endpoint: file.endpoint().unwrap_or_default().to_owned(),
            feedbackURI: file.to_data_uri()?,
            feedbackHash: hash,
        };
        let meta = json!({"agent": request.agent, "skill": request.skill, "hash": hash});
        Ok(TxRequest::call(purpose, self.config.reputation, &call).with_meta(meta))
    }
}
