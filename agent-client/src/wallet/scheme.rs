//! The schemes that a wallet pays with.

use std::{fmt, str::FromStr};

use agent_core::x402::{SCHEME_EXACT, SCHEME_Z402, batch::SCHEME_BATCH_SETTLEMENT};
use serde::{Deserialize, Deserializer};

/// How a payment is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Vouchers on a lock of the z402 escrow: many calls at once, no chain on the way.
    Z402,
    /// x402's vouchers on a channel: one call at a time.
    BatchSettlement,
    /// x402's transfer of the exact amount, on chain for every payment.
    Exact,
}

impl Scheme {
    /// All, the one that costs least first.
    pub const ALL: [Self; 3] = [Self::Z402, Self::BatchSettlement, Self::Exact];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Z402 => SCHEME_Z402,
            Self::BatchSettlement => SCHEME_BATCH_SETTLEMENT,
            Self::Exact => SCHEME_EXACT,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name is of none of our schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scheme is z402, batch-settlement or exact")]
pub struct UnknownScheme;

impl FromStr for Scheme {
    type Err = UnknownScheme;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|scheme| scheme.name() == text);
        known.ok_or(UnknownScheme)
    }
}

impl<'de> Deserialize<'de> for Scheme {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
