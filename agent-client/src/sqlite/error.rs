//! What can go wrong with a store, told apart by what the caller may conclude from it.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why a job did not end well, as the job itself says it.
///
/// `?` on a [`rusqlite::Error`] inside a job makes the second kind.
#[derive(Debug)]
pub enum JobError<E> {
    /// The rules said no. The batch goes on, so a refusal must not have written anything
    /// (see [`GroupCommit::submit`](super::GroupCommit::submit)).
    Refused(E),
    /// SQL failed. The whole batch is rolled back.
    Storage(rusqlite::Error),
}

impl<E> From<rusqlite::Error> for JobError<E> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error)
    }
}

/// The family of a storage fault; decides whether the store goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The disk or the database's page limit is full. Passes when there is space again.
    DiskFull,
    /// Reading, writing or syncing the file failed, or its content is not what was written.
    /// The store is poisoned: a failed fsync must not be retried.
    Disk,
    /// A statement broke a constraint of the schema.
    Constraint,
    /// Anything else, for instance a wrong statement.
    Other,
}

/// A storage fault in a form that can be given to every waiter of a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// The family of the fault.
    pub kind: FaultKind,
    /// SQLite's words, for the log. Holds statement text and column names, never bound values.
    pub message: String,
}

impl From<&rusqlite::Error> for Fault {
    fn from(error: &rusqlite::Error) -> Self {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => FaultKind::DiskFull,
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen,
            ) => FaultKind::Disk,
            Some(ErrorCode::ConstraintViolation) => FaultKind::Constraint,
            _ => FaultKind::Other,
        };
        Self {
            kind,
            message: error.to_string(),
        }
    }
}

/// The answer to a job that was not committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError<E> {
    /// The job refused; nothing of it is stored.
    #[error("refused: {0:?}")]
    Refused(E),
    /// The job's own SQL, or the commit of its batch, failed; nothing of it is stored.
    #[error("the store failed: {0}")]
    Storage(Fault),
    /// Another job of the batch failed and took this one back with it; nothing of it is stored and
    /// submitting it again is safe.
    #[error("rolled back with another job of the batch: {0}")]
    RolledBack(Fault),
    /// The commit ended in an I/O error: whether the rows are on disk is unknown until the store is
    /// opened again. Treat as "may have happened".
    #[error("it is unknown whether the commit reached the disk: {0}")]
    Unknown(Fault),
    /// The job panicked; nothing of it is stored.
    #[error("the job panicked")]
    Panicked,
    /// The job broke the store's contract; nothing of it is stored.
    #[error("the job broke the store's contract: {0}")]
    Broken(&'static str),
    /// An earlier fault made the store refuse all work until it is opened again.
    #[error("the store is poisoned by an earlier fault; open it again")]
    StorePoisoned,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl<E> SubmitError<E> {
    /// The stable code of this error, for logs, metrics and the answers built from it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "store.refused",
            Self::Storage(Fault {
                kind: FaultKind::DiskFull,
                ..
            }) => "store.full",
            Self::Storage(_) => "store.failed",
            Self::RolledBack(_) => "store.rolled_back",
            Self::Unknown(_) => "store.unknown",
            Self::Panicked => "store.panicked",
            Self::Broken(_) => "store.broken_job",
            Self::StorePoisoned => "store.poisoned",
            Self::Closed => "store.closed",
        }
    }

    /// The refusal, if the job refused; otherwise the failure of the store, with the refusal's type
    /// replaced so that callers can handle "no" and "cannot" apart.
    ///
    /// # Errors
    ///
    /// Every variant other than [`SubmitError::Refused`].
    pub fn into_refusal(self) -> Result<E, SubmitError<std::convert::Infallible>> {
        Err(match self {
            Self::Refused(refusal) => return Ok(refusal),
            Self::Storage(fault) => SubmitError::Storage(fault),
            Self::RolledBack(fault) => SubmitError::RolledBack(fault),
            Self::Unknown(fault) => SubmitError::Unknown(fault),
            Self::Panicked => SubmitError::Panicked,
            Self::Broken(why) => SubmitError::Broken(why),
            Self::StorePoisoned => SubmitError::StorePoisoned,
            Self::Closed => SubmitError::Closed,
        })
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or another handle in this one, has the file open.
    #[error("{path} is in use by another process; one file has one owner")]
    InUse {
        /// The file that is in use.
        path: PathBuf,
    },
    /// The file was written by a newer version of this software.
    #[error("the database has schema version {found}, this program knows up to {known}")]
    Newer {
        /// The version in the file.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// SQLite did not take a setting on which durability or exclusivity rests.
    #[error("SQLite kept {setting} at {found} where {wanted} is needed")]
    Setting {
        /// The pragma.
        setting: &'static str,
        /// What was asked for.
        wanted: String,
        /// What is in force.
        found: String,
    },
    /// The file or the writer thread could not be made.
    #[error("cannot open the store: {0}")]
    Io(#[from] std::io::Error),
    /// SQLite failed.
    #[error("cannot open the store: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl OpenError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "store.in_use",
            Self::Newer { .. } => "store.newer",
            Self::Setting { .. } => "store.setting",
            Self::Io(_) | Self::Sqlite(_) => "store.open",
        }
    }
}
