//! `ListTasks` (A2A §3.1.4): pages of tasks, the one with the newest status first.

use super::{Call, Caller, Service, parse_task, refuse_violations};
use crate::limits::{LIST_PAGE_BYTES_MAX, LISTS_AT_ONCE};
use crate::store::{StoredTask, TaskPage, TaskPages, TaskQuery};
use crate::tasks::store_failed;
use agent_core::a2a::{A2aError, ListTasksRequest, ListTasksResponse, Task, TaskState, Timestamp};
use alloy_primitives::hex;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What makes lists.
#[derive(Debug)]
pub(crate) struct Lists {
    pages: Arc<dyn TaskPages>,
    room: Semaphore,
    /// Whether a list need not name a context.
    open: bool,
}

impl Lists {
    pub(crate) fn new(pages: Arc<dyn TaskPages>, open: bool) -> Self {
        Self {
            pages,
            room: Semaphore::new(LISTS_AT_ONCE),
            open,
        }
    }
}

impl Service {
    /// `ListTasks` (A2A §3.1.4).
    ///
    /// Only the caller's tasks are listed. Callers without a name are told apart by what they know:
    /// as the id of a task is what lets one of them read it, so is the id of a context for the tasks
    /// in it, and a list that names no context has nothing in it, unless the agent's configuration
    /// opens it to all.
    ///
    /// # Errors
    /// InvalidParams.
    pub async fn list_tasks(
        &self,
        call: &Call,
        request: ListTasksRequest,
    ) -> Result<ListTasksResponse, A2aError> {
        refuse_violations(request.validate())?;
        let after = match request.page_token.as_str() {
            "" => None,
            token => Some(place(token).ok_or_else(|| {
                A2aError::invalid_field("pageToken", "is not one that this agent gave out")
            })?),
        };
        let page_size = request.page_size_or_default();
        let lists = &self.0.lists;
        let owner = call.owner(&request.tenant)?;
        let named = matches!(call.caller, Caller::Named(_));
        let page = if request.context_id.is_empty() && !lists.open && !named {
            TaskPage::default()
        } else {
            let since = request.status_timestamp_after.map(Timestamp::unix_millis);
            let query = TaskQuery {
                owner,
                context_id: Some(request.context_id).filter(|id| !id.is_empty()),
                state: Some(request.status).filter(|state| *state != TaskState::Unspecified),
                since_unix_millis: since.map(|millis| u64::try_from(millis).unwrap_or(0)),
                after,
                limit: usize::try_from(page_size).unwrap_or(0),
                bytes_max: LIST_PAGE_BYTES_MAX,
            };
            let _room = lists.room.acquire().await;
            let page = lists.pages.page(query).await;
            page.map_err(|error| store_failed(&error))?
        };
        let next_page_token = match page.tasks.last() {
            Some(last) if page.more => token(last),
            _ => String::new(),
        };
        let artifacts = request.include_artifacts.unwrap_or(false);
        let tasks = page.tasks.iter().map(|stored| {
            let mut task = parse_task(&stored.task)?;
            if artifacts {
                self.add_pieces(&mut task);
            } else {
                task.artifacts.clear();
            }
            task.trim_history(request.history_length);
            Ok(task)
        });
        Ok(ListTasksResponse {
            tasks: tasks.collect::<Result<_, A2aError>>()?,
            next_page_token,
            page_size,
            total_size: i32::try_from(page.total).unwrap_or(i32::MAX),
        })
    }

    /// The pieces of artifacts that a running task has emitted are stored as events beside it.
    fn add_pieces(&self, task: &mut Task) {
        if let Some(live) = self.0.engine.live.get(&task.id)
            && live.is_public()
            && let Some((now, _)) = live.snapshot()
        {
            task.artifacts = now.artifacts;
        }
    }
}

/// Where a page ended, in a form that does not invite anybody to write one.
fn token(last: &StoredTask) -> String {
    hex::encode(format!("{}:{}", last.updated_unix_millis, last.id))
}

fn place(token: &str) -> Option<(u64, String)> {
    let text = String::from_utf8(hex::decode(token).ok()?).ok()?;
    let (time, id) = text.split_once(':')?;
    Some((time.parse().ok()?, id.to_owned()))
}
