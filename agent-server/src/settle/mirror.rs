//! What the chain says of the locks that pay us, kept in the ledger.

use super::sink::EscrowSink;
use super::{ChannelMirror, limits};
use crate::gate::LockSource;
use crate::store::SqliteStore;
use agent_client::chain::Chain;
use agent_client::chain::bindings::IZ402Escrow;
use agent_client::chain::watcher::{WatchConfig, WatchError, WatchStatus, Watcher};
use agent_core::clock::Clock;
use agent_core::ledger::BoxFuture;
use agent_core::voucher::ChannelId;
use alloy_primitives::Address;
use alloy_rpc_types_eth::Filter;
use alloy_sol_types::SolEvent;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Which locks are followed, and how closely.
#[derive(Debug, Clone)]
pub struct MirrorConfig {
    /// Locks that pay this address.
    pub payee: Address,
    /// In these tokens. Locks in others are ignored: anyone can make them, in worthless tokens.
    pub tokens: Vec<Address>,
    /// How the chain is followed; the first block is the one in which the escrow was made.
    pub watch: WatchConfig,
    /// A look at the chain counts as fresh only if the newest block is younger than this: a node
    /// that has stopped still answers. `None` for chains that make blocks on demand.
    pub head_max_age: Option<Duration>,
}

/// Follows the escrow and tells the ledger.
///
/// Every lock that opens, grows, is claimed from or released is read from the contract and handed
/// to the ledger; after a reorganisation, and at the start, all known locks are. The ledger is told
/// how fresh that is, so that it can refuse rather than guess. A handle is cheap to clone; when the
/// last is dropped the mirror stops.
///
/// Not guaranteed: that the node tells the truth.
#[derive(Debug, Clone)]
pub struct Mirror {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    watcher: Watcher,
    store: SqliteStore,
    waiters: Semaphore,
    head_max_age: Option<Duration>,
}

impl Mirror {
    /// Starts following. Must be called within a tokio runtime; the node may be down.
    #[must_use]
    pub fn start(
        store: SqliteStore,
        chain: Chain,
        config: MirrorConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let escrow = store.domain().contract();
        let filter = Filter::new().address(escrow).event_signature(vec![
            IZ402Escrow::Authorized::SIGNATURE_HASH,
            IZ402Escrow::Settled::SIGNATURE_HASH,
            IZ402Escrow::Released::SIGNATURE_HASH,
        ]);
        let MirrorConfig {
            payee,
            tokens,
            watch,
            head_max_age,
        } = config;
        let poll = watch.poll_interval;
        let sink = EscrowSink::new(store.clone(), chain.clone(), payee, tokens);
        let watcher = Watcher::start(chain, filter, watch, sink, clock);
        let waiters = Semaphore::new(limits::LOCK_WAITERS_MAX);
        let inner = Arc::new(Inner {
            watcher,
            store,
            waiters,
            head_max_age,
        });
        tokio::spawn(tell_freshness(Arc::downgrade(&inner), poll));
        Self { inner }
    }

    /// How fresh the mirror is, and what troubles it.
    #[must_use]
    pub fn status(&self) -> WatchStatus {
        self.inner.watcher.status()
    }

    /// Looks at the chain now and waits until the ledger knows what it says.
    ///
    /// # Errors
    /// [`WatchError`]; the mirror goes on trying.
    pub async fn look(&self, wait: Duration) -> Result<WatchStatus, WatchError> {
        let status = self.inner.watcher.look(wait).await?;
        self.inner.tell(&status);
        Ok(status)
    }

    /// Waits until the ledger knows everything up to `block`.
    ///
    /// # Errors
    /// [`WatchError`]; the mirror goes on trying.
    pub async fn reached(&self, block: u64, wait: Duration) -> Result<WatchStatus, WatchError> {
        self.inner.watcher.nudge();
        self.inner.watcher.reached(block, wait).await
    }
}

/// What tells the ledger about the chain.
#[derive(Debug, Clone)]
pub struct Mirrors {
    /// Of the locks of z402.
    pub locks: Mirror,
    /// Of the channels of `batch-settlement`, if any are taken. Without it nothing is claimed from
    /// channels.
    pub channels: Option<ChannelMirror>,
}

impl From<Mirror> for Mirrors {
    fn from(locks: Mirror) -> Self {
        Self {
            locks,
            channels: None,
        }
    }
}

impl LockSource for Mirror {
    fn await_lock(&self, id: ChannelId, wait: Duration) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let Ok(_place) = self.inner.waiters.try_acquire() else {
                return false;
            };
            timeout(wait, self.inner.seen(id, wait))
                .await
                .unwrap_or(false)
        })
    }
}

impl Inner {
    /// Looks until the lock is there; its caller bounds the time.
    async fn seen(&self, id: ChannelId, wait: Duration) -> bool {
        loop {
            match self.watcher.look(wait).await {
                Ok(status) => self.tell(&status),
                Err(_) => return false,
            }
            if matches!(self.store.channel(id).await, Ok(Some(_))) {
                return true;
            }
            sleep(limits::LOOK_PAUSE).await;
        }
    }

    fn tell(&self, status: &WatchStatus) {
        let Some(fresh) = status.fresh_ms else { return };
        let head = status
            .head
            .map_or(0, |head| head.timestamp.saturating_mul(1_000));
        let stopped = self
            .head_max_age
            .is_some_and(|max| u128::from(fresh.saturating_sub(head)) > max.as_millis());
        if !stopped {
            self.store.set_chain_seen(fresh);
        }
    }
}

/// Passes on how fresh the watcher is, also while no block comes, for as long as the mirror lives.
async fn tell_freshness(mirror: Weak<Inner>, every: Duration) {
    while let Some(inner) = mirror.upgrade() {
        inner.tell(&inner.watcher.status());
        drop(inner);
        sleep(every).await;
    }
}
