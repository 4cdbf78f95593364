//! A seller: gate and ledger on its file, and the calls it has under way.

use crate::buyer::copy;
use crate::chain::{FINAL_DEPTH, Net};
use agent_client::settings::ChainSettings;
use agent_client::sqlite::{Durability, StoreOptions};
use agent_core::a2a::{Task, TaskState};
use agent_core::channel::AdmissionRules;
use agent_core::clock::{Clock, ManualClock};
use agent_core::json::Json;
use agent_core::ledger::{BoxFuture, Ledger, Reserved, TaskWrite};
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, Lock};
use agent_core::x402::{Mode, PaymentTerms, SCHEME_Z402, X402_VERSION};
use agent_devnet::DEV_ACCOUNTS;
use agent_server::gate::{Admitted, Gate, GateRefusal, LockSource, Work};
use agent_server::store::{SqliteStore, StoreConfig};
use alloy_primitives::Address;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// No payment is admitted this close to its lock's deadline, in seconds.
pub(crate) const MARGIN_SECS: u64 = 600;

/// A call that runs.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) reserved: Reserved,
    pub(crate) buyer: usize,
}

pub(crate) struct Seller {
    pub(crate) account: usize,
    pub(crate) store: SqliteStore,
    gate: Gate,
    eyes: Arc<Eyes>,
    pub(crate) files: PathBuf,
    clock: Arc<ManualClock>,
    pub(crate) terms: PaymentTerms,
    domain: agent_core::voucher::EscrowDomain,
    pub(crate) calls: Vec<Call>,
    pub(crate) parked: Vec<(String, usize)>,
}

/// What a seller sees of the chain: final blocks, of the locks it was shown.
#[derive(Debug)]
struct Eyes {
    net: Net,
    store: SqliteStore,
    locks: Mutex<BTreeMap<ChannelId, Lock>>,
}

impl Eyes {
    async fn look(&self, id: ChannelId, lock: Lock) -> bool {
        let state = self.net.state(id, FINAL_DEPTH);
        if state.authorized.is_zero() && state.deadline_unix_secs == 0 {
            return false;
        }
        let seen = self.store.observe(lock.into(), state).await;
        seen.expect("nobody claims what was not charged");
        true
    }
}

impl LockSource for Eyes {
    fn await_lock(&self, id: ChannelId, _: Duration) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let lock = self.locks.lock().unwrap().get(&id).copied();
            match lock {
                Some(lock) => self.look(id, lock).await,
                None => false,
            }
        })
    }
}

pub(crate) fn terms(settings: &ChainSettings, account: usize) -> PaymentTerms {
    PaymentTerms {
        x402_version: X402_VERSION,
        modes: vec![Mode::Z],
        schemes: vec![SCHEME_Z402.to_owned()],
        asset: settings.asset(),
        pay_to: DEV_ACCOUNTS[account].address,
        contract: settings.domain().contract(),
        min_deadline_seconds: MARGIN_SECS,
        max_in_flight: 8,
        max_timeout_seconds: 60,
        batch: None,
        exact: None,
        identity: None,
        skills: BTreeMap::new(),
    }
}

impl Seller {
    pub(crate) fn open(
        account: usize,
        files: &Path,
        net: &Net,
        clock: &Arc<ManualClock>,
        settings: &ChainSettings,
    ) -> Self {
        std::fs::create_dir_all(files).unwrap();
        let rules = AdmissionRules {
            max_in_flight: 8,
            max_unclaimed: BaseUnits::new(20_000),
            deadline_margin_secs: MARGIN_SECS,
        };
        let config = StoreConfig {
            sqlite: StoreOptions {
                durability: Durability::Relaxed,
                name: "ledger".to_owned(),
                ..StoreOptions::default()
            },
            ..StoreConfig::new(settings.domain(), rules, clock.clone())
        };
        let store = SqliteStore::open(files.join("ledger.db"), config).expect("the ledger opens");
        let eyes = Arc::new(Eyes {
            net: net.clone(),
            store: store.clone(),
            locks: Mutex::default(),
        });
        let terms = terms(settings, account);
        let gate = Gate::new(
            terms.clone(),
            Arc::new(store.clone()),
            eyes.clone(),
            clock.clone(),
        );
        Self {
            account,
            store,
            gate,
            eyes,
            files: files.to_owned(),
            clock: Arc::clone(clock),
            terms,
            domain: settings.domain(),
            calls: Vec::new(),
            parked: Vec::new(),
        }
    }

    pub(crate) fn address(&self) -> Address {
        DEV_ACCOUNTS[self.account].address
    }

    /// Tells of a lock's event; what it holds is read from the chain.
    pub(crate) fn show(&self, lock: Lock) {
        let id = lock.id(&self.domain);
        self.eyes.locks.lock().unwrap().insert(id, lock);
    }

    pub(crate) async fn admit(
        &self,
        payment: &Json,
        task_id: &str,
        max: u128,
    ) -> Result<Admitted, GateRefusal> {
        let work = Work {
            task_id,
            context_id: "context",
            skill: "work",
            owner: "",
            input: "{}",
            max: BaseUnits::new(max),
        };
        self.gate.admit(payment, &work).await
    }

    pub(crate) async fn post(&self, call: Call, actual: u128) {
        let task = self.task(call.reserved.task_id(), TaskState::Completed);
        let posted = self.store.post(call.reserved, BaseUnits::new(actual), task);
        posted.await.expect("a reservation is charged");
    }

    pub(crate) async fn void(&self, call: Call) {
        let task = self.task(call.reserved.task_id(), TaskState::Failed);
        let voided = self.store.void(call.reserved, task).await;
        voided.expect("a reservation is given up");
    }

    pub(crate) async fn park(&self, call: Call) -> (String, usize) {
        let id = call.reserved.task_id().to_owned();
        let task = self.task(&id, TaskState::InputRequired);
        let parked = self.store.park(call.reserved, task).await;
        parked.expect("a reservation is parked");
        (id, call.buyer)
    }

    fn task(&self, id: &str, state: TaskState) -> TaskWrite {
        TaskWrite {
            task: Json::from_value(&Task::new(id, "context")).unwrap(),
            id: id.to_owned(),
            context_id: "context".to_owned(),
            owner: String::new(),
            state,
            seq: 1,
            updated_unix_millis: self.clock.now_unix_millis(),
            resume: None,
            events: Vec::new(),
        }
    }

    /// Looks at every lock it was ever shown.
    pub(crate) async fn look(&self) {
        let locks = self.eyes.locks.lock().unwrap().clone();
        for (id, lock) in locks {
            self.eyes.look(id, lock).await;
        }
    }

    /// The process is gone at once; another begins with what is on the disk at this moment.
    pub(crate) async fn crash(&mut self, to: &Path, settings: &ChainSettings) {
        copy(&self.files, to);
        self.store.close().await;
        let next = Self::open(self.account, to, &self.eyes.net, &self.clock, settings);
        let locks = self.eyes.locks.lock().unwrap().clone();
        *next.eyes.locks.lock().unwrap() = locks;
        let parked = std::mem::take(&mut self.parked);
        *self = next;
        self.parked = parked;
    }
}
