//! What a skill costs, as its author writes it.

use crate::money::{Asset, AssetTable, BaseUnits, Money, MoneyError};
use crate::skill::Rate;

/// The price of a skill, or of one request to it.
///
/// The constructors take text so that a price reads as people say it. Text that is not an amount
/// is reported when the agent starts ([`Price::resolve`]), not when a buyer calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Free,
    PerTask(Result<Money, MoneyError>),
    UpTo(Result<Money, MoneyError>),
    PerUnit {
        unit: String,
        each: Result<Money, MoneyError>,
        at_most: Result<Money, MoneyError>,
        slice: Option<u64>,
    },
}

impl Price {
    /// No charge; the skill runs without payment.
    #[must_use]
    pub const fn free() -> Self {
        Self(Kind::Free)
    }

    /// One fixed charge for a completed task: `Price::per_task("0.001 USDC")`.
    #[must_use]
    pub fn per_task(amount: &str) -> Self {
        Self(Kind::PerTask(amount.parse()))
    }

    /// A ceiling that the buyer authorises; the skill charges what it took with
    /// [`crate::skill::SkillContext::charge`]. A skill that names no charge is paid the ceiling.
    #[must_use]
    pub fn up_to(ceiling: &str) -> Self {
        Self(Kind::UpTo(ceiling.parse()))
    }

    /// `each` for every `unit` (a token, a second, a kilobyte). `at_most` is what a buyer authorises
    /// beforehand.
    ///
    /// A skill that counts with [`crate::skill::SkillContext::meter`] is paid in slices while it
    /// works, and asks for `at_most` once more each time that it is used up. One that charges at its
    /// end with [`crate::skill::SkillContext::charge`] costs `at_most` at most.
    #[must_use]
    pub fn per_unit(each: &str, unit: &str, at_most: &str) -> Self {
        let (each, at_most) = (each.parse(), at_most.parse());
        Self(Kind::PerUnit {
            unit: unit.to_owned(),
            each,
            at_most,
            slice: None,
        })
    }

    /// Charges so many units at once, instead of a sixteenth of the ceiling. A buyer that stops has
    /// paid for at most one slice that it did not get; each slice is a commit of the seller's. For
    /// [`Price::per_unit`] only.
    #[must_use]
    pub fn in_slices_of(mut self, units: u64) -> Self {
        if let Kind::PerUnit { slice, .. } = &mut self.0 {
            *slice = Some(units);
        }
        self
    }

    /// The price in base units of one of `assets`.
    ///
    /// # Errors
    /// [`MoneyError`] when the text is not an amount or its asset is not configured.
    pub fn resolve<'a>(&self, assets: &'a AssetTable) -> Result<ResolvedPrice<'a>, MoneyError> {
        match &self.0 {
            Kind::Free => Ok(ResolvedPrice::Free),
            Kind::PerTask(money) => {
                let (asset, amount) = assets.resolve(money.as_ref().map_err(Clone::clone)?)?;
                Ok(ResolvedPrice::of(asset, Charge::Fixed, amount))
            }
            Kind::UpTo(money) => {
                let (asset, amount) = assets.resolve(money.as_ref().map_err(Clone::clone)?)?;
                Ok(ResolvedPrice::of(asset, Charge::UpTo, amount))
            }
            Kind::PerUnit {
                unit,
                each,
                at_most,
                slice,
            } => {
                let (asset, ceiling) = assets.resolve(at_most.as_ref().map_err(Clone::clone)?)?;
                let each = each
                    .as_ref()
                    .map_err(Clone::clone)?
                    .in_base_units_of(asset)?;
                Ok(ResolvedPrice::of(
                    asset,
                    Charge::PerUnit {
                        unit: unit.clone(),
                        each,
                        slice: *slice,
                    },
                    ceiling,
                ))
            }
        }
    }
}

/// A price in base units of a known asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedPrice<'a> {
    /// Nothing to pay.
    Free,
    /// Something to pay.
    Paid {
        /// In what.
        asset: &'a Asset,
        /// The most that one task costs; what a buyer must authorise beforehand.
        ceiling: BaseUnits,
        /// How the actual charge comes about.
        charge: Charge,
    },
}

impl<'a> ResolvedPrice<'a> {
    fn of(asset: &'a Asset, charge: Charge, ceiling: BaseUnits) -> Self {
        if ceiling.is_zero() {
            Self::Free
        } else {
            Self::Paid {
                asset,
                ceiling,
                charge,
            }
        }
    }
}

/// How the charge for one task comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charge {
    /// The ceiling itself.
    Fixed,
    /// What the skill says, at most the ceiling.
    UpTo,
    /// A price for each unit, at most the ceiling in all.
    PerUnit {
        /// What is counted.
        unit: String,
        /// The price of one.
        each: BaseUnits,
        /// How many are charged at once, if the skill says.
        slice: Option<u64>,
    },
}

impl Charge {
    /// The rate of metered work under a ceiling; `None` for other charges, and for units that cost
    /// nothing.
    #[must_use]
    pub fn rate(&self, ceiling: BaseUnits) -> Option<Rate> {
        match self {
            Self::PerUnit { unit, each, slice } => Rate::new(unit.as_str(), *each, ceiling, *slice),
            _ => None,
        }
    }
}
