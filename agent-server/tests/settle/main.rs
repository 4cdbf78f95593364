//! From vouchers to money, on a chain that fails when a test says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod buyer;
mod buying;
mod channels;
mod failures;
mod line;
mod mirror;
mod paid;
mod planner;
mod refunds;

mod seller;
mod split;
mod tower;
