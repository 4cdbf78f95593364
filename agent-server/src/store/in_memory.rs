//! Tasks in memory alone: fast, bounded, and gone with the process.

use super::limits::EVENTS_READ_MAX;
use super::{StoreError, StoredTask, TaskPage, TaskPages, TaskQuery, TaskStore};
use agent_core::json::Json;
use agent_core::ledger::{BoxFuture, TaskWrite};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::future::ready;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a task takes beside its texts: its places in the indexes, and what the allocator rounds up.
const TASK_OVERHEAD_BYTES: usize = 1_024;

/// A [`TaskStore`] and [`TaskPages`] whose tasks are in memory: the store of an agent that promises
/// nothing across a restart. Clones share the tasks.
///
/// It holds so many tasks and so many bytes and no more. To make room, tasks that ended go first,
/// the one with the oldest status before the others; then tasks that wait for their callers. Tasks
/// that are worked on stay, and when nothing else is left a new one is refused.
///
/// What is *not* guaranteed is durability, the one part of the contract of [`TaskStore`] that it
/// cannot keep: after a restart every id is unknown. It knows no payments, so money must never be
/// held for its tasks.
#[derive(Clone)]
pub struct MemoryStore {
    tasks: Arc<Mutex<Tasks>>,
    tasks_max: usize,
    bytes_max: usize,
}

#[derive(Default)]
struct Tasks {
    by_id: HashMap<Arc<str>, Kept>,
    /// In the order in which they make room.
    leaving: BTreeSet<(Leaves, u64, Arc<str>)>,
    by_context: Index,
    /// Those whose owner has a name.
    by_owner: Index,
    bytes: usize,
}

/// The tasks of one context or owner, in the order of their status.
type Index = BTreeSet<(Arc<str>, u64, Arc<str>)>;

/// When a task makes room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Leaves {
    First,
    AfterThose,
    Never,
}

struct Kept {
    task: StoredTask,
    events: BTreeMap<u64, Json>,
    event_bytes: usize,
}

impl Kept {
    fn bytes(&self) -> usize {
        let resume = self.task.resume.as_ref().map_or(0, |json| json.get().len());
        TASK_OVERHEAD_BYTES
            .saturating_add(self.task.task.get().len())
            .saturating_add(resume)
            .saturating_add(self.event_bytes)
    }

    const fn leaves(&self) -> Leaves {
        if self.task.state.is_terminal() {
            Leaves::First
        } else if self.task.resume.is_some() {
            Leaves::AfterThose
        } else {
            Leaves::Never
        }
    }
}

impl MemoryStore {
    /// A store for so many tasks, in so many bytes. The bytes are those of the texts and a rounded
    /// sum for all that is around them, so the process takes about that much and not exactly.
    #[must_use]
    pub fn new(tasks_max: usize, bytes_max: usize) -> Self {
        Self {
            tasks: Arc::default(),
            tasks_max,
            bytes_max,
        }
    }

    /// How many tasks it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().by_id.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // A panic leaves at worst a task that is in one index and not in another.
    fn lock(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, write: TaskWrite) -> Result<(), StoreError> {
        let mut tasks = self.lock();
        let known = tasks.by_id.get(write.id.as_str());
        if known.is_some_and(|kept| kept.task.state.is_terminal()) {
            return Err(StoreError::Ended(write.id));
        }
        let before = tasks.take(&write.id);
        let after_at_most = before
            .as_ref()
            .map_or(TASK_OVERHEAD_BYTES, Kept::bytes)
            .saturating_add(bytes_of(&write));
        // The end of a task is always taken: it stood for its place while it was worked on.
        if !self.make_room(&mut tasks, after_at_most) && !write.state.is_terminal() {
            if let Some(before) = before {
                tasks.keep(before);
            }
            return Err(StoreError::Failed("the memory for tasks is full".into()));
        }
        tasks.keep(merged(before, write));
        Ok(())
    }

    fn make_room(&self, tasks: &mut Tasks, bytes: usize) -> bool {
        while tasks.bytes.saturating_add(bytes) > self.bytes_max
            || tasks.by_id.len() >= self.tasks_max
        {
            let Some((_, _, id)) = tasks.leaving.first().cloned() else {
                return false;
            };
            tasks.take(&id);
        }
        true
    }

    fn read_page(&self, query: &TaskQuery) -> TaskPage {
        let tasks = self.lock();
        let mut page = TaskPage::default();
        let mut room = query.bytes_max;
        for task in tasks.newest_first(query).filter(|task| fits(task, query)) {
            page.total = page.total.saturating_add(1);
            let place = (task.updated_unix_millis, task.id.as_str());
            let before = query.after.as_ref();
            if before.is_some_and(|(time, id)| place >= (*time, id.as_str())) || page.more {
                continue;
            }
            let bytes = task.task.get().len();
            let full = page.tasks.len() >= query.limit.min(EVENTS_READ_MAX);
            if full || (bytes > room && !page.tasks.is_empty()) {
                page.more = true;
                continue;
            }
            room = room.saturating_sub(bytes);
            page.tasks.push(task.clone());
        }
        page
    }
}

impl Tasks {
    fn keep(&mut self, kept: Kept) {
        let id: Arc<str> = Arc::from(kept.task.id.as_str());
        self.bytes = self.bytes.saturating_add(kept.bytes());
        let at = kept.task.updated_unix_millis;
        if kept.leaves() != Leaves::Never {
            self.leaving.insert((kept.leaves(), at, Arc::clone(&id)));
        }
        let context = Arc::from(kept.task.context_id.as_str());
        self.by_context.insert((context, at, Arc::clone(&id)));
        if !kept.task.owner.is_empty() {
            let owner = Arc::from(kept.task.owner.as_str());
            self.by_owner.insert((owner, at, Arc::clone(&id)));
        }
        self.by_id.insert(id, kept);
    }

    fn take(&mut self, id: &str) -> Option<Kept> {
        let (id, kept) = self.by_id.remove_entry(id)?;
        self.bytes = self.bytes.saturating_sub(kept.bytes());
        let at = kept.task.updated_unix_millis;
        self.leaving.remove(&(kept.leaves(), at, Arc::clone(&id)));
        let context = Arc::from(kept.task.context_id.as_str());
        self.by_context.remove(&(context, at, Arc::clone(&id)));
        if !kept.task.owner.is_empty() {
            let owner = Arc::from(kept.task.owner.as_str());
            self.by_owner.remove(&(owner, at, id));
        }
        Some(kept)
    }

    /// Tasks that may fit the query, from the index that holds the fewest of the others.
    fn newest_first(&self, query: &TaskQuery) -> Box<dyn Iterator<Item = &StoredTask> + '_> {
        let (index, name) = match &query.context_id {
            Some(context) => (&self.by_context, context.as_str()),
            None if !query.owner.is_empty() => (&self.by_owner, query.owner.as_str()),
            None => {
                let mut all: Vec<_> = self.by_id.values().map(|kept| &kept.task).collect();
                all.sort_unstable_by(|a, b| place(b).cmp(&place(a)));
                return Box::new(all.into_iter());
            }
        };
        let name: Arc<str> = Arc::from(name);
        let first = (Arc::clone(&name), 0, Arc::from(""));
        let of_this = index.range((Bound::Included(first), Bound::Unbounded));
        let mut ids: Vec<&Arc<str>> = of_this
            .take_while(|(group, ..)| *group == name)
            .map(|(_, _, id)| id)
            .collect();
        ids.reverse();
        Box::new(
            ids.into_iter()
                .filter_map(|id| Some(&self.by_id.get(id)?.task)),
        )
    }
}

fn place(task: &StoredTask) -> (u64, &str) {
    (task.updated_unix_millis, task.id.as_str())
}

fn fits(task: &StoredTask, query: &TaskQuery) -> bool {
    let context = query.context_id.as_ref();
    let since = query.since_unix_millis;
    task.owner == query.owner
        && context.is_none_or(|context| task.context_id == *context)
        && query.state.is_none_or(|state| task.state == state)
        && since.is_none_or(|since| task.updated_unix_millis >= since)
}

fn bytes_of(write: &TaskWrite) -> usize {
    let resume = write.resume.as_ref().map_or(0, |json| json.get().len());
    let events = write.events.iter().map(|(_, event)| event.get().len());
    events
        .fold(write.task.get().len(), usize::saturating_add)
        .saturating_add(resume)
}

/// The task as the contract of [`TaskStore`] says, after a write.
fn merged(before: Option<Kept>, write: TaskWrite) -> Kept {
    // An ended task is never taken up again, so what that would need is not kept.
    let resume = write.resume.filter(|_| !write.state.is_terminal());
    let mut kept = match before {
        Some(mut kept) if write.seq >= kept.task.seq => {
            kept.task.state = write.state;
            kept.task.seq = write.seq;
            kept.task.updated_unix_millis = write.updated_unix_millis;
            kept.task.task = write.task;
            kept.task.resume = resume;
            kept
        }
        Some(kept) => kept,
        None => Kept {
            task: StoredTask {
                id: write.id,
                context_id: write.context_id,
                owner: write.owner,
                state: write.state,
                seq: write.seq,
                updated_unix_millis: write.updated_unix_millis,
                task: write.task,
                resume,
            },
            events: BTreeMap::new(),
            event_bytes: 0,
        },
    };
    for (seq, event) in write.events {
        let bytes = event.get().len();
        if let Entry::Vacant(place) = kept.events.entry(seq) {
            place.insert(event);
            kept.event_bytes = kept.event_bytes.saturating_add(bytes);
        }
    }
    kept
}

impl TaskStore for MemoryStore {
    fn put(&self, write: TaskWrite) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(ready(self.write(write)))
    }

    fn get(&self, id: String) -> BoxFuture<'_, Result<Option<StoredTask>, StoreError>> {
        let kept = self
            .lock()
            .by_id
            .get(id.as_str())
            .map(|kept| kept.task.clone());
        Box::pin(ready(Ok(kept)))
    }

    fn events_after(
        &self,
        id: String,
        seq: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(u64, Json)>, StoreError>> {
        let tasks = self.lock();
        let kept = tasks.by_id.get(id.as_str());
        let events = kept.map_or_else(Vec::new, |kept| {
            let above = (Bound::Excluded(seq), Bound::Unbounded);
            let above = kept.events.range(above).take(limit.min(EVENTS_READ_MAX));
            above.map(|(seq, event)| (*seq, event.clone())).collect()
        });
        Box::pin(ready(Ok(events)))
    }
}

impl TaskPages for MemoryStore {
    fn page(&self, query: TaskQuery) -> BoxFuture<'_, Result<TaskPage, StoreError>> {
        Box::pin(ready(Ok(self.read_page(&query))))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = self.lock();
        f.debug_struct("MemoryStore")
            .field("tasks", &tasks.by_id.len())
            .field("bytes", &tasks.bytes)
            .finish_non_exhaustive()
    }
}
