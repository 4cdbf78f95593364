//! The bounds on one purchase, each with its reason.

use std::time::Duration;

/// Payments that one question may take: the first, one after a correction, one after a restart of
/// the seller, and a few for refusals that pass. Each refused one leaves a higher ceiling signed.
pub const PAYMENTS_PER_ASK_MAX: u32 = 6;

/// Times that a seller may say "not now" to a payment.
pub const LATER_MAX: u32 = 3;

/// The pause before a payment is tried again after "not now"; it doubles. A block of the faster
/// chains, so that a lock that was just opened can be seen.
pub const LATER_PAUSE: Duration = Duration::from_millis(400);

/// How long the answer to "is this account the agent's?" is relied on. It costs two reads of the
/// chain; a wallet changes once in months.
pub const PAYEE_CHECK_AGE: Duration = Duration::from_secs(300);

/// Largest configuration file: a page of settings.
pub const CONFIG_BYTES_MAX: u64 = 64 * 1_024;

/// Longest wait for the transaction that opens or releases a lock.
pub const LOCK_TRANSACTION_WAIT: Duration = Duration::from_secs(120);

/// How often what is past its deadline is taken back. A look costs a few reads of the chain; what
/// waits ten minutes longer is not lost.
pub const SWEEP_PERIOD: Duration = Duration::from_secs(600);
