//! See the package description.

pub mod store;
