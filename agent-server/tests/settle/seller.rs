//! A seller's books, outbox, mirror and settler on one set of files.

use crate::buyer::{SELLER, WAIT, World, address, key};
use agent_client::chain::outbox::{OutboxConfig, TxOutbox};
use agent_client::chain::watcher::WatchConfig;
use agent_client::clock::SystemClock;
use agent_client::settings::ChainSettings;
use agent_core::a2a::{Task, TaskState};
use agent_core::channel::AdmissionRules;
use agent_core::clock::Clock;
use agent_core::json::Json;
use agent_core::ledger::{Ledger, PaymentId, Proof, Reserve, ReserveRequest, TaskWrite};
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, Lock};
use agent_server::gate::LockSource;
use agent_server::settle::{
    ChannelMirror, ChannelMirrorConfig, Mirror, MirrorConfig, Mirrors, Refunds, SettlePolicy,
    Settler, SettlerConfig,
};
use agent_server::store::{SqliteStore, StoreConfig};
use alloy_primitives::{Address, B256};
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Seller {
    pub(crate) store: SqliteStore,
    pub(crate) outbox: TxOutbox,
    pub(crate) mirror: Mirror,
    pub(crate) settler: Settler,
    pub(crate) channels: ChannelMirror,
    pub(crate) refunds: Refunds,
}

/// What a test wants otherwise.
#[derive(Clone)]
pub(crate) struct Wish {
    pub(crate) url: String,
    pub(crate) key: usize,
    pub(crate) token: Address,
    pub(crate) policy: SettlePolicy,
    pub(crate) confirmations: u64,
    pub(crate) poll: Duration,
    pub(crate) chain_max_age: Option<Duration>,
}

/// Nothing is ever due by itself.
pub(crate) fn patient() -> SettlePolicy {
    SettlePolicy {
        value: BaseUnits::new(u128::MAX),
        age_millis: u64::MAX,
        deadline_margin_secs: 0,
        dust: BaseUnits::ZERO,
        rows: 250,
        gas: None,
    }
}

pub(crate) fn wish(world: &World) -> Wish {
    Wish {
        url: world.devnet.url(),
        key: SELLER,
        token: world.settings.token.address,
        policy: patient(),
        confirmations: 1,
        poll: Duration::from_millis(20),
        chain_max_age: None,
    }
}

impl Seller {
    pub(crate) async fn open(world: &World, wish: &Wish) -> Self {
        let settings = ChainSettings::devnet(wish.url.clone());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let rules = AdmissionRules {
            max_in_flight: 64,
            max_unclaimed: BaseUnits::new(u128::MAX),
            deadline_margin_secs: 600,
        };
        let mut config = StoreConfig::new(settings.domain(), rules, Arc::clone(&clock));
        config.chain_max_age = wish.chain_max_age;
        let store = SqliteStore::open(world.dir.path().join("books.db"), config).unwrap();
        let chain = settings.chain().unwrap();
        let outbox = TxOutbox::open(
            world.dir.path().join("outbox.db"),
            chain.clone(),
            key(wish.key).to_signer().unwrap(),
            OutboxConfig {
                confirmations: wish.confirmations,
                poll_interval: wish.poll,
                rebroadcast_after: Duration::from_millis(200),
                ..OutboxConfig::default()
            },
            Arc::clone(&clock),
        );
        let outbox = outbox.await.unwrap();
        let mirror = MirrorConfig {
            payee: address(SELLER),
            tokens: vec![wish.token],
            watch: WatchConfig {
                poll_interval: wish.poll,
                ..WatchConfig::default()
            },
            head_max_age: None,
        };
        let mirror = Mirror::start(store.clone(), chain.clone(), mirror, Arc::clone(&clock));
        let channels = ChannelMirrorConfig {
            receiver: address(SELLER),
            tokens: vec![wish.token],
            poll_interval: wish.poll,
            head_max_age: None,
        };
        let channels =
            ChannelMirror::start(store.clone(), chain.clone(), channels, Arc::clone(&clock));
        let refunds = Refunds::start(channels.clone(), chain, outbox.clone());
        let mirrors = Mirrors {
            locks: mirror.clone(),
            channels: Some(channels.clone()),
        };
        let config = SettlerConfig {
            policy: wish.policy,
            interval: Duration::from_millis(50),
        };
        let settler = Settler::start(store.clone(), outbox.clone(), mirrors, config, clock);
        Self {
            store,
            outbox,
            mirror,
            settler,
            channels,
            refunds,
        }
    }

    /// Ends everything in the order in which a process does when it is told to.
    pub(crate) async fn close(self) {
        let Self {
            store,
            outbox,
            mirror,
            settler,
            channels,
            refunds,
        } = self;
        settler.stop().await;
        drop((settler, mirror, channels, refunds));
        outbox.close().await;
        store.close().await;
    }

    pub(crate) async fn knows(&self, id: ChannelId) {
        assert!(
            self.mirror.await_lock(id, WAIT).await,
            "the lock is never seen"
        );
    }

    /// Earns `charges` on a lock, each with a voucher of its own on top of those before.
    pub(crate) async fn earn(&self, world: &World, buyer: usize, lock: &Lock, charges: &[u128]) {
        let id = lock.id(&world.settings.domain());
        self.knows(id).await;
        for charge in charges {
            let view = self.store.channel(id).await.unwrap().unwrap();
            let ceiling = view.channel.signed.get() + charge;
            let voucher = world.voucher(buyer, lock, ceiling);
            let proof = Proof::Voucher {
                funding: (*lock).into(),
                voucher,
            };
            self.charge(id, ceiling, proof, *charge, *charge).await;
        }
    }

    /// Reserves `max` and charges `charge` of it.
    pub(crate) async fn charge(
        &self,
        id: ChannelId,
        ceiling: u128,
        proof: Proof,
        max: u128,
        charge: u128,
    ) {
        let request = request(id, ceiling, proof, max);
        let name = request.task_id.clone();
        let Reserve::New(reserved) = self.store.reserve(request).await.unwrap() else {
            panic!("not admitted");
        };
        let write = TaskWrite {
            task: Json::from_value(&Task::new(&name, "context")).unwrap(),
            id: name,
            context_id: "context".to_owned(),
            owner: String::new(),
            state: TaskState::Completed,
            seq: 1,
            updated_unix_millis: SystemClock.now_unix_millis(),
            resume: None,
            events: Vec::new(),
        };
        self.store
            .post(reserved, BaseUnits::new(charge), write)
            .await
            .unwrap();
    }

    /// The books are right, everything is claimed, and the chain has paid exactly that.
    pub(crate) async fn assert_paid(&self, world: &World, earned: u128, before: u128) {
        let books = self.store.books().await.unwrap();
        assert_eq!((books.charged.get(), books.claimed.get()), (earned, earned));
        assert_eq!(world.tokens(SELLER).await - before, earned);
        assert!(self.store.claims(10).await.unwrap().is_empty());
        let violations = self.store.verify().await.unwrap();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

/// Asks again until it is so.
pub(crate) async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let asked = async {
        while !is().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(WAIT, asked)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

/// A request for a call that costs at most `max`.
pub(crate) fn request(id: ChannelId, ceiling: u128, proof: Proof, max: u128) -> ReserveRequest {
    let name = ceiling ^ u128::from_be_bytes(id.0[..16].try_into().unwrap());
    let name = format!("{name:032x}");
    ReserveRequest {
        payment_id: PaymentId::parse(&name).unwrap(),
        request_hash: B256::ZERO,
        proof,
        max: BaseUnits::new(max),
        task_id: name,
        context_id: "context".to_owned(),
        skill: "shout".to_owned(),
        owner: String::new(),
        now_unix_millis: SystemClock.now_unix_millis(),
    }
}
