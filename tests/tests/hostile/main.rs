//! A seller among peers that lie, repeat themselves, shout, dawdle and vanish.
//!
//! Every test asserts what the peer is told, by a code that does not change, and that the books are
//! as if it had never been there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod bodies;
mod ceilings;
mod connections;
mod forgeries;
mod malformed;
mod repeats;
mod requests;
