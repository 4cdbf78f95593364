//! A street of sellers that take all three schemes, one chain and one facilitator for all.

use crate::buyer::IChannels;
use agent_client::chain::Chain;
use agent_client::chain::bindings::IToken;
use agent_client::chain::outbox::{OutboxConfig, TxOutbox};
use agent_client::settings::ChainSettings;
use agent_client::sqlite::{Durability, StoreOptions};
use agent_client::wallet::PayerKey;
use agent_core::a2a::{Task, TaskState, TaskStatus};
use agent_core::channel::{AdmissionRules, LockState};
use agent_core::clock::Clock;
use agent_core::json::Json;
use agent_core::ledger::{Books, BoxFuture, Ledger, Reserved, TaskWrite};
use agent_core::money::{BaseUnits, Network};
use agent_core::voucher::{ChannelId, Lock};
use agent_core::x402::batch::{
    BATCH_SETTLEMENT, BatchDomain, ChannelConfig, ChannelState, SCHEME_BATCH_SETTLEMENT,
};
use agent_core::x402::facilitator::{FacilitatorError, RequestV2};
use agent_core::x402::{
    BatchOffer, CreditKey, ExactOffer, Mode, PaymentPayload, PaymentTerms, SCHEME_EXACT,
    SCHEME_Z402, Uint256, X402_VERSION,
};
use agent_devnet::{DEV_ACCOUNTS, Devnet, DevnetConfig};
use agent_server::facilitator::{ChainOffer, LocalFacilitator};
use agent_server::gate::{Admitted, ChannelSource, Gate, GateRefusal, LockSource, Work};
use agent_server::store::{SqliteStore, StoreConfig};
use agent_tests::e2e::Shift;
use agent_tests::world;
use alloy_primitives::{Address, Bytes};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Who pays for the facilitator's transactions.
const FACILITATOR: usize = 0;
pub const SELLER: usize = 1;
/// Another seller on the street.
pub const OTHER: usize = 2;
/// Who sends what anybody may send.
pub const ANYBODY: usize = 3;
/// The receiver authorizer of all sellers, which is the facilitator's.
pub const AUTHORIZER: usize = 4;
pub const BUYER: usize = 5;
/// What work costs at most.
pub const PRICE: u128 = 1_000;
/// No payment is admitted this close to a deadline.
pub const MARGIN_SECS: u64 = 600;
/// The shortest notice of a withdrawal.
pub const DELAY_SECS: u64 = 900;
/// What one channel may owe a seller at most.
pub const EXPOSURE: u128 = 20 * PRICE;
/// Calls in flight on one lock, and transfers of one payer.
pub const IN_FLIGHT: u32 = 64;
/// How long the work of a seller may take.
const WORK_SECS: u64 = 60;

pub struct Street {
    pub devnet: Devnet,
    pub settings: ChainSettings,
    pub chain: Chain,
    pub clock: Arc<Shift>,
    pub facilitator: Arc<LocalFacilitator>,
    dir: tempfile::TempDir,
    crashes: AtomicU64,
}

impl Street {
    pub async fn open() -> Self {
        let devnet = Devnet::start(DevnetConfig::default()).await.unwrap();
        let settings = ChainSettings::devnet(devnet.url());
        let chain = settings.chain().unwrap();
        let clock = Arc::new(Shift::default());
        let dir = tempfile::tempdir().unwrap();
        let config = OutboxConfig {
            poll_interval: Duration::from_millis(20),
            ..OutboxConfig::default()
        };
        let time: Arc<dyn Clock> = clock.clone();
        let path = dir.path().join("outbox.db");
        let signer = key(FACILITATOR).to_signer().unwrap();
        let outbox = TxOutbox::open(path, chain.clone(), signer, config, Arc::clone(&time));
        let offer = ChainOffer {
            escrow: Some(settings.escrow),
            authorizer: Some(key(AUTHORIZER)),
            ..ChainOffer::new(chain.clone(), outbox.await.unwrap(), vec![settings.asset()])
        };
        let facilitator = LocalFacilitator::open(vec![offer], time).await.unwrap();
        Self {
            devnet,
            settings,
            chain,
            clock,
            facilitator: Arc::new(facilitator),
            dir,
            crashes: AtomicU64::new(0),
        }
    }

    /// A seller's stall.
    pub fn stall(&self, account: usize) -> Stall {
        Stall::open(self, account, &format!("{account}.db"))
    }

    /// The seller's process is gone; another begins with what is on the disk at this moment.
    pub async fn crash(&self, stall: Stall) -> Stall {
        let number = self.crashes.fetch_add(1, Ordering::SeqCst);
        let file = format!("after-{number}.db");
        for end in ["", "-wal"] {
            let from = self.dir.path().join(format!("{}{end}", stall.file));
            if from.exists() {
                let to = self.dir.path().join(format!("{file}{end}"));
                std::fs::copy(from, to).unwrap();
            }
        }
        let locks = stall.eyes.locks.lock().unwrap().clone();
        stall.store.close().await;
        let heir = Stall::open(self, stall.account, &file);
        *heir.eyes.locks.lock().unwrap() = locks;
        heir.tasks.store(1_000 * (number + 1), Ordering::SeqCst);
        heir
    }

    /// Time passes, for everybody.
    pub fn wait(&self, secs: u64) {
        self.clock.by_secs(secs);
        let mut chain = self.devnet.chain();
        chain.increase_time(secs).unwrap();
        chain.mine(1).unwrap();
    }

    pub fn now(&self) -> u64 {
        self.clock.now_unix_secs()
    }

    /// Sends a transaction from a development account; whether it went through.
    pub fn send<C: SolCall>(&self, from: usize, to: Address, call: &C) -> bool {
        let request = TransactionRequest::default()
            .from(world::account(from))
            .to(to)
            .input(Bytes::from(call.abi_encode()).into());
        let receipt = self.devnet.chain().transact(request).unwrap();
        receipt.status()
    }

    pub async fn tokens(&self, account: usize) -> u128 {
        let call = IToken::balanceOfCall {
            owner: world::account(account),
        };
        let token = self.settings.token.address;
        self.chain.call(token, &call).await.unwrap().to()
    }
}

pub struct Stall {
    pub account: usize,
    pub gate: Gate,
    pub store: SqliteStore,
    eyes: Arc<Eyes>,
    clock: Arc<Shift>,
    tasks: AtomicU64,
    file: String,
}

impl Stall {
    /// A stall whose books are this file of the street's.
    pub fn open(street: &Street, account: usize, file: &str) -> Self {
        let store = books(street, &street.dir.path().join(file));
        let eyes = Arc::new(Eyes {
            chain: street.chain.clone(),
            escrow: street.settings.escrow,
            store: store.clone(),
            locks: Mutex::default(),
        });
        let ledger: Arc<dyn Ledger> = Arc::new(store.clone());
        let seen: Arc<dyn LockSource> = eyes.clone();
        let time: Arc<dyn Clock> = street.clock.clone();
        let secret = u8::try_from(account).unwrap();
        let gate = Gate::new(terms(street, account), ledger, seen, time)
            .with_facilitator(street.facilitator.clone())
            .with_channels(Arc::new(Channels(street.chain.clone())))
            .with_credit(CreditKey::new(&[secret; 32]));
        Self {
            account,
            gate,
            store,
            eyes,
            clock: Arc::clone(&street.clock),
            tasks: AtomicU64::new(0),
            file: file.to_owned(),
        }
    }

    /// Shows the seller a lock, as its mirror of the chain would.
    pub fn show(&self, lock: Lock, id: ChannelId) {
        self.eyes.locks.lock().unwrap().insert(id, lock);
    }

    /// The seller looks at the chain; false when the books do not hold with what is there.
    pub async fn look(&self, lock: Lock, id: ChannelId) -> bool {
        self.show(lock, id);
        self.eyes.look(id).await
    }

    pub async fn admit(&self, payment: &PaymentPayload) -> Result<Admitted, GateRefusal> {
        self.admit_for(payment, "work", "{}").await
    }

    pub async fn admit_for(
        &self,
        payment: &PaymentPayload,
        skill: &str,
        input: &str,
    ) -> Result<Admitted, GateRefusal> {
        self.admit_at(payment, skill, input, PRICE).await
    }

    pub async fn admit_at(
        &self,
        payment: &PaymentPayload,
        skill: &str,
        input: &str,
        max: u128,
    ) -> Result<Admitted, GateRefusal> {
        let number = self.tasks.fetch_add(1, Ordering::SeqCst);
        let task_id = format!("task-{}-{number}", self.account);
        let work = Work {
            task_id: &task_id,
            context_id: "context",
            skill,
            owner: "",
            input,
            max: BaseUnits::new(max),
        };
        let payment = Json::from_value(payment).unwrap();
        self.gate.admit(&payment, &work).await
    }

    /// Admits and charges.
    pub async fn sell(&self, payment: &PaymentPayload, charged: u128) {
        let reserved = new(self.admit(payment).await);
        self.charge(reserved, charged).await;
    }

    pub async fn charge(&self, reserved: Reserved, amount: u128) {
        let task = self.task(reserved.task_id(), TaskState::Completed);
        let amount = BaseUnits::new(amount);
        self.store.post(reserved, amount, task).await.unwrap();
    }

    pub async fn fail(&self, reserved: Reserved) {
        let task = self.task(reserved.task_id(), TaskState::Failed);
        self.store.void(reserved, task).await.unwrap();
    }

    fn task(&self, id: &str, state: TaskState) -> TaskWrite {
        let mut task = Task::new(id, "context");
        task.status = TaskStatus::new(state);
        TaskWrite {
            id: id.to_owned(),
            context_id: "context".to_owned(),
            owner: String::new(),
            state,
            seq: 1,
            updated_unix_millis: self.clock.now_unix_millis(),
            task: Json::from_value(&task).unwrap(),
            resume: None,
            events: Vec::new(),
        }
    }

    /// The books, which must be in order.
    pub async fn books(&self) -> Books {
        let violations = self.store.verify().await.unwrap();
        assert!(violations.is_empty(), "{violations:#?}");
        self.store.books().await.unwrap()
    }

    /// What was charged in all, on channels and by transfers.
    pub async fn charged(&self) -> u128 {
        let books = self.books().await;
        books.charged.get() + books.direct.charged.get()
    }

    /// How many payments are neither charged nor void.
    pub async fn pending(&self) -> u64 {
        let books = self.books().await;
        books.pending + books.direct.pending
    }
}

/// The reservation of a payment that was admitted.
pub fn new(admitted: Result<Admitted, GateRefusal>) -> Reserved {
    match admitted {
        Ok(Admitted::New(reserved)) => reserved,
        other => panic!("not admitted: {other:?}"),
    }
}

/// The code with which a payment was refused.
pub fn code(admitted: Result<Admitted, GateRefusal>) -> &'static str {
    admitted.expect_err("refused").code
}

pub fn key(account: usize) -> PayerKey {
    PayerKey::from_hex(DEV_ACCOUNTS[account].private_key).unwrap()
}

fn books(street: &Street, path: &Path) -> SqliteStore {
    let rules = AdmissionRules {
        max_in_flight: IN_FLIGHT,
        max_unclaimed: BaseUnits::new(EXPOSURE),
        deadline_margin_secs: MARGIN_SECS,
    };
    let time: Arc<dyn Clock> = street.clock.clone();
    let config = StoreConfig::new(street.settings.domain(), rules, time);
    let config = StoreConfig {
        sqlite: StoreOptions {
            durability: Durability::Relaxed,
            open_wait: Duration::from_millis(50),
            ..config.sqlite
        },
        ..config
    };
    SqliteStore::open(path, config).unwrap()
}

fn terms(street: &Street, account: usize) -> PaymentTerms {
    PaymentTerms {
        x402_version: X402_VERSION,
        modes: vec![Mode::Z],
        schemes: [SCHEME_Z402, SCHEME_BATCH_SETTLEMENT, SCHEME_EXACT]
            .map(str::to_owned)
            .to_vec(),
        asset: street.settings.asset(),
        pay_to: world::account(account),
        contract: street.settings.escrow,
        min_deadline_seconds: MARGIN_SECS,
        max_in_flight: IN_FLIGHT,
        max_timeout_seconds: WORK_SECS,
        batch: Some(BatchOffer {
            receiver_authorizer: world::account(AUTHORIZER),
            withdraw_delay: DELAY_SECS,
            min_deposit: None,
            asset_transfer_method: None,
        }),
        exact: Some(ExactOffer::default()),
        identity: None,
        skills: BTreeMap::new(),
    }
}

/// What the chain says of channels, now.
#[derive(Debug)]
struct Channels(Chain);

impl ChannelSource for Channels {
    fn state<'a>(
        &'a self,
        channel: &'a ChannelConfig,
        _: &'a RequestV2,
    ) -> BoxFuture<'a, Result<Option<ChannelState>, FacilitatorError>> {
        Box::pin(async move {
            let id = channel.id(&BatchDomain::new(Network::eip155(self.0.chain_id())));
            let holds = IChannels::channelsCall { channelId: id.0 };
            let holds = self.0.call(BATCH_SETTLEMENT, &holds).await.unwrap();
            let notice = IChannels::pendingWithdrawalsCall { channelId: id.0 };
            let notice = self.0.call(BATCH_SETTLEMENT, &notice).await.unwrap();
            Ok((holds.balance > 0).then(|| ChannelState {
                channel_id: id,
                balance: BaseUnits::new(holds.balance),
                total_claimed: BaseUnits::new(holds.totalClaimed),
                withdraw_requested_at: notice.initiatedAt.to(),
                refund_nonce: Uint256::default(),
                charged_cumulative_amount: None,
            }))
        })
    }
}

/// What a seller sees of locks.
#[derive(Debug)]
struct Eyes {
    chain: Chain,
    escrow: Address,
    store: SqliteStore,
    locks: Mutex<BTreeMap<ChannelId, Lock>>,
}

impl Eyes {
    async fn look(&self, id: ChannelId) -> bool {
        let Some(lock) = self.locks.lock().unwrap().get(&id).copied() else {
            return false;
        };
        let state = self.chain.escrow_states(self.escrow, &[id.0]).await;
        let state = &state.unwrap()[0];
        let state = LockState {
            authorized: BaseUnits::new(state.authorized.to()),
            claimed: BaseUnits::new(state.claimed.to()),
            deadline_unix_secs: state.deadline.to(),
        };
        let known = self.store.channel(id).await.unwrap().is_some();
        if !known && state.deadline_unix_secs == 0 {
            return false;
        }
        self.store.observe(lock.into(), state).await.is_ok()
    }
}

impl LockSource for Eyes {
    fn await_lock(&self, id: ChannelId, _: Duration) -> BoxFuture<'_, bool> {
        Box::pin(self.look(id))
    }
}
