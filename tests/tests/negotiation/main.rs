//! Prices that are asked for, bid on, signed, accepted and held to, between a real buyer and a real
//! seller; and what hand-written peers try with offers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod buying;
mod market;
mod thieves;
