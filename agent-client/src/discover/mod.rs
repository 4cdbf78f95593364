//! Finding agents: the registry of EIP-8004, the files and cards it leads to, and what feedback is
//! worth.
//!
//! Whatever is read here was written by strangers, who may lie, flood and point at each other. So:
//! everything is bounded; a file counts only if it names its agent back; a price counts only if it
//! pays who the registry says; feedback counts only with a payment behind it that the chain
//! confirms. What does not count is reported with its reason, never silently dropped.
//!
//! The index of events is kept in memory: a program that starts reads the registry from
//! [`RegistryConfig::from_block`] on.

mod error;
mod files;
mod finder;
mod found;
mod guard;
mod index;
pub mod limits;
mod lookups;
mod payment;
mod query;
mod registry;
mod reputation;
mod settlement;
pub mod store;

pub use error::DiscoverError;
pub use finder::Discovery;
pub use found::{Candidate, Explained, Found, LeftOut, Weighed};
pub use guard::PayeeRefusal;
pub use query::Query;
pub use registry::{Registry, RegistryConfig, Standing};
pub use reputation::TrustPolicy;
pub(crate) use settlement::find_settlement;
