//! Putting a buyer together.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent_core::clock::Clock;
use agent_core::policy::SpendPolicy;

use super::config::allow;
use super::sweep::Sweeper;
use super::{Budget, Buyer, BuyerConfig, BuyerError, limits};
use crate::call::CardTrust;
use crate::chain::outbox::TxOutbox;
use crate::chain::{Chain, same_chain};
use crate::clock::SystemClock;
use crate::discover::{Discovery, Registry, RegistryConfig, TrustPolicy};
use crate::egress::{Egress, EgressPolicy};
use crate::feedback::FeedbackOutbox;
use crate::settings::ChainSettings;
use crate::wallet::{ChainEscrow, ChainX402, EscrowPort, PayerKey, Scheme, Wallet, WalletConfig};

type ChangeWallet = Box<dyn FnOnce(&mut WalletConfig) + Send>;

/// Puts a buyer together; every part has a usual value.
#[must_use = "a builder does nothing until it is opened"]
pub struct BuyerBuilder {
    settings: ChainSettings,
    key: PayerKey,
    dir: PathBuf,
    policy: Option<SpendPolicy>,
    egress: EgressPolicy,
    trust: TrustPolicy,
    card_trust: CardTrust,
    require_identity: bool,
    clock: Arc<dyn Clock>,
    outbox: Option<TxOutbox>,
    escrow_port: Option<Arc<dyn EscrowPort>>,
    wallet: Option<ChangeWallet>,
    schemes: Vec<Scheme>,
    sweep_every: Option<Duration>,
}

impl fmt::Debug for BuyerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuyerBuilder")
            .field("settings", &self.settings)
            .field("key", &self.key)
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

impl BuyerBuilder {
    pub(super) fn new(settings: ChainSettings, key: PayerKey, dir: PathBuf) -> Self {
        Self {
            settings,
            key,
            dir,
            policy: None,
            egress: EgressPolicy::strict(),
            trust: TrustPolicy::default(),
            card_trust: CardTrust::default(),
            require_identity: false,
            clock: Arc::new(SystemClock),
            outbox: None,
            escrow_port: None,
            wallet: None,
            schemes: Scheme::ALL.to_vec(),
            sweep_every: Some(limits::SWEEP_PERIOD),
        }
    }

    /// What a configuration file says; paths in it are relative to `base`.
    pub(super) fn of(config: &BuyerConfig, base: &Path) -> Result<Self, BuyerError> {
        let (settings, key) = (config.chain.clone(), config.key(base)?);
        let policy = config.policy(base, SystemClock.now_unix_secs())?;
        let trust = config.trust.policy(&settings)?;
        Ok(Self::new(settings, key, base.join(&config.data_dir))
            .policy(policy)
            .egress(config.network.policy())
            .trust(trust)
            .card_trust(config.cards.trust())
            .require_identity(config.trust.require_identity)
            .schemes(config.schemes.clone()))
    }

    /// What may be spent; the bounds of [`Budget`] unless set.
    pub fn policy(mut self, policy: SpendPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// What may be called; public addresses over https unless set.
    pub fn egress(mut self, policy: EgressPolicy) -> Self {
        self.egress = policy;
        self
    }

    /// Whom to believe.
    pub fn trust(mut self, trust: TrustPolicy) -> Self {
        self.trust = trust;
        self
    }

    /// Whose signature under an Agent Card counts; nobody's unless set, so cards are read signed or
    /// not.
    pub fn card_trust(mut self, trust: CardTrust) -> Self {
        self.card_trust = trust;
        self
    }

    /// Whether only agents with a registered identity are paid; not unless set.
    pub const fn require_identity(mut self, require: bool) -> Self {
        self.require_identity = require;
        self
    }

    /// Another clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The outbox of the same key, if the program has one already: a key has one outbox, so an
    /// agent that sells and buys with one key shares it.
    pub fn outbox(mut self, outbox: TxOutbox) -> Self {
        self.outbox = Some(outbox);
        self
    }

    /// Another way to the escrow than the chain.
    pub fn escrow_port(mut self, port: Arc<dyn EscrowPort>) -> Self {
        self.escrow_port = Some(port);
        self
    }

    /// Changes what a wallet is usually opened with: lock size, run time, durability.
    pub fn wallet(mut self, change: impl FnOnce(&mut WalletConfig) + Send + 'static) -> Self {
        self.wallet = Some(Box::new(change));
        self
    }

    /// The schemes to pay with, the best first; all unless set. A policy that is set in code must
    /// list their contracts itself.
    pub fn schemes(mut self, schemes: impl IntoIterator<Item = Scheme>) -> Self {
        self.schemes = schemes.into_iter().collect();
        self
    }

    /// How often what is past its deadline is taken back ([`Wallet::sweep`]); every
    /// [`limits::SWEEP_PERIOD`] unless set, not at all with `None`.
    pub const fn sweep_every(mut self, period: Option<Duration>) -> Self {
        self.sweep_every = period;
        self
    }

    /// Opens wallet and outbox under the data directory, as their only owner. The chain may be down.
    ///
    /// # Errors
    /// [`BuyerError`].
    pub async fn open(self) -> Result<Buyer, BuyerError> {
        let settings = self.settings;
        let file = |error| BuyerError::File {
            path: self.dir.display().to_string(),
            error,
        };
        tokio::fs::create_dir_all(&self.dir).await.map_err(file)?;
        let egress = Egress::new(self.egress)?;
        let chain: Chain = settings.chain()?;
        same_chain(&chain, &self.dir).await?;
        let own_outbox = self.outbox.is_none();
        let outbox = match self.outbox {
            Some(outbox) => outbox,
            None => {
                let (path, signer) = (self.dir.join("outbox.db"), self.key.to_signer()?);
                let (config, clock) = (settings.outbox(), Arc::clone(&self.clock));
                TxOutbox::open(path, chain.clone(), signer, config, clock).await?
            }
        };
        let port = self.escrow_port.unwrap_or_else(|| {
            let wait = limits::LOCK_TRANSACTION_WAIT;
            Arc::new(ChainEscrow::new(
                chain.clone(),
                outbox.clone(),
                settings.escrow,
                wait,
            ))
        });
        let policy = match self.policy {
            Some(policy) => policy,
            None => {
                let mut policy = Budget::default().policy(&settings)?;
                allow(&mut policy, &settings, &self.schemes);
                policy
            }
        };
        let (assets, escrow) = (settings.assets(), settings.domain());
        let mut config = WalletConfig::new(
            self.dir.join("wallet.db"),
            self.key,
            escrow,
            assets.clone(),
            policy,
        );
        let wait = limits::LOCK_TRANSACTION_WAIT;
        config.chain_port = Some(Arc::new(ChainX402::new(
            chain.clone(),
            outbox.clone(),
            wait,
        )));
        if let Some(change) = self.wallet {
            change(&mut config);
        }
        let wallet = Wallet::open(config, Arc::clone(&self.clock), port).await?;
        let sweeper = self
            .sweep_every
            .map(|period| Sweeper::start(wallet.clone(), chain.clone(), period));
        let registries = RegistryConfig {
            identity: settings.identity_registry,
            reputation: settings.reputation_registry,
            from_block: settings.registry_from_block,
        };
        let registry = Registry::new(chain.clone(), registries);
        let discovery =
            Discovery::new(egress.clone(), registry, escrow, assets.clone(), self.trust)
                .with_clock(Arc::clone(&self.clock))
                .with_card_trust(self.card_trust.clone());
        let feedback = FeedbackOutbox::new(outbox.clone(), chain.clone(), registries, self.clock);
        Ok(Buyer::assemble(super::Parts {
            egress,
            chain,
            outbox,
            own_outbox,
            wallet,
            discovery,
            feedback,
            assets,
            escrow,
            from_block: settings.registry_from_block,
            card_trust: self.card_trust,
            require_identity: self.require_identity,
            schemes: self.schemes,
            _sweeper: sweeper,
        }))
    }
}
