//! Sending what may have to be sent again, each attempt under a purpose of its own.

use std::time::Duration;

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;

use super::{escrow::EscrowError, limits::RELEASE_ATTEMPTS_MAX};
use crate::chain::outbox::{OutboxError, TxOutbox, TxOutcome, TxRequest};

/// The payer's outbox, and how long a call waits for its receipt.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) outbox: TxOutbox,
    pub(super) wait: Duration,
}

impl Sender {
    pub(super) async fn carry_out(&self, request: TxRequest) -> Result<TxOutcome, EscrowError> {
        let queued = self.outbox.enqueue(request).await.map_err(unsure)?;
        self.outbox.wait(queued.id, self.wait).await.map_err(unsure)
    }

    /// Makes a call that the chain showed to be due. A purpose whose transaction failed stays
    /// failed, and one that succeeded may be due again; so each attempt is another purpose, and one
    /// that is under way is waited for.
    pub(super) async fn attempt<C: SolCall>(
        &self,
        purpose: &str,
        contract: Address,
        call: &C,
    ) -> Result<Option<B256>, EscrowError> {
        let mut last = EscrowError::NeverSent("too many attempts".to_owned());
        for attempt in 0..RELEASE_ATTEMPTS_MAX {
            let purpose = format!("{purpose} #{attempt}");
            let known = self.outbox.by_purpose(&purpose).await.map_err(unsure)?;
            let ended = known
                .as_ref()
                .and_then(|record| record.status.outcome())
                .cloned();
            let fresh = ended.is_none();
            let outcome = match ended {
                Some(outcome) => outcome,
                None => {
                    self.carry_out(TxRequest::call(purpose, contract, call))
                        .await?
                }
            };
            match outcome {
                TxOutcome::Mined(mined) if fresh => return Ok(Some(mined.hash)),
                TxOutcome::Mined(_) => {}
                failed => {
                    last = refusal(failed);
                    if fresh {
                        return Err(last);
                    }
                }
            }
        }
        Err(last)
    }
}

/// An outbox that could not answer may have stored the transaction all the same.
pub(super) fn unsure(error: OutboxError) -> EscrowError {
    EscrowError::Unavailable(error.to_string())
}

pub(super) fn refusal(outcome: TxOutcome) -> EscrowError {
    match outcome {
        // Found out by estimating it: nobody but our own node has seen the signature.
        TxOutcome::Failed { code, reason } if code != "outbox.nonce_taken" => {
            EscrowError::NeverSent(reason)
        }
        TxOutcome::Failed { reason, .. } | TxOutcome::Reverted { reason, .. } => {
            EscrowError::Refused(reason)
        }
        TxOutcome::Mined(_) => EscrowError::Unavailable("mined".to_owned()),
    }
}
