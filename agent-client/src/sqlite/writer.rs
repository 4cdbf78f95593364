//! The writer thread: drain the queue, run the batch, commit, answer.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::mpsc;

use super::{
    failure::{Failure, other},
    job::{Fate, Job, Mode, Ran},
    store::{Cache, Counters},
};

pub(super) enum Message<S> {
    Job(Box<dyn Job<S>>),
    /// Take nothing more, finish what is queued, end.
    Close,
}

/// Jobs in queue order.
type Queue<S> = VecDeque<Box<dyn Job<S>>>;

pub(super) struct Writer<S> {
    conn: Connection,
    state: S,
    inbox: mpsc::Receiver<Message<S>>,
    batch_max: usize,
    counters: Arc<Counters>,
    poisoned: bool,
}

impl<S: Cache> Writer<S> {
    pub(super) fn new(
        conn: Connection,
        state: S,
        inbox: mpsc::Receiver<Message<S>>,
        batch_max: usize,
        counters: Arc<Counters>,
    ) -> Self {
        let batch_max = batch_max.max(1);
        Self {
            conn,
            state,
            inbox,
            batch_max,
            counters,
            poisoned: false,
        }
    }

    /// Runs until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let mut queue = Queue::new();
        while self.fill(&mut queue) {
            while !queue.is_empty() {
                self.batch(&mut queue);
            }
        }
        if let Err((_, error)) = self.conn.close() {
            tracing::warn!(%error, "the store did not close cleanly; its log is replayed at open");
        }
    }

    /// Waits for one job, then takes those that have gathered meanwhile. False at the end.
    fn fill(&mut self, queue: &mut Queue<S>) -> bool {
        while queue.is_empty() {
            match self.inbox.blocking_recv() {
                Some(message) => self.accept(message, queue),
                None => return false,
            }
        }
        while queue.len() < self.batch_max {
            match self.inbox.try_recv() {
                Ok(message) => self.accept(message, queue),
                Err(_) => break,
            }
        }
        true
    }

    fn accept(&mut self, message: Message<S>, queue: &mut Queue<S>) {
        match message {
            Message::Job(job) => queue.push_back(job),
            Message::Close => self.inbox.close(),
        }
    }

    /// Runs jobs from the front of the queue in one transaction. After a failure the jobs that have
    /// not run stay in the queue for a transaction of their own.
    fn batch(&mut self, queue: &mut Queue<S>) {
        if self.poisoned {
            for job in queue.drain(..) {
                job.answer(Fate::Poisoned);
            }
            return;
        }
        let mut ran = Vec::with_capacity(queue.len());
        let writes = queue.iter().any(|job| job.mode() != Mode::Read);
        match transact(&mut self.conn, &mut self.state, queue, &mut ran, writes) {
            Ok(()) => {
                let jobs = u64::try_from(ran.len()).unwrap_or(u64::MAX);
                self.counters.jobs.fetch_add(jobs, Ordering::Relaxed);
                self.counters
                    .commits
                    .fetch_add(u64::from(writes), Ordering::Relaxed);
                for job in ran {
                    job.answer(Fate::Committed);
                }
            }
            Err(failure) => self.fail(failure, ran),
        }
    }

    fn fail(&mut self, failure: Failure, mut ran: Vec<Box<dyn Job<S>>>) {
        let Failure {
            culprit,
            others,
            poison,
        } = failure;
        self.counters.rollbacks.fetch_add(1, Ordering::Relaxed);
        let forgot = forget(&mut self.state);
        // A transaction that survived its rollback would swallow the next batch.
        let clean = self.conn.is_autocommit();
        self.poisoned = poison || !forgot || !clean;
        if self.poisoned {
            tracing::error!(
                ?others,
                "the store is poisoned; it refuses work until opened again"
            );
        } else {
            tracing::warn!(?culprit, ?others, "a batch was rolled back");
        }
        if let Some(fate) = culprit
            && let Some(job) = ran.pop()
        {
            job.answer(fate);
        }
        for job in ran {
            job.answer(others.clone());
        }
    }
}

/// False if the state could not be brought into agreement with the disk.
fn forget<S: Cache>(state: &mut S) -> bool {
    catch_unwind(AssertUnwindSafe(|| state.forget())).is_ok()
}

/// Has the state write what it holds back; on failure nobody of the batch is to blame.
fn flush<S: Cache>(tx: &Transaction<'_>, state: &mut S) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(|| state.flush(tx)))
        .map_err(|_| Failure::of_state())?
        .map_err(|error| Failure::of_all(&error, false))
}

/// One transaction: begins it, runs the queued jobs (moving each to `ran`), commits it. On failure
/// the transaction is rolled back by the time this returns.
fn transact<S: Cache>(
    conn: &mut Connection,
    state: &mut S,
    queue: &mut Queue<S>,
    ran: &mut Vec<Box<dyn Job<S>>>,
    writes: bool,
) -> Result<(), Failure> {
    let behavior = if writes {
        TransactionBehavior::Immediate
    } else {
        TransactionBehavior::Deferred
    };
    let tx = match conn.transaction_with_behavior(behavior) {
        Ok(tx) => tx,
        Err(error) => {
            // Nothing can run: everyone who waits is told so, rather than tried again for ever.
            ran.extend(queue.drain(..));
            return Err(Failure::of_all(&error, false));
        }
    };
    while let Some(mut job) = queue.pop_front() {
        let outcome = step(&tx, state, job.as_mut());
        ran.push(job);
        outcome?;
    }
    if writes {
        flush(&tx, state)?;
        tx.commit().map_err(|error| Failure::of_all(&error, true))
    } else {
        tx.rollback()
            .map_err(|error| Failure::of_all(&error, false))
    }
}

/// Runs one job and holds it to its contract.
fn step<S: Cache>(
    tx: &Transaction<'_>,
    state: &mut S,
    job: &mut dyn Job<S>,
) -> Result<(), Failure> {
    let mode = job.mode();
    if mode != Mode::Write {
        // A read must see it in the tables, and an undoable job's savepoint must not take it back.
        flush(tx, state)?;
    }
    if mode == Mode::Undoable {
        run_sql(tx, "SAVEPOINT job")?;
    }
    let before = tx.total_changes();
    let ran = catch_unwind(AssertUnwindSafe(|| job.run(tx, state)))
        .map_err(|_| Failure::of_one(Fate::Panicked, "another job panicked"))?;
    let wrote = tx.total_changes() != before;
    if let Ran::Failed(error) = &ran {
        return Err(Failure::of_sql(error));
    }
    if tx.is_autocommit() {
        // Rows of this batch may have been committed or dropped behind our back.
        let mut failure = Failure::of_one(Fate::Broken("it ended the transaction"), "");
        failure.others = Fate::Unknown(other("another job ended the transaction"));
        failure.poison = true;
        return Err(failure);
    }
    match (mode, ran) {
        (Mode::Undoable, Ran::Refused) => {
            run_sql(tx, "ROLLBACK TO job")?;
            run_sql(tx, "RELEASE job")?;
            if forget(state) {
                return Ok(());
            }
            let mut failure = Failure::of_one(Fate::Panicked, "the cache could not be dropped");
            failure.poison = true;
            Err(failure)
        }
        (Mode::Undoable, _) => run_sql(tx, "RELEASE job"),
        (Mode::Read, _) if wrote => Err(Failure::of_one(
            Fate::Broken("a read wrote"),
            "another job broke its contract",
        )),
        (Mode::Write, Ran::Refused) if wrote => Err(Failure::of_one(
            Fate::Broken("it refused after it had written"),
            "another job broke its contract",
        )),
        _ => Ok(()),
    }
}

fn run_sql(tx: &Transaction<'_>, sql: &str) -> Result<(), Failure> {
    tx.prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]))
        .map(drop)
        .map_err(|error| Failure::of_sql(&error))
}
