//! Rating an agent that was paid: EIP-8004 feedback with proof of payment, once for each payment.
//!
//! A rating is a file in canonical JSON that names the agent, the rating and the payment; it travels
//! inside the event as a `data:` URI with its hash, so it cannot rot. The transaction goes through
//! the payer's [`TxOutbox`](crate::chain::outbox::TxOutbox): stored before it is sent, never sent
//! twice. The reviewer's account must be the one that paid, or no reader will credit it.
//!
//! What is written is public for good: the task's id, the skill's name, what was paid. Never a
//! prompt or a result.

mod error;
mod read_back;
mod request;
mod writer;

pub use error::FeedbackOutboxError;
pub use read_back::ReadBack;
pub use request::FeedbackRequest;
pub use writer::{FeedbackOutbox, Given};
