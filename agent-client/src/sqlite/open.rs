//! Opening: settings that are set *and read back*, and migrations that only go forward.

use std::{fs::OpenOptions, path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, TransactionBehavior, types::FromSql};

use super::error::OpenError;
use crate::limits;

/// How much a commit promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// A committed row survives power loss: the log is fsynced before anyone is answered.
    #[default]
    Full,
    /// A committed row survives the death of the process but perhaps not power loss, which may take
    /// the newest commits. For a seller the exposure is the vouchers accepted since the last
    /// checkpoint; for a buyer it is worse (an old ceiling could be signed again), so a wallet
    /// should not use it.
    Relaxed,
}

/// How a store is opened. Start from [`StoreOptions::default`].
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// What a commit promises.
    pub durability: Durability,
    /// How long to wait for another process to let go of the file.
    pub open_wait: Duration,
    /// Jobs that may wait; callers beyond it wait in line.
    pub queue_max: usize,
    /// Jobs that may share one commit.
    pub batch_max: usize,
    /// Name of the writer thread, seen in debuggers and panics.
    pub name: String,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            open_wait: limits::STORE_OPEN_WAIT,
            queue_max: limits::STORE_QUEUE_MAX,
            batch_max: limits::STORE_BATCH_MAX,
            name: "store".to_owned(),
        }
    }
}

/// Opens the file as its only owner, with every setting the store rests on in force.
pub(super) fn connect(path: &Path, options: &StoreOptions) -> Result<Connection, OpenError> {
    create_private(path)?;
    configure(path, options).map_err(|error| match error {
        OpenError::Sqlite(inner) if is_busy(&inner) => OpenError::InUse {
            path: path.to_owned(),
        },
        other => other,
    })
}

fn configure(path: &Path, options: &StoreOptions) -> Result<Connection, OpenError> {
    let conn = Connection::open(path)?;
    conn.busy_timeout(options.open_wait)?;
    // Before the journal mode: a log first opened under an exclusive lock never uses shared memory,
    // so no other process can attach to it.
    set(&conn, "locking_mode", "exclusive", &"exclusive".to_owned())?;
    set(&conn, "journal_mode", "wal", &"wal".to_owned())?;
    let synchronous = match options.durability {
        Durability::Full => 2_i64,
        Durability::Relaxed => 1_i64,
    };
    set(&conn, "synchronous", &synchronous.to_string(), &synchronous)?;
    set(&conn, "foreign_keys", "1", &1_i64)?;
    // fsync on macOS does not reach the platter; elsewhere this changes nothing.
    set(&conn, "fullfsync", "1", &1_i64)?;
    set(&conn, "checkpoint_fullfsync", "1", &1_i64)?;
    let pages = limits::STORE_LOG_PAGES;
    set(&conn, "wal_autocheckpoint", &pages.to_string(), &pages)?;
    conn.set_prepared_statement_cache_capacity(limits::STORE_STATEMENTS_MAX);
    // The lock is taken at the first access; taking it now makes a second owner fail at open.
    conn.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
    Ok(conn)
}

/// Creates the file readable by its owner alone: it holds what was paid to whom. SQLite gives its
/// log file the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn set<T>(conn: &Connection, name: &'static str, value: &str, wanted: &T) -> Result<(), OpenError>
where
    T: FromSql + PartialEq + ToString,
{
    conn.execute_batch(&format!("PRAGMA {name} = {value}"))?;
    let found: T = conn.pragma_query_value(None, name, |row| row.get(0))?;
    if found == *wanted {
        return Ok(());
    }
    Err(OpenError::Setting {
        setting: name,
        wanted: wanted.to_string(),
        found: found.to_string(),
    })
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Brings the schema up to date: runs the scripts the file has not seen, in order, each in one
/// transaction with the new `user_version` (the number of scripts applied).
///
/// A script that has been released is never edited; a change is a new script at the end. Tables
/// should be `STRICT`.
///
/// # Errors
///
/// [`OpenError::Newer`] if the file has seen more scripts than there are: an older program must not
/// write what it does not understand. [`OpenError::Sqlite`] if a script fails; that script has then
/// changed nothing.
pub fn migrate(conn: &mut Connection, scripts: &[&str]) -> Result<(), OpenError> {
    let known = i64::try_from(scripts.len()).unwrap_or(i64::MAX);
    let found: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Ok(applied) = usize::try_from(found) else {
        return Err(OpenError::Newer { found, known });
    };
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for (script, version) in scripts.iter().zip(1_i64..).skip(applied) {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(script)?;
        tx.pragma_update(None, "user_version", version)?;
        tx.commit()?;
    }
    Ok(())
}
