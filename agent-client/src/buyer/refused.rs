//! A seller that wants payment: for the first time, or because it did not take the one it got.

use agent_core::a2a::Task;
use agent_core::x402::PaymentRequired;

use super::ask::{Ask, Turn};
use super::bill::Bill;
use super::reading::{Reading, code, correction};
use super::{AskError, limits};
use crate::wallet::{Payment, ReceiptError};

/// What has been tried already.
#[derive(Default)]
pub(super) struct Tries {
    corrected: bool,
    pub(super) interrupted: bool,
    reused: bool,
    credit: bool,
    later: u32,
    pub(super) payments: u32,
}

impl Tries {
    /// Everything has been tried: no further payment will be made.
    pub(super) fn exhausted() -> Self {
        Self {
            interrupted: true,
            payments: limits::PAYMENTS_PER_ASK_MAX,
            ..Self::default()
        }
    }
}

impl Ask<'_> {
    /// The seller wants payment: for the first time, or because it did not take the one it got.
    pub(super) async fn asked_to_pay(
        &self,
        task: &Task,
        required: &PaymentRequired,
        paying: Option<(Bill, Payment)>,
        tries: &mut Tries,
    ) -> Result<Turn, AskError> {
        let card = self.seller.remote().shared_terms();
        let assets = self.seller.buyer().assets();
        let asked = || Bill::of_answer(required, card.clone(), self.skill, self.at_most, assets);
        let Some((mut bill, payment)) = paying else {
            let (task_id, context_id) = (task.id.clone(), task.context_id.clone());
            return Ok(Turn {
                bill: Some(asked()?),
                task_id,
                context_id,
            });
        };
        self.not_taken(task, &payment).await?;
        let reading = Reading(task);
        let why = reading
            .error()
            .or_else(|| required.error.clone())
            .unwrap_or_default();
        let again = match why.as_str() {
            "invalid_z402_ceiling_too_low" if !tries.corrected => {
                tries.corrected = true;
                match correction(required) {
                    Some(theirs) => {
                        let wallet = self.seller.buyer().wallet();
                        wallet.correct(payment.channel_id, &theirs).await?;
                        true
                    }
                    None => false,
                }
            }
            "invalid_z402_voucher_reused" if !tries.reused => {
                tries.reused = true;
                true
            }
            // The wallet has forgotten its credit, so the next payment is signed.
            "invalid_z402_credit_token" | "invalid_z402_credit_expired" if !tries.credit => {
                tries.credit = true;
                true
            }
            "invalid_z402_amount_too_low" => {
                let dearer = asked()?;
                let more = dearer.max > bill.max;
                bill = dearer;
                more
            }
            "invalid_z402_lock_unknown"
            | "invalid_z402_chain_state_stale"
            | "invalid_z402_too_many_in_flight"
            | "invalid_z402_exposure_exceeded"
            | "payment_temporarily_unavailable"
                if tries.later < limits::LATER_MAX =>
            {
                // The slot goes back before the pause: those that wait in line need not wait for us.
                drop(payment);
                let pause = limits::LATER_PAUSE.saturating_mul(2_u32.saturating_pow(tries.later));
                tries.later = tries.later.saturating_add(1);
                tokio::time::sleep(pause).await;
                true
            }
            _ => false,
        };
        if !again || tries.payments >= limits::PAYMENTS_PER_ASK_MAX {
            return Err(AskError::PaymentRefused {
                code: code(Some(why)),
                message: reading.words(),
            });
        }
        let (task_id, context_id) = (task.id.clone(), task.context_id.clone());
        Ok(Turn {
            bill: Some(bill),
            task_id,
            context_id,
        })
    }

    /// Frees a payment that the seller says it did not take. One that it is silent about stays
    /// counted.
    async fn not_taken(&self, task: &Task, payment: &Payment) -> Result<(), AskError> {
        let (wallet, reading) = (self.seller.buyer().wallet(), Reading(task));
        match reading.receipt(&payment.id) {
            Some(receipt) => match wallet.confirm(&payment.id, &receipt).await {
                Ok(_) => Ok(()),
                Err(ReceiptError::Wallet(error)) => Err(error.into()),
                Err(error) => Err(AskError::Receipt {
                    error,
                    task: Box::new(task.clone()),
                }),
            },
            None if reading.says_not_paid() => Ok(wallet.refused(&payment.id).await?),
            None => Ok(wallet.mark_unknown(&payment.id).await?),
        }
    }
}
