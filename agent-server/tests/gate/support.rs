//! A seller of all schemes, a facilitator that does as it is told, and a buyer that signs.

use agent_client::sqlite::{Durability, StoreOptions};
use agent_core::a2a::{Task, TaskState, TaskStatus};
use agent_core::channel::{AdmissionRules, LockState};
use agent_core::clock::ManualClock;
use agent_core::json::{Json, Metadata};
use agent_core::ledger::{BoxFuture, Ledger, TaskWrite};
use agent_core::money::{Asset, BaseUnits, Network};
use agent_core::voucher::{
    CanonicalSignature, ChannelId, Domains, EscrowDomain, Funding, Lock, Salt,
};
use agent_core::x402::batch::{
    BatchPayload, BatchReceipt, ChannelConfig, ChannelState, Deposit, DepositAuthorization,
    Erc3009Deposit, SCHEME_BATCH_SETTLEMENT, codes,
};
use agent_core::x402::facilitator::{
    Facilitator, FacilitatorError, RequestV2, Supported, VerifyResponse,
};
use agent_core::x402::{
    BatchOffer, CreditKey, Eip3009Payment, ExactOffer, ExactPayload, HexSalt, Mode,
    PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentPayload, PaymentTerms, SCHEME_EXACT, SCHEME_Z402,
    SettleResponse, TokenDomain, TransferAuthorization, Uint256, VoucherText, X402_VERSION,
    Z402Payload,
};
use agent_server::gate::{Admitted, Gate, GateRefusal, LockSource, Work};
use agent_server::store::{SqliteStore, StoreConfig};
use alloy_primitives::{Address, B256, U256, Uint, keccak256};
use secp256k1::{Message, SECP256K1, SecretKey};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const NOW: u64 = 1_800_000_000;

/// What the facilitator is to say, and what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    pub(crate) channels: Mutex<BTreeMap<ChannelId, ChannelState>>,
    pub(crate) refuses: Mutex<Option<&'static str>>,
    pub(crate) settled: AtomicU64,
    pub(crate) verified: AtomicU64,
}

impl Facilitator for Fake {
    fn supported(&self) -> BoxFuture<'_, Result<Supported, FacilitatorError>> {
        Box::pin(async { Ok(Supported::default()) })
    }

    fn verify(
        &self,
        request: RequestV2,
    ) -> BoxFuture<'_, Result<VerifyResponse, FacilitatorError>> {
        Box::pin(async move {
            self.verified.fetch_add(1, Ordering::SeqCst);
            let mut answer = VerifyResponse::valid(payer().to_string());
            if let Some(code) = *self.refuses.lock().unwrap() {
                answer = VerifyResponse::invalid(code, None);
            }
            if let Ok(paid) = request.payment_payload.payload.parse::<BatchPayload>() {
                let id = paid.voucher().channel_id;
                // As real ones: an authorization that was used is not good a second time.
                if matches!(paid, BatchPayload::Deposit { .. }) {
                    let code = codes::DEPOSIT_SIMULATION_FAILED;
                    return Ok(VerifyResponse::invalid(code, None));
                }
                if let Some(state) = self.channels.lock().unwrap().get(&id) {
                    answer.extra = Json::from_value(state).unwrap();
                }
            }
            Ok(answer)
        })
    }

    fn settle(
        &self,
        request: RequestV2,
    ) -> BoxFuture<'_, Result<SettleResponse, FacilitatorError>> {
        Box::pin(async move {
            self.settled.fetch_add(1, Ordering::SeqCst);
            let refused = *self.refuses.lock().unwrap();
            let payload = &request.payment_payload.payload;
            let mut extra = Json::default();
            if let Ok(BatchPayload::Deposit {
                voucher, deposit, ..
            }) = payload.parse()
            {
                let mut channels = self.channels.lock().unwrap();
                let id = voucher.channel_id;
                let state = channels.entry(id).or_insert_with(|| on_chain(id, 0));
                state.balance = state.balance.plus(deposit.amount).unwrap();
                let receipt = BatchReceipt {
                    channel_state: Some(*state),
                    ..BatchReceipt::default()
                };
                extra = Json::from_value(&receipt).unwrap();
            }
            Ok(SettleResponse {
                success: refused.is_none(),
                mode: Mode::X,
                error_reason: refused.map(str::to_owned),
                error_message: None,
                payer: Some(payer().to_string()),
                transaction: format!("0x{}", "ab".repeat(32)),
                network: request.payment_requirements.network,
                amount: None,
                extra,
                extensions: Metadata::new(),
            })
        })
    }
}

pub(crate) fn on_chain(channel_id: ChannelId, balance: u128) -> ChannelState {
    ChannelState {
        channel_id,
        balance: BaseUnits::new(balance),
        total_claimed: BaseUnits::ZERO,
        withdraw_requested_at: 0,
        refund_nonce: Uint256::default(),
        charged_cumulative_amount: None,
    }
}

/// What the chain says of the one lock, once the ledger is to be told.
#[derive(Debug)]
struct OneLock {
    store: SqliteStore,
    unseen: Mutex<Option<u128>>,
}

impl LockSource for OneLock {
    fn await_lock(&self, _: ChannelId, _: Duration) -> BoxFuture<'_, bool> {
        Box::pin(async {
            let Some(authorized) = self.unseen.lock().unwrap().take() else {
                return false;
            };
            let seen = self.store.observe(lock().into(), authorizing(authorized));
            seen.await.is_ok()
        })
    }
}

fn authorizing(amount: u128) -> LockState {
    LockState {
        authorized: BaseUnits::new(amount),
        claimed: BaseUnits::ZERO,
        deadline_unix_secs: NOW + 86_400,
    }
}

pub(crate) struct Seller {
    pub(crate) gate: Gate,
    pub(crate) store: SqliteStore,
    pub(crate) fake: Arc<Fake>,
    pub(crate) clock: Arc<ManualClock>,
    locks: Arc<OneLock>,
    tasks: AtomicU64,
    _dir: tempfile::TempDir,
}

fn domain() -> EscrowDomain {
    EscrowDomain::new(84_532, Address::repeat_byte(0xe5))
}

pub(crate) fn domains() -> Domains {
    Domains::new(domain())
}

fn asset() -> Asset {
    Asset {
        network: Network::eip155(84_532),
        address: Address::repeat_byte(0x70),
        symbol: "USDC".to_owned(),
        decimals: 6,
        name: "USDC".to_owned(),
        version: "2".to_owned(),
    }
}

fn terms(schemes: &[&str]) -> PaymentTerms {
    PaymentTerms {
        x402_version: X402_VERSION,
        modes: vec![Mode::Z],
        schemes: schemes.iter().map(|&scheme| scheme.to_owned()).collect(),
        asset: asset(),
        pay_to: Address::repeat_byte(0x5e),
        contract: domain().contract(),
        min_deadline_seconds: 3_600,
        max_in_flight: 8,
        max_timeout_seconds: 60,
        batch: Some(BatchOffer {
            receiver_authorizer: Address::repeat_byte(0xa0),
            withdraw_delay: 900,
            min_deposit: None,
            asset_transfer_method: None,
        }),
        exact: Some(ExactOffer::default()),
        identity: None,
        skills: BTreeMap::new(),
    }
}

impl Seller {
    pub(crate) fn new(schemes: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at_unix_secs(NOW));
        let rules = AdmissionRules {
            max_in_flight: 8,
            max_unclaimed: BaseUnits::new(1_000_000),
            deadline_margin_secs: 600,
        };
        let config = StoreConfig {
            sqlite: StoreOptions {
                durability: Durability::Relaxed,
                name: "ledger".to_owned(),
                ..StoreOptions::default()
            },
            ..StoreConfig::new(domain(), rules, clock.clone())
        };
        let store = SqliteStore::open(dir.path().join("books.db"), config).unwrap();
        let fake = Arc::new(Fake::default());
        let ledger: Arc<dyn Ledger> = Arc::new(store.clone());
        let locks = Arc::new(OneLock {
            store: store.clone(),
            unseen: Mutex::default(),
        });
        let gate = Gate::new(terms(schemes), ledger, locks.clone(), clock.clone())
            .with_facilitator(fake.clone())
            .with_credit(CreditKey::new(&[5; 32]));
        let tasks = AtomicU64::new(0);
        Self {
            gate,
            store,
            fake,
            clock,
            locks,
            tasks,
            _dir: dir,
        }
    }

    pub(crate) fn all() -> Self {
        Self::new(&[SCHEME_Z402, SCHEME_BATCH_SETTLEMENT, SCHEME_EXACT])
    }

    pub(crate) async fn open_lock(&self, authorized: u128) -> Lock {
        let lock = lock();
        let seen = self.store.observe(lock.into(), authorizing(authorized));
        seen.await.unwrap();
        lock
    }

    /// So much is in the lock now, and the ledger was not told.
    pub(crate) fn add_unseen(&self, authorized: u128) {
        *self.locks.unseen.lock().unwrap() = Some(authorized);
    }

    pub(crate) fn open_channel(&self, balance: u128) -> ChannelConfig {
        let id = channel().id(&domains().batch);
        let mut channels = self.fake.channels.lock().unwrap();
        channels.insert(id, on_chain(id, balance));
        channel()
    }

    /// A payment of scheme `scheme` for work of `max`.
    pub(crate) fn payment(&self, scheme: &str, max: u128, payload: Json) -> PaymentPayload {
        let accepted = self
            .gate
            .terms()
            .requirements_of(scheme, BaseUnits::new(max));
        PaymentPayload {
            x402_version: X402_VERSION,
            mode: if scheme == SCHEME_Z402 {
                Mode::Z
            } else {
                Mode::X
            },
            resource: None,
            accepted: accepted.unwrap().unwrap(),
            payload,
            extensions: Metadata::new(),
        }
    }

    pub(crate) fn named(&self, name: &str, mut payment: PaymentPayload) -> PaymentPayload {
        let id = PaymentIdentifier::of(format!("{name:_>16}"));
        payment.extensions.set(PAYMENT_IDENTIFIER, &id).unwrap();
        payment
    }

    pub(crate) async fn admit(
        &self,
        payment: &PaymentPayload,
        max: u128,
    ) -> Result<Admitted, GateRefusal> {
        self.admit_for("{}", payment, max).await
    }

    pub(crate) async fn admit_for(
        &self,
        input: &str,
        payment: &PaymentPayload,
        max: u128,
    ) -> Result<Admitted, GateRefusal> {
        let n = self.tasks.fetch_add(1, Ordering::SeqCst);
        let task_id = format!("task-{n}");
        let work = Work {
            task_id: &task_id,
            context_id: "context",
            skill: "shout",
            owner: "",
            input,
            max: BaseUnits::new(max),
        };
        self.gate
            .admit(&Json::from_value(payment).unwrap(), &work)
            .await
    }
}

pub(crate) fn write(task_id: &str, state: TaskState) -> TaskWrite {
    let mut task = Task::new(task_id, "context");
    task.status = TaskStatus::new(state);
    TaskWrite {
        id: task_id.to_owned(),
        context_id: "context".to_owned(),
        owner: String::new(),
        state,
        seq: 1,
        updated_unix_millis: NOW * 1_000,
        task: Json::from_value(&task).unwrap(),
        resume: None,
        events: Vec::new(),
    }
}

fn key() -> SecretKey {
    SecretKey::from_byte_array([7; 32]).unwrap()
}

pub(crate) fn payer() -> Address {
    let public = key().public_key(SECP256K1).serialize_uncompressed();
    Address::from_slice(&keccak256(&public[1..])[12..])
}

fn sign(digest: B256) -> String {
    let signature = SECP256K1.sign_ecdsa_recoverable(Message::from_digest(digest.0), &key());
    CanonicalSignature::from_recoverable(&signature).to_string()
}

pub(crate) fn lock() -> Lock {
    Lock {
        payer: payer(),
        signer: payer(),
        payee: Address::repeat_byte(0x5e),
        token: asset().address,
        salt: Salt(Uint::from(1)),
    }
}

pub(crate) fn channel() -> ChannelConfig {
    ChannelConfig {
        payer: payer(),
        payer_authorizer: payer(),
        receiver: Address::repeat_byte(0x5e),
        receiver_authorizer: Address::repeat_byte(0xa0),
        token: asset().address,
        withdraw_delay: 900,
        salt: B256::ZERO,
    }
}

/// The voucher of a channel, signed under `signed_as`'s domain.
fn voucher(funding: Funding, signed_as: Funding, ceiling: u128) -> VoucherText {
    let (id, ceiling) = (funding.id(&domains()), BaseUnits::new(ceiling));
    let digest = match signed_as {
        Funding::Batch(_) => domains().batch.voucher_digest(id, ceiling),
        _ => domains().escrow.voucher_digest(id, ceiling),
    };
    VoucherText {
        channel_id: id,
        max_claimable_amount: ceiling,
        signature: sign(digest),
    }
}

pub(crate) fn on_lock(ceiling: u128, signed_as: Funding) -> Json {
    let lock = lock();
    let voucher = voucher(lock.into(), signed_as, ceiling);
    Json::from_value(&Z402Payload::Voucher { lock, voucher }).unwrap()
}

pub(crate) fn on_channel(ceiling: u128, signed_as: Funding) -> Json {
    let channel_config = channel();
    let voucher = voucher(channel_config.into(), signed_as, ceiling);
    Json::from_value(&BatchPayload::Voucher {
        channel_config,
        voucher,
    })
    .unwrap()
}

pub(crate) fn refund(ceiling: u128) -> Json {
    let channel_config = channel();
    let voucher = voucher(channel_config.into(), channel_config.into(), ceiling);
    Json::from_value(&BatchPayload::Refund {
        channel_config,
        voucher,
        amount: None,
    })
    .unwrap()
}

pub(crate) fn deposit(ceiling: u128, amount: u128) -> Json {
    let channel_config = channel();
    let voucher = voucher(channel_config.into(), channel_config.into(), ceiling);
    let amount = BaseUnits::new(amount);
    let mut authorization = Erc3009Deposit {
        valid_after: Uint256::of(0),
        valid_before: Uint256::of(NOW + 600),
        salt: HexSalt(U256::from(1)),
        signature: String::new(),
    };
    let signed = authorization.authorization(payer(), amount, voucher.channel_id);
    authorization.signature = sign(signed.receive_digest(&TokenDomain::of(&asset())));
    let authorization = DepositAuthorization::Erc3009Authorization(authorization);
    let deposit = Box::new(Deposit {
        amount,
        authorization,
    });
    Json::from_value(&BatchPayload::Deposit {
        channel_config,
        voucher,
        deposit,
    })
    .unwrap()
}

pub(crate) fn transfer(nonce: u8, value: u128, valid_before: u64) -> Json {
    let authorization = TransferAuthorization {
        from: payer(),
        to: Address::repeat_byte(0x5e),
        value: BaseUnits::new(value),
        valid_after: Uint256::of(0),
        valid_before: Uint256::of(valid_before),
        nonce: B256::repeat_byte(nonce),
    };
    let signature = sign(authorization.transfer_digest(&TokenDomain::of(&asset())));
    Json::from_value(&ExactPayload::Eip3009(Eip3009Payment {
        signature,
        authorization,
    }))
    .unwrap()
}
