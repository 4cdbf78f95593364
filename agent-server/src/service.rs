//! The operations of A2A, once. Bindings are thin adapters onto this, so they cannot differ.

mod admit;
mod answers;
mod call;
mod extended;
mod feed;
mod follow;
mod list;
mod operation;
mod paying;
mod plain;
mod push;
mod quoting;
mod request;
mod tenants;
mod topping;

/// Part of what a binding needs.
pub use agent_core::a2a::{Operation, Version};
pub use call::{Call, Caller};
pub(crate) use extended::Extended;
pub use extended::MakeExtendedCard;
pub use feed::{Feed, Portion};
pub(crate) use list::Lists;
pub use operation::Reply;
pub(crate) use plain::{Order, Sold};
pub(crate) use tenants::begins_route;
pub use tenants::{TenantConfig, Tenants};

use crate::gate::Gate;
use crate::skills::SkillBook;
use crate::store::StoredTask;
use crate::tasks::{
    Ended, Engine, LiveTask, Showing, WaitingTask, WaitingTasks, once, store_failed,
};
use agent_core::a2a::{
    A2aError, CancelTaskRequest, GetTaskRequest, SendMessageRequest, Task, TaskState,
};
use agent_core::json::Json;
use agent_core::money::AssetTable;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

/// One agent's operations.
#[derive(Debug, Clone)]
pub struct Service(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) skills: SkillBook,
    pub(crate) assets: AssetTable,
    pub(crate) engine: Arc<Engine>,
    pub(crate) waiting: WaitingTasks,
    pub(crate) lists: Lists,
    /// Places for those who look at one task.
    pub(crate) looks: Semaphore,
    pub(crate) extended: Extended,
    /// The extensions without which nobody is served.
    pub(crate) required_extensions: Vec<String>,
    /// Whether the card offers the older version.
    pub(crate) v0_3: bool,
    /// Whether the card offers streams.
    pub(crate) streaming: bool,
}

/// What a message led to.
#[derive(Debug)]
pub(crate) enum Sent {
    /// A task that is running; watch it.
    Live(Arc<LiveTask>),
    /// A task that is not running: ended before, or waiting for its caller. With the number of its
    /// last event, 0 for one that is in no log.
    Still(Json, u64),
    /// A message is the answer, and there is no task.
    Direct(Json),
}

impl Service {
    /// `SendMessage` (A2A §3.1.1): the task as it is when it ended or needs its caller, or at once
    /// with `returnImmediately`.
    ///
    /// # Errors
    /// [`A2aError`]; nothing was charged.
    pub async fn send_message(
        &self,
        call: &Call,
        request: SendMessageRequest,
    ) -> Result<Json, A2aError> {
        let configuration = request.configuration.as_ref();
        let history = configuration.and_then(|c| c.history_length);
        let at_once = configuration.is_some_and(|c| c.return_immediately);
        let showing = if at_once {
            Showing::AtOnce
        } else {
            Showing::AtEnd
        };
        let task = match self.sent(call, request, showing).await? {
            Sent::Direct(message) => return Ok(member("message", &message)),
            Sent::Still(task, _) => trimmed(task, history),
            Sent::Live(live) if at_once => shown(now(&live), history),
            Sent::Live(live) => match live.ended_or_paused().await {
                // It needs its caller to pay for more.
                None => shown(now(&live), history),
                Some(Ended::Stored(task, _)) => trimmed(task, history),
                Some(Ended::Direct(message)) => return Ok(member("message", &message)),
                Some(Ended::Lost(error)) => Err(error),
            },
        };
        Ok(member("task", &task?))
    }

    /// `SendStreamingMessage` (A2A §3.1.2). An error comes before the first event, so that it can
    /// still be told as one.
    pub(crate) async fn send_streaming(
        &self,
        call: &Call,
        request: SendMessageRequest,
    ) -> Result<Feed, A2aError> {
        let goes_on = !request.message.task_id.is_empty();
        Ok(
            match self.sent(call, request, Showing::WithFirstEvent).await? {
                Sent::Direct(message) => Feed::said(&message),
                Sent::Still(task, seq) => Feed::once(&task, seq),
                // Its caller has read what came before.
                Sent::Live(live) if goes_on && live.metered.is_some() => {
                    Feed::rest_of(live, self.clone())?
                }
                Sent::Live(live) => Feed::run(live, self.clone()),
            },
        )
    }

    /// `GetTask` (A2A §3.1.3).
    ///
    /// # Errors
    /// TaskNotFound.
    pub async fn get_task(&self, call: &Call, request: GetTaskRequest) -> Result<Json, A2aError> {
        refuse_violations(request.validate())?;
        let owner = call.owner(&request.tenant)?;
        // Never closed. It is left once the answer is made, which whoever sends it counts.
        let _place = self.0.looks.acquire().await;
        match self.current(&owner, &request.id).await? {
            Some(task) => trimmed(task, request.history_length),
            None => Err(A2aError::task_not_found(&request.id)),
        }
    }

    /// `CancelTask` (A2A §3.1.5). Nothing is charged for a cancelled task.
    ///
    /// # Errors
    /// TaskNotFound, TaskNotCancelable.
    pub async fn cancel_task(
        &self,
        call: &Call,
        request: CancelTaskRequest,
    ) -> Result<Json, A2aError> {
        refuse_violations(request.validate())?;
        let owner = call.owner(&request.tenant)?;
        let id = request.id.as_str();
        if let Some(live) = self.live(&owner, id)?
            && let Some(task) = self.cancel_run(&live).await?
        {
            return Ok(task);
        }
        if let Some(task) = self.cancel_waiting(&owner, id)? {
            return Ok(task);
        }
        let (service, id) = (self.clone(), id.to_owned());
        detached(async move { service.cancel_stored(&owner, &id).await }).await
    }

    /// Takes a message in, in a task of its own: a caller that goes away half way must not leave
    /// money held for work that nobody started.
    async fn sent(
        &self,
        call: &Call,
        request: SendMessageRequest,
        showing: Showing,
    ) -> Result<Sent, A2aError> {
        let owner = call.owner(&request.tenant)?;
        let (service, call) = (self.clone(), call.clone());
        detached(async move { service.send(owner, &call, request, showing).await }).await
    }

    pub(crate) fn gate(&self) -> Option<&Gate> {
        self.0.engine.gate.as_ref()
    }

    /// A task wherever it is: running, stored, or waiting for its payment.
    pub(crate) async fn current(&self, owner: &str, id: &str) -> Result<Option<Json>, A2aError> {
        if let Some(live) = self.live(owner, id)?
            && live.is_public()
            && let Some((task, _)) = live.snapshot()
        {
            return shown(task, None).map(Some);
        }
        Ok(match self.stored(owner, id).await? {
            Some(stored) => Some(stored.task),
            None => self.waiting(owner, id).map(|task| task.shown),
        })
    }

    /// The run of a task.
    ///
    /// # Errors
    /// TaskNotFound for one that runs for somebody else: what exists is not told (A2A §13.1).
    pub(crate) fn live(&self, owner: &str, id: &str) -> Result<Option<Arc<LiveTask>>, A2aError> {
        match self.0.engine.live.get(id) {
            Some(live) if live.owner() != owner => Err(A2aError::task_not_found(id)),
            live => Ok(live),
        }
    }

    /// A task as it is stored, if it is the owner's.
    pub(crate) async fn stored(
        &self,
        owner: &str,
        id: &str,
    ) -> Result<Option<StoredTask>, A2aError> {
        let stored = self.0.engine.store.get(id.to_owned()).await;
        let stored = stored.map_err(|error| store_failed(&error))?;
        Ok(stored.filter(|stored| stored.owner == owner))
    }

    /// A task that waits for its first payment, if it is the owner's.
    pub(crate) fn waiting(&self, owner: &str, id: &str) -> Option<WaitingTask> {
        let waiting = self.0.waiting.get(id);
        waiting.filter(|task| task.owner == owner)
    }
}

/// A running task as its caller may see it: what is stored of it, or else what it begins with.
fn now(live: &LiveTask) -> Task {
    live.snapshot()
        .map_or_else(|| live.task(), |(task, _)| task)
}

/// Runs to its end whether or not anybody waits for it.
///
/// What waits for it holds a box and not the work, which is large.
fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, A2aError>> + Send + 'static,
) -> impl Future<Output = Result<T, A2aError>> + Send {
    let work = Box::pin(work.in_current_span());
    async move {
        match once(work).await {
            Ok(done) => done,
            Err(goes_on) => {
                let done = tokio::spawn(goes_on).await;
                done.unwrap_or_else(|gone| Err(A2aError::internal(gone.to_string())))
            }
        }
    }
}

pub(crate) fn refuse_violations(
    violations: Vec<agent_core::a2a::FieldViolation>,
) -> Result<(), A2aError> {
    if violations.is_empty() {
        Ok(())
    } else {
        Err(A2aError::invalid_fields(violations))
    }
}

/// An object with one member, which is JSON already: nothing is parsed or written twice.
pub(crate) fn member(name: &str, value: &Json) -> Json {
    // JSON can always be written; could it not, a reader would see nothing rather than half.
    Json::member(name, value).unwrap_or_default()
}

/// The task with no more history than was asked for. Parsed again only if something is to go.
fn trimmed(task: Json, history_length: Option<i32>) -> Result<Json, A2aError> {
    match history_length {
        None => Ok(task),
        Some(_) => shown(parse_task(&task)?, history_length),
    }
}

fn shown(mut task: Task, history_length: Option<i32>) -> Result<Json, A2aError> {
    task.trim_history(history_length);
    Json::from_value(&task).map_err(|error| A2aError::internal(error.to_string()))
}

pub(crate) fn parse_task(task: &Json) -> Result<Task, A2aError> {
    task.parse()
        .map_err(|error| A2aError::internal(format!("a stored task: {error}")))
}

fn state_of(task: &Json) -> Result<TaskState, A2aError> {
    Ok(parse_task(task)?.status.state)
}
