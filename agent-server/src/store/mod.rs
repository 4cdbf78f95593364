//! The seller's books and tasks in one SQLite file.
//!
//! [`SqliteStore`] is the embedded [`Ledger`] and [`TaskStore`]: what was promised, charged and
//! claimed, and the tasks that it was charged for, so that a charge and the answer it pays for are
//! one transaction. It stands on [`GroupCommit`]: one writer, one fsync for many callers, and an
//! answer only after the commit that carries it.
//!
//! | module | one idea |
//! |---|---|
//! | `reserve`, `resolve`, `metering`, `observe` | the transactions |
//! | `channels` (`channel_row`), `payments`, `settlements`, `task_rows`, `push_rows` | the tables |
//! | `wakeups` | who is told that a task has something new |
//! | `recovery` | what a crash left behind |
//! | `in_memory` | tasks without the file, for agents that promise nothing across a restart |
//! | `verify` | whether the books are right |

mod channel_row;
mod channels;
mod codec;
mod config;
mod in_memory;
mod interrupted;
mod ledger;
pub mod limits;
mod list;
mod memory;
mod metering;
mod notes;
mod observe;
mod payments;
mod push;
mod push_rows;
mod recovery;
mod reserve;
mod resolve;
mod schema;
mod settlements;
mod sweep;
mod task_rows;
mod tasks;
mod verify;
mod wakeups;

pub use channel_row::ChannelView;
pub use config::StoreConfig;
pub use in_memory::MemoryStore;
pub use list::{TaskPage, TaskPages, TaskQuery};
pub use push::{
    Attempt, Notice, PushConfigs, PushStoreError, PushVersion, Standing, Webhook, WebhookCaps,
    WebhookKey,
};
pub use recovery::RecoveryReport;
pub use tasks::{StoreError, StoredTask, TaskStore};
pub use verify::Violation;

use agent_client::sqlite::{GroupCommit, OpenError, Stats, SubmitError};
use agent_core::channel::AdmissionRules;
use agent_core::clock::Clock;
#[cfg(doc)]
use agent_core::ledger::Ledger;
use agent_core::ledger::LedgerError;
use agent_core::voucher::{ChannelId, Domains, EscrowDomain};
use codec::Sql;
use memory::Memory;
use rusqlite::{Connection, Transaction};
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wakeups::Wakeups;

/// The embedded ledger and task store. A handle is cheap to clone; all share one file.
///
/// What is *not* guaranteed: that a channel's deadline or balance is what the chain says now. It is
/// what [`Ledger::observe`] was told last; [`StoreConfig::chain_max_age`] bounds how old that may be.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    db: GroupCommit<Memory>,
    shared: Arc<Shared>,
    recovery: RecoveryReport,
}

/// What every transaction may consult.
#[derive(Debug)]
struct Shared {
    domains: Domains,
    rules: AdmissionRules,
    chain_max_age_millis: Option<u64>,
    /// When the chain was last heard of; zero before the first time.
    chain_seen_unix_millis: AtomicU64,
    clock: Arc<dyn Clock>,
    wakeups: Wakeups,
}

impl Shared {
    fn chain_is_stale(&self, now_unix_millis: u64) -> bool {
        let seen = self.chain_seen_unix_millis.load(Ordering::Acquire);
        self.chain_max_age_millis
            .is_some_and(|max| now_unix_millis.saturating_sub(seen) > max)
    }
}

impl SqliteStore {
    /// Opens (or creates) the file at `path` as its only owner, brings its schema up to date and
    /// resolves what a crash left behind; see [`RecoveryReport`].
    ///
    /// Blocks on the disk; within async code this belongs at start-up.
    ///
    /// # Errors
    /// [`OpenError`]; among them [`OpenError::InUse`] while another process has the file.
    pub fn open(path: impl AsRef<Path>, config: StoreConfig) -> Result<Self, OpenError> {
        let StoreConfig {
            domain,
            rules,
            chain_max_age,
            clock,
            sqlite,
            max_bytes,
        } = config;
        let shared = Shared {
            domains: Domains::new(domain),
            rules,
            chain_max_age_millis: chain_max_age
                .map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
            chain_seen_unix_millis: AtomicU64::new(0),
            clock,
            wakeups: Wakeups::default(),
        };
        let mut recovery = RecoveryReport::default();
        let db = GroupCommit::open(path, &sqlite, schema::MIGRATIONS, |conn| {
            let mut memory = Memory::default();
            recovery = recovery::recover(conn, &mut memory, &shared)?;
            push_rows::forget_orphans(conn)?;
            shared.wakeups.watch_only(push_rows::tasks(conn)?);
            cap(conn, max_bytes)?;
            Ok(memory)
        })?;
        Ok(Self {
            db,
            shared: Arc::new(shared),
            recovery,
        })
    }

    /// What opening found and resolved.
    #[must_use]
    pub const fn recovery(&self) -> &RecoveryReport {
        &self.recovery
    }

    /// The contracts whose channels these books are kept for.
    #[must_use]
    pub fn domains(&self) -> &Domains {
        &self.shared.domains
    }

    /// The escrow that these books are kept for.
    #[must_use]
    pub fn domain(&self) -> &EscrowDomain {
        &self.shared.domains.escrow
    }

    /// Says that the mirror of the chain was up to date at this time, in Unix milliseconds. An
    /// earlier time than one that was said before changes nothing.
    pub fn set_chain_seen(&self, unix_millis: u64) {
        self.shared
            .chain_seen_unix_millis
            .fetch_max(unix_millis, Ordering::AcqRel);
    }

    /// One channel, if its lock was ever observed.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub async fn channel(&self, id: ChannelId) -> Result<Option<ChannelView>, LedgerError> {
        let row = self
            .read(move |conn, memory| channels::load(conn, memory, id))
            .await;
        row.map(|row| row.map(ChannelView::from))
            .map_err(ledger_failed)
    }

    /// Up to `limit` channels in the order of their ids, from the one after `after`; never more
    /// than [`limits::CLAIMS_READ_MAX`].
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub async fn channels(
        &self,
        after: Option<ChannelId>,
        limit: usize,
    ) -> Result<Vec<ChannelView>, LedgerError> {
        let limit = limit.min(limits::CLAIMS_READ_MAX);
        let rows = self
            .read(move |conn, _| channels::page(conn, after, limit))
            .await;
        rows.map(|rows| rows.into_iter().map(ChannelView::from).collect())
            .map_err(ledger_failed)
    }

    /// Walks everything and reports what does not hold; empty when the books are right.
    ///
    /// It takes as long as the file is large and holds up all callers meanwhile: for tests and for
    /// `agent doctor`.
    ///
    /// # Errors
    /// [`LedgerError::Store`] when the file cannot be read, or holds what cannot be read as ours.
    pub async fn verify(&self) -> Result<Vec<Violation>, LedgerError> {
        let domains = self.shared.domains;
        let walk = self
            .read(move |conn, memory| verify::verify(conn, memory, &domains))
            .await;
        walk.map_err(ledger_failed)
    }

    /// What the file's writer has done since it was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.db.stats()
    }

    /// Finishes what is queued, closes the file and returns when another owner can open it.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Runs a transaction. One that was rolled back only because a neighbour failed is run again.
    async fn write<T, F>(&self, job: F) -> Result<T, Failed>
    where
        T: Send + 'static,
        F: Fn(&Transaction<'_>, &mut Memory) -> Sql<T> + Clone + Send + 'static,
    {
        for _ in 0..limits::ROLLED_BACK_RETRIES {
            match self.write_once(job.clone()).await {
                Err(SubmitError::RolledBack(_)) => {}
                answer => return answer,
            }
        }
        self.write_once(job).await
    }

    async fn write_once<T, F>(&self, job: F) -> Result<T, Failed>
    where
        T: Send + 'static,
        F: Fn(&Transaction<'_>, &mut Memory) -> Sql<T> + Send + 'static,
    {
        self.db.submit(move |tx, memory| Ok(job(tx, memory)?)).await
    }

    /// Reads. What was read beside a write that failed, which may be gone, is read again.
    async fn read<T, F>(&self, job: F) -> Result<T, Failed>
    where
        T: Send + 'static,
        F: Fn(&Connection, &mut Memory) -> Sql<T> + Clone + Send + 'static,
    {
        for _ in 0..limits::ROLLED_BACK_RETRIES {
            match self.read_once(job.clone()).await {
                Err(SubmitError::RolledBack(_)) => {}
                answer => return answer,
            }
        }
        self.read_once(job).await
    }

    async fn read_once<T, F>(&self, job: F) -> Result<T, Failed>
    where
        T: Send + 'static,
        F: Fn(&Connection, &mut Memory) -> Sql<T> + Send + 'static,
    {
        self.db
            .read(move |conn, memory| Ok(job(conn, memory)?))
            .await
    }
}

/// The store failed; our transactions never refuse, they answer with what the rules said.
type Failed = SubmitError<Infallible>;

fn ledger_failed(failed: Failed) -> LedgerError {
    LedgerError::Store(format!("{}: {failed}", failed.code()))
}

/// Limits the size of the file; see [`StoreConfig::max_bytes`].
fn cap(conn: &Connection, max_bytes: Option<u64>) -> Sql<()> {
    let Some(bytes) = max_bytes else {
        return Ok(());
    };
    let pages = codec::number_out(bytes / limits::PAGE_BYTES);
    conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}
