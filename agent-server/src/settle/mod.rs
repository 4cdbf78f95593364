//! Turning vouchers into money, and knowing what the chain says.
//!
//! ```text
//! chain ──logs──▶ Mirror ──observe──▶ ledger ──claims──▶ plan ──▶ rows ──▶ TxOutbox ──▶ chain
//! ```
//!
//! The circle is closed only by the chain: a claim counts as paid when the [`Mirror`] has read it
//! there, whatever the outbox reports. So nothing is lost or counted twice when a node is down, when
//! a process is killed between two steps, or when a block is taken back.
//!
//! | module | one idea |
//! |---|---|
//! | [`plan`] | what to claim now: a pure function |
//! | [`pack`] | a batch as the contract reads it |
//! | [`Mirror`], [`ChannelMirror`] | what the chain says of locks and of channels, in the ledger |
//! | [`Refunds`] | what is left of a channel, back to its buyer |
//! | [`Settler`] | plan, send, wait, again |
//! | [`tower`] | the same for sellers that are down, from what they told it |

mod channels;
mod error;
pub mod limits;
mod mirror;
mod planner;
mod purpose;
mod refusals;
mod release;
mod report;
mod round;
mod rows;
mod settler;
mod sink;
mod split;
pub mod tower;

pub use channels::{ChannelMirror, ChannelMirrorConfig, Refunds};
pub use error::SettleError;
pub use mirror::{Mirror, MirrorConfig, Mirrors};
pub use planner::{Batch, ClaimedFrom, Due, GasPatience, SettlePolicy, plan};
pub use report::{ReleaseReport, SettleReport};
pub use rows::{ROW_BYTES, pack};
pub use settler::{Settler, SettlerConfig};
pub use split::{Share, Split, Splitter, SplitterConfig};
