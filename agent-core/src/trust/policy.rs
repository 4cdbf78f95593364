//! What a reader chooses before scoring.

use super::evidence::Evidence;
use super::tags;
use alloy_primitives::Address;
use std::collections::BTreeSet;
use std::num::NonZeroU64;

/// 90 days.
const HALF_LIFE_SECS: NonZeroU64 = positive(90 * 86_400);

/// One USDC.
const FULL_WEIGHT: NonZeroU64 = positive(1_000_000);

const fn positive(number: u64) -> NonZeroU64 {
    match NonZeroU64::new(number) {
        Some(number) => number,
        None => NonZeroU64::MIN,
    }
}

/// Which feedback is scored, and what its values mean. Units never mix: one tag, one scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// Only feedback with exactly this first tag counts.
    pub tag1: String,
    /// Only feedback with exactly this second tag counts; `None` for any.
    pub tag2: Option<String>,
    /// The value that means "as bad as can be".
    pub worst: i32,
    /// The value that means "as good as can be"; may be the smaller one, for times.
    pub best: i32,
}

impl Scale {
    /// [`starred`](tags::STARRED) from 0 to 100, whatever the second tag.
    #[must_use]
    pub fn starred() -> Self {
        Self {
            tag1: tags::STARRED.to_owned(),
            tag2: None,
            worst: 0,
            best: 100,
        }
    }
}

/// What one unit of evidence weighs at each level, in parts per million; over a million counts as
/// a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelWeights {
    /// [`Evidence::Bare`].
    pub bare: u32,
    /// [`Evidence::FileConsistent`].
    pub file_consistent: u32,
    /// [`Evidence::PaymentVerified`].
    pub payment_verified: u32,
    /// [`Evidence::SellerReceipt`].
    pub seller_receipt: u32,
    /// [`Evidence::KnownReviewer`].
    pub known_reviewer: u32,
}

impl Default for LevelWeights {
    /// Nothing without a verified payment; then a half, three quarters, and one.
    fn default() -> Self {
        Self {
            bare: 0,
            file_consistent: 0,
            payment_verified: 500_000,
            seller_receipt: 750_000,
            known_reviewer: 1_000_000,
        }
    }
}

impl LevelWeights {
    /// The weight of `level`, at most a million.
    #[must_use]
    pub fn of(&self, level: Evidence) -> u32 {
        let weight = match level {
            Evidence::Bare => self.bare,
            Evidence::FileConsistent => self.file_consistent,
            Evidence::PaymentVerified => self.payment_verified,
            Evidence::SellerReceipt => self.seller_receipt,
            Evidence::KnownReviewer => self.known_reviewer,
        };
        weight.min(1_000_000)
    }
}

/// How a reader scores. Two readers with the same policy and the same items get the same score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScorePolicy {
    /// Which feedback, and on what scale.
    pub scale: Scale,
    /// After this many seconds feedback weighs half.
    pub half_life_secs: NonZeroU64,
    /// The most that one reviewer can weigh, in parts per million of one full witness.
    pub reviewer_cap_ppm: u32,
    /// The payment, in base units, that gives one item its full weight. Below it weight is in
    /// proportion, above it there is no more: splitting a payment gains nothing.
    pub full_weight_base_units: NonZeroU64,
    /// Reviewers that never count: the agent's owners, past owners and wallets, and whoever the
    /// reader knows to deal with himself.
    pub excluded: BTreeSet<Address>,
    /// What each level of evidence weighs. A level without a payment that is given weight here has
    /// no money to be weighed by, counts in full, and voids the bound on an attacker's gain.
    pub weights: LevelWeights,
}

impl Default for ScorePolicy {
    /// Stars, 90 days, one witness per reviewer, full weight at one USDC, nobody excluded.
    fn default() -> Self {
        Self {
            scale: Scale::starred(),
            half_life_secs: HALF_LIFE_SECS,
            reviewer_cap_ppm: 1_000_000,
            full_weight_base_units: FULL_WEIGHT,
            excluded: BTreeSet::new(),
            weights: LevelWeights::default(),
        }
    }
}
