//! Work that is paid for while it goes on.
//!
//! ```text
//! pay the card's ceiling ─▶ stream ─▶ piece, piece, … ─▶ asks for more ─▶ pay as much again ─▶ …
//!                                                             │
//!                                  above `at_most`, or dearer ▼ than the card: cancel
//! ```
//!
//! The seller charges in slices before it delivers, so what is at stake is one slice. What was
//! signed beyond what it charged is free again once the task has ended and its receipt is in.

use agent_core::a2a::{
    Artifact, CancelTaskRequest, GetTaskRequest, SendMessageConfiguration, SendMessageRequest,
    SendMessageResponse, StreamResponse, Task, TaskState, TaskStatus,
};
use agent_core::json::Json;
use agent_core::ledger::PaymentId;
use agent_core::money::{BaseUnits, Money};
use agent_core::untrusted::Untrusted;
use agent_core::voucher::ChannelId;
use agent_core::x402::{MeterNote, PaymentRequired, SettleResponse, Z402Receipt};
use serde::Serialize;

use super::AskError;
use super::ask::Ask;
use super::bill::Bill;
use super::reading::{Reading, code};
use super::refused::Tries;
use super::seller::Seller;
use crate::call::{CallError, EventStream};
use crate::wallet::{Payment, ReceiptError};

/// What a metered task gives, piece by piece.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Piece {
    /// A piece of output.
    Part {
        /// The piece.
        artifact: Artifact,
        /// Whether it continues the artifact of the same id.
        append: bool,
        /// Whether the artifact is complete with it.
        last: bool,
    },
    /// All output so far; it takes the place of what came before. Only from sellers that do not
    /// number their events, after the connection was lost.
    Restated(Vec<Artifact>),
    /// A sentence on how it is going.
    Progress(Untrusted),
}

/// How a metered task ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Metered {
    /// The task as it ended.
    pub task: Task,
    /// What was charged for it in all, in base units; the sum of `payments`.
    pub charged: BaseUnits,
    /// The payments that it took, oldest first, and what of each was charged.
    pub payments: Vec<(PaymentId, BaseUnits)>,
}

/// A metered task at work: read its pieces, stop it any time.
///
/// More is paid by itself whenever the seller asks for it, up to what was allowed. One that is
/// dropped before its end leaves the task running until its money is used up, and its payments
/// counted at their maximum: call [`cancel`](Self::cancel) instead.
#[derive(Debug)]
pub struct MeteredStream {
    seller: Seller,
    skill: String,
    input: Json,
    at_most: BaseUnits,
    /// What is paid each time, and under which terms.
    bill: Option<Bill>,
    events: EventStream,
    /// Read before the stream was given out.
    first: Option<StreamResponse>,
    task_id: String,
    context_id: String,
    parts: Vec<Part>,
    /// Keeps the payee's slot.
    live: Option<Payment>,
    ended: Option<Metered>,
}

/// One payment for the task.
#[derive(Clone, Debug)]
struct Part {
    id: PaymentId,
    max: BaseUnits,
    channel_id: ChannelId,
}

impl Part {
    fn of(payment: &Payment) -> Self {
        Self {
            id: payment.id.clone(),
            max: payment.max,
            channel_id: payment.channel_id,
        }
    }
}

impl Seller {
    /// Starts metered work and pays for it while it goes on, `at_most` so much in all. Each payment
    /// is at most the card's ceiling, and a unit costs at most what the card says.
    ///
    /// # Errors
    /// [`AskError`], as for [`ask_in_full`](Self::ask_in_full).
    pub async fn ask_stream<In>(
        &self,
        skill: &str,
        input: &In,
        at_most: &Money,
    ) -> Result<MeteredStream, AskError>
    where
        In: Serialize + ?Sized,
    {
        if self.remote().card().skill(skill).is_none() {
            return Err(AskError::UnknownSkill(skill.to_owned()));
        }
        let input = Json::from_value(input).map_err(AskError::Input)?;
        let (_, at_most) = self
            .buyer()
            .assets()
            .resolve(at_most)
            .map_err(|e| AskError::Wallet(e.into()))?;
        Box::pin(MeteredStream::open(self, skill, input, at_most)).await
    }
}

impl MeteredStream {
    async fn open(
        seller: &Seller,
        skill: &str,
        input: Json,
        at_most: BaseUnits,
    ) -> Result<Self, AskError> {
        let ask = Ask {
            seller,
            skill,
            input: input.clone(),
            at_most: Some(at_most),
            accepted: None,
        };
        let card = seller.remote().shared_terms();
        let mut bill = Bill::of_card(card, skill, Some(at_most))?;
        let (mut task_id, mut context_id) = (String::new(), String::new());
        let mut tries = Tries::default();
        loop {
            let paying = match bill.take() {
                Some(bill) => {
                    tries.payments = tries.payments.saturating_add(1);
                    let payment = ask.pay(&bill).await?;
                    Some((bill, payment))
                }
                None => None,
            };
            let message = ask.message(&task_id, &context_id, paying.as_ref())?;
            let request = SendMessageRequest::new(message);
            let sent = seller.remote().send_streaming(request).await;
            let begun = match sent {
                Ok(mut events) => events.next().await.map(|first| (events, first)),
                Err(error) => Err(error),
            };
            let (events, first) = match begun {
                Ok((events, Some(first))) => (events.through_questions(), first),
                Ok((_, None)) => {
                    let error = CallError::malformed("a stream without an event");
                    return Err(ask.failed(error, false, paying.as_ref()).await);
                }
                Err(error) => {
                    let refused = super::exchange::is_refusal(&error);
                    return Err(ask.failed(error, refused, paying.as_ref()).await);
                }
            };
            let task = match &first {
                StreamResponse::Task(task) => task,
                _ => {
                    let error = CallError::malformed("a stream that does not begin with a task");
                    return Err(ask.failed(error, false, paying.as_ref()).await);
                }
            };
            let reading = Reading(task);
            let asked = (task.status.state == TaskState::InputRequired
                && reading.meter().is_none())
            .then(|| reading.required())
            .flatten();
            if let Some(required) = asked {
                let turn = ask
                    .asked_to_pay(task, &required, paying, &mut tries)
                    .await?;
                (bill, task_id, context_id) = (turn.bill, turn.task_id, turn.context_id);
                continue;
            }
            let (bill, live) = paying.unzip();
            return Ok(Self {
                seller: seller.clone(),
                skill: skill.to_owned(),
                at_most,
                bill,
                events,
                task_id: task.id.clone(),
                context_id: task.context_id.clone(),
                first: Some(first),
                parts: live.iter().map(Part::of).collect(),
                live,
                ended: None,
                input,
            });
        }
    }

    /// The next piece, or `None` once the task has completed; [`ended`](Self::ended) then says what
    /// it cost. More is paid on the way when the seller asks for it.
    ///
    /// # Errors
    /// [`AskError::Ended`] when the task ended otherwise, with what was charged.
    /// [`AskError::Dearer`] when the seller asks for more than is allowed or than its card says, and
    /// whatever keeps a payment from being made: the task is cancelled then. [`AskError::Lost`] when
    /// the connection is gone for good.
    pub async fn next(&mut self) -> Result<Option<Piece>, AskError> {
        while self.ended.is_none() {
            let event = match self.first.take() {
                Some(first) => Some(first),
                None => match self.events.next().await {
                    Ok(event) => event,
                    Err(error) => return Err(self.lost(error).await),
                },
            };
            match event {
                None => {
                    let task = self.look().await?;
                    self.status(&task).await?;
                    if self.ended.is_none() {
                        return Err(self.lost(CallError::Cut).await);
                    }
                }
                Some(StreamResponse::ArtifactUpdate(update)) => {
                    return Ok(Some(Piece::Part {
                        artifact: update.artifact,
                        append: update.append,
                        last: update.last_chunk,
                    }));
                }
                Some(StreamResponse::StatusUpdate(update)) => {
                    if let Some(said) = self.heard(update.status).await? {
                        return Ok(Some(Piece::Progress(said)));
                    }
                }
                Some(StreamResponse::Task(task)) => {
                    self.status(&task).await?;
                    if !task.artifacts.is_empty() {
                        return Ok(Some(Piece::Restated(task.artifacts)));
                    }
                }
                Some(_) => {
                    let error = CallError::malformed("a message in the middle of a task");
                    return Err(self.lost(error).await);
                }
            }
        }
        Ok(None)
    }

    /// What the task cost, once it has ended.
    #[must_use]
    pub const fn ended(&self) -> Option<&Metered> {
        self.ended.as_ref()
    }

    /// The task.
    #[must_use]
    pub fn task_id(&self) -> &str {
        &self.task_id
    }

    /// What was signed for the task so far, in base units; at most so much is charged.
    #[must_use]
    pub fn signed(&self) -> BaseUnits {
        // Each was counted under `at_most` before it was made.
        let total = BaseUnits::total(self.parts.iter().map(|part| part.max));
        total.unwrap_or(self.at_most)
    }

    /// Stops the work. What was charged until then stays charged, the rest is free again.
    ///
    /// # Errors
    /// [`AskError`]; the payments stay counted at their maximum where it does not say otherwise.
    pub async fn cancel(mut self) -> Result<Metered, AskError> {
        if let Some(ended) = self.ended.take() {
            return Ok(ended);
        }
        self.stop().await
    }

    async fn stop(&mut self) -> Result<Metered, AskError> {
        let request = CancelTaskRequest {
            id: self.task_id.clone(),
            ..CancelTaskRequest::default()
        };
        let task = match self.seller.remote().cancel_task(request).await {
            Ok(task) => task,
            // It may have ended by itself, or the answer was lost.
            Err(_) => self.look().await?,
        };
        self.settle(&task).await
    }

    async fn look(&mut self) -> Result<Task, AskError> {
        let request = GetTaskRequest {
            id: self.task_id.clone(),
            ..GetTaskRequest::default()
        };
        match self.seller.remote().get_task(request).await {
            Ok(task) => Ok(task),
            Err(error) => Err(self.lost(error).await),
        }
    }

    /// What a status means; the words of one that means nothing for the money.
    async fn heard(&mut self, status: TaskStatus) -> Result<Option<Untrusted>, AskError> {
        let task = Task {
            id: self.task_id.clone(),
            context_id: self.context_id.clone(),
            status,
            ..Task::default()
        };
        self.status(&task).await?;
        let said = Reading(&task).words();
        let progress = task.status.state == TaskState::Working && !said.as_received().is_empty();
        Ok(progress.then_some(said))
    }

    async fn status(&mut self, task: &Task) -> Result<(), AskError> {
        let reading = Reading(task);
        match (task.status.state, reading.required(), reading.meter()) {
            (TaskState::Completed, ..) => {
                let ended = self.settle(task).await?;
                self.ended = Some(ended);
                Ok(())
            }
            (state, ..) if state.is_terminal() => Err(self.ended_as(task).await?),
            (TaskState::InputRequired, Some(required), Some(note)) => {
                match Box::pin(self.pay_more(&required, &note)).await {
                    Ok(()) => Ok(()),
                    Err(error) => {
                        // Whatever it was, nothing more is wanted.
                        self.ended = Some(self.stop().await?);
                        Err(error)
                    }
                }
            }
            (TaskState::InputRequired | TaskState::AuthRequired, ..) => {
                self.ended = Some(self.stop().await?);
                Err(AskError::Unpayable("it asks something back while it works"))
            }
            _ => Ok(()),
        }
    }

    async fn ended_as(&mut self, task: &Task) -> Result<AskError, AskError> {
        let ended = self.settle(task).await?;
        let charged = ended.charged;
        self.ended = Some(ended);
        let reading = Reading(task);
        Ok(AskError::Ended {
            state: task.status.state,
            reason: reading.error().map(Untrusted::new),
            message: reading.words(),
            task_id: Untrusted::new(task.id.clone()),
            charged,
        })
    }

    /// Pays as much again as at the start, if the seller keeps to its card.
    async fn pay_more(
        &mut self,
        required: &PaymentRequired,
        note: &MeterNote,
    ) -> Result<(), AskError> {
        let Some(bill) = self.bill.clone() else {
            return Err(AskError::Unpayable("it asks for money for what was free"));
        };
        let signed = self.signed();
        hold_to_card(&bill, &self.skill, signed, note)?;
        let assets = self.seller.buyer().assets();
        let card = self.seller.remote().shared_terms();
        let more = Bill::of_answer(required, card, &self.skill, Some(bill.max), assets)?;
        let total = signed.plus(more.max).map_err(|_| {
            let (asked, allowed) = (more.max, self.at_most);
            AskError::Dearer { asked, allowed }
        })?;
        if total > self.at_most {
            let (asked, allowed) = (total, self.at_most);
            return Err(AskError::Dearer { asked, allowed });
        }
        // The slot goes back first: one task needs no second.
        self.live = None;
        let seller = self.seller.clone();
        let ask = Ask {
            seller: &seller,
            skill: &self.skill,
            input: self.input.clone(),
            at_most: Some(self.at_most),
            accepted: None,
        };
        let payment = ask.pay(&more).await?;
        let wallet = seller.buyer().wallet();
        let same = self.parts.first().map(|part| part.channel_id);
        if same.is_some_and(|channel_id| channel_id != payment.channel_id) {
            wallet.void(&payment.id).await?;
            return Err(AskError::Unpayable(
                "what its lock holds is used up, and it goes on with no other",
            ));
        }
        let paying = (more, payment);
        let message = ask.message(&self.task_id, &self.context_id, Some(&paying))?;
        let mut request = SendMessageRequest::new(message);
        request.configuration = Some(SendMessageConfiguration {
            return_immediately: true,
            ..SendMessageConfiguration::default()
        });
        let sent = seller.remote().send(request).await;
        let (_, payment) = paying;
        let part = Part::of(&payment);
        match sent {
            Err(error) if error.is_unsent() => {
                wallet.void(&part.id).await?;
                Err(AskError::Call(error))
            }
            // It may have been taken; how the task ends tells.
            Err(error) => {
                self.parts.push(part);
                Err(AskError::Call(error))
            }
            Ok(SendMessageResponse::Task(task)) if Reading(&task).error().is_some() => {
                let reading = Reading(&task);
                if !task.status.state.is_terminal() {
                    wallet.refused(&part.id).await?;
                    let (code, message) = (code(reading.error()), reading.words());
                    return Err(AskError::PaymentRefused { code, message });
                }
                self.parts.push(part);
                Ok(())
            }
            Ok(_) => {
                self.parts.push(part);
                self.live = Some(payment);
                Ok(())
            }
        }
    }

    /// Takes the receipt of a task that ended. It names the first payment and the charge for all of
    /// them; they are used up in the order in which they were made.
    async fn settle(&mut self, task: &Task) -> Result<Metered, AskError> {
        let wallet = self.seller.buyer().wallet();
        let mut ended = Metered {
            task: task.clone(),
            charged: BaseUnits::ZERO,
            payments: Vec::new(),
        };
        let Some(first) = self.parts.first() else {
            return Ok(ended);
        };
        let receipt = Reading(task).receipt(&first.id);
        let said = receipt.as_ref().map(|it| it.extra.parse::<Z402Receipt>());
        let (Some(receipt), Some(Ok(said))) = (receipt, said) else {
            for part in &self.parts {
                wallet.mark_unknown(&part.id).await?;
            }
            let task = Box::new(task.clone());
            return Err(AskError::NoReceipt { task });
        };
        let last = self.parts.len().saturating_sub(1);
        let mut left = said.charged_amount;
        for (number, part) in self.parts.iter().enumerate() {
            // What is too much is left to the last, so that the wallet sees it.
            let charged = if number == last {
                left
            } else {
                left.min(part.max)
            };
            left = left.minus(charged).unwrap_or(BaseUnits::ZERO);
            let name = match number {
                // As it came: a receipt for another payment is not one for ours.
                0 => &said.payment_id,
                _ => part.id.as_str(),
            };
            let share = share(&receipt, &said, name, charged).map_err(AskError::Input)?;
            match wallet.confirm(&part.id, &share).await {
                Ok(confirmed) => ended.payments.push((part.id.clone(), confirmed.charged)),
                Err(ReceiptError::Wallet(error)) => return Err(error.into()),
                Err(error) => {
                    let task = Box::new(task.clone());
                    return Err(AskError::Receipt { error, task });
                }
            }
        }
        ended.charged = said.charged_amount;
        self.live = None;
        Ok(ended)
    }

    /// The connection is gone for good: nobody knows what becomes of the payments.
    async fn lost(&mut self, error: CallError) -> AskError {
        let wallet = self.seller.buyer().wallet();
        for part in &self.parts {
            if let Err(error) = wallet.mark_unknown(&part.id).await {
                return error.into();
            }
        }
        match self.parts.first() {
            Some(part) => AskError::Lost {
                payment_id: part.id.clone(),
                error,
            },
            None => AskError::Call(error),
        }
    }
}

/// Holds what a seller says of its meter against its card and against what was signed.
fn hold_to_card(
    bill: &Bill,
    skill: &str,
    signed: BaseUnits,
    note: &MeterNote,
) -> Result<(), AskError> {
    let card = bill.terms.skills.get(skill);
    let each = card.and_then(|skill| skill.unit_amount);
    let allowed = each.ok_or(AskError::Unpayable("its card has no price per unit"))?;
    if note.unit_amount > allowed {
        let asked = note.unit_amount;
        return Err(AskError::Dearer { asked, allowed });
    }
    let counted = allowed.times(note.units);
    if counted.is_ok_and(|counted| note.charged_amount > counted) || note.charged_amount > signed {
        return Err(AskError::Unpayable("its meter does not add up"));
    }
    Ok(())
}

/// The part of a receipt that is about one payment.
fn share(
    receipt: &SettleResponse,
    said: &Z402Receipt,
    name: &str,
    charged: BaseUnits,
) -> Result<SettleResponse, serde_json::Error> {
    let extra = Z402Receipt {
        payment_id: name.to_owned(),
        charged_amount: charged,
        ..said.clone()
    };
    Ok(SettleResponse {
        // What was delivered was paid for, however the task ended.
        success: !charged.is_zero(),
        extra: Json::from_value(&extra)?,
        ..receipt.clone()
    })
}
