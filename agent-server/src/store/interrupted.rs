//! The task of a call that a restart cut off, as its buyer will see it.

use super::payments::{PaidBy, PaymentRow};
use agent_core::a2a::{
    Message, Part, StreamResponse, Task, TaskState, TaskStatus, TaskStatusUpdateEvent, Timestamp,
};
use agent_core::json::{Json, Metadata};
use agent_core::ledger::TaskWrite;
use agent_core::money::Network;
use agent_core::voucher::Funding;
use agent_core::x402::batch::BatchReceipt;
use agent_core::x402::{Mode, PaymentStatus, SettleResponse, Z402Receipt, keys};

const WHY: &str = "interrupted by a restart; nothing was charged";
const WHY_IN_PART: &str = "interrupted by a restart; what was delivered before stays charged";
const CODE: &str = "interrupted";

/// A receipt for what was charged before the restart: nothing, but for metered work.
pub(super) type Receipt = Result<SettleResponse, serde_json::Error>;

/// The receipt of an interrupted payment, in the form of the scheme that `funding` is of; without
/// one it was a transfer of its own.
pub(super) fn receipt(chain_id: u64, payment: &PaymentRow, funding: Option<Funding>) -> Receipt {
    let (mode, extra) = match (payment.by, funding) {
        (PaidBy::Channel(_), Some(Funding::Batch(_))) => {
            let extra = BatchReceipt {
                charged_amount: Some(payment.charged),
                ..BatchReceipt::default()
            };
            (Mode::X, Json::from_value(&extra)?)
        }
        (PaidBy::Channel(channel_id), _) => {
            let extra = Z402Receipt {
                payment_id: payment.id.as_str().to_owned(),
                channel_id,
                charged_amount: payment.charged,
                credit_token: None,
            };
            (Mode::Z, Json::from_value(&extra)?)
        }
        (PaidBy::Transfer { .. }, _) => (Mode::X, Json::default()),
    };
    let payer = match payment.by {
        PaidBy::Transfer { payer, .. } => Some(payer),
        PaidBy::Channel(_) => funding.map(|funding| funding.payer()),
    };
    // A failed payment that charged something is a contradiction, for which a buyer would distrust
    // the channel.
    let charged = !payment.charged.is_zero();
    Ok(SettleResponse {
        success: charged,
        mode,
        error_reason: (!charged).then(|| CODE.to_owned()),
        error_message: (!charged).then(|| WHY.to_owned()),
        payer: payer.map(|payer| payer.to_string()),
        transaction: String::new(),
        network: Network::eip155(chain_id).to_string(),
        amount: None,
        extra,
        extensions: Metadata::new(),
    })
}

/// The task as far as it came, failed, with one more event after `seq` that says so.
pub(super) fn failed(
    id: &str,
    context_id: &str,
    owner: &str,
    seq: u64,
    mut task: Task,
    receipt: Option<Receipt>,
    now_unix_millis: u64,
) -> Result<TaskWrite, serde_json::Error> {
    let receipt = receipt.transpose()?;
    let paid = receipt.as_ref().is_some_and(|receipt| receipt.success);
    let text = if paid { WHY_IN_PART } else { WHY };
    let mut message = Message::agent(Part::text(text))
        .in_context(context_id)
        .for_task(id);
    if let Some(receipt) = receipt {
        let status = match paid {
            true => PaymentStatus::PaymentCompleted,
            false => PaymentStatus::PaymentFailed,
        };
        message.metadata.set(keys::STATUS, &status)?;
        message.metadata.set(keys::ERROR, CODE)?;
        message.metadata.set(keys::RECEIPTS, &[receipt])?;
    }
    let at = Timestamp::from_unix_millis(i64::try_from(now_unix_millis).unwrap_or(i64::MAX));
    let status = TaskStatus::new(TaskState::Failed)
        .with_message(message)
        .at(at);
    let seq = seq.saturating_add(1);
    let event = StreamResponse::from(TaskStatusUpdateEvent {
        task_id: id.to_owned(),
        context_id: context_id.to_owned(),
        status: status.clone(),
        ..TaskStatusUpdateEvent::default()
    });
    task.status = status;
    Ok(TaskWrite {
        id: id.to_owned(),
        context_id: context_id.to_owned(),
        owner: owner.to_owned(),
        state: TaskState::Failed,
        seq,
        updated_unix_millis: now_unix_millis,
        task: Json::from_value(&task)?,
        resume: None,
        events: vec![(seq, Json::from_value(&event)?)],
    })
}
