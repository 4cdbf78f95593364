//! Names for transactions, so that one purpose is never sent twice and a failed one can be again.

use super::{SettleError, limits};
use agent_client::chain::outbox::{TxOutbox, TxOutcome, TxRecord};

/// What the outbox knows of a purpose.
pub(super) enum Purpose {
    /// Nothing yet: enqueue under this name.
    New(String),
    /// It is on its way.
    Going(Box<TxRecord>),
}

/// The name of the next attempt at `base`. Attempts that have ended count as spent, whether they
/// failed or were mined: whoever asks again has seen that the chain does not show their effect.
pub(super) async fn next(outbox: &TxOutbox, base: &str) -> Result<Purpose, SettleError> {
    for attempt in 1..=limits::ATTEMPTS_MAX {
        let name = format!("{base}/{attempt}");
        match outbox.by_purpose(&name).await? {
            None => return Ok(Purpose::New(name)),
            Some(record) if record.status.outcome().is_none() => {
                return Ok(Purpose::Going(Box::new(record)));
            }
            Some(_) => {}
        }
    }
    Err(SettleError::GivenUp(limits::ATTEMPTS_MAX))
}

/// The refusal behind an outcome that is not a success.
pub(super) fn refused(outcome: TxOutcome, rows: usize) -> SettleError {
    let (code, reason) = match outcome {
        TxOutcome::Reverted { reason, .. } => ("settle.reverted".to_owned(), reason),
        TxOutcome::Failed { code, reason } => (code, reason),
        TxOutcome::Mined(_) => ("settle.mined".to_owned(), String::new()),
    };
    SettleError::Refused { rows, code, reason }
}
