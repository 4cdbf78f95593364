//! Every bound of the facilitator, each with its reason.

use std::time::Duration;

/// How often one payment is tried again as a new transaction after one failed. A transaction that
/// would revert costs nothing, but one that did revert was paid for.
pub const ATTEMPTS_MAX: u32 = 4;

/// Waits for a transaction to be in a block before the answer is `settlement_pending`. Stock
/// servers give a facilitator some ten seconds more than this.
pub const PENDING_AFTER: Duration = Duration::from_secs(20);

/// Calls that are worked on at once. Each waits on the node; more than these would only queue there.
pub const CALLS_MAX: usize = 64;

/// A peer has this long to send a body.
pub const BODY_WAIT: Duration = Duration::from_secs(10);

/// Callers come again after this when all places are taken.
pub const BUSY_RETRY_SECS: u64 = 1;

/// Rows of one z402 settlement: some 12,000 gas each, 3 million in all.
pub const Z402_ROWS_MAX: usize = 250;

/// Gas of one transfer. USDC takes 65,000 with EIP-3009, and through Permit2 twice that.
pub const TRANSFER_GAS_MAX: u64 = 300_000;

/// Gas of a deposit or of the opening of a lock: a transfer, a collector and new storage.
pub const DEPOSIT_GAS_MAX: u64 = 500_000;

/// Gas of a claim, a refund with its claims, or a batch: 256 rows of 21,000 gas.
pub const BATCH_GAS_MAX: u64 = 6_000_000;

/// What is added to an estimate, in percent, since state moves between estimate and block.
pub const GAS_MARGIN_PERCENT: u64 = 20;

/// The most that one transaction may cost unless configured: 0.01 of the chain's coin, in gwei.
pub const TRANSACTION_FEE_GWEI_MAX: u64 = 10_000_000;

/// The most that all transactions of one day may cost unless configured: 0.1 of the coin, in gwei.
pub const DAY_FEE_GWEI_MAX: u64 = 100_000_000;

/// Transactions that are read at once when a restart counts what the day has cost.
pub const OUTBOX_PAGE: usize = 500;

/// Answers that are owed for payments that were begun. Each stands for a transaction, so the day's
/// fees end long before.
pub const OWED_MAX: usize = 100_000;

/// Characters of an `Idempotency-Key`; a UUID has 36.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// Chains of one facilitator. Each has a node, a key and an outbox.
pub const CHAINS_MAX: usize = 32;

/// Assets of one chain.
pub const ASSETS_MAX: usize = 64;

/// How long what a remote facilitator supports is believed. It changes with its deployments.
pub const SUPPORTED_TTL: Duration = Duration::from_secs(300);

/// The longest that a remote facilitator may take to settle: inclusion, and some more.
pub const REMOTE_SETTLE_WAIT: Duration = Duration::from_secs(60);

/// The longest that a remote facilitator may take for anything else.
pub const REMOTE_WAIT: Duration = Duration::from_secs(15);

/// How often a remote facilitator is asked again that said 429.
pub const REMOTE_RETRIES_MAX: u32 = 2;

/// The longest pause before that, whatever it asked for: a buyer waits.
pub const REMOTE_PAUSE_MAX: Duration = Duration::from_secs(5);
