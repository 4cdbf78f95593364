//! A buyer: its wallet on its file, and what it remembers of every payment it made.

use crate::chain::Net;
use agent_client::settings::ChainSettings;
use agent_client::sqlite::Durability;
use agent_client::wallet::{PayRequest, PayerKey, Payment, Wallet, WalletConfig, WalletError};
use agent_core::clock::ManualClock;
use agent_core::money::{AssetTable, BaseUnits};
use agent_core::policy::SpendPolicy;
use agent_core::x402::PaymentTerms;
use agent_devnet::DEV_ACCOUNTS;
use alloy_primitives::Address;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What one payment may cost at most, in base units.
pub(crate) const MAX: u128 = 3_000;

pub(crate) struct Buyer {
    pub(crate) account: usize,
    pub(crate) wallet: Wallet,
    pub(crate) files: PathBuf,
    net: Net,
    clock: Arc<ManualClock>,
    settings: ChainSettings,
    /// When ceilings were raised and by how much.
    pub(crate) raised: Vec<(u64, u128)>,
}

pub(crate) fn policy(settings: &ChainSettings) -> SpendPolicy {
    let units = BaseUnits::new;
    SpendPolicy {
        asset: settings.asset().id(),
        contracts: BTreeSet::from([settings.domain().contract()]),
        per_payment: units(MAX),
        per_hour: units(60_000),
        per_day: units(150_000),
        per_payee_per_day: units(100_000),
        per_lock: units(40_000),
        locked_total: units(120_000),
        max_lock_secs: 86_400,
        killed: false,
        rules: agent_core::policy::SpendRules::default(),
    }
}

impl Buyer {
    pub(crate) async fn open(
        account: usize,
        files: &Path,
        net: &Net,
        clock: &Arc<ManualClock>,
        settings: &ChainSettings,
    ) -> Self {
        let wallet = open(account, files, net, clock, settings).await;
        Self {
            account,
            wallet,
            files: files.to_owned(),
            net: net.clone(),
            clock: Arc::clone(clock),
            settings: settings.clone(),
            raised: Vec::new(),
        }
    }

    pub(crate) fn address(&self) -> Address {
        DEV_ACCOUNTS[self.account].address
    }

    pub(crate) async fn pay(
        &self,
        terms: &PaymentTerms,
        max: u128,
    ) -> Result<Payment, WalletError> {
        let request = PayRequest {
            terms,
            skill: "work",
            max: BaseUnits::new(max),
            offered: None,
            resource: "a2a:skill/work",
        };
        self.wallet.pay(request).await
    }

    /// The process is gone at once; another begins with what is on the disk at this moment.
    pub(crate) async fn crash(&mut self, to: &Path) {
        copy(&self.files, to);
        self.wallet.close().await;
        self.files = to.to_owned();
        self.wallet = open(self.account, to, &self.net, &self.clock, &self.settings).await;
    }
}

async fn open(
    account: usize,
    files: &Path,
    net: &Net,
    clock: &Arc<ManualClock>,
    settings: &ChainSettings,
) -> Wallet {
    let key = PayerKey::from_hex(DEV_ACCOUNTS[account].private_key).unwrap();
    let assets = AssetTable::new(vec![settings.asset()]);
    let path = files.join("wallet.db");
    let config = WalletConfig {
        lock_size: BaseUnits::new(9_000),
        lock_secs: 3_600,
        slot_wait: Duration::ZERO,
        // A power cut is played by copying the file, which does not need the disk's word.
        durability: Durability::Relaxed,
        ..WalletConfig::new(path, key, settings.domain(), assets, policy(settings))
    };
    let opened = Wallet::open(config, clock.clone(), Arc::new(net.clone())).await;
    opened.expect("the wallet opens")
}

/// All files of a directory as they are now.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // The shared memory beside a log is made anew.
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
