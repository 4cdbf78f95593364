//! The escrow's real bytecode on a chain in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod batches;
mod bounds;
mod capacity;
mod crossings;
mod deposits;
mod errors;
mod gas;
mod locks;
mod openings;
mod reentrancy;
mod releases;
mod threats;
mod tokens;
