//! The chain: reading it, following it, and writing to it so that nothing is lost or sent twice.
//!
//! - [`Chain`] reads, with a bound on every wait and the chain id checked before anything else.
//!
//! A single RPC node is believed. It can lie about balances and logs; whoever needs more than its
//! word asks a second [`Chain`] and compares.

pub mod bindings;

mod client;
mod error;
mod transport;

pub use client::{Chain, ChainConfig, Fees, Head};
pub use error::ChainError;
