//! Our checks of signatures against the contract's, on the same bytes: a voucher that we take and
//! the escrow refuses is work for nothing, and one that we refuse and it takes is a buyer's money.
//!
//! `AGENT_TEST_MUTATIONS` says how many are tried of each kind; together more than a hundred thousand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

/// How many of each kind are tried, unless the environment says otherwise. A tenth of them is left
/// unchanged.
const MUTATIONS: u32 = 57_000;
/// How many are asked about in one call: within the gas of one block.
const AT_ONCE: u32 = 250;

mod curve;
mod dice;
mod digests;
mod row_bits;
mod signatures;
mod vouchers;
