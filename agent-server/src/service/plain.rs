//! A skill asked for by its name over plain HTTP: the same gate, engine and books as for A2A.

use super::admit::Running;
use super::request::{self, Asked};
use super::{Call, Sent, Service, detached};
use crate::gate::{Admitted, GateRefusal};
use crate::modes;
use crate::paid::desk::Desk;
use crate::paid::header::Presented;
use crate::paid::is_recent;
use crate::skills::SkillEntry;
use crate::tasks::{Draft, NewTask, Showing};
use agent_core::a2a::{A2aError, Message, Part};
use agent_core::json::Json;
use agent_core::money::BaseUnits;
use agent_core::x402::{PaymentPayload, SettleResponse, keys};
use uuid::Uuid;

/// A skill, its input, and perhaps a payment.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) skill: String,
    /// JSON.
    pub(crate) input: String,
    pub(crate) payment: Option<Presented>,
    /// The media types that the caller takes.
    pub(crate) accepts: Vec<String>,
    /// Whether the caller is to have the task before its end.
    pub(crate) at_once: bool,
}

/// What became of an [`Order`].
#[derive(Debug)]
pub(crate) enum Sold {
    /// It is to be paid first: so much, and why what was paid did not do.
    Unpaid(BaseUnits, Option<GateRefusal>),
    /// Its task.
    Sent(Sent),
    /// The payment was used before, long enough ago that anybody may have copied it.
    Spent(Json),
}

impl Service {
    /// Takes an order, in a task of its own.
    pub(crate) async fn sell(&self, call: &Call, order: Order) -> Result<Sold, A2aError> {
        let (service, call) = (self.clone(), call.clone());
        detached(async move { service.ordered(&call, order).await }).await
    }

    /// Gives back what is left of a channel that pays for a skill at `price`, in a task of its own.
    pub(crate) async fn give_back(
        &self,
        skill: &str,
        payment: PaymentPayload,
        price: BaseUnits,
    ) -> Result<Result<SettleResponse, GateRefusal>, A2aError> {
        let (service, skill) = (self.clone(), skill.to_owned());
        detached(async move {
            let gate = service.gate().ok_or_else(no_gate)?;
            Ok(Desk::new(gate).give_back(&payment, &skill, price).await)
        })
        .await
    }

    pub(crate) fn skill(&self, id: &str) -> Option<&SkillEntry> {
        self.0.skills.get(id)
    }

    async fn ordered(&self, call: &Call, order: Order) -> Result<Sold, A2aError> {
        let Order {
            skill,
            input,
            payment,
            accepts,
            at_once,
        } = order;
        let entry = self.skill(&skill);
        let entry = entry.ok_or_else(|| A2aError::method_not_found(&skill))?;
        modes::check_output(&entry.about, &accepts)?;
        let data = Json::from_text(&input);
        let data = data.map_err(|_| A2aError::invalid_params("the body is not JSON"))?;
        let mut message = Message::user(Part::data(data));
        let named = message.metadata.set(keys::SKILL, &skill);
        named.map_err(|error| A2aError::internal(error.to_string()))?;
        let mut asked = request::accept(entry, input)?;
        let price = self.price(&mut asked)?;
        let new = NewTask {
            id: Uuid::now_v7().to_string(),
            context_id: Uuid::now_v7().to_string(),
            owner: call.owner("")?,
        };
        let permit = self.0.engine.live.permit()?;
        let running = |asked: Asked, reserved| Running {
            draft: Draft::begin(new.clone(), message, self.0.engine.clock.now_unix_millis()),
            asked,
            accepts,
            trace: call.trace.clone(),
            reserved,
            showing: if at_once {
                Showing::AtOnce
            } else {
                Showing::AtEnd
            },
        };
        if price.is_zero() {
            return Ok(Sold::Sent(self.run(running(asked, None), permit).await?));
        }
        let Some(payment) = payment else {
            return Ok(Sold::Unpaid(price, None));
        };
        let gate = self.gate().ok_or_else(no_gate)?;
        let named = match Desk::new(gate).named(payment, &skill, price, false) {
            Ok(named) => named,
            Err(refusal) => return Ok(Sold::Unpaid(price, Some(refusal))),
        };
        match Box::pin(self.admit(named.payment(), &new, &asked, price)).await {
            Ok(Admitted::New(reserved)) => {
                let running = running(asked, Some(reserved));
                Ok(Sold::Sent(self.run(running, permit).await?))
            }
            Ok(Admitted::Same(id)) => {
                let stored = self.stored(&new.owner, &id).await?;
                let stored =
                    stored.ok_or_else(|| A2aError::internal("a resolved payment has no task"))?;
                let now = self.0.engine.clock.now_unix_millis();
                if named.by_buyer || is_recent(&stored, now) {
                    Ok(Sold::Sent(Sent::Still(stored.task, stored.seq)))
                } else {
                    Ok(Sold::Spent(stored.task))
                }
            }
            Ok(Admitted::Busy(id)) => {
                let showing = if at_once {
                    Showing::AtOnce
                } else {
                    Showing::AtEnd
                };
                let sent = self.being_answered(&new.owner, &id, showing).await?;
                Ok(Sold::Sent(sent))
            }
            Err(refusal) => Ok(Sold::Unpaid(price, Some(refusal))),
        }
    }
}

fn no_gate() -> A2aError {
    A2aError::internal("a skill has a price, and the agent no way to be paid")
}
