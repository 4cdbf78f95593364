//! The task of a call that a restart cut off, as its buyer will see it.

use super::payments::{PaidBy, PaymentRow};
use super::tasks::StoredTask;
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

/// A receipt that says that nothing more was paid.
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
    Ok(SettleResponse {
        success: false,
        mode,
        error_reason: Some(CODE.to_owned()),
        error_message: Some(why(payment).to_owned()),
        payer: payer.map(|payer| payer.to_string()),
        transaction: String::new(),
        network: Network::eip155(chain_id).to_string(),
        amount: None,
        extra,
        extensions: Metadata::new(),
    })
}

const fn why(payment: &PaymentRow) -> &'static str {
    if payment.charged.is_zero() {
        WHY
    } else {
        WHY_IN_PART
    }
}

/// The task, failed, with one more event that says so.
pub(super) fn failed(
    id: &str,
    context_id: &str,
    owner: &str,
    stored: Option<&StoredTask>,
    receipt: Option<Receipt>,
    now_unix_millis: u64,
) -> Result<TaskWrite, serde_json::Error> {
    let text = match &receipt {
        Some(Ok(SettleResponse {
            error_message: Some(said),
            ..
        })) => said.clone(),
        _ => WHY.to_owned(),
    };
    let mut message = Message::agent(Part::text(text))
        .in_context(context_id)
        .for_task(id);
    if let Some(receipt) = receipt {
        message
            .metadata
            .set(keys::STATUS, &PaymentStatus::PaymentFailed)?;
        message.metadata.set(keys::ERROR, CODE)?;
        message.metadata.set(keys::RECEIPTS, &[receipt?])?;
    }
    let at = Timestamp::from_unix_millis(i64::try_from(now_unix_millis).unwrap_or(i64::MAX));
    let status = TaskStatus::new(TaskState::Failed)
        .with_message(message)
        .at(at);
    let seq = stored.map_or(1, |stored| stored.seq.saturating_add(1));
    let event = StreamResponse::from(TaskStatusUpdateEvent {
        task_id: id.to_owned(),
        context_id: context_id.to_owned(),
        status: status.clone(),
        ..TaskStatusUpdateEvent::default()
    });
    // What is stored may be of a form that we no longer read; the buyer is owed an end all the same.
    let mut task = stored
        .and_then(|stored| stored.task.parse::<Task>().ok())
        .unwrap_or_else(|| Task::new(id, context_id));
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
