//! What becomes of a transfer once its work is done.

use super::Gate;
use super::limits::{SETTLE_ATTEMPTS_MAX, SETTLE_BACKOFF_FIRST, SETTLE_BACKOFF_MAX};
use agent_core::json::Json;
use agent_core::untrusted::shorten;
use agent_core::x402::SettleResponse;
use agent_core::x402::facilitator::RequestV2;

/// The reason with which a facilitator says that a transaction was sent and is in no block yet.
const PENDING: &str = "settlement_pending";

/// How an attempt to settle ended.
#[derive(Debug)]
pub enum Settled {
    /// The transfer is made.
    Paid(Box<SettleResponse>),
    /// It cannot be made: the work must not be delivered.
    Refused(Box<SettleResponse>),
    /// Not known, after many attempts; the text is for the log. The next start asks again.
    Unknown(String),
}

impl Gate {
    /// Settles what [`agent_core::ledger::Ledger::settling`] returned. Safe to repeat, because a
    /// facilitator settles one payment once.
    ///
    /// It waits and asks again while the answer is open, for minutes at most.
    pub async fn settle(&self, request: &Json) -> Settled {
        let Some(facilitator) = &self.facilitator else {
            return Settled::Unknown("no facilitator is configured any more".to_owned());
        };
        let request: RequestV2 = match request.parse() {
            Ok(request) => request,
            Err(error) => return Settled::Unknown(format!("a stored payment: {error}")),
        };
        let mut backoff = SETTLE_BACKOFF_FIRST;
        let mut last = String::new();
        for attempt in 1..=SETTLE_ATTEMPTS_MAX {
            last = match facilitator.settle(request.clone()).await {
                Ok(answer) if answer.success => return Settled::Paid(Box::new(answer)),
                Ok(answer) if answer.error_reason.as_deref() != Some(PENDING) => {
                    return Settled::Refused(Box::new(answer));
                }
                Ok(_) => PENDING.to_owned(),
                Err(error) => shorten(&error.to_string()).to_string(),
            };
            tracing::warn!(attempt, why = last, "a payment is not settled yet");
            if attempt < SETTLE_ATTEMPTS_MAX {
                tokio::time::sleep(backoff).await;
                backoff = backoff.saturating_mul(2).min(SETTLE_BACKOFF_MAX);
            }
        }
        Settled::Unknown(last)
    }
}
