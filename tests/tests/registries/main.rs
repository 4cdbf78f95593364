//! The EIP-8004 registries behave as the deployed v2.0.0 contracts do, also where those differ from
//! the EIP's text.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod feedback;
mod hands;
mod interface;
mod owners;
mod registering;
mod responses;
mod summaries;
mod wallets;
