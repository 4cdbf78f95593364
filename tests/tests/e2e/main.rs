//! Skills, buyers, disks and nodes that fail, and a seller that loses nothing by it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod disk;
mod node;
mod outcomes;
mod prepaid;
mod streams;
mod turns;
mod vanish;
