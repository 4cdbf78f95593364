//! More money for a task that is working.

use super::admit::Sending;
use super::answers::busy;
use super::paying::tell_log;
use super::{Sent, Service};
use crate::gate::{GateRefusal, Work};
use crate::tasks::LiveTask;
use agent_core::a2a::{A2aError, Message, Part, Task, TaskState, TaskStatus};
use agent_core::json::Json;
use agent_core::money::BaseUnits;
use std::sync::Arc;

impl Service {
    /// Takes a payment for a metered task that runs; it need not have asked yet. Whoever calls this
    /// is not dropped on the way.
    pub(super) async fn top_up(
        &self,
        live: Arc<LiveTask>,
        sending: Sending,
        payment: &Json,
    ) -> Result<Sent, A2aError> {
        let metered = live.metered.clone().filter(|metered| metered.tops_up);
        let (Some(metered), Some(gate)) = (metered, self.gate()) else {
            return Err(busy());
        };
        let context_id = live.task().context_id;
        self.same_context(&sending.message, &context_id)?;
        if let (Some(webhook), Some(push)) = (sending.webhook, &self.0.engine.push) {
            push.attach(live.id(), live.owner(), vec![webhook]).await?;
        }
        let work = Work {
            task_id: live.id(),
            context_id: &context_id,
            skill: &live.skill,
            owner: live.owner(),
            // It pays for this task to go on, whatever was asked at its beginning.
            input: live.id(),
            max: metered.step,
        };
        let refused = {
            let mut held = live.purse.lock().await;
            let reserved = held.as_mut().ok_or_else(busy)?;
            let refused = gate.extend(payment, &work, reserved).await.err();
            if refused.is_none() {
                live.purse.grew();
            }
            refused
        };
        match refused {
            None => Ok(Sent::Live(live)),
            Some(refusal) => {
                tell_log(&refusal)?;
                self.refused_more(&live, metered.step, &refusal)
            }
        }
    }

    /// The task as it is, asking for what it was not given; told to this caller and not stored.
    fn refused_more(
        &self,
        live: &LiveTask,
        step: BaseUnits,
        refusal: &GateRefusal,
    ) -> Result<Sent, A2aError> {
        let gate = self.gate().ok_or_else(busy)?;
        let unwritable = |error: serde_json::Error| A2aError::internal(error.to_string());
        let shown = live.snapshot().map(|(task, _)| task);
        let mut task: Task = shown.ok_or_else(busy)?;
        let text = format!("Payment was not accepted: {}", refusal.message);
        let mut message = Message::agent(Part::text(text))
            .in_context(task.context_id.clone())
            .for_task(task.id.clone());
        let asked = gate.ask_for(&live.skill, step, Some(refusal));
        message.metadata = asked.map_err(unwritable)?;
        let at = task.status.timestamp;
        task.status = TaskStatus::new(TaskState::InputRequired).with_message(message);
        task.status.timestamp = at;
        let task = Json::from_value(&task).map_err(unwritable)?;
        Ok(Sent::Still(task, 0))
    }
}
