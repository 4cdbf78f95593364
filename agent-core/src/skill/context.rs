use super::{Meter, Step, Stop};
use crate::a2a::{Artifact, Message, Part, Task};
use crate::json::Json;
use crate::ledger::BoxFuture;
use crate::money::{Asset, BaseUnits, Money};
use crate::trace::TraceContext;
use serde::de::DeserializeOwned;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// What a running skill can do besides returning.
pub struct SkillContext {
    task: TaskInfo,
    host: Arc<dyn SkillHost>,
    resources: Arc<Resources>,
    charging: Option<Charging>,
    meter: Option<Meter>,
    answers: Vec<Json>,
    asked: usize,
    message: Option<Message>,
    accepted_output_modes: Vec<String>,
    accepted_quote: Option<String>,
    trace: Option<TraceContext>,
}

/// Which task is running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskInfo {
    /// The A2A task id.
    pub task_id: String,
    /// The A2A context id.
    pub context_id: String,
}

/// The money that is held for this task, and what of it will be charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charging {
    /// In what.
    pub asset: Asset,
    /// What the buyer authorised.
    pub ceiling: BaseUnits,
    /// What the skill said it costs; the ceiling if it says nothing.
    pub charge: Option<BaseUnits>,
}

/// Something a running skill tells its caller.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SkillEvent {
    /// A sentence on how it is going.
    Progress(String),
    /// A piece of output, before the end.
    Artifact {
        /// The piece.
        artifact: Artifact,
        /// Whether it continues the artifact of the same id.
        append: bool,
        /// Whether the artifact is complete with it.
        last_chunk: bool,
    },
}

/// What runs a skill.
///
/// # Contract
///
/// `emit` returns once the event has its number in the task's log; it may wait for the store, never
/// for a reader. After cancellation it returns [`Stop::Canceled`].
pub trait SkillHost: Send + Sync {
    /// Records an event and passes it on to whoever listens.
    fn emit(&self, event: SkillEvent) -> BoxFuture<'_, Result<(), Stop>>;
    /// Whether the task was cancelled.
    fn is_canceled(&self) -> bool;
    /// A task of the same caller's; `None` for any other's.
    fn task(&self, id: String) -> BoxFuture<'_, Result<Option<Task>, Stop>>;
    /// Charges part of what is held, durably: afterwards `total` is charged in all.
    fn slice(&self, total: BaseUnits) -> BoxFuture<'_, Result<(), Stop>> {
        let _ = total;
        Box::pin(async { Err(Stop::failed("nothing can be charged here before the end")) })
    }
    /// Asks the caller for more money than `held` and waits for it; returns what may be charged then
    /// in all.
    fn more(&self, held: BaseUnits) -> BoxFuture<'_, Result<BaseUnits, Stop>> {
        let _ = held;
        Box::pin(async { Err(Stop::failed("the work would cost more than was authorised")) })
    }
}

impl SkillContext {
    /// For hosts and tests: a context for one run.
    #[must_use]
    pub fn new(task: TaskInfo, host: Arc<dyn SkillHost>, resources: Arc<Resources>) -> Self {
        Self {
            task,
            host,
            resources,
            charging: None,
            meter: None,
            answers: Vec::new(),
            asked: 0,
            message: None,
            accepted_output_modes: Vec::new(),
            accepted_quote: None,
            trace: None,
        }
    }

    /// For hosts: the money that is held for this run.
    #[must_use]
    pub fn with_charging(mut self, charging: Option<Charging>) -> Self {
        self.charging = charging;
        self
    }

    /// For hosts: the meter of a task that is priced by units.
    #[must_use]
    pub fn with_meter(mut self, meter: Option<Meter>) -> Self {
        self.meter = meter;
        self
    }

    /// Pays for `units` more, before they are delivered: call it, and then send them.
    ///
    /// Units are charged in slices, each committed before this returns, so that nothing is delivered
    /// unpaid. When what the caller authorised is used up, the task waits in
    /// `TASK_STATE_INPUT_REQUIRED` until it pays for more, for a bounded time. Whatever becomes of the
    /// task, the slices stay charged and nothing else is: a caller that stops has paid for at most
    /// one slice that it did not get, or for the units of one call of this if those are more. A task
    /// that is not paid counts nothing.
    ///
    /// When the skill runs again after [`SkillContext::ask`], it counts from the start, and what was
    /// charged before is not charged again; see [`SkillContext::meter_reading`].
    ///
    /// # Errors
    /// [`Stop::Failed`] when the price is not per unit, a charge was named already, or the caller did
    /// not pay in time; [`Stop::Canceled`]. Pass it on with `?`.
    pub async fn meter(&mut self, units: u64) -> Result<(), Stop> {
        let Some(charging) = &mut self.charging else {
            return Ok(());
        };
        if charging.charge.is_some() {
            return Err(Stop::failed("a charge was named: the work is not metered"));
        }
        let no_rate = || Stop::failed("the price of this task is not per unit");
        let meter = self.meter.as_mut().ok_or_else(no_rate)?;
        loop {
            match meter.next(units)? {
                Step::Deliver => return meter.deliver(units),
                Step::Charge(total) => {
                    self.host.slice(meter.price(total)?).await?;
                    meter.was_charged(total);
                }
                Step::More => {
                    let held = self.host.more(charging.ceiling).await?;
                    charging.ceiling = held;
                    meter.may_charge(held);
                }
            }
        }
    }

    /// What the meter counted: units used in this run, charged in all, and charged in earlier runs.
    /// `None` when the task is not priced by units.
    #[must_use]
    pub const fn meter_reading(&self) -> Option<&Meter> {
        self.meter.as_ref()
    }

    /// For hosts: the answers given so far, in the order they were asked for.
    #[must_use]
    pub fn with_answers(mut self, answers: Vec<Json>) -> Self {
        self.answers = answers;
        self
    }

    /// For hosts: the message that this run answers.
    #[must_use]
    pub fn with_message(mut self, message: Option<Message>) -> Self {
        self.message = message;
        self
    }

    /// The message that this run answers: the one that started the task, or the last one that went
    /// on with it. Its ids, metadata and parts are as the caller sent them; the input is parsed
    /// already. There is none outside of a host.
    #[must_use]
    pub const fn message(&self) -> Option<&Message> {
        self.message.as_ref()
    }

    /// For hosts: the media types that the caller takes.
    #[must_use]
    pub fn with_accepted_output_modes(mut self, modes: Vec<String>) -> Self {
        self.accepted_output_modes = modes;
        self
    }

    /// The media types that the caller takes (A2A §3.2.2); any, if there are none. The result is
    /// fitted to them by the host; what a skill makes besides it is the skill's to fit.
    #[must_use]
    pub fn accepted_output_modes(&self) -> &[String] {
        &self.accepted_output_modes
    }

    /// For hosts: the label of the quote that the caller accepted.
    #[must_use]
    pub fn with_accepted_quote(mut self, label: Option<String>) -> Self {
        self.accepted_quote = label;
        self
    }

    /// The label of the quote that the caller accepted, if it accepted one: what it pays for.
    #[must_use]
    pub fn accepted_quote(&self) -> Option<&str> {
        self.accepted_quote.as_deref()
    }

    /// A task of the same caller's that the message refers to (A2A §3.4.3), or any other of the
    /// caller's; `None` if there is no such task.
    ///
    /// # Errors
    /// [`Stop::Failed`] when it cannot be read.
    pub async fn task_of_caller(&self, id: &str) -> Result<Option<Task>, Stop> {
        self.host.task(id.to_owned()).await
    }

    /// For hosts: the trace that the message belongs to.
    #[must_use]
    pub fn with_trace(mut self, trace: Option<TraceContext>) -> Self {
        self.trace = trace;
        self
    }

    /// The trace that the message belongs to, if its caller named one; pass it on with what the
    /// skill calls. A run after a restart has none.
    #[must_use]
    pub const fn trace(&self) -> Option<&TraceContext> {
        self.trace.as_ref()
    }

    /// Which task this is.
    #[must_use]
    pub const fn task(&self) -> &TaskInfo {
        &self.task
    }

    /// What was held and what will be charged, if the task is paid.
    #[must_use]
    pub const fn charging(&self) -> Option<&Charging> {
        self.charging.as_ref()
    }

    /// Tells the caller how it is going.
    ///
    /// # Errors
    /// [`Stop::Canceled`] when the task was cancelled; pass it on with `?`.
    pub async fn progress(&mut self, text: impl Into<String>) -> Result<(), Stop> {
        self.host.emit(SkillEvent::Progress(text.into())).await
    }

    /// Sends a piece of text output before the end; pieces with one `artifact_id` are joined.
    ///
    /// The task is charged when it completes, so what is streamed before that is not paid for yet: a
    /// caller that cancels keeps what it has read. Stream what is worth little in pieces.
    ///
    /// # Errors
    /// [`Stop::Canceled`] when the task was cancelled.
    pub async fn chunk(&mut self, artifact_id: &str, text: impl Into<String>) -> Result<(), Stop> {
        self.piece(artifact_id, Part::text(text), false).await
    }

    /// Sends a piece of output of any kind before the end: text, a file, a URL or data. Pieces with
    /// one `artifact_id` are parts of one artifact, and `last` says that it is complete. As with
    /// [`SkillContext::chunk`], nothing of it is paid for yet.
    ///
    /// # Errors
    /// [`Stop::Canceled`] when the task was cancelled.
    pub async fn piece(&mut self, artifact_id: &str, part: Part, last: bool) -> Result<(), Stop> {
        let artifact = Artifact::new(artifact_id, vec![part]);
        let event = SkillEvent::Artifact {
            artifact,
            append: true,
            last_chunk: last,
        };
        self.host.emit(event).await
    }

    /// Sends a whole artifact before the end; one of the same id is replaced. The result that the
    /// skill returns comes beside it, unless that is `()`.
    ///
    /// # Errors
    /// [`Stop::Canceled`] when the task was cancelled.
    pub async fn artifact(&mut self, artifact: Artifact) -> Result<(), Stop> {
        let event = SkillEvent::Artifact {
            artifact,
            append: false,
            last_chunk: true,
        };
        self.host.emit(event).await
    }

    /// Asks the caller a question and goes on with its answer.
    ///
    /// The task is parked in `TASK_STATE_INPUT_REQUIRED`, its money stays held, and on the caller's
    /// next message the skill runs again from the start with this call returning the answer. That
    /// is why it survives restarts, and why what comes before should be cheap.
    ///
    /// # Errors
    /// [`Stop::NeedInput`] until there is an answer, and when the answer is not a `T`: the question
    /// is then asked again with the reason. Pass it on with `?`.
    pub async fn ask<T: DeserializeOwned>(&mut self, question: &str) -> Result<T, Stop> {
        self.next_answer(question).map_err(Stop::NeedInput)
    }

    /// Waits until something is allowed: a credential, a consent, a person's decision.
    ///
    /// As [`SkillContext::ask`], in `TASK_STATE_AUTH_REQUIRED`: streams of the task stay open, and
    /// the answer comes with the caller's next message, or from outside of the conversation by the
    /// agent's own hand (A2A §7.6). `why` must say what is to be allowed and how. An answer is what
    /// somebody said: whether it allows anything is the skill's to check.
    ///
    /// # Errors
    /// [`Stop::NeedAuth`] until there is an answer, and when it is not a `T`. Pass it on with `?`.
    pub async fn authorize<T: DeserializeOwned>(&mut self, why: &str) -> Result<T, Stop> {
        self.next_answer(why).map_err(Stop::NeedAuth)
    }

    /// The next recorded answer, or what is to be asked.
    fn next_answer<T: DeserializeOwned>(&mut self, question: &str) -> Result<T, String> {
        let given = self.answers.get(self.asked).cloned();
        self.asked = self.asked.saturating_add(1);
        match given.map(|answer| answer.parse::<T>()) {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(why)) => Err(format!("{question} ({why})")),
            None => Err(question.to_owned()),
        }
    }

    /// For hosts: how many questions this run got to, answered or not.
    #[must_use]
    pub const fn asked(&self) -> usize {
        self.asked
    }

    /// Charges `amount` instead of the ceiling, for example `cx.charge("0.0004 USDC")`. The last
    /// call counts; it takes effect only if the run completes.
    ///
    /// # Errors
    /// [`Stop::Failed`] when the task is not paid, the text is no amount of the paid asset, or it
    /// is above what the buyer authorised.
    pub fn charge(&mut self, amount: &str) -> Result<(), Stop> {
        let asset = self.charging.as_ref().map(|charging| &charging.asset);
        let asset = asset.ok_or_else(|| Stop::failed("there is nothing to charge: no payment"))?;
        let money: Money = amount.parse().map_err(Stop::failed)?;
        let units = money.in_base_units_of(asset).map_err(Stop::failed)?;
        self.charge_base_units(units)
    }

    /// [`SkillContext::charge`] in base units of the paid asset.
    ///
    /// # Errors
    /// As for [`SkillContext::charge`].
    pub fn charge_base_units(&mut self, amount: BaseUnits) -> Result<(), Stop> {
        let charging = self.charging.as_mut();
        let charging =
            charging.ok_or_else(|| Stop::failed("there is nothing to charge: no payment"))?;
        if self.meter.as_ref().is_some_and(|meter| meter.charged() > 0) {
            return Err(Stop::failed("metered work is charged by its meter"));
        }
        if amount > charging.ceiling {
            return Err(Stop::failed(
                "the charge is above what the buyer authorised",
            ));
        }
        charging.charge = Some(amount);
        Ok(())
    }

    /// Returns early when the task was cancelled; for long stretches without an await.
    ///
    /// # Errors
    /// [`Stop::Canceled`].
    pub fn check_canceled(&self) -> Result<(), Stop> {
        if self.host.is_canceled() {
            Err(Stop::Canceled)
        } else {
            Ok(())
        }
    }

    /// Something the agent was given with `Agent::with`, by its type: a buyer, a model, a pool.
    ///
    /// # Errors
    /// [`Stop::Failed`] when the agent was given none.
    pub fn resource<T: Any + Send + Sync>(&self) -> Result<&T, Stop> {
        self.resources.get::<T>().ok_or_else(|| {
            Stop::failed(format!(
                "this agent was given no {}",
                std::any::type_name::<T>()
            ))
        })
    }
}

impl fmt::Debug for SkillContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SkillContext")
            .field("task", &self.task)
            .field("charging", &self.charging)
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

/// Values an agent shares with its skills, one of each type.
#[derive(Default)]
pub struct Resources(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl Resources {
    /// Adds a value; a second one of the same type replaces the first.
    pub fn insert<T: Any + Send + Sync>(&mut self, value: T) {
        self.0.insert(TypeId::of::<T>(), Box::new(value));
    }

    /// The value of this type.
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref()
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resources({})", self.0.len())
    }
}
