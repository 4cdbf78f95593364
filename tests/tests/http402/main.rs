//! Plain HTTP that is paid for: what stands on the wire, and what thieves try there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod batch;
mod confusion;
mod counter;
mod ends;
mod exact;
mod leaks;
mod pages;
mod replay;
mod routes;
mod skills;
mod vanish;
mod wire;
