//! A chain and a seller to hold the wallet against.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "each test file uses its part"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod chain;
mod seller;

pub use chain::{FakeEscrow, Mood};
pub use seller::{Seller, credit_key};

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use agent_client::{
    sqlite::Durability,
    wallet::{PayRequest, PayerKey, Payment, Wallet, WalletConfig, WalletError},
};
use agent_core::{
    clock::ManualClock,
    json::{Json, Metadata},
    money::{Asset, AssetTable, BaseUnits, Network},
    policy::{SpendPolicy, SpendRules},
    voucher::EscrowDomain,
    x402::{CreditToken, Mode, PaymentTerms, SCHEME_Z402, SettleResponse, Z402Receipt},
};
use alloy_primitives::{Address, address};

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
        batch: None,
        exact: None,
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
        rules: SpendRules::default(),
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
    pay_at(wallet, terms, max, "a2a://seller/shout").await
}

pub async fn pay_at(
    wallet: &Wallet,
    terms: &PaymentTerms,
    max: u128,
    resource: &str,
) -> Result<Payment, WalletError> {
    let max = units(max);
    wallet
        .pay(PayRequest {
            terms,
            skill: "shout",
            max,
            offered: None,
            resource,
        })
        .await
}

/// A receipt as an honest seller writes it.
pub fn receipt(payment: &Payment, charged: u128) -> SettleResponse {
    receipt_with(payment, charged, None)
}

/// The same with a token for what is left.
pub fn receipt_with(
    payment: &Payment,
    charged: u128,
    credit_token: Option<CreditToken>,
) -> SettleResponse {
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
            credit_token,
        })
        .expect("JSON"),
        extensions: Metadata::new(),
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
        extensions: Metadata::new(),
    }
}
