//! The A2A client against our own agent, over every wire that both speak.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod operations;
mod proxy;
mod resume;
mod shop;
mod typed;
mod villain;
