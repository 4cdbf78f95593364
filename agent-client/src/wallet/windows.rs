//! What was spent in the last hour and day, in minutes.
//!
//! Sums of 128-bit amounts cannot be left to SQL, and summing rows would make a payment slower the
//! more were made. So the rows of the last day are folded into one number a minute when the wallet
//! is opened, and kept up from there.

use std::collections::{BTreeMap, HashMap};

use agent_core::money::{BaseUnits, MoneyError};
use alloy_primitives::Address;

const MINUTE_MS: u64 = 60_000;
const HOUR_MINUTES: u64 = 60;
const DAY_MINUTES: u64 = 24 * HOUR_MINUTES;
/// From how far back the rows matter, in milliseconds.
pub(super) const DAY_MS: u64 = (DAY_MINUTES + 1) * MINUTE_MS;

/// What one payment, or many, weigh.
///
/// Two numbers, because either alone can be gamed: a seller that voids every call leaves nothing
/// counted while the ceiling it holds has grown, and one that charges out of slack signed
/// yesterday raises no ceiling today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Weight {
    /// Charges of ended payments and maxima of open ones.
    pub(super) counted: BaseUnits,
    /// By how much signed ceilings were raised.
    pub(super) raised: BaseUnits,
}

impl Weight {
    pub(super) fn plus(self, other: Self) -> Result<Self, MoneyError> {
        Ok(Self {
            counted: self.counted.plus(other.counted)?,
            raised: self.raised.plus(other.raised)?,
        })
    }
}

type Minutes = BTreeMap<u64, Weight>;

#[derive(Debug, Default)]
pub(super) struct Windows {
    all: Minutes,
    by_payee: HashMap<Address, Minutes>,
}

impl Windows {
    /// Adds a payment made at `at_ms`.
    pub(super) fn add(
        &mut self,
        payee: Address,
        at_ms: u64,
        weight: Weight,
    ) -> Result<(), MoneyError> {
        let minute = at_ms / MINUTE_MS;
        let theirs = self.by_payee.entry(payee).or_default();
        for minutes in [&mut self.all, theirs] {
            let sum = minutes.entry(minute).or_default();
            *sum = sum.plus(weight)?;
            while let Some(oldest) = minutes.first_entry() {
                if oldest.key().saturating_add(2 * DAY_MINUTES) >= minute {
                    break;
                }
                oldest.remove();
            }
        }
        Ok(())
    }

    /// A payment made at `at_ms` ended for less than it was counted at.
    pub(super) fn lessen(
        &mut self,
        payee: Address,
        at_ms: u64,
        by: BaseUnits,
    ) -> Result<(), MoneyError> {
        let minute = at_ms / MINUTE_MS;
        let theirs = self.by_payee.get_mut(&payee);
        for minutes in [Some(&mut self.all), theirs].into_iter().flatten() {
            // A minute that is gone was too old to count.
            if let Some(sum) = minutes.get_mut(&minute) {
                sum.counted = sum.counted.minus(by)?;
            }
        }
        Ok(())
    }

    /// A payment made at `at_ms` can never happen any more.
    pub(super) fn undo(
        &mut self,
        payee: Address,
        at_ms: u64,
        raised: BaseUnits,
    ) -> Result<(), MoneyError> {
        let minute = at_ms / MINUTE_MS;
        let theirs = self.by_payee.get_mut(&payee);
        for minutes in [Some(&mut self.all), theirs].into_iter().flatten() {
            if let Some(sum) = minutes.get_mut(&minute) {
                sum.raised = sum.raised.minus(raised)?;
            }
        }
        Ok(())
    }

    /// By everyone in the last hour and day, and to `payee` in the last day. The minute in which a window begins counts whole, and so does a future one: both err on the safe side.
    pub(super) fn spent(
        &self,
        payee: Address,
        now_ms: u64,
    ) -> Result<(Weight, Weight, Weight), MoneyError> {
        let now = now_ms / MINUTE_MS;
        let since = |minutes: &Minutes, length: u64| {
            minutes
                .range(now.saturating_sub(length)..)
                .try_fold(Weight::default(), |sum, (_, weight)| sum.plus(*weight))
        };
        let theirs = match self.by_payee.get(&payee) {
            Some(minutes) => since(minutes, DAY_MINUTES)?,
            None => Weight::default(),
        };
        Ok((
            since(&self.all, HOUR_MINUTES)?,
            since(&self.all, DAY_MINUTES)?,
            theirs,
        ))
    }
}
