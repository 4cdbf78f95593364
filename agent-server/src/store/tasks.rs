//! The port for tasks and their events.

use agent_core::a2a::TaskState;
use agent_core::json::Json;
use agent_core::ledger::{BoxFuture, TaskWrite};
use std::fmt::Debug;

/// A task as it was stored.
#[derive(Debug, Clone)]
pub struct StoredTask {
    /// The task's id.
    pub id: String,
    /// The context it belongs to.
    pub context_id: String,
    /// Whose it is; empty for callers without a name.
    pub owner: String,
    /// Its state.
    pub state: TaskState,
    /// The number of its last event.
    pub seq: u64,
    /// When its status changed, in Unix milliseconds.
    pub updated_unix_millis: u64,
    /// The A2A Task, as it was serialised.
    pub task: Json,
    /// What the engine must know to go on with it; never shown to a peer.
    pub resume: Option<Json>,
}

/// Durable tasks.
///
/// # Contract
///
/// - **Atomic and durable.** A write is one transaction; when it returns `Ok` it is committed as
///   durably as the store was configured. After an error nothing of it is stored, unless the store
///   serves nothing any more.
/// - **Terminal is final.** Nothing changes a task that is stored in a terminal state.
/// - **The higher number stands.** A write whose `seq` is below the stored one leaves the task as
///   it is; of two events with one number the first stands. So writes may arrive out of order.
/// - **Money first.** A task for which money is held is never ended here but by
///   [`Ledger::post`](agent_core::ledger::Ledger::post) or
///   [`Ledger::void`](agent_core::ledger::Ledger::void), so that no ended task holds money.
/// - **Read your writes.** What was written before a read began is seen by it.
///
/// Not guaranteed: that the numbers of events have no gaps, or that the JSON is a task.
pub trait TaskStore: Send + Sync + Debug {
    /// Stores a task, and appends its events.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put(&self, write: TaskWrite) -> BoxFuture<'_, Result<(), StoreError>>;

    /// The task, if it is known.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn get(&self, id: String) -> BoxFuture<'_, Result<Option<StoredTask>, StoreError>>;

    /// The events of a task with numbers above `seq`, lowest first, at most `limit` of them (and
    /// never more than [`limits::EVENTS_READ_MAX`](super::limits::EVENTS_READ_MAX)). Large ones may
    /// come in fewer at once, but at least one comes while there is one.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn events_after(
        &self,
        id: String,
        seq: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(u64, Json)>, StoreError>>;
}

/// Why the store did not do what it was asked to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The task is stored in a terminal state.
    #[error("task {0} has ended; nothing changes it any more")]
    Ended(String),
    /// The task cannot end here because money is held for it.
    #[error("money is held for task {0}; it ends with a post or a void")]
    MoneyHeld(String),
    /// The file could not be read or written; the text is for the log, never for a peer.
    #[error("the task store failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Ended(_) => "task_ended",
            Self::MoneyHeld(_) => "task_money_held",
            Self::Failed(_) => "task_store_failed",
        }
    }
}
