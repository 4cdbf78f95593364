//! What goes into an outbox and what comes out.

use std::{fmt, time::Duration};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use serde_json::Value;

use crate::limits;

/// How an outbox behaves.
#[derive(Clone, Debug)]
pub struct OutboxConfig {
    /// Blocks, the mining one included, after which a result counts as final. 1 believes the newest
    /// block. A result that a deeper reorganisation takes back is not unsaid; its bytes are sent
    /// again before anything else is signed, as far as [`limits::OUTBOX_KEPT_NONCES`] go.
    pub confirmations: u64,
    /// Pause between looks at the chain while something is in flight.
    pub poll_interval: Duration,
    /// Time after which an unmined transaction is replaced with a higher fee.
    pub replace_after: Duration,
    /// Time after which the same bytes are sent again, since nodes forget.
    pub rebroadcast_after: Duration,
    /// The most that is ever paid, in wei per gas. Above it transactions wait.
    pub max_fee_cap: u128,
    /// The most gas of one transaction.
    pub gas_limit_max: u64,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        Self {
            confirmations: 1,
            poll_interval: Duration::from_secs(1),
            replace_after: Duration::from_secs(45),
            rebroadcast_after: Duration::from_secs(20),
            // 500 gwei: above any usual day on mainnet, far below an accident.
            max_fee_cap: 500_000_000_000,
            gas_limit_max: 16_000_000,
        }
    }
}

/// A transaction that somebody wants on the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct TxRequest {
    /// Names what this transaction is for. The same purpose never makes a second transaction.
    pub purpose: String,
    /// The contract or account.
    pub to: Address,
    /// Calldata.
    pub data: Bytes,
    /// Wei sent along.
    pub value: U256,
    /// Gas limit; `None` estimates, which also finds out about a revert before anything is signed.
    pub gas_limit: Option<u64>,
    /// What it may take and cost, if that is less than what the outbox allows.
    pub bounds: TxBounds,
    /// Kept beside the transaction for the caller; nothing here reads it.
    pub meta: Value,
}

/// Bounds of one transaction, held whenever it is signed and when it is replaced. They are not part
/// of what makes a request the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TxBounds {
    /// The most gas; one that needs more has failed.
    pub gas_max: Option<u64>,
    /// The most that gas may cost, in wei; while it would cost more the transaction waits, and is
    /// not replaced.
    pub fee_wei_max: Option<u128>,
}

impl TxBounds {
    /// The most gas, under the outbox's own bound.
    pub(super) fn gas_max(self, config: u64) -> u64 {
        self.gas_max.map_or(config, |max| max.min(config))
    }

    /// The most per gas for this much of it, under the outbox's own bound.
    pub(super) fn fee_cap(self, config: u128, gas_limit: u64) -> u128 {
        let most = self.fee_wei_max.map(|max| {
            let each = max.checked_div(u128::from(gas_limit));
            each.unwrap_or(max)
        });
        most.map_or(config, |most| most.min(config))
    }
}

impl TxRequest {
    /// A call of a contract's function.
    #[must_use]
    pub fn call<C: SolCall>(purpose: impl Into<String>, to: Address, call: &C) -> Self {
        Self {
            purpose: purpose.into(),
            to,
            data: call.abi_encode().into(),
            value: U256::ZERO,
            gas_limit: None,
            bounds: TxBounds::default(),
            meta: Value::Null,
        }
    }

    /// The same with a note for the caller.
    #[must_use]
    pub fn with_meta(mut self, meta: Value) -> Self {
        self.meta = meta;
        self
    }

    /// The same within these bounds.
    #[must_use]
    pub const fn with_bounds(mut self, bounds: TxBounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// The same with a gas limit, which turns estimation off: a revert then costs gas and a nonce.
    #[must_use]
    pub const fn with_gas_limit(mut self, gas_limit: u64) -> Self {
        self.gas_limit = Some(gas_limit);
        self
    }

    pub(super) fn oversize(&self) -> Option<&'static str> {
        if self.purpose.len() > limits::TX_PURPOSE_BYTES_MAX {
            Some("the purpose")
        } else if self.data.len() > limits::TX_DATA_BYTES_MAX {
            Some("the calldata")
        } else {
            None
        }
    }
}

/// The number of a transaction in its outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId(pub(super) i64);

impl fmt::Display for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The answer to enqueueing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// The transaction's number.
    pub id: TxId,
    /// False if the purpose was known already; the number is then that of the first.
    pub new: bool,
}

/// How a transaction was mined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mined {
    /// Which of the nonce's transactions it was.
    pub hash: B256,
    /// Height of its block.
    pub block_number: u64,
    /// Hash of its block.
    pub block_hash: B256,
    /// Gas that was used.
    pub gas_used: u64,
    /// What was paid, in wei per gas.
    pub effective_gas_price: u128,
}

/// How a transaction ended. It does not change any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxOutcome {
    /// It did what it was for.
    Mined(Mined),
    /// It was mined and reverted: gas was paid, nothing else happened.
    Reverted {
        /// How it was mined.
        mined: Mined,
        /// The decoded reason, as far as it could be found out afterwards.
        reason: String,
        /// The revert data.
        data: Bytes,
    },
    /// It will never be mined.
    Failed {
        /// Stable code: `outbox.would_revert`, `outbox.gas_limit` or `outbox.nonce_taken`.
        code: String,
        /// The reason in words.
        reason: String,
    },
}

/// Where a transaction stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxStatus {
    /// It has no nonce yet.
    Waiting,
    /// It is signed and stored; nobody may have seen it yet.
    Signed,
    /// A node has taken it.
    Sent,
    /// It has ended.
    Final(TxOutcome),
}

impl TxStatus {
    /// How it ended, if it did.
    #[must_use]
    pub const fn outcome(&self) -> Option<&TxOutcome> {
        match self {
            Self::Final(outcome) => Some(outcome),
            _ => None,
        }
    }
}

/// What an outbox knows about a transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct TxRecord {
    /// Its number.
    pub id: TxId,
    /// What was asked for.
    pub request: TxRequest,
    /// Its nonce, once it has one.
    pub nonce: Option<u64>,
    /// All hashes it has had, oldest first.
    pub hashes: Vec<B256>,
    /// Where it stands.
    pub status: TxStatus,
    /// The last thing that went wrong on its way, code first. It may have been overcome since.
    pub last_error: Option<String>,
    /// When it was enqueued, in Unix milliseconds.
    pub created_ms: u64,
}

/// How the outbox as a whole is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxHealth {
    /// When everything last went well, in Unix milliseconds; `None` if it never has.
    pub well_ms: Option<u64>,
    /// What is going wrong now, code first.
    pub trouble: Option<String>,
}
