//! Work that is paid for while it goes on, counted.

use super::Stop;
use crate::money::BaseUnits;
use serde::{Deserialize, Serialize};

/// What part of a ceiling a slice is when nobody says how large it is.
const SLICES_IN_A_CEILING: u128 = 16;

/// The price of one unit, and how many are charged at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// What is counted: a token, a second, a kilobyte.
    pub unit: String,
    /// The price of one, in base units of the paid asset.
    pub each: BaseUnits,
    /// How many units are charged at once.
    pub slice: u64,
}

impl Rate {
    /// A rate whose slices are a sixteenth of what `ceiling` buys, at least one unit, unless `slice`
    /// says how many; `None` for units that cost nothing.
    #[must_use]
    pub fn new(
        unit: impl Into<String>,
        each: BaseUnits,
        ceiling: BaseUnits,
        slice: Option<u64>,
    ) -> Option<Self> {
        let bought = ceiling.get().checked_div(each.get())?;
        let part = u64::try_from(bought.div_euclid(SLICES_IN_A_CEILING)).unwrap_or(u64::MAX);
        Some(Self {
            unit: unit.into(),
            each,
            slice: slice.unwrap_or(part).max(1),
        })
    }

    /// How many whole units an amount pays for.
    #[must_use]
    pub fn units_in(&self, amount: BaseUnits) -> u64 {
        let units = amount.get().checked_div(self.each.get());
        u64::try_from(units.unwrap_or(0)).unwrap_or(u64::MAX)
    }
}

/// Counts the units of one task: those that were used, charged, and that may yet be charged.
///
/// At all times used ≤ charged ≤ held. What was charged and is not used yet is at most one slice, or
/// the units of one step if those are more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    rate: Rate,
    used: u64,
    charged: u64,
    held: u64,
    /// What earlier runs of the task had charged.
    before: u64,
}

/// What has to happen before so many units may be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Nothing: they are charged already.
    Deliver,
    /// This many units must be charged, in all.
    Charge(u64),
    /// More must be paid first.
    More,
}

impl Meter {
    /// A meter of a task of which `charged` was charged before, and as much more as makes `held` may
    /// be.
    #[must_use]
    pub fn new(rate: Rate, charged: BaseUnits, held: BaseUnits) -> Self {
        let before = rate.units_in(charged);
        Self {
            used: 0,
            charged: before,
            held: rate.units_in(held).max(before),
            before,
            rate,
        }
    }

    /// The price of a unit.
    #[must_use]
    pub const fn rate(&self) -> &Rate {
        &self.rate
    }

    /// Units used in this run.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// Units charged in all runs of the task.
    #[must_use]
    pub const fn charged(&self) -> u64 {
        self.charged
    }

    /// Units that earlier runs of the task had charged.
    #[must_use]
    pub const fn charged_before(&self) -> u64 {
        self.before
    }

    /// What must happen before `units` more are delivered.
    ///
    /// # Errors
    /// [`Stop::Failed`] when nobody can count that far.
    pub fn next(&self, units: u64) -> Result<Step, Stop> {
        let wanted = self.wanted(units)?;
        if wanted <= self.charged {
            return Ok(Step::Deliver);
        }
        if wanted > self.held {
            return Ok(Step::More);
        }
        let slice = self.used.saturating_add(self.rate.slice);
        Ok(Step::Charge(wanted.max(slice).min(self.held)))
    }

    /// What so many units cost.
    ///
    /// # Errors
    /// [`Stop::Failed`] when it is more than can be counted.
    pub fn price(&self, units: u64) -> Result<BaseUnits, Stop> {
        self.rate.each.times(units).map_err(Stop::failed)
    }

    /// Notes that so many units are charged in all.
    pub fn was_charged(&mut self, units: u64) {
        self.charged = self.charged.max(units).min(self.held);
    }

    /// Notes that so much may be charged in all.
    pub fn may_charge(&mut self, held: BaseUnits) {
        self.held = self.rate.units_in(held).max(self.charged);
    }

    /// Notes that so many more units are delivered; what is not charged cannot be.
    ///
    /// # Errors
    /// [`Stop::Failed`] for units that were not charged.
    pub fn deliver(&mut self, units: u64) -> Result<(), Stop> {
        let wanted = self.wanted(units)?;
        if wanted > self.charged {
            return Err(Stop::failed("what is not charged cannot be delivered"));
        }
        self.used = wanted;
        Ok(())
    }

    fn wanted(&self, units: u64) -> Result<u64, Stop> {
        let wanted = self.used.checked_add(units);
        wanted.ok_or_else(|| Stop::failed("too many units"))
    }
}
