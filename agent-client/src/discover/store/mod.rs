//! The discovery index on disk: events of the registries, and what agents say about themselves.
//!
//! * [`IndexStore`] is the file: any number of registries on any number of chains.
//! * [`Indexer`] reads one registry from a node into it, checks what the node says, and takes back
//!   what a reorganisation undid.
//! * [`Describer`] fetches the files and cards that the events lead to.
//! * [`Search`] asks the file alone, so it works offline; each answer says how old it is.

mod ask;
mod commit;
mod compare;
mod describe_rows;
mod described;
mod describer;
mod error;
mod event;
mod follow;
mod index;
pub mod limits;
mod look;
mod number;
mod rows;
mod schema;
mod search;
mod source;
mod undo;
mod vet;

#[cfg(test)]
mod differential;

pub use described::{Described, Offer};
pub use describer::{Describer, Round};
pub use error::{IndexError, Lie};
pub use follow::{Follower, Following};
pub use index::{IndexStore, IndexedAgent, IndexedFeedback, RegistryStatus};
pub use look::{Indexer, Looked};
pub use search::{Hit, HitOffer, Hits, Search};
pub use source::Source;
