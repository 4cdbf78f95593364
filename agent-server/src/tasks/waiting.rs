//! Tasks that wait for their first payment. In memory only, and bounded: a price question is free,
//! so it must not cost the seller's disk.

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
    pub(crate) skill: String,
    pub(crate) input: String,
    /// The message that asked for the work.
    pub(crate) message: Message,
    /// The payment that took the task; another one may not run it a second time.
    taken_by: Option<String>,
    since: Instant,
}

impl WaitingTask {
    pub(crate) fn new(
        shown: Json,
        context_id: String,
        skill: String,
        input: String,
        message: Message,
    ) -> Self {
        Self { shown, context_id, skill, input, message, taken_by: None, since: Instant::now() }
    }
}

/// The answer to an attempt to take a waiting task.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is the caller's now, or was already: admit the payment.
    Yes(Box<WaitingTask>),
    /// Another payment has it.
    ByAnother,
    /// No such task waits.
    Unknown,
}

/// The bounded set of waiting tasks.
pub(crate) struct WaitingTasks {
    inner: Mutex<Inner>,
    max: usize,
    ttl: Duration,
}

#[derive(Default)]
struct Inner {
    tasks: HashMap<String, WaitingTask>,
    order: VecDeque<String>,
}

impl WaitingTasks {
    pub(crate) fn new(max: usize, ttl: Duration) -> Self {
        Self { inner: Mutex::new(Inner::default()), max, ttl }
    }

    pub(crate) fn insert(&self, id: String, task: WaitingTask) {
        let mut inner = self.lock();
        if inner.tasks.insert(id.clone(), task).is_none() {
            inner.order.push_back(id);
        }
        loop {
            let Some(oldest) = inner.order.front() else { return };
            let expired =
                inner.tasks.get(oldest).is_none_or(|task| task.since.elapsed() > self.ttl);
            if !expired && inner.tasks.len() <= self.max {
                return;
            }
            if let Some(oldest) = inner.order.pop_front() {
                inner.tasks.remove(&oldest);
            }
        }
    }

    pub(crate) fn shown(&self, id: &str) -> Option<Json> {
        self.lock().tasks.get(id).map(|task| task.shown.clone())
    }

    /// Whether the task still waits: no payment has taken it.
    pub(crate) fn is_open(&self, id: &str) -> bool {
        self.lock().tasks.get(id).is_some_and(|task| task.taken_by.is_none())
    }

    /// Takes the task for one payment. The same payment may take it again.
    pub(crate) fn take(&self, id: &str, payment: &str) -> Taken {
        let mut inner = self.lock();
        let Some(task) = inner.tasks.get_mut(id) else { return Taken::Unknown };
        match &task.taken_by {
            Some(by) if by != payment => Taken::ByAnother,
            _ => {
                task.taken_by = Some(payment.to_owned());
                Taken::Yes(Box::new(task.clone()))
            }
        }
    }

    /// Gives the task back after its payment was refused.
    pub(crate) fn give_back(&self, id: &str, shown: Json) {
        if let Some(task) = self.lock().tasks.get_mut(id) {
            task.taken_by = None;
            task.shown = shown;
        }
    }

    pub(crate) fn remove(&self, id: &str) -> Option<WaitingTask> {
        self.lock().tasks.remove(id)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for WaitingTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WaitingTasks({})", self.lock().tasks.len())
    }
}
