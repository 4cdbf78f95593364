//! What a search found, best first, and why.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use agent_core::money::{Asset, BaseUnits};
use agent_core::trust::{GlobalAgentId, GradedFeedback, RegistrationFile, Score, Unused};
use agent_core::untrusted::{Untrusted, shorten};

use super::DiscoverError;
use crate::call::RemoteAgent;

/// One agent that fits.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Who it is, as the registry has it.
    pub agent: GlobalAgentId,
    /// The agent itself, to be called.
    pub remote: RemoteAgent,
    /// What it says about itself; it names the agent back.
    pub file: Arc<RegistrationFile>,
    /// The skill that was looked for.
    pub skill: String,
    /// The most that one task costs, and in what; `None` for a free skill.
    pub price: Option<(BaseUnits, Asset)>,
    /// What feedback says, with its uncertainty and its counts.
    pub score: Score,
    /// True if the agent's domain names the agent too (EIP-8004, "Endpoint Domain Verification").
    pub domain_verified: bool,
}

impl Candidate {
    /// The agent's name, in its own words.
    #[must_use]
    pub fn name(&self) -> &Untrusted {
        &self.file.name
    }

    /// Why it stands where it stands, for people: identity, price and trust.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = vec![format!(
            "identity {} is registered and its file agrees",
            self.agent
        )];
        if self.domain_verified {
            reasons.push("its domain names the agent too".to_owned());
        }
        reasons.push(match &self.price {
            Some((amount, asset)) => format!("costs at most {}", asset.show(*amount)),
            None => "is free".to_owned(),
        });
        reasons.push(format!("trust {}", self.score));
        reasons.extend(self.score.reasons.iter().map(ToString::to_string));
        reasons
    }

    fn cost(&self) -> u128 {
        self.price.as_ref().map_or(0, |(amount, _)| amount.get())
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.reasons().join("; "))
    }
}

/// One agent that does not fit, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Who it is.
    pub agent: GlobalAgentId,
    /// A stable word for what stands in the way.
    pub code: &'static str,
    /// The same for people; what strangers wrote in it is escaped and cut.
    pub why: String,
}

impl LeftOut {
    pub(super) fn new(agent: GlobalAgentId, code: &'static str, why: impl AsRef<str>) -> Self {
        Self {
            agent,
            code,
            why: shorten(why.as_ref()),
        }
    }
}

/// What a search found.
///
/// Best first: by what a good answer is expected to cost, price divided by expected quality, so
/// that an agent of unknown quality (0.5) must cost half of what a perfect one does to come before
/// it. Among equals the better known comes first, then the older registration.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Those that fit, best first.
    pub candidates: Vec<Candidate>,
    /// Those that do not, and why.
    pub left_out: Vec<LeftOut>,
}

impl Found {
    pub(super) fn ranked(mut candidates: Vec<Candidate>, left_out: Vec<LeftOut>) -> Self {
        candidates.sort_by(by_cost_of_a_good_answer);
        Self {
            candidates,
            left_out,
        }
    }

    /// The best.
    ///
    /// # Errors
    /// [`DiscoverError::NoneFits`], with what stood in the way of how many.
    pub fn best(&self) -> Result<&Candidate, DiscoverError> {
        self.candidates
            .first()
            .ok_or_else(|| DiscoverError::NoneFits(self.obstacles()))
    }

    fn obstacles(&self) -> String {
        if self.left_out.is_empty() {
            return "no agent is registered".to_owned();
        }
        let mut counts: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
        for out in &self.left_out {
            let (count, _) = counts.entry(out.code).or_insert((0, &out.why));
            *count = count.saturating_add(1);
        }
        let words: Vec<String> = counts
            .iter()
            .map(|(code, (count, why))| format!("{count} × {code} ({why})"))
            .collect();
        words.join(", ")
    }
}

/// A score with what it was made of.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The score.
    pub score: Score,
    /// All feedback that is kept of the agent, the newest first.
    pub items: Vec<Weighed>,
}

/// One piece of feedback in a score.
#[derive(Clone, Debug)]
pub struct Weighed {
    /// What was said, and the evidence for it.
    pub feedback: GradedFeedback,
    /// Why it does not count, even alone. `None` is not yet a promise that it does: another item
    /// may have been given for the same payment, which only the whole score's reasons say.
    pub unused: Option<Unused>,
}

fn by_cost_of_a_good_answer(a: &Candidate, b: &Candidate) -> Ordering {
    // a.cost / a.quality < b.cost / b.quality, multiplied out. A price that overflows is no bargain.
    let crosswise = |one: &Candidate, other: &Candidate| {
        let quality = u128::from(other.score.expectation_ppm.max(1));
        one.cost().saturating_mul(quality)
    };
    crosswise(a, b)
        .cmp(&crosswise(b, a))
        .then_with(|| b.score.expectation_ppm.cmp(&a.score.expectation_ppm))
        .then_with(|| a.score.uncertainty_ppm.cmp(&b.score.uncertainty_ppm))
        .then_with(|| a.agent.cmp(&b.agent))
}
