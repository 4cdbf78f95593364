//! A facilitator against the development chain: payments made once, refused with the right reason,
//! and guarded against who would burn its gas.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod agent;
mod batch;
mod exact;
mod guards;
mod http;
mod permit2;
mod repeats;
mod world;
mod z402;
