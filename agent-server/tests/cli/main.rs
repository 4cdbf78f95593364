//! The binary as people and scripts use it, on a development chain in this process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod index;
mod money;
mod refusals;
mod reputation;
mod world;
