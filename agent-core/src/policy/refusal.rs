//! Which bound stands in the way.

/// Which bound of the policy stands in the way. Nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyRefusal {
    /// The kill switch is on.
    #[error("spending is switched off")]
    Killed,
    /// The asset or its chain is not on the policy's list.
    #[error("the policy allows no spending in this asset on this chain")]
    UnknownAsset,
    /// The escrow contract is not on the policy's list.
    #[error("the policy does not know this escrow contract")]
    UnknownContract,
    /// The seller asks for more than it offered.
    #[error("the seller asks for more than it offered")]
    Drift,
    /// Above the bound on one payment.
    #[error("the payment is above the policy's bound for one payment")]
    PerPayment,
    /// Above the hourly bound.
    #[error("the payment would exceed the policy's bound for an hour")]
    PerHour,
    /// Above the daily bound.
    #[error("the payment would exceed the policy's bound for a day")]
    PerDay,
    /// Above the daily bound for one payee.
    #[error("the payment would exceed the policy's bound for this payee and day")]
    PerPayee,
    /// Above the bound on one lock.
    #[error("the lock would hold more than the policy allows")]
    PerLock,
    /// Above the bound on all locks.
    #[error("all locks together would hold more than the policy allows")]
    LockedTotal,
    /// The lock would run too long.
    #[error("the lock would run longer than the policy allows")]
    LockTooLong,
    /// The chain is not on the list of networks.
    #[error("the policy allows no spending on this network")]
    Network,
    /// The payee is not on the list of payees.
    #[error("the policy does not list this payee")]
    Payee,
    /// The payee is on the list of those that are never paid.
    #[error("the policy never pays this payee")]
    PayeeDenied,
    /// The agent is not on the list of agents.
    #[error("the policy does not list this agent")]
    Agent,
    /// The skill is not on the list of skills.
    #[error("the policy does not list this skill")]
    Skill,
    /// Above the bound on one payment for this skill.
    #[error("the payment is above the policy's bound for this skill")]
    PerSkill,
    /// Above the daily bound for this skill.
    #[error("the payment would exceed the policy's bound for this skill and day")]
    PerSkillDay,
    /// The policy is not in force yet.
    #[error("the policy is not in force yet")]
    NotYet,
    /// The policy expired.
    #[error("the policy has expired")]
    Expired,
    /// A rule needs the time or the history, and it is not known.
    #[error("the policy needs a history that is not known")]
    HistoryUnknown,
    /// Below the least that one payment has to be.
    #[error("the payment is below the least the policy allows")]
    BelowLeast,
    /// Above a budget for all payments together.
    #[error("the payment would exceed a budget of the policy")]
    Budget,
    /// As many payments were made as the policy allows.
    #[error("the policy allows no further payment")]
    Occurrences,
    /// Too soon after the last payment.
    #[error("the policy allows the next payment later")]
    TooSoon,
}

impl PolicyRefusal {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Killed => "policy_killed",
            Self::UnknownAsset => "policy_unknown_asset",
            Self::UnknownContract => "policy_unknown_contract",
            Self::Drift => "policy_drift",
            Self::PerPayment => "policy_per_payment",
            Self::PerHour => "policy_per_hour",
            Self::PerDay => "policy_per_day",
            Self::PerPayee => "policy_per_payee",
            Self::PerLock => "policy_per_lock",
            Self::LockedTotal => "policy_locked_total",
            Self::LockTooLong => "policy_lock_too_long",
            Self::Network => "policy_network",
            Self::Payee => "policy_payee",
            Self::PayeeDenied => "policy_payee_denied",
            Self::Agent => "policy_agent",
            Self::Skill => "policy_skill",
            Self::PerSkill => "policy_per_skill",
            Self::PerSkillDay => "policy_per_skill_day",
            Self::NotYet => "policy_not_yet",
            Self::Expired => "policy_expired",
            Self::HistoryUnknown => "policy_history_unknown",
            Self::BelowLeast => "policy_below_least",
            Self::Budget => "policy_budget",
            Self::Occurrences => "policy_occurrences",
            Self::TooSoon => "policy_too_soon",
        }
    }
}
