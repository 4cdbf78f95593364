//! An EVM chain inside the process, **for development and tests only**.
//!
//! [`Devnet`] serves a [`Chain`] over JSON-RPC on a loopback port, so that examples, tests and a
//! first hour with this project need neither a network nor a testnet's coins. It has rich accounts
//! whose keys everybody knows, the project's contracts at fixed addresses, instant blocks, time
//! travel, snapshots and reorganisations. [`Chain`] alone is the same without network, for property
//! tests. [`artifacts`] has the same contracts for deployment on any other node.
//!
//! # What it is not
//!
//! It is not a node and keeps nothing: no consensus, no peers, no disk, no authentication. Headers
//! have real hashes and parent links, real transaction and receipt roots, but a state root of zero.
//! See [`Chain`] for what else is left out. Nothing here makes a statement about gas on another
//! chain beyond what the EVM itself charges under the rules of the Prague upgrade.

mod accounts;
pub mod artifacts;
mod chain;
mod config;
mod devnet;
mod genesis;
pub mod limits;
mod rpc;

pub use accounts::{DEV_ACCOUNTS, DevAccount};
pub use chain::{Chain, ChainError, Clock};
pub use config::DevnetConfig;
pub use devnet::{Devnet, StartError};
pub use genesis::{CONTRACTS, Contracts, GENESIS_USDC, GenesisError, X402Contracts};
