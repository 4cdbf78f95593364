//! Open payment mandates of AP2 (Agent Payments Protocol) 0.2: a user's signed word on what an
//! agent may spend, read strictly and laid over a spend policy.
//!
//! A mandate only narrows: what the configured policy refuses stays refused, and what cannot be
//! understood or enforced here makes the whole mandate refused, never ignored.
//!
//! Not done here: the chain of delegation (`~~`, `kb+sd-jwt`), closed mandates and checkout
//! mandates. A payment here has no checkout; a mandate that is bound to one is taken only when the
//! configuration names it.

mod disclose;
mod error;
pub mod limits;
mod mandate;
mod narrow;
mod token;

pub use error::MandateError;
pub use mandate::{Amounts, Budget, Frequency, Merchant, OpenPaymentMandate};
pub use narrow::{MandateSetup, policy_from_mandate};
pub use token::read_mandate;
