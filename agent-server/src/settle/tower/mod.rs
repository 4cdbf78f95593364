//! A watchtower: claims for sellers that are down.
//!
//! ```text
//! seller ──export (vouchers and what to claim of each)──▶ file or push ──▶ book ──plan──▶ chain
//! ```
//!
//! Claiming needs no key of the seller's: a settlement pays the payee whoever sends it. So what a
//! tower is given is worth nothing to anybody but the seller, and the tower can do nothing with it
//! but pay the seller. It pays the gas with a key of its own.
//!
//! What it does not do: release, refund, close, or claim before a deadline is near. What it is not
//! told in time it cannot claim: when seller and tower are both down until the deadline, what the
//! seller had not claimed by then can be lost, which is at most the seller's `max_unclaimed` for
//! each lock.
//!
//! Towers serve locks of z402 only. A claim on a channel of `batch-settlement` takes the receiver's
//! key, or its signature over the very rows that are claimed, which would have to be made anew after
//! each call. There the delay of a withdrawal is the longest outage that costs nothing.

mod book;
mod export;
mod push;
mod serve;
mod settings;
mod watch;

pub use book::{Taken, TowerBook, TowerError};
pub use export::{ExportError, WatchClaim, WatchExport, WatchFunding};
pub use push::{WatchPush, WatchPushConfig};
pub use serve::{PushToken, tower_router};
pub use settings::{TokenSource, TowerSettings, WatchSettings};
pub use watch::{Watchtower, WatchtowerConfig};
