//! Who may call an agent, what each caller may see, and how the front door treats strangers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod extended;
mod extensions;
mod front;
mod grpc;
mod house;
#[path = "../a2a/http.rs"]
#[allow(dead_code, reason = "shared with the tests of the operations")]
mod http;
mod issuer;
mod keys;
mod owners;
mod rate;
mod tokens;
