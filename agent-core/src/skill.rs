//! What people implement to sell a service.

mod about;
mod context;
mod erased;
mod meter;
mod outcome;
mod quote;

pub use about::About;
pub use context::{Charging, Resources, SkillContext, SkillEvent, SkillHost, TaskInfo};
pub use erased::{AcceptedInput, AnySkill, InputError, erase, text_field};
pub use meter::{Meter, Rate, Step};
pub use outcome::{Done, Outcome, Stop};
pub use quote::{Quote, STANDARD};

use crate::money::Amount;
use crate::price::Price;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;

/// A service an agent sells: typed input, typed output, a price, and the work.
///
/// ```
/// use agent_core::skill::{About, Outcome, Skill, SkillContext};
/// use agent_core::price::Price;
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize, JsonSchema)] struct Ask { text: String }
/// #[derive(Serialize, JsonSchema)] struct Said { text: String }
///
/// struct Shout;
///
/// impl Skill for Shout {
///     type Input = Ask;
///     type Output = Said;
///     fn about(&self) -> About { About::new("shout", "Shouts your text back").tags(["text"]) }
///     fn price(&self) -> Price { Price::per_task("0.001 USDC") }
///     async fn run(&self, ask: Ask, cx: &mut SkillContext) -> Outcome<Said> {
///         cx.progress("thinking").await?;
///         Ok(Said { text: ask.text.to_uppercase() }.into())
///     }
/// }
/// ```
///
/// # Contract
///
/// - **The return value is the only way to finish.** `Ok` completes the task and posts its charge;
///   [`Stop`] says why it did not complete, and then nothing is charged. A panic or a timeout counts
///   as [`Stop::Failed`].
/// - **Input is parsed before any money moves.** What does not fit `Input` never reaches `run`.
/// - **`run` may be called again** for the same task after [`SkillContext::ask`] got its answer, with
///   the recorded answers replayed. Work before an `ask` should be cheap or idempotent.
/// - **Cancellation.** `run` is dropped at an await point if the task is cancelled or the agent
///   shuts down; it must be safe to drop there.
/// - **Concurrency.** `run` is called for many tasks at once on one value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a skill that an agent can sell",
    label = "this does not implement `Skill`",
    note = "implement `agent_core::skill::Skill`: `about`, `price` and `async fn run`; \
            `Input` derives `Deserialize` and `JsonSchema`, `Output` derives `Serialize` and `JsonSchema`"
)]
pub trait Skill: Send + Sync + 'static {
    /// What a caller sends. Its JSON Schema is published in the Agent Card.
    type Input: DeserializeOwned + JsonSchema + Send + Sync + 'static;
    /// What a caller gets back. Its JSON Schema is published in the Agent Card.
    type Output: Serialize + JsonSchema + Send + 'static;

    /// Who the skill is: id, description, tags.
    fn about(&self) -> About;

    /// The price the card shows. A buyer reads it there and pays with its first message.
    fn price(&self) -> Price {
        Price::free()
    }

    /// The price of one request, with the buyer's bid if it made one. A quote above the card's
    /// price costs the buyer another round trip, because it has authorised only the card's.
    ///
    /// A bid commits its buyer to nothing, and a stranger may make as many as it likes: what is
    /// quoted for one should be a price that is good anyway.
    fn quote(&self, input: &Self::Input, bid: Option<Amount>) -> Price {
        let _ = (input, bid);
        self.price()
    }

    /// The quotes for one request, best first, for a buyer that asks before it buys. Each is signed
    /// and binds: see [`Quote`]. At most four are told, and of those under one label the first.
    /// Which of them was accepted is told by [`SkillContext::accepted_quote`].
    fn quotes(&self, input: &Self::Input, bid: Option<Amount>) -> Vec<Quote> {
        vec![self.quote(input, bid).into()]
    }

    /// Does the work.
    fn run(
        &self,
        input: Self::Input,
        cx: &mut SkillContext,
    ) -> impl Future<Output = Outcome<Self::Output>> + Send;
}
