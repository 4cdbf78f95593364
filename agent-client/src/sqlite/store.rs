//! The handle: what callers hold.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::{Connection, Transaction};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    error::{JobError, OpenError, SubmitError},
    job::{ClosureJob, Job, Mode},
    open::{StoreOptions, connect, migrate},
    writer::{Message, Writer},
};

/// State that the writer thread keeps beside the database, such as an in-memory index of it.
///
/// # Contract
///
/// Jobs change the state while their transaction is open. If that transaction is then rolled back
/// the state is ahead of the disk, so the writer calls [`forget`](Cache::forget) before it answers
/// anyone or runs another job. After `forget` the state must hold nothing that cannot be read from
/// the database again; it should be cheap and must not panic (a panic poisons the store).
///
/// A state may hold writes back, so that a row which many jobs of a batch change is written once.
/// The writer has it [`flush`](Cache::flush) them before the transaction is committed, and before
/// any job that is a read or undoable. A job that writes sees in the tables only what was flushed:
/// it must ask the state for what may be held back.
pub trait Cache {
    /// Writes what was held back, inside the transaction of the jobs that changed it. An error
    /// fails the whole batch.
    ///
    /// # Errors
    ///
    /// That of the statement that failed.
    fn flush(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let _ = conn;
        Ok(())
    }

    /// Drops everything that was learnt from, or is about to be written to, the database.
    fn forget(&mut self);
}

/// No cache at all.
impl Cache for () {
    fn forget(&mut self) {}
}

/// What a store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions committed that carried at least one writing job.
    pub commits: u64,
    /// Jobs answered after a commit or a batch of reads, refusals included.
    pub jobs: u64,
    /// Batches rolled back.
    pub rollbacks: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) commits: AtomicU64,
    pub(super) jobs: AtomicU64,
    pub(super) rollbacks: AtomicU64,
}

/// A SQLite file with one writer thread that commits for many callers at once.
///
/// A handle is cheap to clone. The thread ends, after finishing what is queued, when
/// [`close`](Self::close) is called or the last handle is dropped; only `close` tells when the
/// file is free again.
///
/// What is *not* guaranteed: jobs of different callers run in the order in which they entered the
/// queue, but a caller that stops waiting (drops the future) does not take its job back once it is
/// queued. With `panic = "abort"` a panicking job ends the process; the batch is then rolled back
/// at the next open.
pub struct GroupCommit<S> {
    queue: mpsc::Sender<Message<S>>,
    counters: Arc<Counters>,
    /// Closed by the writer thread when the file is free.
    gone: watch::Receiver<()>,
}

impl<S> Clone for GroupCommit<S> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            counters: Arc::clone(&self.counters),
            gone: self.gone.clone(),
        }
    }
}

impl<S> fmt::Debug for GroupCommit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl<S: Cache + Send + 'static> GroupCommit<S> {
    /// Opens (or creates) the file at `path` as its only owner, brings its schema up to date with
    /// [`migrate`], builds the state with `load`, and starts the writer thread.
    ///
    /// Blocks on the disk; within async code this belongs at start-up.
    ///
    /// # Errors
    ///
    /// [`OpenError::InUse`] if another process has it, [`OpenError::Newer`] if a newer program wrote
    /// it, [`OpenError::Setting`] if SQLite refused a setting on which durability rests, otherwise
    /// the I/O or SQL error.
    pub fn open(
        path: impl AsRef<Path>,
        options: &StoreOptions,
        migrations: &[&str],
        load: impl FnOnce(&Connection) -> rusqlite::Result<S>,
    ) -> Result<Self, OpenError> {
        let mut conn = connect(path.as_ref(), options)?;
        migrate(&mut conn, migrations)?;
        let state = load(&conn)?;
        let (queue, inbox) = mpsc::channel(options.queue_max.max(1));
        let counters = Arc::new(Counters::default());
        let writer = Writer::new(conn, state, inbox, options.batch_max, Arc::clone(&counters));
        let (alive, gone) = watch::channel(());
        std::thread::Builder::new()
            .name(options.name.clone())
            .spawn(move || {
                writer.run();
                drop(alive);
            })?;
        Ok(Self {
            queue,
            counters,
            gone,
        })
    }

    /// Runs `job` inside the next transaction and answers after that transaction is committed.
    ///
    /// # Contract
    ///
    /// - A job that answers [`JobError::Refused`] has written nothing and left the state as it was:
    ///   its neighbours are committed with it. A refusal after a write is caught and rolls the batch
    ///   back with [`SubmitError::Broken`]; a job that must write before it can know uses
    ///   [`submit_undoable`](Self::submit_undoable).
    /// - A job neither begins nor ends transactions.
    /// - A job is quick: every other caller waits for it.
    ///
    /// # Errors
    ///
    /// [`SubmitError`] says for each failure whether anything can be on disk: only
    /// [`SubmitError::Unknown`] leaves that open.
    pub async fn submit<T, E, F>(&self, job: F) -> Result<T, SubmitError<E>>
    where
        F: FnOnce(&Transaction<'_>, &mut S) -> Result<T, JobError<E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.enqueue(Mode::Write, job).await
    }

    /// Like [`submit`](Self::submit), for a job that may refuse after it has written: it runs inside
    /// a savepoint, which costs a few microseconds, and its refusal makes the state
    /// [`forget`](Cache::forget).
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit).
    pub async fn submit_undoable<T, E, F>(&self, job: F) -> Result<T, SubmitError<E>>
    where
        F: FnOnce(&Transaction<'_>, &mut S) -> Result<T, JobError<E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.enqueue(Mode::Undoable, job).await
    }

    /// Runs a job that writes nothing. It sees everything queued before it, rides in the same batch,
    /// and costs no commit when a batch has only reads. It may fill the state's caches.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit): a read that shared its batch with a failing write is rolled back
    /// too, because it may have seen rows that are now gone. A read that writes is
    /// [`SubmitError::Broken`].
    pub async fn read<T, E, F>(&self, job: F) -> Result<T, SubmitError<E>>
    where
        F: FnOnce(&Connection, &mut S) -> Result<T, JobError<E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.enqueue(Mode::Read, move |tx: &Transaction<'_>, state: &mut S| {
            job(tx, state)
        })
        .await
    }

    async fn enqueue<T, E, F>(&self, mode: Mode, job: F) -> Result<T, SubmitError<E>>
    where
        F: FnOnce(&Transaction<'_>, &mut S) -> Result<T, JobError<E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Box<dyn Job<S>> = Box::new(ClosureJob::new(mode, job, reply));
        self.queue
            .send(Message::Job(job))
            .await
            .map_err(|_| SubmitError::Closed)?;
        answer.await.unwrap_or(Err(SubmitError::Closed))
    }

    /// Stops taking jobs, finishes those already queued, closes the file and returns when it is
    /// free for another owner. Safe to call more than once and from several handles.
    pub async fn close(&self) {
        // An error means that the thread has ended or is ending, which is what was asked for.
        drop(self.queue.send(Message::Close).await);
        let mut gone = self.gone.clone();
        while gone.changed().await.is_ok() {}
    }
}

impl<S> GroupCommit<S> {
    /// What the store has done since it was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            commits: self.counters.commits.load(Ordering::Relaxed),
            jobs: self.counters.jobs.load(Ordering::Relaxed),
            rollbacks: self.counters.rollbacks.load(Ordering::Relaxed),
        }
    }
}
