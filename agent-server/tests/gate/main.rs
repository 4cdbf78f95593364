//! One gate for three schemes: what it asks for, what it admits, what it refuses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod schemes;
mod support;
