//! A2A 0.3: the examples of its specification, and the way there and back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod card;
mod examples;
mod round_trip;
mod translate;
mod unsaid;

use agent_core::a2a::A2aError;
use agent_core::a2a::v03::{Dialect, Spoken};
use serde_json::Value;

/// Reads it in the dialect of JSON-RPC.
fn rpc<T: Spoken>(text: &str) -> T {
    T::from_v03(text.as_bytes(), Dialect::JsonRpc).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Reads it in the dialect of HTTP+JSON.
fn rest<T: Spoken>(text: &str) -> T {
    T::from_v03(text.as_bytes(), Dialect::Rest).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn refused<T: Spoken>(text: &str, dialect: Dialect) -> A2aError {
    match T::from_v03(text.as_bytes(), dialect) {
        Ok(_) => panic!("{text} was read"),
        Err(error) => error,
    }
}

fn written(it: &impl Spoken, dialect: Dialect) -> Value {
    it.to_v03(dialect).unwrap().parse().unwrap()
}
