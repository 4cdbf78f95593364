//! Everything that points inward: serving skills, admitting payments, keeping the books, settling.
//!
//! The way of one paid message, and where each step is:
//!
//! | step | module |
//! |---|---|
//! | accept a connection, bounded | `serve` |
//! | from a protocol to one request type | `bind` |
//! | which skill, which input | `service` |
//! | payment: decode, compare, check, reserve | [`gate`] |
//! | run the skill; number, store and stream its events | `tasks` |
//! | one transaction: charge, task, receipt | [`store`] |
//! | tell webhooks what happens | `push` |
//! | claim what was earned | [`settle`] |

mod agent;
pub mod auth;
mod bind;
mod card;
pub mod cli;
mod command;
pub mod config;
mod error;
pub mod facilitator;
pub mod gate;
mod identity;
pub mod limits;
mod modes;
mod notary;
pub mod paid;
pub mod push;
mod serve;
mod service;
pub mod settle;
mod signing;
mod skills;
pub mod store;
mod tasks;

pub use agent::{Agent, RunningAgent};
pub use error::{Error, Result};
pub use service::{
    Call, Caller, Feed, MakeExtendedCard, Operation, Portion, Reply, Service, Tenants, Version,
};
pub use signing::CardKeyError;

/// What a file that sells a skill needs, in one line.
pub mod prelude {
    pub use crate::Agent;
    pub use agent_core::price::Price;
    pub use agent_core::skill::{About, Outcome, Skill, SkillContext, Stop};
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
}
