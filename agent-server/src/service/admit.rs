//! What a message does to a task: start one, pay for one, answer one, or cancel one.

use super::request::{self, Asked};
use super::{Sent, Service, parse_task, refuse_violations};
use crate::gate::{Admitted, GateRefusal, Work};
use crate::limits::{QUESTIONS_PER_TASK_MAX, REPEAT_PAUSE, REPEAT_WAIT};
use crate::store::StoredTask;
use crate::tasks::{Draft, Ended, Resume, Start, WaitingTask, store_failed};
use agent_core::a2a::{A2aError, ErrorCode, Message, SendMessageRequest, TaskState};
use agent_core::json::{Json, Metadata};
use agent_core::ledger::{Reserved, Unparked};
use agent_core::money::BaseUnits;
use agent_core::price::ResolvedPrice;
use agent_core::skill::AcceptedInput;
use agent_core::x402::{PAYMENT_IDENTIFIER, PaymentIdentifier, keys};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

impl Service {
    pub(super) async fn send(
        &self,
        request: SendMessageRequest,
        public: bool,
    ) -> Result<Sent, A2aError> {
        refuse_violations(request.validate())?;
        let permit = self.0.engine.live.permit()?;
        let message = request.message;
        if message.task_id.is_empty() {
            self.begin(message, public, permit).await
        } else {
            self.go_on(message, public, permit).await
        }
    }

    /// A message that starts a task.
    async fn begin(
        &self,
        message: Message,
        public: bool,
        permit: OwnedSemaphorePermit,
    ) -> Result<Sent, A2aError> {
        let asked = request::read(&self.0.skills, &message)?;
        // Ids that grow with time land side by side in the store; 74 random bits keep them secret.
        let task_id = Uuid::now_v7().to_string();
        let context_id = match message.context_id.as_str() {
            "" => Uuid::now_v7().to_string(),
            given => given.to_owned(),
        };
        let price = self.price(asked.work.as_ref())?;
        let payment = message.metadata.get(keys::PAYLOAD).cloned();
        let draft = || {
            let now = self.0.engine.clock.now_unix_millis();
            Draft::begin(task_id.clone(), context_id.clone(), message.clone(), now)
        };
        if price.is_zero() {
            return self.run(draft(), asked, None, public, permit).await;
        }
        let Some(payment) = payment else {
            return self.ask_for_payment(draft(), asked, price, None, message);
        };
        match self
            .admit(&payment, &task_id, &context_id, &asked, price)
            .await
        {
            Ok(Admitted::New(reserved)) => {
                self.run(draft(), asked, Some(reserved), public, permit)
                    .await
            }
            Ok(Admitted::Same(id)) => self.answered(&id).await,
            Ok(Admitted::Busy(id)) => self.being_answered(&id, public).await,
            Err(refusal) => self.ask_for_payment(draft(), asked, price, Some(refusal), message),
        }
    }

    /// A message for a task that exists: its payment, or the answer to its question.
    async fn go_on(
        &self,
        message: Message,
        public: bool,
        permit: OwnedSemaphorePermit,
    ) -> Result<Sent, A2aError> {
        let id = message.task_id.clone();
        if let Some(payment) = message.metadata.get(keys::PAYLOAD).cloned()
            && let Some(task) = self.0.waiting.get(&id)
        {
            return self
                .pay_waiting(&id, task, message, &payment, public, permit)
                .await;
        }
        if self.0.engine.live.get(&id).is_some() {
            return Err(busy());
        }
        let stored = self
            .0
            .engine
            .store
            .get(id.clone())
            .await
            .map_err(|e| store_failed(&e))?;
        match stored {
            Some(stored) => self.answer_question(stored, message, public, permit).await,
            None => match self.0.waiting.get(&id) {
                Some(task) => Ok(Sent::Still(task.shown)),
                None => Err(A2aError::task_not_found(&id)),
            },
        }
    }

    async fn pay_waiting(
        &self,
        id: &str,
        task: WaitingTask,
        message: Message,
        payment: &Json,
        public: bool,
        permit: OwnedSemaphorePermit,
    ) -> Result<Sent, A2aError> {
        self.same_context(&message, &task.context_id)?;
        let skill = self.0.skills.get(&task.skill).ok_or(ErrorCode::Internal)?;
        let asked = request::accept(skill, task.input)?;
        let price = self.price(asked.work.as_ref())?;
        let payer = payment_id(payment);
        if !self.0.waiting.take(id, &payer) {
            return Err(A2aError::unsupported_operation(
                "another payment for this task is being taken or was taken",
            )
            .with_detail("task_already_paid"));
        }
        let admitted = self
            .admit(payment, id, &task.context_id, &asked, price)
            .await;
        match &admitted {
            Ok(_) => self.0.waiting.paid(id, &payer),
            Err(_) => self.0.waiting.give_back(id, &payer),
        }
        let draft = || {
            let now = self.0.engine.clock.now_unix_millis();
            Draft::begin(
                id.to_owned(),
                task.context_id.clone(),
                task.message.clone(),
                now,
            )
        };
        match admitted {
            Ok(Admitted::New(reserved)) => {
                let mut draft = draft();
                draft.hear(message);
                self.run(draft, asked, Some(reserved), public, permit).await
            }
            Ok(Admitted::Same(id)) => self.answered(&id).await,
            Ok(Admitted::Busy(id)) => self.being_answered(&id, public).await,
            Err(refusal) => {
                tell_log(&refusal)?;
                self.priced(draft(), &asked.skill, price, Some(&refusal))
                    .map(Sent::Still)
            }
        }
    }

    /// Runs a parked skill again with one more answer.
    async fn answer_question(
        &self,
        stored: StoredTask,
        message: Message,
        public: bool,
        permit: OwnedSemaphorePermit,
    ) -> Result<Sent, A2aError> {
        self.same_context(&message, &stored.context_id)?;
        let task = parse_task(&stored.task)?;
        if task.status.state.is_terminal() {
            return Err(A2aError::unsupported_operation(
                "the task has ended; send a new message with referenceTaskIds",
            ));
        }
        let resume = stored.resume.as_ref().ok_or_else(busy)?;
        let mut resume: Resume = resume
            .parse()
            .map_err(|error| A2aError::internal(format!("a parked task: {error}")))?;
        if resume.answers.len() >= QUESTIONS_PER_TASK_MAX {
            return Err(A2aError::unsupported_operation(
                "this task has had too many answers",
            ));
        }
        let skill = self.0.skills.get(&resume.skill).ok_or_else(|| {
            A2aError::unsupported_operation("this agent does not sell the task's skill any more")
        })?;
        let asked = request::accept(skill, resume.input.get().to_owned())?;
        let answer = answer_in(&message)?;
        let reserved = match (resume.paid, self.gate()) {
            (false, _) => None,
            (true, None) => {
                return Err(A2aError::internal(
                    "a paid task is parked, and payment is not set up",
                ));
            }
            (true, Some(gate)) => {
                let now = self.0.engine.clock.now_unix_millis();
                let held = gate.ledger().unpark(task.id.clone(), now).await;
                match held.map_err(|error| store_failed(&error))? {
                    Unparked::Held(reserved) => Some(reserved),
                    Unparked::Expired(reserved) => {
                        return self
                            .0
                            .engine
                            .expire(task, stored.seq, reserved)
                            .await
                            .map(Sent::Still);
                    }
                    Unparked::NotParked => return Err(busy()),
                }
            }
        };
        resume.answers.push(answer);
        let now = self.0.engine.clock.now_unix_millis();
        let draft = Draft::go_on(task, stored.seq, message, now);
        let start = Start {
            draft,
            resume,
            work: asked.work,
            reserved,
            public,
            permit,
        };
        Ok(Sent::Live(self.0.engine.start(start).await?))
    }

    async fn run(
        &self,
        draft: Draft,
        asked: Asked,
        reserved: Option<Reserved>,
        public: bool,
        permit: OwnedSemaphorePermit,
    ) -> Result<Sent, A2aError> {
        let input =
            Json::from_text(&asked.input).map_err(|error| A2aError::internal(error.to_string()))?;
        let paid = reserved.is_some();
        let resume = Resume {
            skill: asked.skill,
            input,
            answers: Vec::new(),
            paid,
        };
        let start = Start {
            draft,
            resume,
            work: asked.work,
            reserved,
            public,
            permit,
        };
        Ok(Sent::Live(self.0.engine.start(start).await?))
    }

    async fn admit(
        &self,
        payment: &Json,
        task_id: &str,
        context_id: &str,
        asked: &Asked,
        price: BaseUnits,
    ) -> Result<Admitted, GateRefusal> {
        let gate = self.gate().ok_or_else(|| {
            GateRefusal::new(
                "unsupported_scheme",
                "this agent is not set up to take payments",
            )
        })?;
        let (skill, input) = (asked.skill.as_str(), asked.input.as_str());
        let work = Work {
            task_id,
            context_id,
            skill,
            input,
            max: price,
        };
        gate.admit(payment, &work).await
    }

    /// What this request costs, zero if it is free.
    fn price(&self, work: &dyn AcceptedInput) -> Result<BaseUnits, A2aError> {
        match work.quote(None).resolve(&self.0.assets) {
            Ok(ResolvedPrice::Free) => Ok(BaseUnits::ZERO),
            Ok(ResolvedPrice::Paid { ceiling, .. }) => Ok(ceiling),
            Err(error) => Err(A2aError::internal(format!("a skill's quote: {error}"))),
        }
    }

    /// The 402 over A2A: the task waits for its payment, in memory.
    fn ask_for_payment(
        &self,
        draft: Draft,
        asked: Asked,
        price: BaseUnits,
        refusal: Option<GateRefusal>,
        message: Message,
    ) -> Result<Sent, A2aError> {
        refusal.as_ref().map_or(Ok(()), tell_log)?;
        let (id, context_id) = (draft.task.id.clone(), draft.task.context_id.clone());
        let shown = self.priced(draft, &asked.skill, price, refusal.as_ref())?;
        let Asked { skill, input, .. } = asked;
        let task = WaitingTask {
            shown: shown.clone(),
            context_id,
            skill,
            input,
            message,
        };
        self.0.waiting.insert(id, task);
        Ok(Sent::Still(shown))
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

    /// The stored task of a payment that was resolved before.
    async fn answered(&self, id: &str) -> Result<Sent, A2aError> {
        let stored = self
            .0
            .engine
            .store
            .get(id.to_owned())
            .await
            .map_err(|e| store_failed(&e))?;
        let stored = stored.ok_or_else(|| A2aError::internal("a resolved payment has no task"))?;
        Ok(Sent::Still(stored.task))
    }

    /// The task of a payment that is being worked on, or waits for its caller.
    async fn being_answered(&self, id: &str, public: bool) -> Result<Sent, A2aError> {
        let started = tokio::time::Instant::now();
        // The first request may be between its reservation and its task.
        while started.elapsed() < REPEAT_WAIT {
            if let Some(live) = self.0.engine.live.get(id) {
                // The id of a task that was started for one who waits is not in the store yet, so
                // it is not given away before the end.
                if public && !live.is_public() {
                    return match live.ended().await {
                        Ended::Stored(task) => Ok(Sent::Still(task)),
                        Ended::Lost(error) => Err(error),
                    };
                }
                return Ok(Sent::Live(live));
            }
            let stored = self.0.engine.store.get(id.to_owned()).await;
            if let Some(stored) = stored.map_err(|error| store_failed(&error))? {
                return Ok(Sent::Still(stored.task));
            }
            tokio::time::sleep(REPEAT_PAUSE).await;
        }
        Err(A2aError::new(
            ErrorCode::Unavailable,
            "this request is being worked on; ask again",
        )
        .with_detail("task_is_working"))
    }

    /// Cancels a task that waits for its payment; `None` if there is none, or a payment has it.
    pub(super) fn cancel_waiting(&self, id: &str) -> Result<Option<Json>, A2aError> {
        let Some(task) = self.0.waiting.remove_open(id) else {
            return Ok(None);
        };
        let now = self.0.engine.clock.now_unix_millis();
        let mut draft = Draft::begin(id.to_owned(), task.context_id, task.message, now);
        draft.set_status(
            TaskState::Canceled,
            Some(("canceled".to_owned(), Metadata::new())),
            now,
        );
        let task = Json::from_value(&draft.task);
        task.map(Some)
            .map_err(|error| A2aError::internal(error.to_string()))
    }

    pub(super) async fn cancel_stored(&self, id: &str) -> Result<Json, A2aError> {
        let engine = &self.0.engine;
        let stored = engine
            .store
            .get(id.to_owned())
            .await
            .map_err(|e| store_failed(&e))?;
        let stored = stored.ok_or_else(|| A2aError::task_not_found(id))?;
        let task = parse_task(&stored.task)?;
        if task.status.state.is_terminal() || stored.resume.is_none() {
            return Err(A2aError::task_not_cancelable(id));
        }
        engine.cancel_parked(task, stored.seq).await
    }

    fn same_context(&self, message: &Message, context_id: &str) -> Result<(), A2aError> {
        if message.context_id.is_empty() || message.context_id == context_id {
            return Ok(());
        }
        Err(A2aError::invalid_field(
            "message.contextId",
            "is not the context of the task",
        ))
    }
}

/// A refusal that is our own fault goes to the log, and to the peer as an error and not as a price.
fn tell_log(refusal: &GateRefusal) -> Result<(), A2aError> {
    let Some(log) = &refusal.log else {
        return Ok(());
    };
    Err(
        A2aError::new(ErrorCode::Unavailable, refusal.message.clone())
            .with_detail(refusal.code)
            .with_log(log.clone()),
    )
}

fn busy() -> A2aError {
    A2aError::unsupported_operation("this task is working; wait for it to ask or to end")
        .with_detail("task_is_working")
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

/// The answer in a message: its data, or its text.
fn answer_in(message: &Message) -> Result<Json, A2aError> {
    match message.data() {
        Some(data) => Ok(data.clone()),
        None => {
            Json::from_value(&message.text()).map_err(|error| A2aError::internal(error.to_string()))
        }
    }
}
