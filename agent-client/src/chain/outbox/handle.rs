//! The handle: what callers hold.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use agent_core::clock::Clock;
use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use rusqlite::Connection;
use tokio::sync::{Notify, watch};

use super::{
    Enqueued, OutboxConfig, OutboxError, OutboxHealth, TxId, TxOutcome, TxRecord, TxRequest, rows,
    schema::MIGRATIONS, worker::Worker,
};
use crate::{
    chain::Chain,
    sqlite::{GroupCommit, JobError, StoreOptions},
};

/// A persisted queue of transactions of one key. Cheap to clone.
///
/// # Contract
///
/// - Once [`enqueue`](Self::enqueue) has answered, the transaction survives crashes, and it is sent
///   until it is mined or can never be.
/// - A purpose makes at most one transaction, and a nonce at most one that is mined.
/// - One key on one chain belongs to one outbox, and one file to one process.
///
/// Not guaranteed: when, or that a fee cap below the market is ever reached; that transactions are
/// mined in the order in which they were enqueued if an earlier one cannot be estimated; and
/// nothing against a node that lies.
///
/// Work goes on in a task of the runtime in which the outbox was opened. It ends, between two
/// durable steps, with [`close`](Self::close) or when the last handle is dropped.
#[derive(Clone)]
pub struct TxOutbox {
    inner: Arc<Inner>,
}

struct Inner {
    store: GroupCommit<()>,
    address: Address,
    clock: Arc<dyn Clock>,
    wake: Arc<Notify>,
    stop: watch::Sender<bool>,
    /// Changes after every step of the worker; closed when the worker has ended.
    health: watch::Receiver<OutboxHealth>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl fmt::Debug for TxOutbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxOutbox")
            .field("address", &self.inner.address)
            .finish_non_exhaustive()
    }
}

impl TxOutbox {
    /// Opens (or creates) the outbox of `signer`'s key in the file at `path` and takes up what an
    /// earlier process left: what was signed is sent, what was mined meanwhile is recorded. The
    /// node may be down.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`OutboxError::Open`] if the file is in use or cannot be used, [`OutboxError::WrongOwner`]
    /// if it belongs to another key or chain.
    pub async fn open(
        path: impl AsRef<Path>,
        chain: Chain,
        signer: PrivateKeySigner,
        config: OutboxConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OutboxError> {
        let options = StoreOptions {
            name: "outbox".to_owned(),
            ..StoreOptions::default()
        };
        let store = GroupCommit::open(path, &options, MIGRATIONS, |_| Ok(()))?;
        let (address, chain_id) = (signer.address(), chain.chain_id());
        let (owner, on_chain) = store
            .submit(move |tx, ()| Ok(rows::claim(tx, address, chain_id)?))
            .await
            .map_err(OutboxError::from)?;
        if (owner, on_chain) != (address, chain_id) {
            store.close().await;
            return Err(OutboxError::WrongOwner {
                owner,
                chain_id: on_chain,
            });
        }
        let wake = Arc::new(Notify::new());
        let (stop, stopped) = watch::channel(false);
        let (report, health) = watch::channel(OutboxHealth::default());
        let worker = Worker::new(
            store.clone(),
            chain,
            signer,
            config,
            Arc::clone(&clock),
            report,
        );
        tokio::spawn(worker.run(Arc::clone(&wake), stopped));
        let inner = Inner {
            store,
            address,
            clock,
            wake,
            stop,
            health,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The key's address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.inner.address
    }

    /// Stores a transaction to be sent. When this answers it is on disk.
    ///
    /// A purpose that is known with the same content answers with the first transaction, whatever
    /// became of it: to try again after a failure, use another purpose.
    ///
    /// # Errors
    ///
    /// [`OutboxError::PurposeTaken`], [`OutboxError::TooLarge`], [`OutboxError::Full`], or the
    /// store's failure.
    pub async fn enqueue(&self, request: TxRequest) -> Result<Enqueued, OutboxError> {
        if let Some(what) = request.oversize() {
            return Err(OutboxError::TooLarge(what));
        }
        let now_ms = self.inner.clock.now_unix_millis();
        let job =
            move |tx: &rusqlite::Transaction<'_>, (): &mut ()| rows::insert(tx, &request, now_ms);
        let enqueued = self.inner.store.submit(job).await?;
        self.nudge();
        Ok(enqueued)
    }

    /// What is known about a transaction.
    ///
    /// # Errors
    ///
    /// [`OutboxError::Unknown`], or the store's failure.
    pub async fn get(&self, id: TxId) -> Result<TxRecord, OutboxError> {
        self.read(move |conn| rows::by_id(conn, id))
            .await?
            .ok_or(OutboxError::Unknown(id))
    }

    /// What is known about a purpose, if anything.
    ///
    /// # Errors
    ///
    /// The store's failure.
    pub async fn by_purpose(&self, purpose: &str) -> Result<Option<TxRecord>, OutboxError> {
        let purpose = purpose.to_owned();
        self.read(move |conn| rows::by_purpose(conn, &purpose))
            .await
    }

    /// Transactions in the order in which they were enqueued, from the one after `after` (or the
    /// first), at most `max`.
    ///
    /// # Errors
    ///
    /// The store's failure.
    pub async fn list(
        &self,
        after: Option<TxId>,
        max: usize,
    ) -> Result<Vec<TxRecord>, OutboxError> {
        self.read(move |conn| rows::page(conn, after.unwrap_or(TxId(0)), max))
            .await
    }

    /// Waits until a transaction has ended, at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`OutboxError::NotYet`] if it goes on, [`OutboxError::Unknown`], [`OutboxError::Closed`], or
    /// the store's failure.
    pub async fn wait(&self, id: TxId, timeout: Duration) -> Result<TxOutcome, OutboxError> {
        let mut health = self.inner.health.clone();
        let ended = async {
            loop {
                health.borrow_and_update();
                if let Some(outcome) = self.get(id).await?.status.outcome() {
                    return Ok(outcome.clone());
                }
                health.changed().await.map_err(|_| OutboxError::Closed)?;
            }
        };
        tokio::time::timeout(timeout, ended)
            .await
            .unwrap_or(Err(OutboxError::NotYet(timeout)))
    }

    /// How the outbox is doing, for a health check: trouble that lasts needs a person.
    #[must_use]
    pub fn health(&self) -> OutboxHealth {
        self.inner.health.borrow().clone()
    }

    /// Looks at the chain now rather than at the next poll.
    pub fn nudge(&self) {
        self.inner.wake.notify_one();
    }

    /// Stops the work between two durable steps, and frees the file. What is unfinished is taken up
    /// at the next [`open`](Self::open).
    pub async fn close(&self) {
        self.inner.stop.send_replace(true);
        let mut health = self.inner.health.clone();
        while health.changed().await.is_ok() {}
        self.inner.store.close().await;
    }

    async fn read<T, F>(&self, job: F) -> Result<T, OutboxError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let job = move |conn: &Connection, (): &mut ()| job(conn).map_err(JobError::from);
        Ok(self.inner.store.read::<_, OutboxError, _>(job).await?)
    }
}
