//! A running agent, and what works behind it.

use super::build::Paid;
use crate::error::Error;
use crate::gate::{ChannelSource, LockSource};
use crate::limits::{DRAIN_TIMEOUT, FINAL_SETTLEMENT_WAIT, SETTLE_INTERVAL};
use crate::push::Push;
use crate::service::Service;
use crate::settle::limits::ROWS_MAX;
use crate::settle::tower::WatchPush;
use crate::settle::{
    ChannelMirror, ChannelMirrorConfig, GasPatience, Mirror, MirrorConfig, Mirrors, Refunds,
    ReleaseReport, SettleError, SettlePolicy, SettleReport, Settler, SettlerConfig, Split,
    Splitter, SplitterConfig,
};
use crate::store::{RecoveryReport, SqliteStore};
use agent_client::chain::outbox::TxOutbox;
use agent_client::chain::watcher::WatchConfig;
use agent_client::chain::{Chain, same_chain};
use agent_client::egress::{Egress, EgressPolicy};
use agent_core::a2a::{A2aError, AgentCard};
use agent_core::json::Json;
use agent_core::ledger::{Books, Ledger, LedgerError};
use agent_core::money::BaseUnits;
use alloy_primitives::Address;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

/// A running agent. It serves until it is stopped or dropped.
#[derive(Debug)]
pub struct RunningAgent {
    pub(super) url: Url,
    pub(super) card: AgentCard,
    pub(super) service: Service,
    pub(super) store: Option<SqliteStore>,
    pub(super) earnings: Option<Earnings>,
    pub(super) push: Option<Arc<Push>>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) serving: JoinHandle<()>,
}

/// What turns vouchers into money.
#[derive(Debug)]
pub(crate) struct Earnings {
    pub(super) chain: Chain,
    pub(crate) outbox: TxOutbox,
    pub(crate) mirror: Mirror,
    /// Of channels, and what gives back what is left of them; if any are taken.
    pub(crate) channels: Option<(ChannelMirror, Refunds)>,
    pub(crate) settler: Settler,
    /// Tells a watchtower for as long as it lives.
    _watch: Option<WatchPush>,
    /// Passes on shares for as long as it lives.
    _splitter: Option<Splitter>,
}

impl Earnings {
    /// What claims for `payee`, and follows channels if they are taken.
    pub(crate) async fn start(
        paid: &Paid<'_>,
        payee: Address,
        takes_channels: bool,
    ) -> Result<Self, Error> {
        let (payment, settings) = (paid.payment, &paid.payment.chain);
        let chain = settings.chain()?;
        same_chain(&chain, &paid.config.data_dir).await?;
        let outbox = paid.outbox().await?;
        let mirror = MirrorConfig {
            payee,
            tokens: vec![settings.token.address],
            watch: WatchConfig {
                start_block: settings.escrow_from_block,
                confirmations: settings.confirmations.saturating_sub(1),
                poll_interval: settings.poll_interval(),
                ..WatchConfig::default()
            },
            head_max_age: settings.head_max_age_secs.map(Duration::from_secs),
        };
        let (store, clock) = (paid.store.clone(), Arc::clone(paid.clock));
        let mirror = Mirror::start(store.clone(), chain.clone(), mirror, Arc::clone(&clock));
        let (_, settle_at) = settings
            .assets()
            .resolve(&payment.settle_at)
            .map(|(a, v)| (a.id(), v))?;
        let policy = SettlePolicy {
            value: settle_at,
            age_millis: payment.settle_after_secs.saturating_mul(1_000),
            deadline_margin_secs: payment.deadline_margin_secs,
            dust: BaseUnits::ZERO,
            rows: ROWS_MAX,
            gas: payment.calm_gas_gwei.map(|gwei| GasPatience {
                calm_wei: u128::from(gwei).saturating_mul(1_000_000_000),
                climb_secs: payment.deadline_margin_secs.saturating_mul(4),
            }),
        };
        let config = SettlerConfig {
            policy,
            interval: SETTLE_INTERVAL,
        };
        let watch = match &payment.watch {
            None => None,
            Some(watch) => {
                let watch = watch.resolve().map_err(Error::Watch)?;
                let policy = EgressPolicy::strict().allow_loopback().allow_private();
                Some(WatchPush::start(store.clone(), Egress::new(policy)?, watch))
            }
        };
        let channels = channels(paid, payee, takes_channels, (&chain, &outbox)).await?;
        let paying = channels.is_some().then(|| (chain.clone(), payee));
        let splitter = splitter(paid, payee, &outbox, paying)?;
        let mirrors = Mirrors {
            locks: mirror.clone(),
            channels: channels.as_ref().map(|(channels, _)| channels.clone()),
        };
        let settler = Settler::start(store, outbox.clone(), mirrors, config, clock);
        Ok(Self {
            chain,
            outbox,
            mirror,
            channels,
            settler,
            _watch: watch,
            _splitter: splitter,
        })
    }

    pub(crate) fn locks(&self) -> Arc<dyn LockSource> {
        Arc::new(self.mirror.clone())
    }

    pub(crate) fn channels(&self) -> Option<Arc<dyn ChannelSource>> {
        let (_, refunds) = self.channels.as_ref()?;
        Some(Arc::new(refunds.clone()))
    }
}

/// What follows channels of `batch-settlement`, if they are taken or some were.
async fn channels(
    paid: &Paid<'_>,
    payee: Address,
    taken: bool,
    (chain, outbox): (&Chain, &TxOutbox),
) -> Result<Option<(ChannelMirror, Refunds)>, Error> {
    let settings = &paid.payment.chain;
    let were_taken = paid.store.has_batch_channels().await;
    let were_taken = were_taken.map_err(|error| Error::Internal(error.to_string()))?;
    if !taken && !were_taken {
        return Ok(None);
    }
    let config = ChannelMirrorConfig {
        receiver: payee,
        tokens: vec![settings.token.address],
        poll_interval: settings.poll_interval(),
        head_max_age: settings.head_max_age_secs.map(Duration::from_secs),
    };
    let (store, clock) = (paid.store.clone(), Arc::clone(paid.clock));
    let mirror = ChannelMirror::start(store, chain.clone(), config, clock);
    let refunds = Refunds::start(mirror.clone(), chain.clone(), outbox.clone());
    Ok(Some((mirror, refunds)))
}

/// What passes on shares, if there are any.
fn splitter(
    paid: &Paid<'_>,
    payee: Address,
    outbox: &TxOutbox,
    channels: Option<(Chain, Address)>,
) -> Result<Option<Splitter>, Error> {
    let payment = paid.payment;
    if payment.split.is_empty() {
        return Ok(None);
    }
    if outbox.address() != payee {
        return Err(Error::Split("the settling key is not the payee's"));
    }
    let settings = &payment.chain;
    let assets = settings.assets();
    let (_, at) = assets.resolve(&payment.split_at)?;
    let config = SplitterConfig {
        token: settings.token.address,
        split: Split::new(payment.split.clone()).map_err(Error::Split)?,
        at,
        interval: SETTLE_INTERVAL,
        channels,
    };
    let (store, outbox) = (paid.store.clone(), outbox.clone());
    let clock = Arc::clone(paid.clock);
    Ok(Some(Splitter::start(store, outbox, config, clock)))
}

impl RunningAgent {
    /// Where the agent is reached.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The agent's card.
    #[must_use]
    pub const fn card(&self) -> &AgentCard {
        &self.card
    }

    /// Who is paid for what it sells; nobody, if all of it is free.
    #[must_use]
    pub fn payee(&self) -> Option<Address> {
        self.service.gate().map(|gate| gate.terms().pay_to)
    }

    /// The agent's operations, for calls from within the process.
    #[must_use]
    pub const fn service(&self) -> &Service {
        &self.service
    }

    /// Goes on with a task that waits, with an answer that does not come from its caller's message:
    /// what a person or another system allowed, for `TASK_STATE_AUTH_REQUIRED` (A2A §7.6).
    ///
    /// # Errors
    /// [`A2aError`] when there is no such task, it has ended, or it works already.
    pub async fn answer(&self, task_id: &str, answer: Json) -> Result<(), A2aError> {
        self.service.answer_for(task_id, answer).await
    }

    /// Ledger and tasks; nothing, if tasks are in memory alone.
    #[must_use]
    pub const fn store(&self) -> Option<&SqliteStore> {
        self.store.as_ref()
    }

    /// What was left behind by the process before this one.
    #[must_use]
    pub fn recovery(&self) -> RecoveryReport {
        let store = self.store.as_ref();
        store.map_or_else(RecoveryReport::default, |store| store.recovery().clone())
    }

    /// How many tasks are running.
    #[must_use]
    pub fn live_tasks(&self) -> usize {
        self.service.0.engine.live.len()
    }

    /// The sums of the ledger.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn books(&self) -> Result<Books, LedgerError> {
        match &self.store {
            Some(store) => store.books().await,
            None => Ok(Books::default()),
        }
    }

    /// Claims everything that was earned and waits until the chain shows it.
    ///
    /// # Errors
    /// [`SettleError`]; what was sent goes on.
    pub async fn settle_now(&self, wait: Duration) -> Result<SettleReport, SettleError> {
        match &self.earnings {
            Some(earnings) => earnings.settler.settle_now(wait).await,
            None => Ok(SettleReport::default()),
        }
    }

    /// Returns to the payers what is locked beyond what was charged; see [`Settler::release_all`].
    ///
    /// # Errors
    /// [`SettleError`].
    pub async fn release_all(&self, wait: Duration) -> Result<ReleaseReport, SettleError> {
        match &self.earnings {
            Some(earnings) => earnings.settler.release_all(wait).await,
            None => Ok(ReleaseReport::default()),
        }
    }

    /// What was claimed since the agent started.
    #[must_use]
    pub fn settled(&self) -> SettleReport {
        self.earnings
            .as_ref()
            .map(|earnings| earnings.settler.totals())
            .unwrap_or_default()
    }

    /// Stops taking requests, lets those in flight finish for a bounded time, claims what was
    /// earned if the chain can be reached soon, and frees the files.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // Those who follow a task that waits would be waited for in vain.
        self.service.0.engine.live.watchers.close();
        if tokio::time::timeout(DRAIN_TIMEOUT.saturating_mul(2), self.serving)
            .await
            .is_err()
        {
            tracing::warn!("requests were cut at shutdown");
        }
        let live = &self.service.0.engine.live;
        live.drained(DRAIN_TIMEOUT).await;
        live.cancel_all();
        live.drained(DRAIN_TIMEOUT).await;
        if let Some(push) = self.push {
            push.stop().await;
        }
        if let Some(earnings) = self.earnings {
            match earnings.settler.settle_now(FINAL_SETTLEMENT_WAIT).await {
                Ok(report) if report.transactions > 0 => {
                    tracing::info!(claimed = %report.claimed_base_units, "claimed before closing");
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "not everything is claimed; start again to go on")
                }
            }
            earnings.settler.stop().await;
            earnings.outbox.close().await;
        }
        if let Some(store) = self.store {
            store.close().await;
        }
    }
}
