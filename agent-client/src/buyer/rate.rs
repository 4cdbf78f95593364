//! Rating what was bought.

use agent_core::trust::ProofOfPayment;
use alloy_primitives::B256;

use super::{Buyer, BuyerError, Paid};
use crate::discover::find_settlement;
use crate::feedback::{FeedbackRequest, Given};

impl Buyer {
    /// The transaction in which the seller claimed what this payment promised; `None` until then.
    ///
    /// # Errors
    /// [`BuyerError::Chain`].
    pub async fn settlement(&self, paid: &Paid) -> Result<Option<B256>, BuyerError> {
        let parts = &self.0;
        Ok(find_settlement(
            &parts.chain,
            &parts.escrow,
            (parts.wallet.payer(), paid.payee),
            paid.channel_id,
            paid.ceiling.get(),
            parts.from_block,
        )
        .await?)
    }

    /// Rates a seller for one payment, from 0 (worst) to 100 (best), once the seller has claimed
    /// it: the settlement is the proof. A payment is rated once, whatever is said later.
    ///
    /// The task's id becomes public with it; nothing of question and answer does.
    ///
    /// # Errors
    /// [`BuyerError::NotSettled`] until there is a proof, [`BuyerError::NoIdentity`],
    /// [`BuyerError::Feedback`], [`BuyerError::Chain`].
    pub async fn rate(&self, paid: &Paid, score: u8) -> Result<Given, BuyerError> {
        let agent = paid.agent.ok_or(BuyerError::NoIdentity)?;
        let tx_hash = self.settlement(paid).await?.ok_or(BuyerError::NotSettled)?;
        let request = FeedbackRequest {
            agent,
            score,
            skill: paid.skill.clone(),
            task_id: Some(paid.task_id.clone()),
            context_id: Some(paid.context_id.clone()),
            endpoint: Some(paid.endpoint.clone()),
            payment: ProofOfPayment {
                from_address: self.wallet().payer(),
                to_address: paid.payee,
                chain_id: self.chain().chain_id(),
                tx_hash,
            },
            commitment: Some(paid.commitment(self.escrow())),
        };
        Ok(self.feedback().give(&request).await?)
    }
}
