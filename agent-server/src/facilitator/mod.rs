//! A facilitator of x402: checks payments against the chain for sellers, and makes them there.
//!
//! | module | what it holds |
//! |---|---|
//! | `local` | the port, over our own chain and outbox |
//! | `desk` | one chain: what may be touched, and how a transaction is made once |
//! | `budget` | what a day may cost |
//! | `schemes` | what each scheme asks of the chain |
//! | `remote` | the same port, over a facilitator's HTTP interface |
//! | `http` | that interface, for others |
//! | `lending` | for whom a lent key signs |
//! | `tickets` | who is told that a payment was made |
//! | `ours` | whom an agent asks, and what it offers others |
//!
//! Whoever calls pays nothing for the transactions, so each step before one is a guard: only
//! configured chains, contracts and tokens; a simulation within a gas limit; fees within caps for
//! a transaction and for a day; and one transaction for one payment, however often it is sent.

mod budget;
mod config;
mod desk;
mod http;
mod lending;
pub mod limits;
mod local;
mod ours;
mod refusal;
mod remote;
mod schemes;
mod tickets;

pub use config::{FacilitatorChoice, FacilitatorConfig, MountConfig, OfferConfig, Opened};
pub use desk::FeeCaps;
pub use http::{FacilitatorOptions, Repeats, router};
pub use lending::Lends;
pub use local::{ChainOffer, LocalFacilitator, Schemes, SetupError};
pub(crate) use ours::{MOUNTED_AT, Ours};
pub use remote::{RemoteFacilitator, RemoteHeader, RemoteOptions};
