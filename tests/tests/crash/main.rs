//! A seller that is killed at any moment of a run of paid calls, and started again on its files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod books;
mod buying;
mod killed;
