//! The port for webhooks, and what is kept of one.

use super::tasks::StoreError;
use super::{Failed, SqliteStore, push_rows};
use agent_core::a2a::{AuthenticationInfo, Secret, TaskPushNotificationConfig};
use agent_core::json::Json;
use agent_core::ledger::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// Which webhook: one task has several.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookKey {
    /// The task.
    pub task_id: String,
    /// Which of its webhooks.
    pub id: String,
}

/// The version of A2A that a webhook was made with, and so the form of what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushVersion {
    /// 1.0: one `StreamResponse` each time.
    V1_0,
    /// 0.3: the task as it is.
    V0_3,
}

impl PushVersion {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V0_3 => "0.3",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::V1_0, Self::V0_3]
            .into_iter()
            .find(|version| version.as_str() == name)
    }
}

/// A webhook: whom to call, and how to tell it who calls.
///
/// Its URL was chosen by a peer and may hold a secret, as may the rest of it. `Debug` shows none.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Which of the task's webhooks.
    pub id: String,
    /// The form of what it is sent.
    pub version: PushVersion,
    /// What to call.
    pub url: String,
    /// Sent along.
    pub token: Secret,
    /// How to authenticate to it.
    pub authentication: Option<AuthenticationInfo>,
}

impl Webhook {
    /// What is kept of a request that has been validated. Its `id` must not be empty.
    #[must_use]
    pub fn new(config: TaskPushNotificationConfig, version: PushVersion) -> Self {
        Self {
            id: config.id,
            version,
            url: config.url,
            token: config.token,
            authentication: config.authentication,
        }
    }

    /// The bytes of what was sent for it, which its own fields add little to.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let authentication = self.authentication.as_ref();
        [
            self.id.len(),
            self.url.len(),
            self.token.len(),
            authentication.map_or(0, |a| a.scheme.len()),
            authentication.map_or(0, |a| a.credentials.len()),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    /// The webhook as its owner sees it.
    #[must_use]
    pub fn shown(&self, tenant: &str, task_id: &str) -> TaskPushNotificationConfig {
        TaskPushNotificationConfig {
            tenant: tenant.to_owned(),
            id: self.id.clone(),
            task_id: task_id.to_owned(),
            url: self.url.clone(),
            token: self.token.clone(),
            authentication: self.authentication.clone(),
        }
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// How many webhooks there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookCaps {
    /// For one task.
    pub per_task: usize,
    /// For one caller with a name.
    pub per_owner: usize,
    /// In all.
    pub in_all: usize,
}

/// The next thing that a webhook is to be told.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The webhook as it is now.
    pub webhook: Webhook,
    /// The number of the event.
    pub seq: u64,
    /// The event, a `StreamResponse`.
    pub event: Json,
    /// The task as it is stored, for webhooks that are sent that.
    pub task: Option<Json>,
}

/// What became of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The webhook has it.
    Delivered,
    /// It failed; it may be tried again.
    Failed,
    /// The webhook does not want this one; the next may be tried.
    Refused,
    /// Nothing may be sent there.
    Forbidden,
}

/// How a webhook stands after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Attempts that failed one after another.
    pub failures: u32,
    /// Whether it is told nothing any more until it is made anew.
    pub suspended: bool,
}

/// Why a webhook was not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushStoreError {
    /// There are as many as there may be.
    #[error("{scope} has {max} webhooks already")]
    TooMany {
        /// What is full: the task, the caller or the agent.
        scope: &'static str,
        /// The bound.
        max: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Durable webhooks, each with a place in the event log of its task.
///
/// # Contract
///
/// - **Nothing is skipped.** A webhook's place is the number of the last event that is done with.
///   It starts at the task's newest event, or at zero when the task is not stored yet, and moves
///   on only with [`settle`](Self::settle). So whoever asks for [`next`](Self::next) after a
///   restart goes on exactly where the one before stopped; what was sent and not settled is sent
///   again.
/// - **Replacing keeps the place** and forgets failures and suspension.
/// - **Woken.** After an event of a task with webhooks is committed,
///   [`woken`](Self::woken) gives the task's id. It may give too many, and may lose one when its
///   writer went away; [`pending`](Self::pending) finds those.
///
/// Not guaranteed: that the task of a webhook exists. Callers look first.
pub trait PushConfigs: Send + Sync + fmt::Debug {
    /// Stores webhooks of a task of that owner, all or none. One of the same id is replaced. When
    /// the agent is full, the oldest ones of ended tasks make room, if they have been told
    /// everything.
    ///
    /// # Errors
    /// [`PushStoreError`].
    fn put(
        &self,
        task_id: String,
        owner: String,
        webhooks: Vec<Webhook>,
        caps: WebhookCaps,
    ) -> BoxFuture<'_, Result<(), PushStoreError>>;

    /// One webhook.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn find(&self, key: WebhookKey) -> BoxFuture<'_, Result<Option<Webhook>, StoreError>>;

    /// The webhooks of a task by their ids, after that one, at most so many.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn of_task(
        &self,
        task_id: String,
        after: String,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Webhook>, StoreError>>;

    /// Forgets a webhook. To forget one that is not there changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn remove(&self, key: WebhookKey) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Those that are to be told something: of these tasks, or of all.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn pending(
        &self,
        tasks: Option<Vec<String>>,
    ) -> BoxFuture<'_, Result<Vec<WebhookKey>, StoreError>>;

    /// The next thing that this one is to be told; `None` when there is nothing, or when it is
    /// suspended or gone.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn next(&self, key: WebhookKey) -> BoxFuture<'_, Result<Option<Notice>, StoreError>>;

    /// Notes what became of the attempt to tell the event of that number; suspends after so many
    /// failures one after another. `None` when the webhook is gone.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn settle(
        &self,
        key: WebhookKey,
        seq: u64,
        attempt: Attempt,
        failures_max: u32,
    ) -> BoxFuture<'_, Result<Option<Standing>, StoreError>>;

    /// Forgets those of tasks that ended before this time, in Unix milliseconds, and have been told
    /// everything or are suspended. Returns how many.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn expire(&self, ended_before_unix_millis: u64) -> BoxFuture<'_, Result<usize, StoreError>>;

    /// Waits until something may have happened to tasks that have webhooks, and says which.
    fn woken(&self) -> BoxFuture<'_, Vec<String>>;
}

impl PushConfigs for SqliteStore {
    fn put(
        &self,
        task_id: String,
        owner: String,
        webhooks: Vec<Webhook>,
        caps: WebhookCaps,
    ) -> BoxFuture<'_, Result<(), PushStoreError>> {
        Box::pin(async move {
            let new = Arc::new(push_rows::New {
                task_id,
                owner,
                webhooks,
                caps,
                now_unix_millis: self.shared.clock.now_unix_millis(),
            });
            let (job, shared) = (Arc::clone(&new), Arc::clone(&self.shared));
            let done = self.write(move |tx, _| {
                // Before the commit: an event that is committed after it must not find nobody.
                shared.wakeups.watch(&job.task_id);
                push_rows::put(tx, &job)
            });
            done.await.map_err(failed)??;
            self.shared.wakeups.tell(&new.task_id);
            Ok(())
        })
    }

    fn find(&self, key: WebhookKey) -> BoxFuture<'_, Result<Option<Webhook>, StoreError>> {
        Box::pin(async move {
            self.read(move |conn, _| push_rows::find(conn, &key))
                .await
                .map_err(failed)
        })
    }

    fn of_task(
        &self,
        task_id: String,
        after: String,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Webhook>, StoreError>> {
        Box::pin(async move {
            self.read(move |conn, _| push_rows::of_task(conn, &task_id, &after, limit))
                .await
                .map_err(failed)
        })
    }

    fn remove(&self, key: WebhookKey) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.write(move |tx, _| push_rows::remove(tx, &key))
                .await
                .map_err(failed)
        })
    }

    fn pending(
        &self,
        tasks: Option<Vec<String>>,
    ) -> BoxFuture<'_, Result<Vec<WebhookKey>, StoreError>> {
        Box::pin(async move {
            self.read(move |conn, _| match &tasks {
                None => push_rows::pending(conn, None),
                Some(tasks) => tasks.iter().try_fold(Vec::new(), |mut all, task| {
                    all.extend(push_rows::pending(conn, Some(task))?);
                    Ok(all)
                }),
            })
            .await
            .map_err(failed)
        })
    }

    fn next(&self, key: WebhookKey) -> BoxFuture<'_, Result<Option<Notice>, StoreError>> {
        Box::pin(async move {
            self.read(move |conn, _| push_rows::next(conn, &key))
                .await
                .map_err(failed)
        })
    }

    fn settle(
        &self,
        key: WebhookKey,
        seq: u64,
        attempt: Attempt,
        failures_max: u32,
    ) -> BoxFuture<'_, Result<Option<Standing>, StoreError>> {
        Box::pin(async move {
            self.write(move |tx, _| push_rows::settle(tx, &key, seq, attempt, failures_max))
                .await
                .map_err(failed)
        })
    }

    fn expire(&self, ended_before_unix_millis: u64) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(async move {
            let shared = Arc::clone(&self.shared);
            self.write(move |tx, _| {
                let gone = push_rows::expire(tx, ended_before_unix_millis)?;
                shared.wakeups.watch_only(push_rows::tasks(tx)?);
                Ok(gone)
            })
            .await
            .map_err(failed)
        })
    }

    fn woken(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(self.shared.wakeups.woken())
    }
}

fn failed(failed: Failed) -> StoreError {
    StoreError::Failed(format!("{}: {failed}", failed.code()))
}
