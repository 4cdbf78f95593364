//! The stand-in for the x402 contract `batch-settlement` and what goes with it: that peers'
//! signatures mean there what they mean on a real chain, and that no history of calls takes money
//! from anybody who did not sign for it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]
#![allow(non_snake_case, reason = "arguments have the names of the Solidity")]

mod accounts;
mod bind;
mod captured;
mod digests;
mod histories;
mod life;
mod model;
mod peer;
mod permits;
mod refusals;
mod stage;
mod tokens;
