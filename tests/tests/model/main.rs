//! Buyers, sellers, the escrow's bytecode, a clock, crashes, reorganisations and lost messages, all
//! driven by one seed; after every step everything that must always hold is looked at.
//!
//! Wallet, gate and ledger are the real ones on real files; the chain is the real contract in an EVM
//! in this process. What is played is what lies between them: the network, time, power cuts, and a
//! thief who sees every message and every transaction.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod buyer;
mod chain;
mod check;
mod dice;
mod play;
mod seeds;
mod seller;
mod settle;
