//! The first payment of a task: asked for, made, refused.

use super::admit::{Running, Sending};
use super::push::add;
use super::request::{self, Asked};
use super::{Sent, Service};
use crate::gate::{Admitted, GateRefusal};
use crate::tasks::{Draft, NewTask, Showing, WaitingTask};
use agent_core::a2a::{A2aError, ErrorCode, Message, TaskState};
use agent_core::json::{Json, Metadata};
use agent_core::money::BaseUnits;
use agent_core::x402::{PAYMENT_IDENTIFIER, PaymentIdentifier};

impl Service {
    pub(super) async fn pay_waiting(
        &self,
        task: WaitingTask,
        sending: Sending,
        payment: &Json,
    ) -> Result<Sent, A2aError> {
        let Sending {
            owner,
            trace,
            message,
            webhook,
            accepts,
            showing,
            permit,
        } = sending;
        let new = NewTask {
            id: message.task_id.clone(),
            context_id: task.context_id.clone(),
            owner,
        };
        let id = new.id.as_str();
        self.same_context(&message, &task.context_id)?;
        let skill = self.0.skills.get(&task.skill).ok_or(ErrorCode::Internal)?;
        let mut asked = request::accept(skill, task.input)?;
        let price = self.agree(&mut asked, &[&message, &task.message])?;
        let payer = payment_id(payment);
        if !self.0.waiting.take(id, &payer) {
            return Err(A2aError::unsupported_operation(
                "another payment for this task is being taken or was taken",
            )
            .with_detail("task_already_paid"));
        }
        // Nothing is added to these any more: the payment has the task.
        let mut webhooks = self
            .0
            .waiting
            .get(id)
            .map_or_else(Vec::new, |task| task.webhooks);
        let added = webhook
            .clone()
            .map_or(Ok(()), |webhook| add(&mut webhooks, webhook));
        if let Err(full) = added {
            self.0.waiting.give_back(id, &payer);
            return Err(full);
        }
        let admitted = self.admit(payment, &new, &asked, price).await;
        match &admitted {
            Ok(_) => self.0.waiting.paid(id, &payer),
            Err(_) => self.0.waiting.give_back(id, &payer),
        }
        let draft = || {
            let now = self.0.engine.clock.now_unix_millis();
            Draft::begin(new.clone(), task.message.clone(), now)
        };
        match admitted {
            Ok(Admitted::New(reserved)) => {
                let mut draft = draft();
                draft.hear(message);
                draft.webhooks = webhooks;
                // Its caller has the id, and may be watching.
                let running = Running {
                    draft,
                    asked,
                    accepts,
                    trace,
                    reserved: Some(reserved),
                    showing: Showing::AtOnce,
                };
                self.run(running, permit).await
            }
            Ok(Admitted::Same(id)) => self.answered(&new.owner, &id).await,
            Ok(Admitted::Busy(id)) => self.being_answered(&new.owner, &id, showing).await,
            Err(refusal) => {
                if let Some(webhook) = webhook {
                    self.keep_waiting(id, webhook)?;
                }
                tell_log(&refusal)?;
                self.priced(draft(), &asked.skill, price, Some(&refusal))
                    .map(|task| Sent::Still(task, 0))
            }
        }
    }

    /// The 402 over A2A: the task waits for its payment, in memory.
    pub(super) fn ask_for_payment(
        &self,
        draft: Draft,
        asked: Asked,
        price: BaseUnits,
        refusal: Option<GateRefusal>,
        message: Message,
    ) -> Result<Sent, A2aError> {
        refusal.as_ref().map_or(Ok(()), tell_log)?;
        let (id, context_id) = (draft.task.id.clone(), draft.task.context_id.clone());
        let (owner, webhooks) = (draft.owner.clone(), draft.webhooks.clone());
        let shown = self.priced(draft, &asked.skill, price, refusal.as_ref())?;
        let Asked { skill, input, .. } = asked;
        let task = WaitingTask {
            shown: shown.clone(),
            context_id,
            owner,
            skill,
            input,
            message,
            webhooks,
        };
        self.0.waiting.insert(id, task);
        Ok(Sent::Still(shown, 0))
    }

    fn priced(
        &self,
        mut draft: Draft,
        skill: &str,
        price: BaseUnits,
        refusal: Option<&GateRefusal>,
    ) -> Result<Json, A2aError> {
        let gate = self.gate().ok_or_else(|| {
            A2aError::internal("a skill has a price, and the agent no way to be paid")
        })?;
        let unwritable = |error: serde_json::Error| A2aError::internal(error.to_string());
        let metadata = gate.ask_for(skill, price, refusal).map_err(unwritable)?;
        let text = match refusal {
            Some(refusal) => format!("Payment was not accepted: {}", refusal.message),
            None => format!("Payment is required: {}", gate.terms().asset.show(price)),
        };
        let now = self.0.engine.clock.now_unix_millis();
        draft.set_status(TaskState::InputRequired, Some((text, metadata)), now);
        Json::from_value(&draft.task).map_err(unwritable)
    }
}

/// A refusal that is our own fault goes to the log, and to the peer as an error and not as a price.
pub(super) fn tell_log(refusal: &GateRefusal) -> Result<(), A2aError> {
    let Some(log) = &refusal.log else {
        return Ok(());
    };
    Err(
        A2aError::new(ErrorCode::Unavailable, refusal.message.clone())
            .with_detail(refusal.code)
            .with_log(log.clone()),
    )
}

/// The payment's own id, or its text when it has none: two payments must not share a task.
fn payment_id(payment: &Json) -> String {
    #[derive(serde::Deserialize)]
    struct Payload {
        #[serde(default)]
        extensions: Metadata,
    }
    let id = payment.parse::<Payload>().ok().and_then(|payload| {
        let identifier: Option<PaymentIdentifier> =
            payload.extensions.parse(PAYMENT_IDENTIFIER).ok().flatten();
        identifier.and_then(|identifier| identifier.info.id)
    });
    id.unwrap_or_else(|| payment.get().to_owned())
}
