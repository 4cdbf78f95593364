//! The operations of A2A over both bindings, against an agent that sells for nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod bindings;
mod bounds;
mod grpc;
mod histories;
mod house;
mod http;
mod lists;
mod own_binding;
mod push;
mod push_delivery;
mod push_endings;
mod races;
mod rest;
mod subscribe;
mod turns;
mod unpaid;
mod v03;
mod v03_push;
mod webhook;
