//! Asking another agent from within a skill's own task.

use agent_core::json::Json;
use agent_core::skill::{SkillContext, Stop};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{AskError, Seller};
use crate::wallet::WalletError;

impl Seller {
    /// As [`ask`](Self::ask), for a skill that hires others: when a person has to approve the
    /// payment, the skill's own task waits in `TASK_STATE_AUTH_REQUIRED` until then.
    ///
    /// What the task is answered with allows nothing: whoever sends a message only makes the skill
    /// run again. The payment goes through when its approval was given to the wallet, by `agent
    /// wallet approve` or whatever else its [`Approver`](crate::wallet::Approver) asks. Ask the
    /// caller's questions first and hire afterwards: the skill runs again from the start.
    ///
    /// # Errors
    /// [`Stop::NeedAuth`] while the approval is missing, [`Stop::Failed`] with the code of any other
    /// [`AskError`]: pass both on with `?`.
    pub async fn ask_within<In, Out>(
        &self,
        cx: &mut SkillContext,
        skill: &str,
        input: &In,
    ) -> Result<Out, Stop>
    where
        In: Serialize + ?Sized,
        Out: DeserializeOwned,
    {
        loop {
            match self.ask_in_full(skill, input).await {
                Ok(answer) => return Ok(answer.output),
                Err(AskError::Wallet(WalletError::NeedsApproval(request))) => {
                    // The text goes to the task's caller, whom the payment is no business of.
                    let why = format!(
                        "the owner of this agent has to approve a payment first (approval {})",
                        request.id()
                    );
                    // Ends the run unless there is a recorded answer; of those there are finitely
                    // many.
                    cx.authorize::<Json>(&why).await?;
                }
                Err(error) => return Err(Stop::failed(error.code())),
            }
        }
    }
}
