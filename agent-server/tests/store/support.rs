//! A seller's store, a buyer that signs, and the numbers between them.

use agent_client::sqlite::{Durability, StoreOptions};
use agent_core::a2a::{Task, TaskState, TaskStatus};
use agent_core::channel::{AdmissionRules, LockState, Refusal};
use agent_core::clock::ManualClock;
use agent_core::json::Json;
use agent_core::ledger::{Ledger, PaymentId, Proof, Reserve, ReserveRequest, Reserved, TaskWrite};
use agent_core::money::BaseUnits;
use agent_core::voucher::{
    CanonicalSignature, ChannelId, Checked, Domains, EscrowDomain, Funding, Lock, Salt, Voucher,
};
use agent_core::x402::batch::ChannelConfig;
use agent_server::store::{SqliteStore, StoreConfig};
use alloy_primitives::{Address, B256, Uint, keccak256};
use secp256k1::{Message, SECP256K1, SecretKey};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const NOW_MILLIS: u64 = NOW * 1_000;
pub(crate) const DEADLINE: u64 = NOW + 86_400;

pub(crate) fn domain() -> EscrowDomain {
    EscrowDomain::new(84_532, Address::repeat_byte(0xe5))
}

pub(crate) fn rules() -> AdmissionRules {
    AdmissionRules {
        max_in_flight: 64,
        max_unclaimed: units(1_000_000),
        deadline_margin_secs: 3_600,
    }
}

pub(crate) fn config() -> StoreConfig {
    let clock = Arc::new(ManualClock::at_unix_secs(NOW));
    let mut config = StoreConfig::new(domain(), rules(), clock);
    config.sqlite = StoreOptions {
        open_wait: Duration::from_millis(50),
        // Nothing here cuts the power; what SIGKILL leaves is the same in both.
        durability: Durability::Relaxed,
        ..config.sqlite
    };
    config
}

pub(crate) fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, config()).expect("opens")
}

/// A store in a directory of its own, which lives as long as the first of the two.
pub(crate) fn fresh() -> (tempfile::TempDir, SqliteStore) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(&dir.path().join("books.db"));
    (dir, store)
}

pub(crate) fn units(amount: u128) -> BaseUnits {
    BaseUnits::new(amount)
}

fn buyer() -> (SecretKey, Address) {
    let key = SecretKey::from_byte_array([7; 32]).unwrap();
    let public = key.public_key(SECP256K1).serialize_uncompressed();
    (key, Address::from_slice(&keccak256(&public[1..])[12..]))
}

pub(crate) fn lock(salt: u64) -> Lock {
    let (_, signer) = buyer();
    Lock {
        payer: Address::repeat_byte(0xb1),
        signer,
        payee: Address::repeat_byte(0x5e),
        token: Address::repeat_byte(0x70),
        salt: Salt(Uint::from(salt)),
    }
}

pub(crate) fn id_of(lock: &Lock) -> ChannelId {
    lock.id(&domain())
}

pub(crate) fn voucher(lock: &Lock, ceiling: u128) -> Voucher<Checked> {
    let digest = domain().voucher_digest(id_of(lock), units(ceiling));
    let signature = SECP256K1.sign_ecdsa_recoverable(Message::from_digest(digest.0), &buyer().0);
    let signature = CanonicalSignature::from_recoverable(&signature);
    Voucher::received(id_of(lock), units(ceiling), signature)
        .check(&domain(), lock)
        .unwrap()
}

pub(crate) fn channel(salt: u8) -> ChannelConfig {
    let (_, signer) = buyer();
    ChannelConfig {
        payer: Address::repeat_byte(0xb1),
        payer_authorizer: signer,
        receiver: Address::repeat_byte(0x5e),
        receiver_authorizer: Address::repeat_byte(0xa0),
        token: Address::repeat_byte(0x70),
        withdraw_delay: 900,
        salt: B256::repeat_byte(salt),
    }
}

pub(crate) fn batch_id(channel: &ChannelConfig) -> ChannelId {
    channel.id(&Domains::new(domain()).batch)
}

/// As [`request`], on a channel of `batch-settlement`.
pub(crate) fn batch_request(
    name: &str,
    channel: &ChannelConfig,
    ceiling: u128,
    max: u128,
) -> ReserveRequest {
    let domains = Domains::new(domain());
    let digest = domains
        .batch
        .voucher_digest(batch_id(channel), units(ceiling));
    let signature = SECP256K1.sign_ecdsa_recoverable(Message::from_digest(digest.0), &buyer().0);
    let signature = CanonicalSignature::from_recoverable(&signature);
    let funding = Funding::Batch(*channel);
    let voucher = Voucher::received(batch_id(channel), units(ceiling), signature);
    ReserveRequest {
        proof: Proof::Voucher {
            funding,
            voucher: funding.check(voucher, &domains).unwrap(),
        },
        ..request(name, &lock(1), 1, max)
    }
}

pub(crate) fn on_chain(authorized: u128, claimed: u128) -> LockState {
    LockState {
        authorized: units(authorized),
        claimed: units(claimed),
        deadline_unix_secs: DEADLINE,
    }
}

pub(crate) fn payment_id(name: &str) -> PaymentId {
    PaymentId::parse(&format!("{name:_>16}")).unwrap()
}

/// A payment called `name`, for a task of the same name.
pub(crate) fn request(name: &str, lock: &Lock, ceiling: u128, max: u128) -> ReserveRequest {
    ReserveRequest {
        payment_id: payment_id(name),
        request_hash: B256::ZERO,
        proof: Proof::Voucher {
            funding: (*lock).into(),
            voucher: voucher(lock, ceiling),
        },
        max: units(max),
        task_id: format!("task-{name}"),
        context_id: "context".to_owned(),
        skill: "shout".to_owned(),
        owner: String::new(),
        now_unix_millis: NOW_MILLIS,
    }
}

pub(crate) fn task(name: &str, state: TaskState, seq: u64) -> TaskWrite {
    let id = format!("task-{name}");
    let mut task = Task::new(&id, "context");
    task.status = TaskStatus::new(state);
    let event = Json::from_text(&format!("{{\"seq\":{seq}}}")).unwrap();
    TaskWrite {
        id,
        context_id: "context".to_owned(),
        owner: String::new(),
        state,
        seq,
        updated_unix_millis: NOW_MILLIS,
        task: Json::from_value(&task).unwrap(),
        resume: None,
        events: vec![(seq, event)],
    }
}

pub(crate) fn done(name: &str) -> TaskWrite {
    task(name, TaskState::Completed, 1)
}

pub(crate) async fn hold(store: &SqliteStore, request: ReserveRequest) -> Reserved {
    match store.reserve(request).await.expect("the ledger works") {
        Reserve::New(reserved) => reserved,
        other => panic!("not admitted: {other:?}"),
    }
}

pub(crate) async fn refusal(store: &SqliteStore, request: ReserveRequest) -> Refusal {
    match store.reserve(request).await.expect("the ledger works") {
        Reserve::Refused { why, .. } => why,
        other => panic!("not refused: {other:?}"),
    }
}

pub(crate) async fn assert_right(store: &SqliteStore) {
    let violations = store.verify().await.expect("the file can be read");
    assert!(violations.is_empty(), "{violations:#?}");
}
