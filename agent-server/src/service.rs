//! The operations of A2A, once. Bindings are thin adapters onto this, so they cannot differ.

mod absent;
mod admit;
mod answers;
mod feed;
mod follow;
mod list;
mod paying;
mod request;

pub(crate) use feed::{Feed, Portion};
pub(crate) use list::Lists;

use crate::gate::Gate;
use crate::skills::SkillBook;
use crate::tasks::{Ended, Engine, LiveTask, WaitingTasks};
use agent_core::a2a::{
    A2aError, CancelTaskRequest, GetTaskRequest, SendMessageRequest, Task, TaskState,
};
use agent_core::json::Json;
use agent_core::money::AssetTable;
use std::sync::Arc;

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
}

/// What a message led to.
#[derive(Debug)]
pub(crate) enum Sent {
    /// A task that is running; watch it.
    Live(Arc<LiveTask>),
    /// A task that is not running: ended before, or waiting for its caller.
    Still(Json),
}

impl Service {
    /// `SendMessage` (A2A §3.1.1): the task as it is when it ended or needs its caller, or at once
    /// with `returnImmediately`.
    ///
    /// # Errors
    /// [`A2aError`]; nothing was charged.
    pub async fn send_message(&self, request: SendMessageRequest) -> Result<Json, A2aError> {
        let configuration = request.configuration.clone().unwrap_or_default();
        let history = configuration.history_length;
        match self.sent(request, configuration.return_immediately).await? {
            Sent::Still(task) => trimmed(task, history),
            Sent::Live(live) if configuration.return_immediately => shown(now(&live), history),
            Sent::Live(live) => match live.ended().await {
                Ended::Stored(task) => trimmed(task, history),
                Ended::Lost(error) => Err(error),
            },
        }
    }

    /// `SendStreamingMessage` (A2A §3.1.2). An error comes before the first event, so that it can
    /// still be told as one.
    pub(crate) async fn send_streaming(
        &self,
        request: SendMessageRequest,
    ) -> Result<Feed, A2aError> {
        Ok(match self.sent(request, true).await? {
            Sent::Still(task) => Feed::once(&task),
            Sent::Live(live) => Feed::run(live),
        })
    }

    /// `GetTask` (A2A §3.1.3).
    ///
    /// # Errors
    /// TaskNotFound.
    pub async fn get_task(&self, request: GetTaskRequest) -> Result<Json, A2aError> {
        refuse_violations(request.validate())?;
        match self.current(&request.id).await? {
            Some(task) => trimmed(task, request.history_length),
            None => Err(A2aError::task_not_found(&request.id)),
        }
    }

    /// `CancelTask` (A2A §3.1.5). Nothing is charged for a cancelled task.
    ///
    /// # Errors
    /// TaskNotFound, TaskNotCancelable.
    pub async fn cancel_task(&self, request: CancelTaskRequest) -> Result<Json, A2aError> {
        refuse_violations(request.validate())?;
        let id = request.id.as_str();
        if let Some(live) = self.0.engine.live.get(id) {
            live.cancel();
            let task = match live.ended().await {
                Ended::Stored(task) => task,
                Ended::Lost(error) => return Err(error),
            };
            // It may have completed before it noticed: the first end counts.
            return match state_of(&task)? {
                TaskState::Canceled => Ok(task),
                _ => Err(A2aError::task_not_cancelable(id)),
            };
        }
        if let Some(task) = self.cancel_waiting(id)? {
            return Ok(task);
        }
        let (service, id) = (self.clone(), id.to_owned());
        detached(async move { service.cancel_stored(&id).await }).await
    }

    /// Takes a message in, in a task of its own: a caller that goes away half way must not leave
    /// money held for work that nobody started.
    async fn sent(&self, request: SendMessageRequest, public: bool) -> Result<Sent, A2aError> {
        let service = self.clone();
        detached(async move { service.send(request, public).await }).await
    }

    pub(crate) fn gate(&self) -> Option<&Gate> {
        self.0.engine.gate.as_ref()
    }

    /// A task wherever it is: running, stored, or waiting for its payment.
    pub(crate) async fn current(&self, id: &str) -> Result<Option<Json>, A2aError> {
        if let Some(live) = self.0.engine.live.get(id)
            && live.is_public()
            && let Some((task, _)) = live.snapshot()
        {
            return shown(task, None).map(Some);
        }
        let stored = self.0.engine.store.get(id.to_owned()).await;
        let stored = stored.map_err(|error| crate::tasks::store_failed(&error))?;
        Ok(stored
            .map(|stored| stored.task)
            .or_else(|| self.0.waiting.get(id).map(|task| task.shown)))
    }
}

/// A running task as its caller may see it: what is stored of it, or else what it begins with.
fn now(live: &LiveTask) -> Task {
    live.snapshot()
        .map_or_else(|| live.task(), |(task, _)| task)
}

/// Runs to its end whether or not anybody waits for it.
async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, A2aError>> + Send + 'static,
) -> Result<T, A2aError> {
    tokio::spawn(work)
        .await
        .unwrap_or_else(|gone| Err(A2aError::internal(gone.to_string())))
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
