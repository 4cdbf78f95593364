//! A seller among peers that lie, repeat themselves, shout, dawdle and vanish.
//!
//! Every test asserts what the peer is told, by a code that does not change, and that the books are
//! as if it had never been there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "helpers of tests fail as tests do"
)]

mod bodies;
#[path = "../a2a/grpc/caller.rs"]
#[allow(dead_code, reason = "shared with the tests of the operations")]
mod caller;
mod ceilings;
mod connections;
mod crowd;
mod floods;
mod forgeries;
mod frames;
mod malformed;
mod repeats;
mod requests;
mod shapes;
