//! What the chain says of the `batch-settlement` channels that pay us, kept in the ledger.
//!
//! A channel's state is read, never computed from logs: a log is only a reason to read it sooner.
//! All channels are read again well within the age at which the ledger calls what it knows too old,
//! so a payment asks nobody, and a node that hides logs delays us and hides nothing.

mod read;
mod refund;

pub(super) use read::on_chain;
pub(crate) use read::{Booked, booked};
pub use refund::Refunds;

use super::{SettleError, limits};
use crate::store::SqliteStore;
use agent_client::chain::watcher::WatchError;
use agent_client::chain::x402_bindings::IX402BatchSettlement as Contract;
use agent_client::chain::{Chain, ChainError, Head};
use agent_core::channel::{Channel, LockState};
use agent_core::clock::Clock;
use agent_core::ledger::{Ledger, LedgerError};
use agent_core::voucher::{ChannelId, Funding};
use agent_core::x402::batch::{BATCH_SETTLEMENT, ChannelConfig, ChannelState};
use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::Filter;
use alloy_sol_types::SolEvent;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

/// How closely channels are followed.
#[derive(Debug, Clone)]
pub struct ChannelMirrorConfig {
    /// Whom the channels pay, and
    pub receiver: Address,
    /// in which tokens.
    pub tokens: Vec<Address>,
    /// Pause between looks at the newest block.
    pub poll_interval: Duration,
    /// What an older newest block says is not believed; see [`super::MirrorConfig::head_max_age`].
    pub head_max_age: Option<Duration>,
}

/// Follows the channels of `batch-settlement` that the ledger knows, and tells it.
///
/// A handle is cheap to clone; when the last is dropped the mirror stops. It finds channels in the
/// ledger when it starts and learns of others from payments ([`ChannelMirror::state`]).
///
/// Not guaranteed: that the node tells the truth; see [`Chain::checked_by`].
#[derive(Debug, Clone)]
pub struct ChannelMirror {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: SqliteStore,
    chain: Chain,
    config: ChannelMirrorConfig,
    clock: Arc<dyn Clock>,
    /// Whoever reads tells the ledger before anybody else reads: no old word comes after a new one.
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The channels; nothing before the ledger was read.
    channels: Option<BTreeMap<ChannelId, Followed>>,
    /// The newest block when the logs were read last.
    head: Option<Head>,
    /// When all were read, in Unix milliseconds.
    all_read_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Followed {
    config: ChannelConfig,
    /// As the ledger counts it, once it was read.
    counted: Option<Channel>,
}

impl Followed {
    /// Those that could cost us something come first.
    fn rank(&self) -> u8 {
        match self.counted {
            None => 0,
            Some(channel) if !channel.claimable().is_zero() || channel.in_flight > 0 => 0,
            Some(channel) if channel.authorized > channel.claimed => 1,
            Some(_) => 2,
        }
    }
}

impl ChannelMirror {
    /// Starts following. Must be called within a tokio runtime; the node may be down.
    #[must_use]
    pub fn start(
        store: SqliteStore,
        chain: Chain,
        config: ChannelMirrorConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let inner = Arc::new(Inner {
            store,
            chain,
            config,
            clock,
            known: Mutex::default(),
        });
        tokio::spawn(follow(Arc::downgrade(&inner)));
        Self { inner }
    }

    /// Reads all channels now and tells the ledger.
    ///
    /// # Errors
    /// [`SettleError`]; the mirror goes on trying.
    pub async fn look(&self, wait: Duration) -> Result<(), SettleError> {
        let looked = async {
            let mut known = self.inner.known.lock().await;
            known.all_read_ms = None;
            self.inner.poll(&mut known).await
        };
        let not_yet = |_| Err(WatchError::NotYet(wait).into());
        timeout(wait, looked).await.unwrap_or_else(not_yet)
    }

    /// What the newest block says of a channel, which is followed from then on; `None`, and it is
    /// not, if it was never paid into. The ledger is told.
    ///
    /// # Errors
    /// [`SettleError`].
    pub async fn state(&self, config: &ChannelConfig) -> Result<Option<ChannelState>, SettleError> {
        let inner = &self.inner;
        let id = config.id(&inner.store.domains().batch);
        let mut known = inner.known.lock().await;
        inner.ledger_read(&mut known).await?;
        inner.fresh_head().await?;
        let states = read::states(&inner.chain, &[id]).await?;
        let state = states.into_iter().next();
        let state = state.filter(|state| {
            !state.balance.is_zero()
                || !state.total_claimed.is_zero()
                || !state.refund_nonce.0.is_zero()
        });
        if let Some(state) = &state {
            inner.tell(&mut known, id, *config, state).await?;
        }
        Ok(state)
    }

    /// Waits until the newest block is at least `block`, and tells the ledger what it says of these
    /// channels.
    ///
    /// # Errors
    /// [`SettleError`]; the mirror goes on trying.
    pub(super) async fn reached(
        &self,
        block: u64,
        ids: &[ChannelId],
        wait: Duration,
    ) -> Result<(), SettleError> {
        let inner = &self.inner;
        let reached = async {
            while inner.chain.head().await?.number < block {
                sleep(limits::LOOK_PAUSE).await;
            }
            self.refresh(ids).await
        };
        let not_yet = |_| Err(WatchError::NotYet(wait).into());
        timeout(wait, reached).await.unwrap_or_else(not_yet)
    }

    /// Tells the ledger what the newest block says of these channels.
    ///
    /// # Errors
    /// [`SettleError`].
    pub(super) async fn refresh(&self, ids: &[ChannelId]) -> Result<(), SettleError> {
        let mut known = self.inner.known.lock().await;
        self.inner.ledger_read(&mut known).await?;
        self.inner.read(&mut known, ids).await
    }

    pub(super) async fn booked(
        &self,
        receiver: Address,
        token: Address,
    ) -> Result<Booked, ChainError> {
        booked(&self.inner.chain, receiver, token).await
    }

    /// Whom the channels pay, and in which tokens.
    pub(super) fn pays(&self) -> (Address, &[Address]) {
        (self.inner.config.receiver, &self.inner.config.tokens)
    }

    fn store(&self) -> &SqliteStore {
        &self.inner.store
    }
}

impl Inner {
    /// The channels that the ledger knows, once.
    async fn ledger_read<'a>(
        &self,
        known: &'a mut Known,
    ) -> Result<&'a mut BTreeMap<ChannelId, Followed>, LedgerError> {
        if known.channels.is_none() {
            let (mut found, mut after) = (BTreeMap::new(), None);
            loop {
                let page = self.store.channels(after, limits::LOCKS_PER_READ).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                found.extend(page.iter().filter_map(|view| {
                    let config = *view.funding.batch()?;
                    let counted = Some(view.channel);
                    Some((view.id, Followed { config, counted }))
                }));
            }
            known.channels = Some(found);
        }
        Ok(known.channels.get_or_insert_default())
    }

    /// The newest block, if it is young enough to be believed.
    async fn fresh_head(&self) -> Result<Head, SettleError> {
        let head = self.chain.head().await?;
        let made_ms = u128::from(head.timestamp).saturating_mul(1_000);
        let age_ms = u128::from(self.clock.now_unix_millis()).saturating_sub(made_ms);
        match self.config.head_max_age {
            Some(max) if age_ms > max.as_millis() => {
                Err(ChainError::Unreachable("the node has stopped".to_owned()).into())
            }
            _ => Ok(head),
        }
    }

    /// Reads what may have changed, and everything when that is due.
    async fn poll(&self, known: &mut Known) -> Result<(), SettleError> {
        self.ledger_read(known).await?;
        let head = self.fresh_head().await?;
        let now_ms = self.clock.now_unix_millis();
        let interval_ms = limits::CHANNELS_READ_EVERY.as_millis();
        let is_due = known
            .all_read_ms
            .is_none_or(|at| u128::from(now_ms.saturating_sub(at)) >= interval_ms);
        if is_due || !self.goes_on(known.head, head).await? {
            let ids = most_pressing(known, limits::CHANNELS_FOLLOWED_MAX);
            self.read(known, &ids).await?;
            known.all_read_ms = Some(now_ms);
        } else if known.head.is_some_and(|last| last.number < head.number) {
            let ids = self.touched(known, head).await?;
            self.read(known, &ids).await?;
        }
        known.head = Some(head);
        Ok(())
    }

    /// Whether `head` is on top of what was read last, so that the logs between tell all.
    async fn goes_on(&self, last: Option<Head>, head: Head) -> Result<bool, ChainError> {
        let Some(last) = last else { return Ok(false) };
        if last.hash == head.hash {
            return Ok(true);
        }
        if last.number >= head.number {
            return Ok(false);
        }
        let there = self.chain.block(last.number).await?;
        Ok(there.is_some_and(|block| block.hash == last.hash))
    }

    /// The channels that logs since the last look name.
    async fn touched(&self, known: &Known, head: Head) -> Result<Vec<ChannelId>, ChainError> {
        let from = known.head.map_or(head.number, |last| last.number + 1);
        let mut touched = BTreeSet::new();
        let ids = most_pressing(known, limits::CHANNELS_IN_LOGS_MAX);
        for ids in ids.chunks(limits::CHANNELS_PER_FILTER) {
            let topics: Vec<B256> = ids.iter().map(|id| id.0).collect();
            let filter = Filter::new()
                .address(BATCH_SETTLEMENT)
                .event_signature(vec![
                    Contract::Deposited::SIGNATURE_HASH,
                    Contract::Claimed::SIGNATURE_HASH,
                    Contract::Refunded::SIGNATURE_HASH,
                    Contract::WithdrawInitiated::SIGNATURE_HASH,
                    Contract::WithdrawFinalized::SIGNATURE_HASH,
                ])
                .topic1(topics);
            let logs = self.chain.logs(&filter, from, head.number).await?;
            let named = logs.iter().filter_map(|log| log.topics().get(1));
            touched.extend(named.map(|id| ChannelId(*id)));
        }
        Ok(touched.into_iter().collect())
    }

    async fn read(&self, known: &mut Known, ids: &[ChannelId]) -> Result<(), SettleError> {
        for ids in ids.chunks(limits::CHANNELS_PER_READ) {
            for state in read::states(&self.chain, ids).await? {
                let id = state.channel_id;
                let channels = known.channels.get_or_insert_default();
                if let Some(config) = channels.get(&id).map(|followed| followed.config) {
                    self.tell(known, id, config, &state).await?;
                }
            }
        }
        Ok(())
    }

    async fn tell(
        &self,
        known: &mut Known,
        id: ChannelId,
        config: ChannelConfig,
        state: &ChannelState,
    ) -> Result<(), LedgerError> {
        let seen = LockState::of_batch(&config, state);
        let counted = match self.store.observe(Funding::Batch(config), seen).await {
            Ok(channel) => Some(channel),
            // The ledger has stopped this channel; the others go on.
            Err(LedgerError::Broken(why)) => {
                tracing::error!(channel = %id, %why, "the chain and the books disagree");
                None
            }
            Err(error) => return Err(error),
        };
        let channels = known.channels.get_or_insert_default();
        channels.insert(id, Followed { config, counted });
        Ok(())
    }
}

/// Up to `max` channels, those that could cost us something first.
fn most_pressing(known: &Known, max: usize) -> Vec<ChannelId> {
    let mut ids: Vec<_> = known
        .channels
        .iter()
        .flatten()
        .map(|(id, followed)| (followed.rank(), *id))
        .collect();
    ids.sort_unstable();
    ids.truncate(max);
    ids.into_iter().map(|(_, id)| id).collect()
}

/// Looks again and again, for as long as the mirror lives.
async fn follow(mirror: Weak<Inner>) {
    let mut failures = 0_u32;
    while let Some(inner) = mirror.upgrade() {
        let looked = {
            let mut known = inner.known.lock().await;
            inner.poll(&mut known).await
        };
        match looked {
            Ok(()) => failures = 0,
            Err(error) => {
                failures = failures.saturating_add(1);
                if failures.is_power_of_two() {
                    tracing::warn!(code = error.code(), %error, "channels cannot be read");
                }
            }
        }
        let pause = inner.config.poll_interval;
        drop(inner);
        sleep(pause.saturating_mul(failures.saturating_add(1).min(16))).await;
    }
}
