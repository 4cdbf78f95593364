//! What the seller's books promise, shown through their public interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod closing;
mod crash;
mod doctor;
mod in_memory;
mod machine;
mod migration;
mod payments;
mod races;
mod recovery;
mod schemes;
mod support;
mod sweep;
mod tasks;
mod webhooks;
