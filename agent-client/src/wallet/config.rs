//! How a wallet is configured.

use std::{path::PathBuf, sync::Arc, time::Duration};

use agent_core::{
    money::{AssetTable, BaseUnits},
    policy::SpendPolicy,
    voucher::EscrowDomain,
};

use super::{chain_port::ChainPort, keys::PayerKey, limits};
use crate::sqlite::Durability;

/// How a wallet is opened. [`WalletConfig::new`] fills in the usual values.
#[derive(Debug, Clone)]
pub struct WalletConfig {
    /// The wallet's file; one process at a time.
    pub path: PathBuf,
    /// Pays, and signs the vouchers.
    pub key: PayerKey,
    /// The escrow, and with it the chain, that locks are opened in.
    pub escrow: EscrowDomain,
    /// The tokens we know; decimals, name and version are taken from here only.
    pub assets: AssetTable,
    /// What may be spent.
    pub policy: SpendPolicy,
    /// How long a new lock runs, in seconds; longer if a seller's margin needs it.
    pub lock_secs: u64,
    /// How much is put into a lock at a time, in base units; more if one payment needs it, less if
    /// the policy allows only less.
    pub lock_size: BaseUnits,
    /// Whether a payment may open or top up a lock by itself.
    pub auto_open: bool,
    /// How long a payment waits for one of the payee's slots.
    pub slot_wait: Duration,
    /// How long a payment above the policy's threshold waits for the approver; then it is refused.
    pub approval_wait: Duration,
    /// What x402's own schemes need of the chain; without it only z402 is paid.
    pub chain_port: Option<Arc<dyn ChainPort>>,
    /// Batch-settlement channels to one seller that may be used side by side.
    pub batch_channels_max: u32,
    /// What a commit promises. A wallet that signs over again after a power cut pays twice.
    pub durability: Durability,
}

impl WalletConfig {
    /// The usual values: locks of an hour that hold as much as the policy lets one lock hold, or a
    /// tenth of what all may hold if that is less, opened when needed.
    #[must_use]
    pub fn new(
        path: impl Into<PathBuf>,
        key: PayerKey,
        escrow: EscrowDomain,
        assets: AssetTable,
        policy: SpendPolicy,
    ) -> Self {
        let tenth = BaseUnits::new((policy.locked_total.get() / 10).max(1));
        Self {
            path: path.into(),
            approval_wait: limits::APPROVAL_WAIT,
            key,
            escrow,
            assets,
            lock_secs: policy.max_lock_secs.min(3_600),
            lock_size: policy.per_lock.min(tenth),
            policy,
            auto_open: true,
            slot_wait: limits::SLOT_WAIT,
            chain_port: None,
            batch_channels_max: limits::BATCH_CHANNELS_MAX,
            durability: Durability::Full,
        }
    }
}
