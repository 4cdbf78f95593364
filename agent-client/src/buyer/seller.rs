//! A seller that was found or named, ready to be asked.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use agent_core::json::Json;
use agent_core::money::Money;
use agent_core::policy::PolicyRefusal;
use agent_core::trust::{GlobalAgentId, RegistrationFile};
use agent_core::untrusted::shorten;
use agent_core::x402::PaymentTerms;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::answer::{Answer, Question};
use super::ask::{Ask, Done};
use super::reading::Reading;
use super::{AskError, Buyer, limits};
use crate::call::RemoteAgent;
use crate::discover::PayeeRefusal;

/// An agent that this buyer can ask and pay. Cheap to clone.
#[derive(Clone)]
pub struct Seller(Arc<Inner>);

struct Inner {
    buyer: Buyer,
    remote: RemoteAgent,
    /// The identity that it was found under, or that it claims and that was checked.
    agent: Option<GlobalAgentId>,
    file: Option<Arc<RegistrationFile>>,
    checked: Mutex<Option<Instant>>,
}

impl fmt::Debug for Seller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seller")
            .field("endpoint", &self.0.remote.endpoint().as_str())
            .field("agent", &self.0.agent)
            .finish_non_exhaustive()
    }
}

impl Seller {
    /// A seller whose payee was just checked.
    pub(super) fn checked(
        buyer: Buyer,
        remote: RemoteAgent,
        agent: Option<GlobalAgentId>,
        file: Option<Arc<RegistrationFile>>,
    ) -> Self {
        let checked = Mutex::new(Some(Instant::now()));
        Self(Arc::new(Inner {
            buyer,
            remote,
            agent,
            file,
            checked,
        }))
    }

    /// The agent itself: its card, and calls without payment.
    #[must_use]
    pub fn remote(&self) -> &RemoteAgent {
        &self.0.remote
    }

    /// Its registered identity, if it has one.
    #[must_use]
    pub fn agent(&self) -> Option<GlobalAgentId> {
        self.0.agent
    }

    /// The buyer that it sells to.
    #[must_use]
    pub fn buyer(&self) -> &Buyer {
        &self.0.buyer
    }

    /// Asks, pays what the card says in the first message, and gives the answer.
    ///
    /// The payment's most is the price in the card; a seller that wants more is refused. A lost
    /// answer is asked for again with the same payment, which the seller charges once.
    ///
    /// Dropping the future does not take the payment back: it stays counted at its maximum.
    ///
    /// # Errors
    /// [`AskError`], each variant with what became of the money.
    pub async fn ask<In, Out>(&self, skill: &str, input: In) -> Result<Out, AskError>
    where
        In: Serialize,
        Out: DeserializeOwned,
    {
        Ok(self.ask_in_full(skill, &input).await?.output)
    }

    /// As [`ask`](Self::ask), with the task and what was paid.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn ask_in_full<In, Out>(
        &self,
        skill: &str,
        input: &In,
    ) -> Result<Answer<Out>, AskError>
    where
        In: Serialize + ?Sized,
        Out: DeserializeOwned,
    {
        let input = Json::from_value(input).map_err(AskError::Input)?;
        self.start(skill, input, None).await
    }

    /// As [`ask_in_full`](Self::ask_in_full), paying up to `at_most` whatever the card says: for
    /// skills that quote a price for each request, and to refuse a card that is too dear.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn ask_at_most<In, Out>(
        &self,
        skill: &str,
        input: &In,
        at_most: &Money,
    ) -> Result<Answer<Out>, AskError>
    where
        In: Serialize + ?Sized,
        Out: DeserializeOwned,
    {
        let input = Json::from_value(input).map_err(AskError::Input)?;
        let (_, at_most) = self
            .buyer()
            .assets()
            .resolve(at_most)
            .map_err(|e| AskError::Wallet(e.into()))?;
        self.start(skill, input, Some(at_most)).await
    }

    /// Answers a question that the seller asked back, and gives its answer to ours.
    ///
    /// # Errors
    /// [`AskError`]; [`AskError::Question`] when it asks on.
    pub async fn reply<In, Out>(
        &self,
        question: Question,
        input: &In,
    ) -> Result<Answer<Out>, AskError>
    where
        In: Serialize + ?Sized,
        Out: DeserializeOwned,
    {
        let input = Json::from_value(input).map_err(AskError::Input)?;
        let skill = question.skill.clone();
        let ask = Ask {
            seller: self,
            skill: &skill,
            input,
            at_most: None,
            accepted: None,
        };
        answer(Box::pin(ask.reply(question)).await?)
    }

    async fn start<Out: DeserializeOwned>(
        &self,
        skill: &str,
        input: Json,
        at_most: Option<agent_core::money::BaseUnits>,
    ) -> Result<Answer<Out>, AskError> {
        if self.remote().card().skill(skill).is_none() {
            return Err(AskError::UnknownSkill(skill.to_owned()));
        }
        let ask = Ask {
            seller: self,
            skill,
            input,
            at_most,
            accepted: None,
        };
        self.finish(ask).await
    }

    /// Asks to the end, and reports a seller that wants more than it offered.
    pub(super) async fn finish<Out: DeserializeOwned>(
        &self,
        ask: Ask<'_>,
    ) -> Result<Answer<Out>, AskError> {
        let done = Box::pin(ask.run()).await;
        if let Err(AskError::Dearer { asked, allowed }) = &done {
            tracing::warn!(
                code = PolicyRefusal::Drift.code(),
                endpoint = %self.remote().endpoint(),
                skill = %shorten(ask.skill),
                asked_base_units = %asked,
                offered_base_units = %allowed,
                "a seller asks for more than it offered; nothing was paid"
            );
        }
        answer(done?)
    }

    /// Makes sure that `terms` pay this agent and nobody else. The answer for the card's own terms
    /// is relied on for [`limits::PAYEE_CHECK_AGE`].
    pub(super) async fn check_payee(&self, terms: &PaymentTerms) -> Result<(), PayeeRefusal> {
        let of_card = self
            .remote()
            .terms()
            .is_some_and(|card| card.pay_to == terms.pay_to);
        if of_card && self.lately_checked() {
            return Ok(());
        }
        let Inner {
            buyer, agent, file, ..
        } = &*self.0;
        buyer.vet_payee(terms, *agent, file.as_deref()).await?;
        if of_card {
            *self
                .0
                .checked
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        Ok(())
    }

    fn lately_checked(&self) -> bool {
        let checked = *self
            .0
            .checked
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        checked.is_some_and(|at| at.elapsed() < limits::PAYEE_CHECK_AGE)
    }
}

fn answer<Out: DeserializeOwned>(done: Done) -> Result<Answer<Out>, AskError> {
    let Done { task, paid } = done;
    match Reading(&task).output() {
        Ok(output) => Ok(Answer { output, task, paid }),
        Err(error) => Err(AskError::Output {
            error,
            task: Box::new(task),
        }),
    }
}
