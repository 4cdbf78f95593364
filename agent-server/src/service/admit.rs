//! What a message does: start a task, pay for one, or answer one.

use super::answers::busy;
use super::quoting::{is_quote_wanted, metered};
use super::request::{self, Asked};
use super::{Call, Sent, Service, refuse_violations};
use crate::gate::{Admitted, GateRefusal, Work};
use crate::store::Webhook;
use crate::tasks::{Draft, NewTask, Resume, Showing, Start};
use agent_core::a2a::{A2aError, Message, SendMessageRequest};
use agent_core::json::Json;
use agent_core::ledger::Reserved;
use agent_core::money::BaseUnits;
use agent_core::price::ResolvedPrice;
use agent_core::trace::TraceContext;
use agent_core::x402::keys;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

/// A message on its way in.
pub(super) struct Sending {
    /// Whose task it is about.
    pub(super) owner: String,
    pub(super) trace: Option<TraceContext>,
    pub(super) message: Message,
    /// The webhook that came with it.
    pub(super) webhook: Option<Webhook>,
    /// The media types that the caller takes.
    pub(super) accepts: Vec<String>,
    pub(super) showing: Showing,
    pub(super) permit: OwnedSemaphorePermit,
}

/// Work that is about to run.
pub(super) struct Running {
    pub(super) draft: Draft,
    pub(super) asked: Asked,
    pub(super) accepts: Vec<String>,
    pub(super) trace: Option<TraceContext>,
    pub(super) reserved: Option<Reserved>,
    pub(super) showing: Showing,
}

impl Service {
    pub(super) async fn send(
        &self,
        owner: String,
        call: &Call,
        mut request: SendMessageRequest,
        showing: Showing,
    ) -> Result<Sent, A2aError> {
        refuse_violations(request.validate())?;
        let webhook = self.inline_webhook(&mut request, call.version)?;
        let permit = self.0.engine.live.permit()?;
        let configuration = request.configuration.unwrap_or_default();
        let sending = Sending {
            owner,
            trace: call.trace.clone(),
            message: request.message,
            webhook,
            accepts: configuration.accepted_output_modes,
            showing,
            permit,
        };
        if sending.message.task_id.is_empty() {
            self.begin(sending).await
        } else {
            Box::pin(self.go_on(sending)).await
        }
    }

    /// A message that starts a task.
    async fn begin(&self, sending: Sending) -> Result<Sent, A2aError> {
        let Sending {
            owner,
            trace,
            message,
            webhook,
            accepts,
            showing,
            permit,
        } = sending;
        let mut asked = request::read(&self.0.skills, &message, &accepts)?;
        if is_quote_wanted(&message)? {
            return self.quote(&asked, &message);
        }
        let price = self.agree(&mut asked, &[&message])?;
        let running = |draft, asked, reserved| Running {
            draft,
            asked,
            accepts: accepts.clone(),
            trace: trace.clone(),
            reserved,
            showing,
        };
        // Ids that grow with time land side by side in the store; 74 random bits keep them secret.
        let new = NewTask {
            id: Uuid::now_v7().to_string(),
            context_id: match message.context_id.as_str() {
                "" => Uuid::now_v7().to_string(),
                given => given.to_owned(),
            },
            owner,
        };
        if price.is_zero() {
            let mut draft = Draft::begin(new, message, self.0.engine.clock.now_unix_millis());
            draft.webhooks.extend(webhook);
            return self.run(running(draft, asked, None), permit).await;
        }
        let payment = message.metadata.get(keys::PAYLOAD).cloned();
        let draft = || {
            let now = self.0.engine.clock.now_unix_millis();
            let mut draft = Draft::begin(new.clone(), message.clone(), now);
            draft.webhooks = Vec::from_iter(webhook.clone());
            draft
        };
        let Some(payment) = payment else {
            return self.ask_for_payment(draft(), asked, price, None, message);
        };
        match Box::pin(self.admit(&payment, &new, &asked, price)).await {
            Ok(Admitted::New(reserved)) => {
                self.run(running(draft(), asked, Some(reserved)), permit)
                    .await
            }
            Ok(Admitted::Same(id)) => self.answered(&new.owner, &id).await,
            Ok(Admitted::Busy(id)) => self.being_answered(&new.owner, &id, showing).await,
            Err(refusal) => self.ask_for_payment(draft(), asked, price, Some(refusal), message),
        }
    }

    /// A message for a task that exists: its payment, or the answer to its question.
    async fn go_on(&self, sending: Sending) -> Result<Sent, A2aError> {
        let id = sending.message.task_id.clone();
        let waiting = self.waiting(&sending.owner, &id);
        if let Some(payment) = sending.message.metadata.get(keys::PAYLOAD).cloned()
            && let Some(task) = waiting
        {
            return self.pay_waiting(task, sending, &payment).await;
        }
        let _turn = self.0.engine.turns.take(&id).await;
        if let Some(live) = self.live(&sending.owner, &id)? {
            return match sending.message.metadata.get(keys::PAYLOAD).cloned() {
                Some(payment) => self.top_up(live, sending, &payment).await,
                None => Err(busy()),
            };
        }
        match self.stored(&sending.owner, &id).await? {
            Some(stored) => self.answer_question(stored, sending).await,
            None => match self.waiting(&sending.owner, &id) {
                Some(task) => {
                    if let Some(webhook) = sending.webhook {
                        self.keep_waiting(&id, webhook)?;
                    }
                    Ok(Sent::Still(task.shown, 0))
                }
                None => Err(A2aError::task_not_found(&id)),
            },
        }
    }

    pub(super) async fn run(
        &self,
        running: Running,
        permit: OwnedSemaphorePermit,
    ) -> Result<Sent, A2aError> {
        let Running {
            draft,
            asked,
            accepts,
            trace,
            reserved,
            showing,
        } = running;
        let input =
            Json::from_text(&asked.input).map_err(|error| A2aError::internal(error.to_string()))?;
        let paid = reserved.is_some();
        let receipt = asked.receipt.filter(|_| paid);
        let resume = Resume {
            skill: asked.skill,
            input,
            answers: Vec::new(),
            accepts,
            paid,
            quote: asked.quote,
            metered: asked.metered.filter(|_| paid),
            receipt,
        };
        // What a webhook is told is read from what is stored, event by event.
        let showing = match showing {
            Showing::AtEnd if !draft.webhooks.is_empty() => Showing::WithFirstEvent,
            showing => showing,
        };
        // Only one who may answer without a task has nothing to show at once.
        let showing = match showing {
            Showing::WithFirstEvent if paid || !asked.answers_directly => Showing::AtOnce,
            showing => showing,
        };
        let start = Start {
            draft,
            resume,
            work: asked.work,
            reserved,
            showing,
            trace,
            permit,
        };
        Ok(Sent::Live(self.0.engine.start(start).await?))
    }

    pub(super) async fn admit(
        &self,
        payment: &Json,
        task: &NewTask,
        asked: &Asked,
        price: BaseUnits,
    ) -> Result<Admitted, GateRefusal> {
        let gate = self.gate().ok_or_else(|| {
            GateRefusal::new(
                "unsupported_scheme",
                "this agent is not set up to take payments",
            )
        })?;
        // What was agreed is part of what is paid for: the same payment under another quote is
        // another request. One JSON value followed by a label is no other value and label.
        let agreed = asked.quote.as_ref();
        let agreed = agreed.map(|label| format!("{}\n{label}", asked.input));
        let work = Work {
            task_id: &task.id,
            context_id: &task.context_id,
            skill: &asked.skill,
            owner: &task.owner,
            input: agreed.as_deref().unwrap_or(&asked.input),
            max: price,
        };
        gate.admit(payment, &work).await
    }

    /// What this request costs over plain HTTP, zero if it is free. How it is metered is noted in
    /// `asked`: there is nobody who could be asked for more.
    pub(super) fn price(&self, asked: &mut Asked) -> Result<BaseUnits, A2aError> {
        match asked.work.quote(None).resolve(&self.0.assets) {
            Ok(ResolvedPrice::Free) => Ok(BaseUnits::ZERO),
            Ok(ResolvedPrice::Paid {
                ceiling, charge, ..
            }) => {
                asked.metered = metered(&charge, ceiling, false);
                Ok(ceiling)
            }
            Err(error) => Err(A2aError::internal(format!("a skill's quote: {error}"))),
        }
    }
}
