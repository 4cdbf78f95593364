//! What the tests of this package share: a chain in memory with the project's contracts on it, and
//! the hands that sign and send on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

pub mod rows;
pub mod sign;
pub mod tokens;
pub mod world;
