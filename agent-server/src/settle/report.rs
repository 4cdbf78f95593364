//! What a settlement did, every number as the chain confirmed it.

use agent_core::money::{BaseUnits, MoneyError};
use serde::Serialize;

/// What was claimed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SettleReport {
    /// Transactions that were mined.
    pub transactions: u64,
    /// Gas that they used in all.
    pub gas_used: u64,
    /// What the chain was seen to pay for their locks, in base units.
    pub claimed_base_units: BaseUnits,
    /// Claims that were paid. A lock that was settled twice counts twice.
    pub locks: u64,
}

impl SettleReport {
    /// Adds another report to this one.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        Ok(Self {
            transactions: self.transactions.saturating_add(other.transactions),
            gas_used: self.gas_used.saturating_add(other.gas_used),
            claimed_base_units: self.claimed_base_units.plus(other.claimed_base_units)?,
            locks: self.locks.saturating_add(other.locks),
        })
    }
}

impl SettleReport {
    /// What came on top of `earlier`, a report of the same settler.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            transactions: self.transactions.saturating_sub(earlier.transactions),
            gas_used: self.gas_used.saturating_sub(earlier.gas_used),
            claimed_base_units: self
                .claimed_base_units
                .minus(earlier.claimed_base_units)
                .unwrap_or_default(),
            locks: self.locks.saturating_sub(earlier.locks),
        }
    }
}

/// What was given back to payers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ReleaseReport {
    /// Transactions that were mined.
    pub transactions: u64,
    /// Gas that they used in all.
    pub gas_used: u64,
    /// What the chain was seen to return, in base units.
    pub released_base_units: BaseUnits,
    /// Locks that were closed, with something left to give back or not.
    pub closed: u64,
    /// Locks that were left open because calls are in flight on them.
    pub in_flight: u64,
}
