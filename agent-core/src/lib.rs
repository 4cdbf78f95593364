//! The rules of an agent that buys and sells skills: types and state machines, no I/O.
//!
//! | module | what it decides |
//! |---|---|
//! | [`a2a`] | how agents describe themselves and talk (A2A v1.0) |
//! | [`skill`] | what people implement to sell a service |
//! | [`price`], [`money`] | what it costs, exactly |
//! | [`x402`] | how a payment is asked for, made and acknowledged on the wire |
//! | [`voucher`] | locks, vouchers and their signatures |
//! | [`channel`] | what a seller may admit and claim |
//! | [`ledger`] | the port that makes it durable |
//! | [`policy`] | what a buyer may spend |
//! | [`ap2`] | mandates of AP2 that narrow it |
//! | [`trace`] | which larger piece of work a request belongs to |
//! | [`trust`] | identity and feedback of EIP-8004, and how far to believe it |
//!
//! This crate knows no runtime, no transport, no disk and no clock; the workspace's checks fail if
//! one appears among its dependencies.

pub mod a2a;
pub mod ap2;
pub mod channel;
pub mod clock;
pub mod jcs;
pub mod json;
pub mod ledger;
pub mod money;
pub mod policy;
pub mod price;
pub mod skill;
pub mod trace;
pub mod trust;
pub mod untrusted;
pub mod voucher;
pub mod x402;
