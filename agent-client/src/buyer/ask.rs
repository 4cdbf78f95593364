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

use agent_core::a2a::{CancelTaskRequest, Message, Part, Task, TaskState};
use agent_core::json::Json;
use agent_core::money::BaseUnits;
use agent_core::untrusted::Untrusted;
use agent_core::x402::offer::{OFFER_RECEIPT, ReceiptResource, SignedOffer};
use agent_core::x402::receipt::{Expected, SignedReceipt, check_receipt, receipt_in};
use agent_core::x402::{Bid, EXTENSION_URI, PaymentStatus, SettleResponse, keys};

use super::AskError;
use super::answer::{Paid, Question};
use super::bill::Bill;
use super::reading::Reading;
use super::refused::Tries;
use super::seller::Seller;
use crate::wallet::{PayRequest, Payment, ReceiptError, WalletError};

/// What is asked of one seller.
pub(super) struct Ask<'a> {
    pub(super) seller: &'a Seller,
    pub(super) skill: &'a str,
    pub(super) input: Json,
    pub(super) at_most: Option<BaseUnits>,
    /// The quote that it is bought at.
    pub(super) accepted: Option<Accepted>,
}

/// A quote that was accepted.
pub(super) struct Accepted {
    /// What is to be paid; nothing for a quote of nothing.
    pub(super) bill: Option<Bill>,
    pub(super) offer: SignedOffer,
}

/// A wish to know what the work would cost.
pub(super) struct QuoteWish {
    pub(super) bid: Option<Bid>,
}

/// A task that completed, and what was paid for it.
pub(super) struct Done {
    pub(super) task: Task,
    pub(super) paid: Option<Paid>,
}

/// The next message to send.
pub(super) struct Turn {
    pub(super) bill: Option<Bill>,
    pub(super) task_id: String,
    pub(super) context_id: String,
}

enum Conclusion {
    Done(Box<Done>),
    Again(Turn),
}

impl Ask<'_> {
    pub(super) async fn run(&self) -> Result<Done, AskError> {
        let card = self.seller.remote().shared_terms();
        let bill = match &self.accepted {
            Some(accepted) => accepted.bill.clone(),
            None => Bill::of_card(card, self.skill, self.at_most)?,
        };
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
                Conclusion::Done(done) => return Ok(*done),
                Conclusion::Again(next) => turn = next,
            }
        }
    }

    /// Asks what the work would cost, and not for the work.
    pub(super) async fn inquire(&self, wish: &QuoteWish) -> Result<Task, AskError> {
        let mut message = self.message("", "", None)?;
        let metadata = &mut message.metadata;
        metadata.set(keys::QUOTE, &true).map_err(AskError::Input)?;
        if let Some(bid) = &wish.bid {
            metadata.set(keys::BID, bid).map_err(AskError::Input)?;
        }
        self.exchange(message, None).await
    }

    /// Answers a question of the seller's and goes on with its task.
    pub(super) async fn reply(&self, question: Question) -> Result<Done, AskError> {
        let Question { task, held, .. } = question;
        let message = self.message(&task.id, &task.context_id, None)?;
        let task = self.exchange(message, held.as_ref()).await?;
        // The payment for this task is made; a seller that asks for another one is not followed.
        let mut tries = Tries::exhausted();
        match self.conclude(task, held, &mut tries).await? {
            Conclusion::Done(done) => Ok(*done),
            Conclusion::Again(_) => Err(AskError::Unpayable("it asks for another payment")),
        }
    }

    pub(super) async fn pay(&self, bill: &Bill) -> Result<Payment, AskError> {
        self.seller.check_payee(&bill.terms).await?;
        let agent = self.seller.agent();
        let policy = self.seller.buyer().wallet().policy();
        policy
            .decide_agent(agent.as_ref())
            .map_err(WalletError::from)?;
        let request = PayRequest {
            terms: &bill.terms,
            skill: self.skill,
            max: bill.max,
            offered: bill.allowed,
            resource: self.seller.remote().endpoint().as_str(),
        };
        Ok(self.seller.buyer().wallet().pay(request).await?)
    }

    pub(super) fn message(
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
        if let Some(accepted) = &self.accepted {
            metadata
                .set(keys::OFFER, &accepted.offer)
                .map_err(AskError::Input)?;
        }
        if let Some((_, payment)) = paying {
            metadata
                .set(keys::STATUS, &PaymentStatus::PaymentSubmitted)
                .map_err(AskError::Input)?;
            let mut payload = payment.payload.clone();
            if self.accepted.is_some() {
                // Naming the extension asks for a signed receipt.
                let wanted = serde_json::json!({ "info": {} });
                let named = payload.extensions.set(OFFER_RECEIPT, &wanted);
                named.map_err(AskError::Input)?;
            }
            metadata
                .set(keys::PAYLOAD, &payload)
                .map_err(AskError::Input)?;
        }
        Ok(message)
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
                Ok(Conclusion::Done(Box::new(Done { task, paid })))
            }
            // More than was allowed is not paid in one question: see `Seller::ask_stream`.
            (TaskState::InputRequired, Some(_)) if reading.meter().is_some() => {
                let task = Box::pin(self.exceeded(&task)).await?;
                Box::pin(self.conclude(task, paying, tries)).await
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

    /// Cancels metered work that would cost more than was paid; what it delivered stays charged.
    async fn exceeded(&self, task: &Task) -> Result<Task, AskError> {
        let request = CancelTaskRequest {
            id: task.id.clone(),
            ..CancelTaskRequest::default()
        };
        let canceled = self.seller.remote().cancel_task(request).await;
        canceled.map_err(AskError::Call)
    }

    /// The signed receipt, if one came and holds. The charge is not in doubt without it.
    fn evidence(
        &self,
        bill: &Bill,
        payment: &Payment,
        charged: BaseUnits,
        response: &SettleResponse,
    ) -> Option<SignedReceipt> {
        let signed = receipt_in(response)?;
        let resource = ReceiptResource {
            skill: self.skill.to_owned(),
            payment_id: payment.id.clone(),
            charged,
        };
        let network = bill.terms.asset.network.to_string();
        let expected = Expected {
            pay_to: bill.terms.pay_to,
            payer: self.seller.buyer().wallet().payer(),
            network: &network,
            resource: &resource,
        };
        match check_receipt(&signed, &expected) {
            Ok(_) => Some(signed),
            Err(error) => {
                tracing::warn!(code = error.code(), "a signed receipt does not hold");
                None
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
        let receipt = self.evidence(bill, payment, confirmed.charged, &receipt);
        Ok(Paid {
            receipt,
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
}
