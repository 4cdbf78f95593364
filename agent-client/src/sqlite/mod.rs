//! The embedded store: one SQLite file, one writer thread, one fsync for many callers.
//!
//! A durable commit costs an fsync, and an fsync costs milliseconds whether it carries one row or
//! five hundred. [`GroupCommit`] therefore gathers the jobs that wait while a commit is under way
//! and runs them in the next transaction together. A caller is answered only *after* the commit
//! that carries its rows, and with the true result: nobody is told "stored" because storing
//! usually works.
//!
//! The buyer's wallet, the seller's ledger and the transaction outbox all stand on this.

mod error;
mod failure;
mod job;
mod open;
mod store;
mod writer;

pub use error::{Fault, FaultKind, JobError, OpenError, SubmitError};
pub use open::{Durability, StoreOptions, migrate};
pub use store::{Cache, GroupCommit, Stats};
