//! What is needed to be paid, without an agent around it.

use super::desk::Desk;
use super::limits::{BODY_BYTES_MAX, CALLS_MAX};
use super::running::Running;
use crate::agent::{Earnings, Paid, assets, open_store};
use crate::bind::BodyBudget;
use crate::config::AgentConfig;
use crate::error::Error;
use crate::gate::{ChannelSource, Gate};
use crate::settle::{SettleError, SettleReport};
use crate::store::{SqliteStore, StoredTask, TaskStore};
use crate::tasks::settling::{Finished, Verdict, settle};
use agent_client::clock::SystemClock;
use agent_core::clock::Clock;
use agent_core::ledger::{Books, Ledger, LedgerError, Unsettled};
use agent_core::money::{Asset, AssetTable, BaseUnits, MoneyError};
use agent_core::price::{Price, ResolvedPrice};
use agent_core::x402::batch::SCHEME_BATCH_SETTLEMENT;
use agent_core::x402::facilitator::Facilitator;
use agent_core::x402::{BatchOffer, ExactOffer, SCHEME_EXACT};
use alloy_primitives::Address;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use url::Url;

/// A gate, its ledger and what claims the money: all that a web application needs to be paid.
///
/// Cheap to clone; all clones are one till. See [`super::PaidLayer`] for what to do with it.
#[derive(Clone)]
pub struct Till(Arc<Inner>);

pub(super) struct Inner {
    pub(super) gate: Gate,
    store: SqliteStore,
    pub(super) clock: Arc<dyn Clock>,
    earnings: Mutex<Option<Earnings>>,
    assets: AssetTable,
    pub(super) bodies: BodyBudget,
    pub(super) places: Arc<Semaphore>,
    pub(super) running: Running,
    pub(super) timeout: Duration,
    pub(super) public_url: Option<Url>,
}

impl Till {
    /// Opens the books in `config.data_dir` and watches the chain, as an agent with this
    /// configuration would. What is about serving in it is not used. One process at a time may have
    /// a directory open.
    ///
    /// # Errors
    /// [`Error`], such as when there is no `payment` in the configuration.
    pub async fn open(config: AgentConfig) -> Result<Self, Error> {
        Self::builder(config).open().await
    }

    /// A till that takes more than its configuration says.
    pub fn builder(config: AgentConfig) -> TillBuilder {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        TillBuilder {
            config,
            clock,
            facilitator: None,
            channels: None,
            exact: None,
            batch: None,
        }
    }

    async fn built(builder: TillBuilder) -> Result<Self, Error> {
        let TillBuilder {
            config,
            clock,
            facilitator,
            channels,
            exact,
            batch,
        } = builder;
        let Some(payment) = &config.payment else {
            return Err(Error::NoPayment("(a paid route)".to_owned()));
        };
        if config.limits.skill_timeout_secs >= payment.deadline_margin_secs {
            return Err(Error::TimeoutBeyondMargin);
        }
        let assets = assets(&config);
        let store = open_store(&config, &assets, Arc::clone(&clock))?;
        let paid = Paid {
            config: &config,
            payment,
            store: &store,
            clock: &clock,
        };
        let mut terms = paid.terms(BTreeMap::new())?;
        for (scheme, offered) in [
            (SCHEME_BATCH_SETTLEMENT, batch.is_some()),
            (SCHEME_EXACT, exact.is_some()),
        ] {
            if offered && !terms.schemes.iter().any(|known| known == scheme) {
                terms.schemes.push(scheme.to_owned());
            }
        }
        terms.batch = batch.or(terms.batch);
        terms.exact = exact.or(terms.exact);
        let earnings = Earnings::start(&paid, terms.pay_to, terms.batch.is_some()).await?;
        let (mut gate, _) = paid.gate(terms, &earnings).await?;
        if let Some(facilitator) = facilitator {
            gate = gate.with_facilitator(facilitator);
        }
        if let Some(channels) = channels {
            gate = gate.with_channels(channels);
        }
        let till = Self(Arc::new(Inner {
            gate,
            store,
            clock,
            earnings: Mutex::new(Some(earnings)),
            assets,
            bodies: BodyBudget::new(config.limits.body_bytes.min(BODY_BYTES_MAX)),
            places: Arc::new(Semaphore::new(CALLS_MAX)),
            running: Running::default(),
            timeout: config.limits.skill_timeout(),
            public_url: config.public_url,
        }));
        till.settle_left_over().await?;
        Ok(till)
    }

    /// Goes on with the transfers that were being made when the process before this one ended.
    async fn settle_left_over(&self) -> Result<(), Error> {
        let left = self.0.gate.ledger().unsettled().await;
        let left = left.map_err(|error| Error::Internal(error.to_string()))?;
        for left in left {
            let till = self.clone();
            tokio::spawn(async move { till.settle_one(left).await });
        }
        Ok(())
    }

    async fn settle_one(&self, left: Unsettled) {
        let Unsettled {
            reserved,
            request,
            outcome,
        } = left;
        let id = reserved.task_id().to_owned();
        let Ok(finished) = outcome.parse::<Finished>() else {
            tracing::error!(
                task = id,
                "the outcome of a payment cannot be read; it is left"
            );
            return;
        };
        let (gate, now) = (&self.0.gate, self.0.clock.now_unix_millis());
        let verdict = settle(gate, &reserved, &request, finished, now).await;
        let Ok(Some(Verdict { charge, write, .. })) = verdict else {
            return;
        };
        let ended = match charge {
            Some(charge) => gate.ledger().post(reserved, charge, write).await,
            None => gate.ledger().void(reserved, write).await,
        };
        if let Err(unresolved) = ended {
            let error = unresolved.error;
            tracing::error!(task = id, %error, "a settled payment waits for the next start");
        }
    }

    /// Who is paid.
    #[must_use]
    pub fn payee(&self) -> Address {
        self.0.gate.terms().pay_to
    }

    /// The token that is paid in.
    #[must_use]
    pub fn asset(&self) -> &Asset {
        &self.0.gate.terms().asset
    }

    /// The books and what was bought.
    #[must_use]
    pub fn store(&self) -> &SqliteStore {
        &self.0.store
    }

    /// The sums of the books.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn books(&self) -> Result<Books, LedgerError> {
        self.0.store.books().await
    }

    /// Claims everything that was earned and waits until the chain shows it.
    ///
    /// # Errors
    /// [`SettleError`]; what was sent goes on.
    pub async fn settle_now(&self, wait: Duration) -> Result<SettleReport, SettleError> {
        let settler = self.earnings().as_ref().map(|e| e.settler.clone());
        match settler {
            Some(settler) => settler.settle_now(wait).await,
            None => Ok(SettleReport::default()),
        }
    }

    /// Lets calls that are being worked on finish for a bounded time, and frees the files. What is
    /// not claimed yet is claimed after the next start.
    pub async fn close(self) {
        let all = u32::try_from(CALLS_MAX).unwrap_or(u32::MAX);
        let drained = tokio::time::timeout(
            crate::limits::DRAIN_TIMEOUT,
            self.0.places.acquire_many(all),
        );
        if drained.await.is_err() {
            tracing::warn!("paid calls were cut at shutdown");
        }
        self.0.places.close();
        let earnings = self.earnings().take();
        if let Some(earnings) = earnings {
            earnings.settler.stop().await;
            earnings.outbox.close().await;
        }
        self.0.store.clone().close().await;
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// The terms that payments are held against.
    pub(super) fn terms(&self) -> &agent_core::x402::PaymentTerms {
        self.0.gate.terms()
    }

    pub(super) fn desk(&self) -> Desk<'_> {
        Desk::new(&self.0.gate)
    }

    /// A price in base units.
    pub(super) fn resolve(&self, price: &Price) -> Result<BaseUnits, MoneyError> {
        Ok(match price.resolve(&self.0.assets)? {
            ResolvedPrice::Free => BaseUnits::ZERO,
            ResolvedPrice::Paid { ceiling, .. } => ceiling,
        })
    }

    /// What was bought.
    pub(super) async fn bought(&self, task_id: &str) -> Result<Option<StoredTask>, String> {
        let stored = TaskStore::get(&self.0.store, task_id.to_owned()).await;
        stored.map_err(|error| error.to_string())
    }

    fn earnings(&self) -> std::sync::MutexGuard<'_, Option<Earnings>> {
        self.0
            .earnings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A till before it is opened; made by [`Till::builder`].
#[must_use = "nothing is opened before `open`"]
pub struct TillBuilder {
    config: AgentConfig,
    clock: Arc<dyn Clock>,
    facilitator: Option<Arc<dyn Facilitator>>,
    channels: Option<Arc<dyn ChannelSource>>,
    exact: Option<ExactOffer>,
    batch: Option<BatchOffer>,
}

impl TillBuilder {
    /// Asks this facilitator about what only the chain can tell, and has it make transfers and
    /// deposits. The schemes that need it are offered when it is named.
    pub fn facilitator(mut self, facilitator: Arc<dyn Facilitator>) -> Self {
        self.facilitator = Some(facilitator);
        self
    }

    /// Asks this about `batch-settlement` channels, and not the facilitator, and has it give back
    /// what is left of them.
    pub fn channels(mut self, channels: Arc<dyn ChannelSource>) -> Self {
        self.channels = Some(channels);
        self
    }

    /// Takes scheme `exact` as well, after those that the configuration names: a transfer that is
    /// made when the handler has answered and before anybody has the answer. It is always of the
    /// whole price, whatever the handler charges; see [`super::PaidLayer::variable`].
    pub fn exact(mut self, offer: ExactOffer) -> Self {
        self.exact = Some(offer);
        self
    }

    /// Takes scheme `batch-settlement` as well, after those that the configuration names. What is
    /// earned is claimed, and the rest given back, with the key of the configuration: it should be
    /// the payee's or the receiver authorizer's.
    pub fn batch(mut self, offer: BatchOffer) -> Self {
        self.batch = Some(offer);
        self
    }

    /// Takes the time from another clock; for tests.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the till.
    ///
    /// # Errors
    /// As for [`Till::open`].
    pub async fn open(self) -> Result<Till, Error> {
        Till::built(self).await
    }
}

impl fmt::Debug for TillBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TillBuilder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Till {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Till")
            .field("payee", &self.payee())
            .finish_non_exhaustive()
    }
}
