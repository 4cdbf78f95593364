//! Our checks of signatures against the contract's, on the same bytes: a voucher that we take and
//! the escrow refuses is work for nothing, and one that we refuse and it takes is a buyer's money.
//!
//! `AGENT_TEST_MUTATIONS` says how many are tried; more than a hundred thousand have been.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod curve;
mod dice;
mod digests;
mod row_bits;
mod signatures;
mod vouchers;
