//! One question from beginning to end: pay, send, read the answer, settle the account.
//!
//! ```text
//! price in the card ─▶ wallet signs ─▶ message with payment ─▶ task
//!                          ▲                                     │
//!                          └── asks for payment, lost count, ◀───┤
//!                              interrupted: a few times          ▼
//!                                     receipt checked ─▶ answer or error
//! ```
//!
//! Whatever happens, the wallet is told what became of a payment: charged or not by its receipt,
//! void when the seller said that it did not take it, unknown when nobody can say.

use agent_core::a2a::{
    ErrorCode, Message, Part, SendMessageRequest, SendMessageResponse, Task, TaskState,
};
use agent_core::json::Json;
use agent_core::money::BaseUnits;
use agent_core::untrusted::Untrusted;
use agent_core::x402::{EXTENSION_URI, PaymentRequired, PaymentStatus, keys};

use super::answer::{Paid, Question};
use super::bill::Bill;
use super::reading::{Reading, as_task, code, correction};
use super::seller::Seller;
use super::{AskError, limits};
use crate::call::CallError;
use crate::wallet::{PayRequest, Payment, ReceiptError};

/// What is asked of one seller.
pub(super) struct Ask<'a> {
    pub(super) seller: &'a Seller,
    pub(super) skill: &'a str,
    pub(super) input: Json,
    pub(super) at_most: Option<BaseUnits>,
}

/// A task that completed, and what was paid for it.
pub(super) struct Done {
    pub(super) task: Task,
    pub(super) paid: Option<Paid>,
}

/// The next message to send.
struct Turn {
    bill: Option<Bill>,
    task_id: String,
    context_id: String,
}

enum Conclusion {
    Done(Done),
    Again(Turn),
}

/// What has been tried already.
#[derive(Default)]
struct Tries {
    corrected: bool,
    interrupted: bool,
    reused: bool,
    later: u32,
    payments: u32,
}

impl Ask<'_> {
    pub(super) async fn run(&self) -> Result<Done, AskError> {
        let card = self.seller.remote().terms();
        let bill = Bill::of_card(card, self.skill, self.at_most)?;
        let mut turn = Turn {
            bill,
            task_id: String::new(),
            context_id: String::new(),
        };
        let mut tries = Tries::default();
        loop {
            let paying = match turn.bill {
                Some(bill) => {
                    tries.payments = tries.payments.saturating_add(1);
                    let payment = self.pay(&bill).await?;
                    Some((bill, payment))
                }
                None => None,
            };
            let message = self.message(&turn.task_id, &turn.context_id, paying.as_ref())?;
            let task = self.exchange(message, paying.as_ref()).await?;
            match self.conclude(task, paying, &mut tries).await? {
                Conclusion::Done(done) => return Ok(done),
                Conclusion::Again(next) => turn = next,
            }
        }
    }

    /// Answers a question of the seller's and goes on with its task.
    pub(super) async fn reply(&self, question: Question) -> Result<Done, AskError> {
        let Question { task, held, .. } = question;
        let message = self.message(&task.id, &task.context_id, None)?;
        let task = self.exchange(message, held.as_ref()).await?;
        // The payment for this task is made; a seller that asks for another one is not followed.
        let mut tries = Tries {
            payments: limits::PAYMENTS_PER_ASK_MAX,
            ..Tries::default()
        };
        match self.conclude(task, held, &mut tries).await? {
            Conclusion::Done(done) => Ok(done),
            Conclusion::Again(_) => Err(AskError::Unpayable("it asks for another payment")),
        }
    }

    async fn pay(&self, bill: &Bill) -> Result<Payment, AskError> {
        self.seller.check_payee(&bill.terms).await?;
        let request = PayRequest {
            terms: &bill.terms,
            skill: self.skill,
            max: bill.max,
            offered: bill.allowed,
            resource: self.seller.remote().endpoint().as_str(),
        };
        Ok(self.seller.buyer().wallet().pay(request).await?)
    }

    fn message(
        &self,
        task_id: &str,
        context_id: &str,
        paying: Option<&(Bill, Payment)>,
    ) -> Result<Message, AskError> {
        let mut message = Message::user(Part::data(self.input.clone()))
            .for_task(task_id)
            .in_context(context_id);
        message.extensions.push(EXTENSION_URI.to_owned());
        let metadata = &mut message.metadata;
        metadata
            .set(keys::SKILL, self.skill)
            .map_err(AskError::Input)?;
        if let Some((_, payment)) = paying {
            metadata
                .set(keys::STATUS, &PaymentStatus::PaymentSubmitted)
                .map_err(AskError::Input)?;
            metadata
                .set(keys::PAYLOAD, &payment.payload)
                .map_err(AskError::Input)?;
        }
        Ok(message)
    }

    /// Sends one message and waits for what its task comes to. The repeats of a lost answer happen
    /// below, with the same bytes.
    async fn exchange(
        &self,
        message: Message,
        paying: Option<&(Bill, Payment)>,
    ) -> Result<Task, AskError> {
        let remote = self.seller.remote();
        let sent = match remote.send(SendMessageRequest::new(message)).await {
            Ok(SendMessageResponse::Message(message)) => return Ok(as_task(message)),
            Ok(SendMessageResponse::Task(task)) => {
                // An error while we only wait says nothing about the work.
                remote
                    .settle(task, remote.answer_wait())
                    .await
                    .map_err(|error| (error, false))
            }
            Err(error) => {
                let not_taken = is_refusal(&error);
                Err((error, not_taken))
            }
        };
        let (error, not_taken) = match sent {
            Ok(task) => return Ok(task),
            Err(failure) => failure,
        };
        let Some((_, payment)) = paying else {
            return Err(AskError::Call(error));
        };
        let wallet = self.seller.buyer().wallet();
        if not_taken {
            wallet.void(&payment.id).await?;
            return Err(AskError::Call(error));
        }
        wallet.mark_unknown(&payment.id).await?;
        Err(AskError::Lost {
            payment_id: payment.id.clone(),
            error,
        })
    }

    async fn conclude(
        &self,
        task: Task,
        paying: Option<(Bill, Payment)>,
        tries: &mut Tries,
    ) -> Result<Conclusion, AskError> {
        let reading = Reading(&task);
        match (task.status.state, reading.required()) {
            (TaskState::Completed, _) => {
                let paid = match &paying {
                    Some((bill, payment)) => Some(self.settle(&task, bill, payment).await?),
                    None => None,
                };
                Ok(Conclusion::Done(Done { task, paid }))
            }
            (TaskState::InputRequired, Some(required)) => self
                .asked_to_pay(&task, &required, paying, tries)
                .await
                .map(Conclusion::Again),
            (TaskState::InputRequired, None) => {
                let (text, skill) = (reading.words(), self.skill.to_owned());
                let question = Question {
                    text,
                    task,
                    skill,
                    held: paying,
                };
                Err(AskError::Question(Box::new(question)))
            }
            (state, _) => {
                let charged = match &paying {
                    Some((bill, payment)) => self.settle(&task, bill, payment).await?.charged,
                    None => BaseUnits::ZERO,
                };
                let reason = reading.error();
                let restarted = reason.as_deref() == Some("interrupted") && charged.is_zero();
                match paying {
                    Some((bill, _)) if restarted && !tries.interrupted => {
                        tries.interrupted = true;
                        let (task_id, context_id) = (String::new(), task.context_id);
                        Ok(Conclusion::Again(Turn {
                            bill: Some(bill),
                            task_id,
                            context_id,
                        }))
                    }
                    _ => Err(AskError::Ended {
                        state,
                        reason: reason.map(Untrusted::new),
                        message: reading.words(),
                        task_id: Untrusted::new(task.id.clone()),
                        charged,
                    }),
                }
            }
        }
    }

    /// Takes the receipt of a task that ended.
    async fn settle(&self, task: &Task, bill: &Bill, payment: &Payment) -> Result<Paid, AskError> {
        let wallet = self.seller.buyer().wallet();
        let Some(receipt) = Reading(task).receipt(&payment.id) else {
            wallet.mark_unknown(&payment.id).await?;
            return Err(AskError::NoReceipt {
                task: Box::new(task.clone()),
            });
        };
        let confirmed = match wallet.confirm(&payment.id, &receipt).await {
            Ok(confirmed) => confirmed,
            Err(ReceiptError::Wallet(error)) => return Err(error.into()),
            Err(error) => {
                return Err(AskError::Receipt {
                    error,
                    task: Box::new(task.clone()),
                });
            }
        };
        Ok(Paid {
            payment_id: payment.id.clone(),
            charged: confirmed.charged,
            max: payment.max,
            asset: bill.terms.asset.id(),
            payee: bill.terms.pay_to,
            channel_id: payment.channel_id,
            ceiling: payment.ceiling,
            agent: self.seller.agent(),
            endpoint: self.seller.remote().endpoint().clone(),
            skill: self.skill.to_owned(),
            task_id: task.id.clone(),
            context_id: task.context_id.clone(),
        })
    }

    /// The seller wants payment: for the first time, or because it did not take the one it got.
    async fn asked_to_pay(
        &self,
        task: &Task,
        required: &PaymentRequired,
        paying: Option<(Bill, Payment)>,
        tries: &mut Tries,
    ) -> Result<Turn, AskError> {
        let card = self.seller.remote().terms();
        let assets = self.seller.buyer().assets();
        let asked = || Bill::of_answer(required, card, self.skill, self.at_most, assets);
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
            None if reading.says_not_paid() => Ok(wallet.void(&payment.id).await?),
            None => Ok(wallet.mark_unknown(&payment.id).await?),
        }
    }
}

/// True for errors with which a seller refuses a request before it takes any payment. Everything
/// else may come from a seller, or a proxy before it, that took one.
fn is_refusal(error: &CallError) -> bool {
    if error.is_unsent() {
        return true;
    }
    match error {
        CallError::Http(status) => matches!(*status, 400 | 401 | 403 | 404 | 405 | 413 | 415),
        _ => matches!(
            error.agent_reason(),
            Some(
                ErrorCode::InvalidParams
                    | ErrorCode::InvalidRequest
                    | ErrorCode::ParseError
                    | ErrorCode::MethodNotFound
                    | ErrorCode::VersionNotSupported
                    | ErrorCode::ExtensionSupportRequired
                    | ErrorCode::ContentTypeNotSupported
                    | ErrorCode::Unauthenticated
                    | ErrorCode::PermissionDenied
            )
        ),
    }
}
