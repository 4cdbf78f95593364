//! Tasks that wait for their first payment. In memory only, and bounded: a price question is free,
//! so it must not cost the seller's disk.

use crate::store::Webhook;
use agent_core::a2a::Message;
use agent_core::json::Json;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A task whose work is known and whose payment is not there yet.
#[derive(Debug, Clone)]
pub(crate) struct WaitingTask {
    /// The A2A Task in INPUT_REQUIRED, as its caller last saw it.
    pub(crate) shown: Json,
    pub(crate) context_id: String,
    /// Whose it is; see [`agent_core::ledger::TaskWrite::owner`].
    pub(crate) owner: String,
    pub(crate) skill: String,
    pub(crate) input: String,
    /// The message that asked for the work.
    pub(crate) message: Message,
    /// Stored when the payment is admitted.
    pub(crate) webhooks: Vec<Webhook>,
}

/// The bounded set of waiting tasks.
pub(crate) struct WaitingTasks {
    inner: Mutex<Inner>,
    max: usize,
    bytes_max: usize,
    ttl: Duration,
}

#[derive(Default)]
struct Inner {
    tasks: HashMap<String, Entry>,
    order: VecDeque<String>,
    bytes: usize,
}

struct Entry {
    task: WaitingTask,
    state: State,
    since: Instant,
}

/// Whose the task is. Another payment may not run it a second time.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Open,
    /// So many attempts of one payment are under way.
    Taken {
        by: String,
        attempts: usize,
    },
    /// That payment was admitted.
    Paid {
        by: String,
    },
}

impl Entry {
    /// What it holds in memory: its text is there as JSON, as input and as the parsed message.
    fn bytes(&self) -> usize {
        let texts = self.task.shown.get().len().saturating_mul(3);
        let webhooks = self.task.webhooks.iter().map(Webhook::bytes);
        webhooks.fold(texts, usize::saturating_add)
    }
}

impl WaitingTasks {
    pub(crate) fn new(max: usize, bytes_max: usize, ttl: Duration) -> Self {
        Self {
            inner: Mutex::new(Inner::default()),
            max,
            bytes_max,
            ttl,
        }
    }

    pub(crate) fn insert(&self, id: String, task: WaitingTask) {
        let mut inner = self.lock();
        let entry = Entry {
            task,
            state: State::Open,
            since: Instant::now(),
        };
        inner.bytes = inner.bytes.saturating_add(entry.bytes());
        if let Some(old) = inner.tasks.insert(id.clone(), entry) {
            inner.bytes = inner.bytes.saturating_sub(old.bytes());
        } else {
            inner.order.push_back(id);
        }
        self.make_room(&mut inner);
    }

    fn make_room(&self, inner: &mut Inner) {
        while let Some(oldest) = inner.order.front().cloned() {
            let entry = inner.tasks.get(&oldest);
            let expired = entry.is_none_or(|entry| entry.since.elapsed() > self.ttl);
            if !expired && inner.tasks.len() <= self.max && inner.bytes <= self.bytes_max {
                return;
            }
            inner.order.pop_front();
            inner.forget(&oldest);
        }
    }

    /// Changes the webhooks of a task; `None` when there is none such, or a payment has it.
    pub(crate) fn webhooks<T>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Vec<Webhook>) -> T,
    ) -> Option<T> {
        let mut inner = self.lock();
        let entry = inner.tasks.get_mut(id)?;
        if entry.state != State::Open {
            return None;
        }
        let before = entry.bytes();
        let changed = change(&mut entry.task.webhooks);
        let after = entry.bytes();
        inner.bytes = inner.bytes.saturating_sub(before).saturating_add(after);
        self.make_room(&mut inner);
        Some(changed)
    }

    pub(crate) fn get(&self, id: &str) -> Option<WaitingTask> {
        self.lock().tasks.get(id).map(|entry| entry.task.clone())
    }

    /// Takes the task for one payment; `false` when another one has it. The same payment may take
    /// it again: its repeats must find the answer.
    pub(crate) fn take(&self, id: &str, payment: &str) -> bool {
        let mut inner = self.lock();
        let Some(entry) = inner.tasks.get_mut(id) else {
            return false;
        };
        match &mut entry.state {
            State::Open => {
                entry.state = State::Taken {
                    by: payment.to_owned(),
                    attempts: 1,
                };
                true
            }
            State::Taken { by, attempts } if by == payment => {
                *attempts = attempts.saturating_add(1);
                true
            }
            State::Paid { by } => by == payment,
            State::Taken { .. } => false,
        }
    }

    /// Says that a payment was admitted: no other one ever is.
    pub(crate) fn paid(&self, id: &str, payment: &str) {
        if let Some(entry) = self.lock().tasks.get_mut(id) {
            entry.state = State::Paid {
                by: payment.to_owned(),
            };
        }
    }

    /// Gives the task back after an attempt of this payment was refused.
    pub(crate) fn give_back(&self, id: &str, payment: &str) {
        let mut inner = self.lock();
        let Some(entry) = inner.tasks.get_mut(id) else {
            return;
        };
        if let State::Taken { by, attempts } = &mut entry.state
            && by == payment
        {
            *attempts = attempts.saturating_sub(1);
            if *attempts == 0 {
                entry.state = State::Open;
            }
        }
    }

    /// Removes the task if no payment has it, and tells of it before anybody can find it gone.
    pub(crate) fn remove_open(&self, id: &str, tell: impl FnOnce()) -> Option<WaitingTask> {
        let mut inner = self.lock();
        let open = inner
            .tasks
            .get(id)
            .is_some_and(|entry| entry.state == State::Open);
        if !open {
            return None;
        }
        let task = inner.forget(id);
        tell();
        task
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn forget(&mut self, id: &str) -> Option<WaitingTask> {
        let entry = self.tasks.remove(id)?;
        self.bytes = self.bytes.saturating_sub(entry.bytes());
        Some(entry.task)
    }
}

impl fmt::Debug for WaitingTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WaitingTasks({})", self.lock().tasks.len())
    }
}
