//! What a buyer says about one payment.

use agent_core::trust::{
    A2aReference, FeedbackError, FeedbackFile, FeedbackValue, GlobalAgentId, PaymentCommitment,
    ProofOfPayment, tags,
};
use alloy_primitives::B256;
use url::Url;

use super::FeedbackOutboxError;

/// What a buyer says about one paid task.
///
/// For vouchers it is given after settlement: `payment.tx_hash` is the transaction that settled,
/// and `commitment` the voucher that paid.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedbackRequest {
    /// Whom it is about.
    pub agent: GlobalAgentId,
    /// From 0 (worst) to 100 (best).
    pub score: u8,
    /// What was used.
    pub skill: String,
    /// The A2A task; `None` keeps it out of the public file.
    pub task_id: Option<String>,
    /// The A2A context; `None` keeps it out of the public file.
    pub context_id: Option<String>,
    /// Where the agent was called; queries and credentials are cut off.
    pub endpoint: Option<Url>,
    /// The transaction that paid.
    pub payment: ProofOfPayment,
    /// The voucher that paid, if one did.
    pub commitment: Option<PaymentCommitment>,
}

impl FeedbackRequest {
    /// What names the payment: its voucher, or without one its transaction.
    #[must_use]
    pub fn payment_key(&self) -> B256 {
        self.commitment
            .as_ref()
            .map_or(self.payment.tx_hash, |commitment| commitment.voucher_hash)
    }

    /// The outbox's purpose: one agent and payment, one feedback.
    pub(super) fn purpose(&self) -> String {
        format!("feedback/{}/{}", self.agent, self.payment_key())
    }

    pub(super) fn file(&self, now_unix_secs: u64) -> Result<FeedbackFile, FeedbackOutboxError> {
        let value = FeedbackValue::stars(self.score)?;
        let reviewer = self.payment.from_address;
        let a2a = A2aReference {
            skills: vec![self.skill.clone()],
            context_id: self.context_id.clone(),
            task_id: self.task_id.clone(),
        };
        let file: Result<_, FeedbackError> =
            FeedbackFile::new(self.agent, reviewer, now_unix_secs, value);
        let mut file = file?
            .with_tags(tags::STARRED, tags::A2A_TASK)
            .with_a2a(a2a)
            .with_payment(self.payment.clone());
        if let Some(endpoint) = &self.endpoint {
            file = file.with_endpoint(endpoint);
        }
        if let Some(commitment) = &self.commitment {
            file = file.with_commitment(commitment.clone());
        }
        Ok(file)
    }
}
