//! From an [`Agent`] to a running one, in the order in which the parts need each other.

use super::Agent;
use super::running::{Earnings, RunningAgent};
use super::stores::Stores;
use crate::bind::{self, CardBytes, Cards};
use crate::command::CommandSkill;
use crate::config::{AgentConfig, PayScheme, PaymentConfig};
use crate::error::Error;
use crate::facilitator::{MOUNTED_AT, Ours, SetupError};
use crate::gate::{Gate, credit_key};
use crate::limits::{LOOKS_AT_ONCE, WAITING_TASK_TTL, WAITING_TASKS_BYTES_MAX, WAITING_TASKS_MAX};
use crate::notary::Notary;
use crate::push::Push;
use crate::service::{Inner, Lists, Service};
use crate::signing::CardKeyError;
use crate::skills::SkillBook;
use crate::store::{SqliteStore, StoreConfig};
use crate::tasks::{Engine, LiveTasks, Turns, WaitingTasks, sweep};
use crate::{card, identity, serve, signing};
use agent_client::chain::outbox::TxOutbox;
use agent_core::a2a::Version;
use agent_core::channel::AdmissionRules;
use agent_core::clock::Clock;
use agent_core::ledger::Ledger;
use agent_core::money::{AssetTable, BaseUnits};
use agent_core::skill::erase;
use agent_core::voucher::EscrowDomain;
use agent_core::x402::batch::{MAX_WITHDRAW_DELAY_SECS, MIN_WITHDRAW_DELAY_SECS};
use agent_core::x402::{AgentIdentity, BatchOffer, ExactOffer, PaymentTerms, X402_VERSION};
use alloy_primitives::Address;
use axum::Router;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use url::Url;

impl Agent {
    /// Starts the agent and returns a handle to it.
    ///
    /// # Errors
    /// [`Error`] says what is missing or wrong.
    pub async fn start(self) -> Result<RunningAgent, Error> {
        let config = self.config.unwrap_or_default();
        let name = self
            .name
            .or_else(|| config.name.clone())
            .unwrap_or_else(|| "agent".to_owned());
        let description = self.description.or_else(|| config.description.clone());
        let description = description.unwrap_or_else(|| format!("{name} sells skills"));
        let mut skills = SkillBook::default();
        let commands = config
            .commands
            .iter()
            .map(|(id, command)| erase(CommandSkill::new(id, command)));
        for skill in self.skills.into_iter().chain(commands) {
            let id = skill.about().id;
            if !skills.add(skill) {
                return Err(Error::DuplicateSkill(id));
            }
        }
        let assets = assets(&config);
        let skill_terms = prices(&skills, &assets, config.payment.is_some())?;

        let (listener, url) = listen(&config).await?;
        let stores = Stores::open(&config, &assets, Arc::clone(&self.clock))?;
        let (stop, stopped) = watch::channel(false);
        let mut earnings = None;
        let mut gate = None;
        let mut notary = None;
        let mut terms = None;
        let mut facilitator = None;
        if let (Some(payment), Some(store)) = (&config.payment, &stores.file) {
            if config.limits.skill_timeout_secs >= payment.deadline_margin_secs {
                return Err(Error::TimeoutBeyondMargin);
            }
            let paid = Paid {
                config: &config,
                payment,
                store,
                clock: &self.clock,
            };
            let mut ours = paid.terms(skill_terms)?;
            notary = Notary::new(payment.key.read()?, ours.pay_to);
            let made = Box::pin(Earnings::start(&paid, ours.pay_to, ours.batch.is_some())).await?;
            if payment.register {
                let who = identity::Profile {
                    name: &name,
                    description: &description,
                    url: &url,
                };
                let identity = identity::register(&made.outbox, &made.chain, payment, &who);
                ours.identity = Some(identity.await.map_err(|e| Error::Register(e.to_string()))?);
            }
            let opened = paid.gate(ours.clone(), &made).await?;
            gate = Some(opened.0);
            facilitator = opened.1;
            terms = Some(ours);
            earnings = Some(made);
        } else if config.facilitator.is_some() {
            return Err(SetupError::NoChain.into());
        }
        let unwritable = |error: serde_json::Error| Error::Internal(error.to_string());
        let card = card::build(&name, &description, &url, &skills, terms.as_ref());
        let mut card = card.map_err(unwritable)?;
        card.capabilities.streaming = Some(config.streaming);
        if !config.v0_3 {
            let older = Version::V0_3.name();
            card.supported_interfaces
                .retain(|known| known.protocol_version != older);
        }
        let webhooks = stores.file.as_ref().filter(|_| config.push.enabled);
        card.capabilities.push_notifications = Some(webhooks.is_some());
        let mut entrance = self.visitors.entrance(&config, &self.clock, &mut card)?;
        let configured = || config.card.signing().map(|signing| signing.signer());
        let signer = self.signer.map(Ok).or_else(configured).transpose()?;
        if let Some(signer) = &signer {
            // Only the card at our own address: one at the address that a request names would put
            // our name under whatever a stranger asks for.
            let signed = signer.sign_into(&mut card);
            signed.map_err(CardKeyError::from)?;
        }
        entrance.extended.signer.clone_from(&signer);
        let cards = Cards::new(
            card.clone(),
            url.clone(),
            Box::new(CardBytes::new),
            self.clock.now_unix_secs(),
        );
        let cards = cards.map_err(|error| Error::Internal(error.to_string()))?;
        let push = match webhooks {
            Some(store) => Some(Arc::new(Push::start(
                Arc::new(store.clone()),
                &config.push,
                self.webhook_lookup,
                Arc::clone(&self.clock),
            )?)),
            None => None,
        };
        let engine = Engine {
            store: stores.tasks,
            gate,
            notary,
            push: push.clone(),
            clock: self.clock,
            resources: Arc::new(self.resources),
            live: LiveTasks::new(config.limits.live_tasks),
            turns: Turns::default(),
            skill_timeout: config.limits.skill_timeout(),
        };
        let service = Service(Arc::new(Inner {
            skills,
            assets,
            engine: Arc::new(engine),
            waiting: WaitingTasks::new(
                WAITING_TASKS_MAX,
                WAITING_TASKS_BYTES_MAX,
                WAITING_TASK_TTL,
            ),
            lists: Lists::new(stores.pages, config.list_all_tasks),
            looks: Semaphore::new(LOOKS_AT_ONCE),
            extended: entrance.extended,
            required_extensions: entrance.required_extensions,
            v0_3: config.v0_3,
            streaming: config.streaming,
        }));
        let router = bind::router(
            service.clone(),
            entrance.door,
            cards,
            config.limits.body_bytes,
        );
        let mut router = router.map_err(|error| Error::Internal(error.to_string()))?;
        if let Some(signer) = &signer {
            router = router.merge(signing::key_set(signer).map_err(unwritable)?);
        }
        if let Some(facilitator) = facilitator {
            router = router.nest(MOUNTED_AT, facilitator);
        }
        if let Some(store) = &stores.file {
            tokio::spawn(sweep(
                Arc::clone(&service.0.engine),
                store.clone(),
                config.limits.sweep(),
                stopped.clone(),
            ));
        }
        let serving = tokio::spawn(serve::serve(
            listener,
            router,
            config.limits.connections,
            stopped,
        ));
        Ok(RunningAgent {
            url,
            card,
            service,
            store: stores.file,
            earnings,
            push,
            stop,
            serving,
        })
    }
}

/// What being paid needs.
pub(crate) struct Paid<'a> {
    pub(crate) config: &'a AgentConfig,
    pub(crate) payment: &'a PaymentConfig,
    pub(crate) store: &'a SqliteStore,
    pub(crate) clock: &'a Arc<dyn Clock>,
}

impl Paid<'_> {
    pub(crate) fn terms(
        &self,
        skills: std::collections::BTreeMap<String, agent_core::x402::SkillTerms>,
    ) -> Result<PaymentTerms, Error> {
        let payment = self.payment;
        let pay_to = self.payee()?;
        let schemes = &payment.schemes;
        let mut modes: Vec<_> = schemes.iter().map(|scheme| scheme.mode()).collect();
        modes.dedup();
        if schemes.is_empty() {
            return Err(Error::NoScheme);
        }
        Ok(PaymentTerms {
            x402_version: X402_VERSION,
            modes,
            schemes: schemes
                .iter()
                .map(|scheme| scheme.name().to_owned())
                .collect(),
            asset: payment.chain.asset(),
            pay_to,
            contract: payment.chain.escrow,
            // Twice the margin: a lock that was just long enough would be too short a moment later.
            min_deadline_seconds: payment.deadline_margin_secs.saturating_mul(2),
            max_in_flight: self.config.limits.in_flight_per_lock,
            max_timeout_seconds: self.config.limits.skill_timeout_secs,
            batch: self.batch_offer()?,
            exact: schemes
                .contains(&PayScheme::Exact)
                .then(ExactOffer::default),
            identity: None::<AgentIdentity>,
            skills,
        })
    }

    /// The gate under these terms, and what others are offered of the facilitator that it asks.
    pub(crate) async fn gate(
        &self,
        terms: PaymentTerms,
        earnings: &Earnings,
    ) -> Result<(Gate, Option<Router>), Error> {
        let ledger: Arc<dyn Ledger> = Arc::new(self.store.clone());
        let clock = Arc::clone(self.clock);
        let gate = Gate::new(terms, ledger, earnings.locks(), clock);
        let credit = credit_key(self.store).await;
        let gate = gate.with_credit(credit.map_err(|error| Error::Internal(error.to_string()))?);
        let sends = (earnings.chain.clone(), earnings.outbox.clone());
        let ours = Ours::open(self.config, self.payment, sends, self.clock).await?;
        let gate = match ours.for_gate {
            Some(facilitator) => gate.with_facilitator(facilitator),
            None => gate,
        };
        let gate = match earnings.channels() {
            Some(channels) => gate.with_channels(channels),
            None => gate,
        };
        Ok((gate, ours.for_others))
    }

    /// How `batch-settlement` is taken, if it is. The key that sends settlements is the receiver
    /// authorizer: it claims and gives back in its own name.
    fn batch_offer(&self) -> Result<Option<BatchOffer>, Error> {
        let payment = self.payment;
        if !payment.schemes.contains(&PayScheme::BatchSettlement) {
            return Ok(None);
        }
        let withdraw_delay = payment.withdraw_delay_secs;
        if !(MIN_WITHDRAW_DELAY_SECS..=MAX_WITHDRAW_DELAY_SECS).contains(&withdraw_delay) {
            return Err(Error::WithdrawDelay);
        }
        let assets = payment.chain.assets();
        let deposit = payment.min_deposit.as_ref();
        let min_deposit = deposit.map(|money| assets.resolve(money)).transpose()?;
        Ok(Some(BatchOffer {
            receiver_authorizer: payment.key.read()?.address(),
            withdraw_delay,
            min_deposit: min_deposit.map(|(_, amount)| amount),
            asset_transfer_method: None,
        }))
    }

    /// Who is paid.
    pub(crate) fn payee(&self) -> Result<Address, Error> {
        match self.payment.pay_to {
            Some(address) => Ok(address),
            None => Ok(self.payment.key.read()?.address()),
        }
    }

    pub(super) async fn outbox(&self) -> Result<TxOutbox, Error> {
        let settings = &self.payment.chain;
        let signer = self.payment.key.read()?.to_signer()?;
        let path = self.config.data_dir.join("outbox.db");
        let clock = Arc::clone(self.clock);
        Ok(TxOutbox::open(path, settings.chain()?, signer, settings.outbox(), clock).await?)
    }
}

pub(crate) fn assets(config: &AgentConfig) -> AssetTable {
    config
        .payment
        .as_ref()
        .map_or_else(AssetTable::default, |payment| payment.chain.assets())
}

fn prices(
    skills: &SkillBook,
    assets: &AssetTable,
    can_be_paid: bool,
) -> Result<std::collections::BTreeMap<String, agent_core::x402::SkillTerms>, Error> {
    if skills.iter().next().is_none() {
        return Err(Error::NoSkill);
    }
    card::skill_terms(skills, assets).map_err(|(skill, error)| match error {
        agent_core::money::MoneyError::UnknownSymbol(_) if !can_be_paid => Error::NoPayment(skill),
        error => Error::Price { skill, error },
    })
}

async fn listen(config: &AgentConfig) -> Result<(TcpListener, Url), Error> {
    let address = config.listen;
    let failed = |error| Error::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound: SocketAddr = listener.local_addr().map_err(failed)?;
    let url = match &config.public_url {
        Some(url) => url.clone(),
        None => Url::parse(&format!("http://{bound}/"))
            .map_err(|error| Error::Internal(error.to_string()))?,
    };
    Ok((listener, url))
}

pub(crate) fn open_store(
    config: &AgentConfig,
    assets: &AssetTable,
    clock: Arc<dyn Clock>,
) -> Result<SqliteStore, Error> {
    make_dir(&config.data_dir)?;
    let (domain, rules, chain_max_age) = match &config.payment {
        Some(payment) => {
            let (_, max_unclaimed) = assets.resolve(&payment.max_unclaimed)?;
            let rules = AdmissionRules {
                max_in_flight: config.limits.in_flight_per_lock,
                max_unclaimed,
                deadline_margin_secs: payment.deadline_margin_secs,
            };
            (payment.chain.domain(), rules, payment.chain_max_age_secs)
        }
        // Nothing can be reserved: no lock is ever observed.
        None => {
            let rules = AdmissionRules {
                max_in_flight: 0,
                max_unclaimed: BaseUnits::ZERO,
                deadline_margin_secs: 0,
            };
            (EscrowDomain::new(0, Address::ZERO), rules, 0)
        }
    };
    let mut options = StoreConfig::new(domain, rules, clock);
    options.chain_max_age = (chain_max_age > 0).then(|| Duration::from_secs(chain_max_age));
    options.max_bytes = (config.limits.ledger_bytes > 0).then_some(config.limits.ledger_bytes);
    Ok(SqliteStore::open(
        config.data_dir.join("ledger.db"),
        options,
    )?)
}

fn make_dir(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).map_err(|error| Error::DataDir {
        path: path.display().to_string(),
        error,
    })
}
