//! The chain: reading it, following it, and writing to it so that nothing is lost or sent twice.
//!
//! - [`Chain`] reads, with a bound on every wait and the chain id checked before anything else.
//! - [`TxOutbox`](outbox::TxOutbox) writes: a transaction is stored before it is sent.
//! - [`Watcher`](watcher::Watcher) follows the logs of contracts and says how fresh it is.
//!
//! A single RPC node is believed, and can lie about balances and receipts. With a second one
//! ([`Chain::checked_by`]) nothing about money is believed that both do not say. Logs are read from
//! one: they only say where to look.

use std::time::Duration;

use crate::limits;

pub mod bindings;
pub mod outbox;
pub mod watcher;
pub mod x402_bindings;

mod check;
mod client;
mod error;
mod lineage;
mod transport;

pub use client::{Chain, ChainConfig, Fees, Head};
pub use error::ChainError;
pub use lineage::{OtherChain, same_chain};

/// The pause after the n-th failure in a row: doubles from the shortest to the longest.
pub(crate) fn backoff(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    limits::RETRY_PAUSE_MIN
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(limits::RETRY_PAUSE_MAX)
}
