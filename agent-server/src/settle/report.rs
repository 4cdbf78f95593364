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
    /// What the chain was seen to pay for locks, and to book for channels, in base units.
    pub claimed_base_units: BaseUnits,
    /// Claims on locks that were paid. A lock that was settled twice counts twice.
    pub locks: u64,
    /// Claims on channels of `batch-settlement` that were booked, counted in the same way.
    pub channels: u64,
    /// What the contract of `batch-settlement` was seen to pay out of what was booked, in base units.
    pub paid_out_base_units: BaseUnits,
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
            channels: self.channels.saturating_add(other.channels),
            paid_out_base_units: self.paid_out_base_units.plus(other.paid_out_base_units)?,
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
            channels: self.channels.saturating_sub(earlier.channels),
            paid_out_base_units: self
                .paid_out_base_units
                .minus(earlier.paid_out_base_units)
                .unwrap_or_default(),
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
