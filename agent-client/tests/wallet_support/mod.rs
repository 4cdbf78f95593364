//! A chain and a seller to hold the wallet against.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use agent_client::{
    chain::bindings::ReceiveWithAuthorization,
    sqlite::Durability,
    wallet::{
        EscrowError, EscrowPort, OpenRequest, OpenedLock, PayRequest, PayerKey, Payment,
        ReleasedLock, Wallet, WalletConfig, WalletError, opening_nonce, receive_digest,
    },
};
use agent_core::{
    channel::{Admission, AdmissionRules, Channel, LockState, Refusal},
    clock::ManualClock,
    json::Json,
    ledger::BoxFuture,
    money::{Asset, AssetTable, BaseUnits, Network},
    policy::SpendPolicy,
    voucher::{ChannelId, EscrowDomain, Lock, recover_signer},
    x402::{
        Mode, PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentPayload, PaymentTerms, SCHEME_Z402,
        SettleResponse, Z402Payload, Z402Receipt,
    },
};
use alloy_primitives::{Address, B256, U256, address};

pub const NOW: u64 = 1_800_000_000;
pub const CHAIN: u64 = 31_337;
pub const ESCROW: Address = address!("00000000000000000000000000000000000000e5");
pub const TOKEN: Address = address!("00000000000000000000000000000000000000c0");
pub const SELLER: Address = address!("000000000000000000000000000000000000005e");
pub const KEY: &str = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

pub fn units(amount: u128) -> BaseUnits {
    BaseUnits::new(amount)
}

pub fn key() -> PayerKey {
    PayerKey::from_hex(KEY).expect("a key")
}

pub fn domain() -> EscrowDomain {
    EscrowDomain::new(CHAIN, ESCROW)
}

pub fn asset() -> Asset {
    Asset {
        network: Network::eip155(CHAIN),
        address: TOKEN,
        symbol: "USDC".into(),
        decimals: 6,
        name: "USD Coin".into(),
        version: "2".into(),
    }
}

pub fn terms() -> PaymentTerms {
    PaymentTerms {
        x402_version: 2,
        modes: vec![Mode::Z],
        schemes: vec![SCHEME_Z402.into()],
        asset: asset(),
        pay_to: SELLER,
        contract: ESCROW,
        min_deadline_seconds: 600,
        max_in_flight: 32,
        max_timeout_seconds: 60,
        identity: None,
        skills: BTreeMap::new(),
    }
}

pub fn policy() -> SpendPolicy {
    SpendPolicy {
        asset: asset().id(),
        contracts: BTreeSet::from([ESCROW]),
        per_payment: units(10_000),
        per_hour: units(1_000_000),
        per_day: units(1_000_000),
        per_payee_per_day: units(1_000_000),
        per_lock: units(1_000_000),
        locked_total: units(1_000_000),
        max_lock_secs: 86_400,
        killed: false,
    }
}

pub fn config(dir: &Path) -> WalletConfig {
    let assets = AssetTable::new(vec![asset()]);
    WalletConfig {
        lock_size: units(10_000),
        slot_wait: Duration::from_millis(200),
        // What these tests show holds for either; the disk of a test machine need not be waited for.
        durability: Durability::Relaxed,
        ..WalletConfig::new(dir.join("wallet.db"), key(), domain(), assets, policy())
    }
}

/// A wallet with its clock and chain.
pub struct World {
    pub dir: tempfile::TempDir,
    pub clock: Arc<ManualClock>,
    pub chain: Arc<FakeEscrow>,
    pub wallet: Wallet,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut WalletConfig)) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(ManualClock::at_unix_secs(NOW));
        let chain = Arc::new(FakeEscrow::default());
        let mut config = config(dir.path());
        change(&mut config);
        let wallet = Wallet::open(config, clock.clone(), chain.clone())
            .await
            .expect("the wallet opens");
        Self {
            dir,
            clock,
            chain,
            wallet,
        }
    }

    /// Closes the wallet and opens its file again.
    pub async fn reopen(&mut self) {
        self.wallet.close().await;
        let config = config(self.dir.path());
        self.wallet = Wallet::open(config, self.clock.clone(), self.chain.clone())
            .await
            .expect("the wallet opens again");
    }

    pub async fn pay(&self, max: u128) -> Result<Payment, WalletError> {
        pay(&self.wallet, &terms(), max).await
    }
}

pub async fn pay(wallet: &Wallet, terms: &PaymentTerms, max: u128) -> Result<Payment, WalletError> {
    let max = units(max);
    wallet
        .pay(PayRequest {
            terms,
            skill: "shout",
            max,
            offered: None,
            resource: "a2a://seller/shout",
        })
        .await
}

/// A receipt as an honest seller writes it.
pub fn receipt(payment: &Payment, charged: u128) -> SettleResponse {
    SettleResponse {
        success: true,
        mode: Mode::Z,
        error_reason: None,
        error_message: None,
        payer: Some(key().address().to_string()),
        transaction: String::new(),
        network: Network::eip155(CHAIN).to_string(),
        amount: None,
        extra: Json::from_value(&Z402Receipt {
            payment_id: payment.id.as_str().to_owned(),
            channel_id: payment.channel_id,
            charged_amount: units(charged),
        })
        .expect("JSON"),
    }
}

/// A seller's refusal.
pub fn refused() -> SettleResponse {
    SettleResponse {
        success: false,
        mode: Mode::Z,
        error_reason: Some("invalid_z402_channel_closed".into()),
        error_message: None,
        payer: None,
        transaction: String::new(),
        network: Network::eip155(CHAIN).to_string(),
        amount: None,
        extra: Json::default(),
    }
}

/// How the chain treats the next opening.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Works,
    /// Refuses for good.
    Refuses,
    /// Finds out beforehand that it would be refused.
    WouldRefuse,
    /// Does not get the request.
    LosesRequest,
    /// Does it, and the answer is lost.
    LosesAnswer,
    /// Never answers.
    Hangs,
}

/// The escrow as its interface describes it, in memory.
#[derive(Debug, Default)]
pub struct FakeEscrow(Mutex<OnChain>);

#[derive(Debug, Default)]
pub struct OnChain {
    pub locks: BTreeMap<ChannelId, LockState>,
    pub nonces: BTreeSet<B256>,
    pub requests: Vec<OpenRequest>,
    pub mood: Mood,
    pub now: Option<u64>,
}

impl FakeEscrow {
    pub fn with<T>(&self, use_it: impl FnOnce(&mut OnChain) -> T) -> T {
        use_it(&mut self.0.lock().expect("not poisoned"))
    }

    pub fn mood(&self, mood: Mood) {
        self.with(|chain| chain.mood = mood);
    }

    pub fn openings(&self) -> usize {
        self.with(|chain| chain.nonces.len())
    }

    pub fn state(&self, id: ChannelId) -> LockState {
        let none = LockState {
            authorized: units(0),
            claimed: units(0),
            deadline_unix_secs: 0,
        };
        self.with(|chain| chain.locks.get(&id).copied().unwrap_or(none))
    }

    pub fn claim(&self, id: ChannelId, claimed: u128) {
        self.with(|chain| {
            let lock = chain.locks.get_mut(&id).expect("a lock");
            assert!(
                units(claimed) <= lock.authorized,
                "claims stay within the lock"
            );
            lock.claimed = lock.claimed.max(units(claimed));
        });
    }

    pub fn release_early(&self, id: ChannelId, amount: u128) {
        self.with(|chain| {
            let lock = chain.locks.get_mut(&id).expect("a lock");
            lock.authorized = lock.authorized.minus(units(amount)).expect("enough");
        });
    }
}

impl OnChain {
    /// Checks what the contract and the token check, then does it once.
    fn open3009(&mut self, request: OpenRequest) {
        let OpenRequest {
            lock,
            amount,
            deadline_unix_secs: deadline,
            ..
        } = request;
        assert_eq!(lock.id(&domain()), request.channel_id);
        assert_eq!(
            opening_nonce(request.channel_id, deadline, request.salt),
            request.nonce
        );
        let authorization = ReceiveWithAuthorization {
            from: lock.payer,
            to: ESCROW,
            value: U256::from(amount.get()),
            validAfter: U256::from(request.valid_after),
            validBefore: U256::from(request.valid_before),
            nonce: request.nonce,
        };
        let digest = receive_digest(&asset(), &authorization);
        assert_eq!(recover_signer(digest, &request.signature), Some(lock.payer));
        if !self.nonces.insert(request.nonce) {
            return;
        }
        let state = self.locks.entry(request.channel_id).or_insert(LockState {
            authorized: units(0),
            claimed: units(0),
            deadline_unix_secs: 0,
        });
        assert!(deadline >= state.deadline_unix_secs, "DeadlineShortened");
        state.authorized = state.authorized.plus(amount).expect("fits");
        state.deadline_unix_secs = deadline;
    }
}

impl EscrowPort for FakeEscrow {
    fn open(&self, request: OpenRequest) -> BoxFuture<'_, Result<OpenedLock, EscrowError>> {
        Box::pin(async move {
            let mood = self.with(|chain| {
                chain.requests.push(request);
                chain.mood
            });
            // Others get a turn, as with a real chain.
            tokio::time::sleep(Duration::from_millis(2)).await;
            match mood {
                Mood::Refuses => return Err(EscrowError::Refused("no balance".into())),
                Mood::WouldRefuse => return Err(EscrowError::NeverSent("no balance".into())),
                Mood::LosesRequest => return Err(EscrowError::Unavailable("lost".into())),
                Mood::Hangs => std::future::pending().await,
                Mood::Works | Mood::LosesAnswer => self.with(|chain| chain.open3009(request)),
            }
            if mood == Mood::LosesAnswer {
                return Err(EscrowError::Unavailable("timed out".into()));
            }
            Ok(OpenedLock {
                transaction: Some(B256::repeat_byte(7)),
            })
        })
    }

    fn state_of(&self, id: ChannelId) -> BoxFuture<'_, Result<LockState, EscrowError>> {
        Box::pin(async move { Ok(self.state(id)) })
    }

    fn release(&self, lock: Lock) -> BoxFuture<'_, Result<ReleasedLock, EscrowError>> {
        Box::pin(async move {
            let now = self.with(|chain| chain.now).unwrap_or(NOW);
            let id = lock.id(&domain());
            let state = self.state(id);
            if now <= state.deadline_unix_secs {
                return Err(EscrowError::Refused("DeadlineNotReached".into()));
            }
            let amount = state.authorized.minus(state.claimed).expect("C <= A");
            if amount.is_zero() {
                return Err(EscrowError::Refused("NothingLocked".into()));
            }
            self.with(|chain| {
                chain
                    .locks
                    .entry(id)
                    .and_modify(|lock| lock.authorized = lock.claimed);
            });
            Ok(ReleasedLock { transaction: None })
        })
    }
}

/// A seller that counts with the rules of `agent_core::channel` and admits a voucher once.
#[derive(Debug, Default)]
pub struct Seller {
    pub channels: BTreeMap<ChannelId, Channel>,
    ceilings: BTreeSet<(ChannelId, BaseUnits)>,
}

impl Seller {
    pub const RULES: AdmissionRules = AdmissionRules {
        max_in_flight: 64,
        max_unclaimed: BaseUnits::new(u128::MAX),
        deadline_margin_secs: 600,
    };

    /// Reads the payload as a gate does and reserves its maximum.
    pub fn admit(
        &mut self,
        payload: &PaymentPayload,
        chain: &FakeEscrow,
        now: u64,
    ) -> Result<(ChannelId, BaseUnits), Refusal> {
        assert_eq!((payload.x402_version, payload.mode), (2, Mode::Z));
        assert_eq!(payload.accepted.scheme, SCHEME_Z402);
        let parsed = payload
            .payload
            .parse::<Z402Payload>()
            .expect("a z402 payload");
        let Z402Payload::Voucher { lock, voucher } = parsed else {
            panic!("a voucher")
        };
        let id: PaymentIdentifier = payload
            .extensions
            .parse(PAYMENT_IDENTIFIER)
            .expect("JSON")
            .expect("an id");
        assert!(id.info.id.is_some());
        let voucher = voucher
            .receive()
            .expect("canonical")
            .check(&domain(), &lock);
        let voucher = voucher.expect("signed by the lock's signer");
        let max = payload.accepted.amount;
        let channel_id = voucher.channel_id();
        let state = chain.state(channel_id);
        let channel = self
            .channels
            .entry(channel_id)
            .or_insert_with(|| Channel::opened(state));
        let seen = channel.chain_says(state).expect("sound");
        let wanted = Admission {
            max,
            ceiling: voucher.ceiling(),
            now_unix_secs: now,
        };
        let next = seen.admit(wanted, &Self::RULES)?;
        if !self.ceilings.insert((channel_id, voucher.ceiling())) {
            return Err(Refusal::VoucherReused);
        }
        *channel = next.checked().expect("sound");
        Ok((channel_id, max))
    }

    pub fn post(&mut self, id: ChannelId, max: BaseUnits, actual: BaseUnits) {
        let channel = self.channels.get_mut(&id).expect("known");
        *channel = channel.post(max, actual).expect("sound");
    }

    pub fn void(&mut self, id: ChannelId, max: BaseUnits) {
        let channel = self.channels.get_mut(&id).expect("known");
        *channel = channel.void(max).expect("sound");
    }
}
