//! Whom to trust: EIP-8004 identity and reputation, without I/O.
//!
//! * [`RegistrationFile`]: what an agent says about itself.
//! * [`FeedbackFile`]: what a client says about an agent, in canonical bytes whose hash is on chain.
//! * [`grade()`]: how much evidence stands behind a piece of feedback.
//! * [`score()`]: what the evidence adds up to; always with its uncertainty and its counts.
//!
//! Section names in quotes refer to EIP-8004 as of January 2026. The registry's own summary is not
//! used: it mixes units, counts a client twice when asked to, and knows nothing of payments.

pub mod data_uri;
mod decay;
mod evidence;
mod feedback;
mod feedback_parts;
mod feedback_wire;
mod grade;
mod id;
mod limits;
mod policy;
mod registration;
mod registration_parts;
mod registration_read;
pub mod score;
mod score_report;
pub mod tags;
mod time;
mod value;

pub use evidence::{Evidence, FeedbackEvent, Graded, PaymentCheck, VerifiedPayment};
pub use feedback::{FeedbackError, FeedbackFile};
pub use feedback_parts::{
    A2aReference, McpReference, OasfReference, PaymentCommitment, ProofOfPayment,
};
pub use grade::{Reason, grade};
pub use id::{AccountId, AgentId, AgentRegistryId, GlobalAgentId, IdError};
pub use limits::{MAX_FEEDBACK_READ_BYTES, MAX_FEEDBACK_WRITE_BYTES, MAX_REGISTRATION_BYTES};
pub use policy::{LevelWeights, Scale, ScorePolicy};
pub use registration::{REGISTRATION_TYPE, RegistrationError, RegistrationFile};
pub use registration_parts::{Registration, Service};
pub use registration_read::{Oddity, Read};
pub use score::score;
pub use score_report::{GradedFeedback, Score, ScoreReason, Unused};
pub use value::{FeedbackValue, ValueError};
