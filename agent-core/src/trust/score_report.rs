//! What goes into a score, and what comes out of it.

use super::evidence::{FeedbackEvent, Graded};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One piece of feedback with its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GradedFeedback {
    /// The event.
    pub event: FeedbackEvent,
    /// The verdict.
    pub graded: Graded,
    /// Whether a `FeedbackRevoked` event followed.
    pub revoked: bool,
}

/// Why an item did not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unused {
    /// It is about another agent.
    OtherAgent,
    /// It has other tags than the policy's scale.
    OtherTag,
    /// Its author took it back.
    Revoked,
    /// Its author is excluded.
    ExcludedReviewer,
    /// Its author is the account that was paid.
    SelfDealing,
    /// Its value is off the scale.
    OffScale,
    /// The chain could not be asked about its payment: no verdict yet.
    Undecided,
    /// Its evidence has no weight.
    WeakEvidence,
    /// The same event was given twice.
    Repeated,
    /// An earlier item was given for the same payment.
    SamePayment,
    /// So little was paid, or so long ago, that its weight rounds to nothing.
    Negligible,
}

impl fmt::Display for Unused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherAgent => "about another agent",
            Self::OtherTag => "under another tag",
            Self::Revoked => "revoked",
            Self::ExcludedReviewer => "by an excluded reviewer",
            Self::SelfDealing => "by the account that was paid",
            Self::OffScale => "off the scale",
            Self::Undecided => "payment not checked yet",
            Self::WeakEvidence => "too little evidence",
            Self::Repeated => "given twice",
            Self::SamePayment => "for a payment that was rated already",
            Self::Negligible => "too small or too old to matter",
        })
    }
}

/// Something a reader should know about a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScoreReason {
    /// Nothing counted: the score says "unknown", not "middling".
    NoEvidence,
    /// So many items did not count, and why.
    Ignored {
        /// The reason.
        why: Unused,
        /// How many.
        items: u64,
    },
    /// So many reviewers said more than one reviewer can weigh.
    Capped {
        /// How many.
        reviewers: u64,
    },
}

impl fmt::Display for ScoreReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEvidence => f.write_str("no feedback counted: nothing is known"),
            Self::Ignored { why, items } => write!(f, "ignored {items}: {why}"),
            Self::Capped { reviewers } => write!(f, "{reviewers} reviewers reached their cap"),
        }
    }
}

/// A score; never a bare number. See [the module](mod@super::score) for what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// The expectation, in parts per million.
    pub expectation_ppm: u32,
    /// The uncertainty, in parts per million; a million when nothing is known.
    pub uncertainty_ppm: u32,
    /// How many reviewers counted.
    pub reviewers: u64,
    /// How many items counted.
    pub items_counted: u64,
    /// How many did not.
    pub items_ignored: u64,
    /// The verified payments behind the counted items, in base units; stops at the largest `u128`.
    pub paid_base_units: u128,
    /// What else a reader should know.
    pub reasons: Vec<ScoreReason>,
}

impl Score {
    /// Whether it is at least this good and at most this uncertain.
    #[must_use]
    pub const fn meets(&self, min_expectation_ppm: u32, max_uncertainty_ppm: u32) -> bool {
        self.expectation_ppm >= min_expectation_ppm && self.uncertainty_ppm <= max_uncertainty_ppm
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [e, u] = [self.expectation_ppm, self.uncertainty_ppm]
            .map(|ppm| format!("{}.{:03}", ppm / 1_000_000, ppm % 1_000_000 / 1_000));
        let (reviewers, items, ignored) = (self.reviewers, self.items_counted, self.items_ignored);
        write!(
            f,
            "{e} (uncertainty {u}; {reviewers} reviewers, {items} items, {ignored} ignored)"
        )
    }
}
