//! What the tests of this package share: a chain in memory with the project's contracts on it, and
//! the hands that sign and send on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

pub mod e2e;
pub mod fuzz;
pub mod process;
pub mod rows;
pub mod sign;
pub mod stage;
pub mod tokens;
pub mod world;

/// How often a test repeats, which the environment may say, for a longer night.
///
/// `AGENT_TEST_CASES` is for the histories, `AGENT_TEST_MUTATIONS` for the signatures.
#[must_use]
pub fn repeats(variable: &str, usual: u32) -> u32 {
    let set = std::env::var(variable).ok();
    set.map_or(usual, |value| value.parse().expect("a number of repeats"))
}
