//! Tasks that are running: an append-only log each, and a wake-up.
//!
//! A reader keeps the number it has read up to and comes back for more when it is woken. A slow
//! one falls behind without losing anything or holding anybody up; there is no channel to overflow.

use super::Draft;
use super::engine::Showing;
use super::metered::{Metered, Purse};
use super::shown::Shown;
use super::watchers::Watchers;
use crate::limits::{
    EVENT_BYTES_MAX, EVENT_BYTES_PER_TASK_MAX, EVENT_BYTES_PER_TASK_MIN, EVENT_PORTION_BYTES_MAX,
    EVENTS_PER_TASK_MAX, LIVE_SHARDS,
};
use agent_core::a2a::{A2aError, ErrorCode, Task, TaskState};
use agent_core::json::Json;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

/// One running task.
pub(crate) struct LiveTask {
    id: String,
    owner: String,
    log: Mutex<Log>,
    draft: Mutex<Draft>,
    /// The task as far as its events tell, for those who ask before its end.
    shown: Mutex<Shown>,
    seq: watch::Sender<u64>,
    canceled: AtomicBool,
    cancel: Notify,
    /// Whether anyone was told the task's id. Until then nobody can ask for its events, so they
    /// need not be stored one by one.
    public: AtomicBool,
    showing: Showing,
    /// What it sells.
    pub(crate) skill: String,
    /// How it is metered, if it is.
    pub(crate) metered: Option<Metered>,
    /// What is held for it.
    pub(crate) purse: Purse,
    /// The bytes that the events of all running tasks hold.
    held: Arc<AtomicUsize>,
    /// Its place among the tasks that may run at once; free again when the task is dropped.
    _permit: OwnedSemaphorePermit,
}

#[derive(Default)]
struct Log {
    /// With their numbers, which rise.
    events: Vec<(u64, Json)>,
    bytes: usize,
    ended: Option<Ended>,
}

/// How a run ended: with a stored task, or with an error because the store failed for good.
#[derive(Debug, Clone)]
pub(crate) enum Ended {
    /// The A2A Task, as stored, and its state.
    Stored(Json, TaskState),
    /// A message is the answer, and there is no task.
    Direct(Json),
    /// Nothing could be stored; what was reserved is voided by recovery.
    Lost(A2aError),
}

impl LiveTask {
    pub(crate) fn new(draft: Draft, showing: Showing, permit: OwnedSemaphorePermit) -> Self {
        Self {
            id: draft.task.id.clone(),
            owner: draft.owner.clone(),
            log: Mutex::default(),
            draft: Mutex::new(draft),
            shown: Mutex::default(),
            seq: watch::Sender::new(0),
            canceled: AtomicBool::new(false),
            cancel: Notify::new(),
            public: AtomicBool::new(false),
            showing,
            skill: String::new(),
            metered: None,
            purse: Purse::default(),
            held: Arc::default(),
            _permit: permit,
        }
    }

    /// The same task, of this skill and metered like this.
    pub(crate) fn selling(mut self, skill: &str, metered: Option<Metered>) -> Self {
        skill.clone_into(&mut self.skill);
        self.metered = metered;
        self
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whose it is; see [`agent_core::ledger::TaskWrite::owner`].
    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }

    pub(crate) fn is_public(&self) -> bool {
        self.public.load(Ordering::Acquire)
    }

    /// Says that the task is stored, and so its id may be told.
    pub(crate) fn make_public(&self) {
        self.public.store(true, Ordering::Release);
    }

    pub(crate) const fn showing(&self) -> Showing {
        self.showing
    }

    /// Whether it has said nothing so far.
    pub(crate) fn is_silent(&self) -> bool {
        lock(&self.log).events.is_empty()
    }

    /// The task as it is written now, which may be ahead of what is stored.
    pub(crate) fn task(&self) -> Task {
        lock(&self.draft).task.clone()
    }

    /// The task as its events up to now tell it, and the number of the last of them; `None` before
    /// the first. All of it is stored, and whoever reads on after that number misses nothing.
    pub(crate) fn snapshot(&self) -> Option<(Task, u64)> {
        let mut shown = lock(&self.shown);
        let new = {
            let log = lock(&self.log);
            log.events.get(shown.read()..).unwrap_or_default().to_vec()
        };
        shown.take_in(&new)
    }

    /// Whether it has ended, well or not.
    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.log).ended.is_some()
    }

    /// Changes the task. What the closure returns is made under the same lock.
    pub(crate) fn edit<T>(&self, change: impl FnOnce(&mut Draft) -> T) -> T {
        change(&mut lock(&self.draft))
    }

    /// Appends an event that is stored, or that nobody needs stored.
    pub(crate) fn append(&self, seq: u64, event: Json) -> Result<(), Full> {
        let mut log = lock(&self.log);
        let bytes = log.bytes.saturating_add(event.get().len());
        let count = u64::try_from(log.events.len()).unwrap_or(u64::MAX);
        if count >= EVENTS_PER_TASK_MAX || bytes > EVENT_BYTES_PER_TASK_MAX {
            return Err(Full);
        }
        let added = event.get().len();
        let held = self.held.fetch_add(added, Ordering::Relaxed);
        if bytes > EVENT_BYTES_PER_TASK_MIN && held.saturating_add(added) > EVENT_BYTES_MAX {
            self.held.fetch_sub(added, Ordering::Relaxed);
            return Err(Full);
        }
        log.bytes = bytes;
        log.events.push((seq, event));
        drop(log);
        self.wake();
        Ok(())
    }

    /// Ends the task. Its last events are readable before the end is.
    pub(crate) fn end(&self, last: Vec<(u64, Json)>, ended: Ended) {
        let mut log = lock(&self.log);
        log.events.extend(last);
        log.ended = Some(ended);
        drop(log);
        self.wake();
    }

    /// The next events with numbers above `after`, once there are some, and the end with the last.
    pub(crate) async fn next(&self, after: u64) -> (Vec<(u64, Json)>, Option<Ended>) {
        let mut seq = self.seq.subscribe();
        loop {
            seq.mark_unchanged();
            {
                let log = lock(&self.log);
                let read = log.events.partition_point(|(number, _)| *number <= after);
                let unread = log.events.get(read..).unwrap_or_default();
                let new = portion(unread).to_vec();
                if !new.is_empty() || log.ended.is_some() {
                    let all = new.len() == unread.len();
                    return (new, log.ended.clone().filter(|_| all));
                }
            }
            if seq.changed().await.is_err() {
                return (Vec::new(), Some(Ended::Lost(ErrorCode::Internal.into())));
            }
        }
    }

    /// Waits for the end.
    pub(crate) async fn ended(&self) -> Ended {
        let mut seq = self.seq.subscribe();
        loop {
            seq.mark_unchanged();
            if let Some(ended) = lock(&self.log).ended.clone() {
                return ended;
            }
            if seq.changed().await.is_err() {
                return Ended::Lost(ErrorCode::Internal.into());
            }
        }
    }

    /// Waits for the end, or until the run needs its caller to pay for more: then `None`.
    pub(crate) async fn ended_or_paused(&self) -> Option<Ended> {
        let mut seq = self.seq.subscribe();
        loop {
            seq.mark_unchanged();
            if let Some(ended) = lock(&self.log).ended.clone() {
                return Some(ended);
            }
            if self.purse.is_paused() {
                return None;
            }
            if seq.changed().await.is_err() {
                return Some(Ended::Lost(ErrorCode::Internal.into()));
            }
        }
    }

    pub(crate) fn cancel(&self) {
        self.canceled.store(true, Ordering::Release);
        self.cancel.notify_waiters();
    }

    pub(crate) fn is_canceled(&self) -> bool {
        self.canceled.load(Ordering::Acquire)
    }

    pub(crate) async fn canceled(&self) {
        loop {
            let notified = self.cancel.notified();
            if self.is_canceled() {
                return;
            }
            notified.await;
        }
    }

    pub(super) fn wake(&self) {
        self.seq.send_modify(|seq| *seq = seq.wrapping_add(1));
    }
}

impl Drop for LiveTask {
    fn drop(&mut self) {
        let bytes = lock(&self.log).bytes;
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for LiveTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveTask")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A task emitted more events than are kept for one, or all running tasks together did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// All tasks that are running, and a bound on how many.
#[derive(Debug)]
pub(crate) struct LiveTasks {
    shards: [Mutex<HashMap<String, Arc<LiveTask>>>; LIVE_SHARDS],
    hasher: RandomState,
    permits: Arc<Semaphore>,
    max: usize,
    held: Arc<AtomicUsize>,
    /// Those who wait for a task that is not running.
    pub(crate) watchers: Watchers,
}

impl LiveTasks {
    pub(crate) fn new(max: usize) -> Self {
        let permits = Arc::new(Semaphore::new(max));
        Self {
            shards: Default::default(),
            hasher: RandomState::new(),
            permits,
            max,
            held: Arc::default(),
            watchers: Watchers::default(),
        }
    }

    /// A place among the running tasks; taken before anything is reserved, so that money is never
    /// held for work that cannot start.
    pub(crate) fn permit(&self) -> Result<OwnedSemaphorePermit, A2aError> {
        Arc::clone(&self.permits).try_acquire_owned().map_err(|_| {
            A2aError::new(
                ErrorCode::ResourceExhausted,
                "this agent is busy; try again later",
            )
            .with_detail("too_many_tasks")
        })
    }

    /// Adds a task; `None` when one of its id is running already.
    pub(crate) fn start(&self, mut task: LiveTask) -> Option<Arc<LiveTask>> {
        task.held = Arc::clone(&self.held);
        let mut shard = self.shard(&task.id);
        if shard.contains_key(&task.id) {
            return None;
        }
        let task = Arc::new(task);
        shard.insert(task.id.clone(), Arc::clone(&task));
        drop(shard);
        self.watchers.tell(&task.id, None);
        Some(task)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<LiveTask>> {
        self.shard(id).get(id).cloned()
    }

    /// Takes a task out, and not another run of the same task that has begun since.
    pub(crate) fn remove(&self, task: &LiveTask) {
        let mut shard = self.shard(&task.id);
        let same = |known: &Arc<LiveTask>| std::ptr::eq(Arc::as_ptr(known), task);
        if shard.get(&task.id).is_some_and(same) {
            shard.remove(&task.id);
        }
    }

    /// How many are running.
    pub(crate) fn len(&self) -> usize {
        self.max.saturating_sub(self.permits.available_permits())
    }

    /// Waits until nothing runs, at most so long.
    pub(crate) async fn drained(&self, wait: Duration) {
        let all = u32::try_from(self.max).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(wait, self.permits.acquire_many(all)).await;
    }

    /// Cancels everything; for shutdown after the grace period.
    pub(crate) fn cancel_all(&self) {
        for shard in &self.shards {
            let tasks: Vec<_> = lock(shard).values().cloned().collect();
            tasks.iter().for_each(|task| task.cancel());
        }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the index is taken modulo the length"
    )]
    fn shard(&self, id: &str) -> MutexGuard<'_, HashMap<String, Arc<LiveTask>>> {
        let hash = usize::try_from(self.hasher.hash_one(id) >> 32).unwrap_or(0);
        lock(&self.shards[hash % LIVE_SHARDS])
    }
}

/// As many of the first events as a reader is given at once.
fn portion(events: &[(u64, Json)]) -> &[(u64, Json)] {
    let mut bytes = 0_usize;
    let fits = |(_, event): &&(u64, Json)| {
        let before = bytes;
        bytes = bytes.saturating_add(event.get().len());
        before == 0 || bytes <= EVENT_PORTION_BYTES_MAX
    };
    let count = events.iter().take_while(fits).count();
    events.get(..count).unwrap_or(events)
}

// A panic cannot leave what these guard half changed: every change is one push or one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
