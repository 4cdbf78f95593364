//! Thieves: one attack a test, over all three schemes, on the real contracts. Each test says in
//! numbers what the victim lost at most.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod buyer;
mod claims;
mod crashes;
mod crossings;
mod exits;
mod keys;
mod spending;
mod street;
mod wallets;
