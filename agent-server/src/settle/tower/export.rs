//! What a seller hands to a watchtower.

use crate::settle::limits;
use agent_core::ledger::Claim;
use agent_core::money::{BaseUnits, Network};
use agent_core::voucher::{CanonicalSignature, EscrowDomain, Lock, Voucher};
use alloy_primitives::{Address, Bytes};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The form that is written.
const VERSION: u32 = 1;

/// The latest voucher of each channel with something to claim. Nothing in it is secret to the
/// payers, and nothing in it moves money anywhere but to the payees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WatchExport {
    /// The form; 1.
    pub version: u32,
    /// The chain.
    pub network: Network,
    /// The escrow on it.
    pub contract: Address,
    /// The claims.
    pub claims: Vec<WatchClaim>,
}

/// One channel's claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WatchClaim {
    /// What the channel is.
    pub funding: WatchFunding,
    /// The highest ceiling, in base units.
    pub ceiling: BaseUnits,
    /// The payer's signature over it, 65 bytes.
    pub signature: Bytes,
    /// The cumulative amount to claim, in base units: what was charged, not what was signed.
    pub amount: BaseUnits,
}

/// What a channel is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum WatchFunding {
    /// A lock in the escrow of z402.
    Lock(Lock),
}

/// Why an export, or a claim in it, is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Another form than this program knows.
    #[error("the export has another version")]
    Version,
    /// Another chain or escrow than this tower watches.
    #[error("the export is for another chain or escrow")]
    Domain,
    /// It holds more claims than one export may.
    #[error("the export has too many claims")]
    TooMany,
    /// The payee or the token is none that this tower claims for.
    #[error("the claim is for a payee or a token that is not watched here")]
    NotWatched,
    /// The voucher is not signed by the lock's signer.
    #[error("the claim's voucher does not hold")]
    Voucher,
    /// It claims more than was signed, or nothing.
    #[error("the claim's amount is not within its voucher")]
    Amount,
}

impl ExportError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Version => "watch.version",
            Self::Domain => "watch.domain",
            Self::TooMany => "watch.too_many",
            Self::NotWatched => "watch.not_watched",
            Self::Voucher => "watch.voucher",
            Self::Amount => "watch.amount",
        }
    }
}

impl WatchExport {
    /// An export of these claims.
    #[must_use]
    pub fn of(domain: &EscrowDomain, claims: &[Claim]) -> Self {
        Self {
            version: VERSION,
            network: Network::eip155(domain.chain_id()),
            contract: domain.contract(),
            claims: claims.iter().filter_map(WatchClaim::of).collect(),
        }
    }

    /// The same without claims.
    pub(super) const fn header(&self) -> Self {
        Self {
            version: self.version,
            network: self.network,
            contract: self.contract,
            claims: Vec::new(),
        }
    }

    /// Whether it is of a form, for a chain and of a size that are taken here.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn check(&self, domain: &EscrowDomain) -> Result<(), ExportError> {
        if self.version != VERSION {
            return Err(ExportError::Version);
        }
        let ours = (Network::eip155(domain.chain_id()), domain.contract());
        if (self.network, self.contract) != ours {
            return Err(ExportError::Domain);
        }
        if self.claims.len() > limits::EXPORT_CLAIMS_MAX {
            return Err(ExportError::TooMany);
        }
        Ok(())
    }
}

impl WatchClaim {
    /// Nothing for a channel that is claimed from in another way than a lock.
    fn of(claim: &Claim) -> Option<Self> {
        Some(Self {
            funding: WatchFunding::Lock(*claim.funding.lock()?),
            ceiling: claim.ceiling,
            signature: claim.signature.as_bytes().to_vec().into(),
            amount: claim.charged,
        })
    }

    /// The claim, if its voucher holds and it is for one of `payees` and `tokens`. What the chain
    /// says of it is not known yet.
    pub(super) fn vet(
        &self,
        domain: &EscrowDomain,
        payees: &BTreeSet<Address>,
        tokens: &BTreeSet<Address>,
    ) -> Result<Claim, ExportError> {
        let claim = self.read(domain)?;
        let WatchFunding::Lock(lock) = &self.funding;
        if !payees.contains(&claim.funding.payee()) || !tokens.contains(&claim.funding.token()) {
            return Err(ExportError::NotWatched);
        }
        if claim.charged.is_zero() || claim.charged > claim.ceiling {
            return Err(ExportError::Amount);
        }
        Voucher::received(claim.channel_id, claim.ceiling, claim.signature)
            .check(domain, lock)
            .map_err(|_| ExportError::Voucher)?;
        Ok(claim)
    }

    /// The claim as it was vetted before.
    pub(super) fn read(&self, domain: &EscrowDomain) -> Result<Claim, ExportError> {
        let WatchFunding::Lock(lock) = self.funding;
        let signature =
            CanonicalSignature::from_slice(&self.signature).map_err(|_| ExportError::Voucher)?;
        Ok(Claim {
            funding: lock.into(),
            channel_id: lock.id(domain),
            ceiling: self.ceiling,
            signature,
            charged: self.amount,
            claimed: BaseUnits::ZERO,
            deadline_unix_secs: 0,
            unclaimed_since_unix_millis: 0,
        })
    }
}
