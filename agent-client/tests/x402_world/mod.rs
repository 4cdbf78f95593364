//! A chain with x402's contracts in memory, and a seller that keeps the rules of the stock one, or
//! breaks one of them.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex},
};

use agent_client::wallet::{
    ChainPort, ChannelOnChain, EscrowError, Offer, OfferRequest, Payment, Wallet, WalletConfig,
    WalletError,
};
use agent_core::{
    clock::{Clock, ManualClock},
    json::{Json, Metadata},
    ledger::BoxFuture,
    money::{BaseUnits, Network},
    voucher::ChannelId,
    x402::{
        EvmTerms, ExactPayload, Mode, PaymentPayload, PaymentRequired, PaymentRequirements,
        ResourceInfo, SCHEME_EXACT, SettleResponse, TokenDomain,
        batch::{
            BATCH_SETTLEMENT, BatchDomain, BatchPayload, BatchReceipt, BatchTerms, ChannelConfig,
            ChannelState, DepositAuthorization, Draw, SCHEME_BATCH_SETTLEMENT, VoucherState,
            check_against_chain, codes, deposit_nonce,
        },
    },
};
use alloy_primitives::{Address, B256, address};
use serde_json::json;

use crate::wallet_support::{CHAIN, FakeEscrow, NOW, SELLER, TOKEN, asset, key, units};

pub const AUTHORIZER: Address = address!("00000000000000000000000000000000000000a4");
pub const DELAY: u64 = 900;

#[derive(Debug, Clone, Copy, Default)]
pub struct OnChain {
    pub balance: u128,
    pub claimed: u128,
    pub notice: u64,
    pub noticed: u128,
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub channels: BTreeMap<ChannelId, OnChain>,
    pub used: BTreeSet<B256>,
    pub down: bool,
    pub now: u64,
}

/// The settlement contract and the token, in memory.
#[derive(Debug, Default)]
pub struct FakeChain(Mutex<Ledger>);

impl FakeChain {
    pub fn with<T>(&self, use_it: impl FnOnce(&mut Ledger) -> T) -> T {
        use_it(&mut self.0.lock().unwrap())
    }

    pub fn channel_of(&self, id: ChannelId) -> OnChain {
        self.with(|chain| chain.channels.get(&id).copied().unwrap_or_default())
    }

    /// What the seller's `claim` does; it reverts above the balance.
    pub fn claim(&self, id: ChannelId, total: u128) -> bool {
        self.with(|chain| {
            let channel = chain.channels.entry(id).or_default();
            if total > channel.balance {
                return false;
            }
            channel.claimed = channel.claimed.max(total);
            true
        })
    }

    /// The seller's refund of all that is unclaimed.
    pub fn refund(&self, id: ChannelId) {
        self.with(|chain| {
            let channel = chain.channels.entry(id).or_default();
            channel.balance = channel.claimed;
            channel.notice = 0;
        });
    }
}

impl ChainPort for FakeChain {
    fn channel<'a>(
        &'a self,
        _: &'a ChannelConfig,
        id: ChannelId,
        deposit: Option<B256>,
    ) -> BoxFuture<'a, Result<ChannelOnChain, EscrowError>> {
        Box::pin(async move {
            self.with(|chain| {
                if chain.down {
                    return Err(EscrowError::Unavailable("down".into()));
                }
                let found = chain.channels.get(&id).copied().unwrap_or_default();
                Ok(ChannelOnChain {
                    balance: units(found.balance),
                    claimed: units(found.claimed),
                    notice_unix_secs: found.notice,
                    deposit_used: deposit.is_some_and(|nonce| chain.used.contains(&nonce)),
                })
            })
        })
    }

    fn authorization_used(
        &self,
        _: Address,
        _: Address,
        nonce: B256,
    ) -> BoxFuture<'_, Result<bool, EscrowError>> {
        Box::pin(async move { Ok(self.with(|chain| chain.used.contains(&nonce))) })
    }

    fn give_notice<'a>(
        &'a self,
        config: &'a ChannelConfig,
        amount: BaseUnits,
    ) -> BoxFuture<'a, Result<(), EscrowError>> {
        Box::pin(async move {
            let id = config.id(&domain());
            self.with(|chain| {
                let now = chain.now;
                let channel = chain.channels.entry(id).or_default();
                assert!(channel.notice == 0 && amount.get() <= channel.balance - channel.claimed);
                (channel.notice, channel.noticed) = (now, amount.get());
            });
            Ok(())
        })
    }

    fn withdraw<'a>(&'a self, config: &'a ChannelConfig) -> BoxFuture<'a, Result<(), EscrowError>> {
        Box::pin(async move {
            let id = config.id(&domain());
            self.with(|chain| {
                let now = chain.now;
                let channel = chain.channels.entry(id).or_default();
                assert!(channel.notice > 0 && now >= channel.notice + config.withdraw_delay);
                let amount = channel.noticed.min(channel.balance - channel.claimed);
                channel.balance -= amount;
                (channel.notice, channel.noticed) = (0, 0);
            });
            Ok(())
        })
    }
}

pub fn domain() -> BatchDomain {
    BatchDomain::new(Network::eip155(CHAIN))
}

pub fn batch_entry(amount: u128) -> PaymentRequirements {
    requirements(
        SCHEME_BATCH_SETTLEMENT,
        amount,
        json!({
            "receiverAuthorizer": AUTHORIZER.to_string(), "withdrawDelay": DELAY,
            "name": asset().name, "version": asset().version,
            "minDeposit": (amount * 10).to_string(),
        }),
    )
}

pub fn exact_entry(amount: u128) -> PaymentRequirements {
    let extra = json!({"name": asset().name, "version": asset().version});
    requirements(SCHEME_EXACT, amount, extra)
}

fn requirements(scheme: &str, amount: u128, extra: serde_json::Value) -> PaymentRequirements {
    PaymentRequirements {
        scheme: scheme.into(),
        network: Network::eip155(CHAIN).to_string(),
        amount: units(amount),
        asset: TOKEN.to_string(),
        pay_to: SELLER.to_string(),
        max_timeout_seconds: 300,
        extra: serde_json::from_value(extra).unwrap(),
    }
}

pub fn required(accepts: Vec<PaymentRequirements>, error: &str) -> PaymentRequired {
    PaymentRequired {
        x402_version: 2,
        mode: Mode::X,
        error: (!error.is_empty()).then(|| error.to_owned()),
        resource: resource(),
        accepts,
        extensions: Metadata::new(),
    }
}

pub fn resource() -> ResourceInfo {
    ResourceInfo {
        url: "http://seller.example/paid".into(),
        ..ResourceInfo::default()
    }
}

/// What a seller remembers of a channel.
#[derive(Debug, Clone)]
pub struct Session {
    pub config: ChannelConfig,
    pub charged: u128,
    pub signed: u128,
    pub signature: String,
}

/// A seller by the stock rules.
#[derive(Debug)]
pub struct Stock {
    pub chain: Arc<FakeChain>,
    pub sessions: BTreeMap<ChannelId, Session>,
    /// Takes payments, and leaves deposits and transfers unsubmitted.
    pub lazy: bool,
}

impl Stock {
    pub fn new(chain: Arc<FakeChain>) -> Self {
        Self {
            chain,
            sessions: BTreeMap::new(),
            lazy: false,
        }
    }

    /// Takes a payment and charges `charge`, or says in a 402 why not.
    #[allow(clippy::result_large_err, reason = "a test moves few of them")]
    pub fn take(
        &mut self,
        payload: &PaymentPayload,
        entry: &PaymentRequirements,
        charge: u128,
        now: u64,
    ) -> Result<SettleResponse, PaymentRequired> {
        assert!(entry.is_echoed_by(&payload.accepted), "the offer is echoed");
        let refuse = |error: &str| required(vec![entry.clone()], error);
        if entry.scheme == SCHEME_EXACT {
            return self
                .take_exact(payload, entry, now)
                .map_err(|code| refuse(&code));
        }
        let terms = BatchTerms::read(entry).unwrap();
        let paid: BatchPayload = payload.payload.parse().unwrap();
        let (config, text) = (*paid.channel(), paid.voucher().clone());
        let id = text.channel_id;
        terms.check_channel(&config, id, &domain()).unwrap();
        let voucher = config
            .check_voucher(text.receive().unwrap(), &domain())
            .expect("signed by the payer");
        let (draw, ceiling) = (Draw::Request { max: entry.amount }, voucher.ceiling());
        let charged = match self.sessions.get(&id) {
            Some(session) => units(session.charged),
            None => draw.implied_charged(ceiling).unwrap(),
        };
        if draw.check(charged, ceiling).is_err() {
            return Err(self.correction(id, entry));
        }
        let mut deposited = None;
        let mut transaction = String::new();
        if let BatchPayload::Deposit { deposit, .. } = &paid {
            deposit
                .authorization
                .check(
                    &config,
                    deposit.amount,
                    &terms,
                    &TokenDomain::of(&asset()),
                    now,
                )
                .expect("a deposit that the collector takes");
            let DepositAuthorization::Erc3009Authorization(by_token) = &deposit.authorization
            else {
                panic!("by the token")
            };
            let nonce = deposit_nonce(id, by_token.salt);
            if self.chain.with(|chain| chain.used.contains(&nonce)) {
                return Err(refuse(codes::DEPOSIT_SIMULATION_FAILED));
            }
            deposited = Some((nonce, deposit.amount));
        }
        let found = self.state(id, charged.get());
        let coming = deposited.map(|(_, amount)| amount);
        if let Err(error) = check_against_chain(draw, ceiling, &found, coming) {
            return Err(refuse(error.code()));
        }
        if let Some((nonce, amount)) = deposited.filter(|_| !self.lazy) {
            self.chain.with(|chain| {
                chain.used.insert(nonce);
                chain.channels.entry(id).or_default().balance += amount.get();
            });
            transaction = B256::repeat_byte(9).to_string();
        }
        let session = Session {
            config,
            charged: charged.get() + charge,
            signed: ceiling.get(),
            signature: text.signature,
        };
        let receipt = BatchReceipt {
            charged_amount: Some(units(charge)),
            channel_state: Some(self.state(id, session.charged)),
            voucher_state: None,
        };
        self.sessions.insert(id, session);
        Ok(response(transaction, Json::from_value(&receipt).unwrap()))
    }

    fn take_exact(
        &self,
        payload: &PaymentPayload,
        entry: &PaymentRequirements,
        now: u64,
    ) -> Result<SettleResponse, String> {
        let terms = EvmTerms::read(entry, SCHEME_EXACT).unwrap();
        let ExactPayload::Eip3009(payment) = payload.payload.parse().unwrap() else {
            panic!("by the token")
        };
        let checked = payment
            .check(&terms, &TokenDomain::of(&asset()), now)
            .expect("a transfer that the token takes");
        let (_, _, nonce) = checked.id();
        if !self.lazy && !self.chain.with(|chain| chain.used.insert(nonce)) {
            return Err("invalid_exact_evm_nonce_already_used".into());
        }
        Ok(response(B256::repeat_byte(8).to_string(), Json::default()))
    }

    fn state(&self, id: ChannelId, charged: u128) -> ChannelState {
        let found = self.chain.channel_of(id);
        ChannelState {
            channel_id: id,
            balance: units(found.balance),
            total_claimed: units(found.claimed),
            withdraw_requested_at: found.notice,
            refund_nonce: agent_core::x402::Uint256::of(0),
            charged_cumulative_amount: Some(units(charged)),
        }
    }

    /// The corrective 402.
    pub fn correction(&self, id: ChannelId, entry: &PaymentRequirements) -> PaymentRequired {
        let session = &self.sessions[&id];
        let mut entry = entry.clone();
        let (extra, state) = (&mut entry.extra, self.state(id, session.charged));
        extra.set("channelState", &state).unwrap();
        let proof = VoucherState {
            signed_max_claimable: Some(units(session.signed)),
            signature: Some(session.signature.clone()),
        };
        extra.set("voucherState", &proof).unwrap();
        required(vec![entry], codes::CUMULATIVE_AMOUNT_MISMATCH)
    }
}

pub fn response(transaction: String, extra: Json) -> SettleResponse {
    SettleResponse {
        success: true,
        mode: Mode::X,
        error_reason: None,
        error_message: None,
        payer: Some(key().address().to_string()),
        transaction,
        network: Network::eip155(CHAIN).to_string(),
        amount: None,
        extra,
        extensions: Metadata::new(),
    }
}

pub struct X402World {
    pub dir: tempfile::TempDir,
    pub clock: Arc<ManualClock>,
    pub chain: Arc<FakeChain>,
    pub wallet: Wallet,
}

pub fn config(dir: &Path, chain: &Arc<FakeChain>) -> WalletConfig {
    let mut config = crate::wallet_support::config(dir);
    config.policy.contracts.extend([BATCH_SETTLEMENT, TOKEN]);
    config.chain_port = Some(chain.clone());
    config
}

impl X402World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut WalletConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at_unix_secs(NOW));
        let chain = Arc::new(FakeChain::default());
        chain.with(|chain| chain.now = NOW);
        let mut config = config(dir.path(), &chain);
        change(&mut config);
        let escrow = Arc::new(FakeEscrow::default());
        let wallet = Wallet::open(config, clock.clone(), escrow).await.unwrap();
        Self {
            dir,
            clock,
            chain,
            wallet,
        }
    }

    /// Closes the wallet and opens its file again, or a new one as if the file were lost.
    pub async fn reopen(&mut self, lost: bool) {
        self.wallet.close().await;
        if lost {
            self.dir = tempfile::tempdir().unwrap();
        }
        let config = config(self.dir.path(), &self.chain);
        let escrow = Arc::new(FakeEscrow::default());
        self.wallet = Wallet::open(config, self.clock.clone(), escrow)
            .await
            .unwrap();
    }

    pub fn now(&self) -> u64 {
        self.clock.now_unix_secs()
    }

    pub fn wait(&self, secs: u64) {
        self.clock.advance_millis(secs * 1_000);
        self.chain.with(|chain| chain.now += secs);
    }

    pub fn offer(&self, entry: &PaymentRequirements) -> Offer {
        self.wallet.read_offer(entry, Mode::X).unwrap()
    }

    pub async fn pay(&self, entry: &PaymentRequirements) -> Result<Payment, WalletError> {
        let request = OfferRequest {
            offer: &self.offer(entry),
            skill: "/paid",
            offered: Some(entry.amount),
            resource: &resource(),
            extensions: &Metadata::new(),
        };
        self.wallet.pay_offer(request).await
    }

    /// Pays, is charged, and takes the receipt.
    pub async fn buy(&self, stock: &mut Stock, price: u128, charge: u128) -> u128 {
        let entry = batch_entry(price);
        let payment = self.pay(&entry).await.unwrap();
        let receipt = stock
            .take(&payment.payload, &entry, charge, self.now())
            .unwrap();
        let confirmed = self.wallet.confirm(&payment.id, &receipt).await.unwrap();
        confirmed.charged.get()
    }
}
