//! A caller's closure with the type of its answer erased, so that one queue carries them all.

use rusqlite::Transaction;
use tokio::sync::oneshot;

use super::error::{Fault, JobError, SubmitError};

/// How a job is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Writes nothing; needs no commit.
    Read,
    /// May write, unless it refuses.
    Write,
    /// May write and then refuse: runs inside a savepoint.
    Undoable,
}

/// How a job's closure ended.
pub(super) enum Ran {
    Done,
    Refused,
    Failed(rusqlite::Error),
}

/// What became of a job's batch.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// The commit succeeded: the closure's own result is the answer.
    Committed,
    Storage(Fault),
    RolledBack(Fault),
    Unknown(Fault),
    Panicked,
    Broken(&'static str),
    Poisoned,
}

/// # Contract
///
/// `run` is called at most once and `answer` exactly once, after it.
pub(super) trait Job<S>: Send {
    fn mode(&self) -> Mode;
    fn run(&mut self, tx: &Transaction<'_>, state: &mut S) -> Ran;
    fn answer(self: Box<Self>, fate: Fate);
}

pub(super) struct ClosureJob<F, T, E> {
    mode: Mode,
    closure: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, SubmitError<E>>>,
}

impl<F, T, E> ClosureJob<F, T, E> {
    pub(super) const fn new(
        mode: Mode,
        closure: F,
        reply: oneshot::Sender<Result<T, SubmitError<E>>>,
    ) -> Self {
        Self {
            mode,
            closure: Some(closure),
            result: None,
            reply,
        }
    }
}

impl<S, F, T, E> Job<S> for ClosureJob<F, T, E>
where
    F: FnOnce(&Transaction<'_>, &mut S) -> Result<T, JobError<E>> + Send,
    T: Send,
    E: Send,
{
    fn mode(&self) -> Mode {
        self.mode
    }

    fn run(&mut self, tx: &Transaction<'_>, state: &mut S) -> Ran {
        let Some(closure) = self.closure.take() else {
            return Ran::Done;
        };
        match closure(tx, state) {
            Ok(value) => {
                self.result = Some(Ok(value));
                Ran::Done
            }
            Err(JobError::Refused(refusal)) => {
                self.result = Some(Err(refusal));
                Ran::Refused
            }
            Err(JobError::Storage(error)) => Ran::Failed(error),
        }
    }

    fn answer(self: Box<Self>, fate: Fate) {
        let answer = match (fate, self.result) {
            (Fate::Committed, Some(Ok(value))) => Ok(value),
            (Fate::Committed, Some(Err(refusal))) => Err(SubmitError::Refused(refusal)),
            (Fate::Committed, None) => Err(SubmitError::Broken("it did not run")),
            (Fate::Storage(fault), _) => Err(SubmitError::Storage(fault)),
            (Fate::RolledBack(fault), _) => Err(SubmitError::RolledBack(fault)),
            (Fate::Unknown(fault), _) => Err(SubmitError::Unknown(fault)),
            (Fate::Panicked, _) => Err(SubmitError::Panicked),
            (Fate::Broken(why), _) => Err(SubmitError::Broken(why)),
            (Fate::Poisoned, _) => Err(SubmitError::StorePoisoned),
        };
        // The caller may have stopped waiting; its rows are stored all the same.
        drop(self.reply.send(answer));
    }
}
