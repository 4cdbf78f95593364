//! Writing to the chain so that nothing is lost and nothing is done twice.
//!
//! ```text
//! enqueue ─▶ waiting ─▶ signed ─▶ sent ─▶ mined | reverted
//!               │                  │
//!               └──▶ failed ◀──────┘ (its nonce went to a stranger)
//! ```
//!
//! Each arrow is a committed row *before* it is an action: a transaction is estimated, given the
//! next nonce, signed, and stored with its nonce and hash; only then is it broadcast. A crash at any
//! moment leaves a row from which the next start goes on, and going on twice is harmless, because
//! the same bytes have the same hash. A transaction that is not mined in time is signed again with
//! the same nonce and a higher fee; every hash of a nonce is remembered, and whichever is mined
//! counts.
//!
//! Nonces are this module's own. A provider's cached nonce is advanced before a broadcast that may
//! fail and then leaves a hole for ever.
//!
//! **One key, one outbox.** A key whose nonces somebody else uses too (a wallet, a script, a second
//! copy) will lose transactions; the outbox notices and says so with `outbox.nonce_taken`, but
//! cannot prevent it.

mod error;
mod fees;
mod handle;
mod rows;
mod schema;
mod settle;
mod types;
mod worker;

pub use error::OutboxError;
pub use handle::TxOutbox;
pub use types::{
    Enqueued, Mined, OutboxConfig, OutboxHealth, TxBounds, TxId, TxOutcome, TxRecord, TxRequest,
    TxStatus,
};
