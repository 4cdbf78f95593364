use super::{ChannelId, Checked, EscrowDomain, Lock, Received, Voucher, VoucherError};
use crate::money::Network;
use crate::x402::batch::{BatchDomain, BatchError, ChannelConfig};
use alloy_primitives::Address;

/// The contracts whose channels a seller takes vouchers on, all on one chain.
///
/// A voucher has the same form for each; the domain that it is signed under tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Domains {
    /// The escrow of z402.
    pub escrow: EscrowDomain,
    /// The settlement contract of x402's `batch-settlement`.
    pub batch: BatchDomain,
}

impl Domains {
    /// The domains on the escrow's chain.
    #[must_use]
    pub fn new(escrow: EscrowDomain) -> Self {
        Self {
            escrow,
            batch: BatchDomain::new(Network::eip155(escrow.chain_id())),
        }
    }
}

/// What a channel is: the money that its vouchers draw on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Funding {
    /// A lock in the escrow of z402.
    Lock(Lock),
    /// A channel of x402's `batch-settlement`.
    Batch(ChannelConfig),
}

impl Funding {
    /// Whose money it is until it is claimed.
    #[must_use]
    pub const fn payer(&self) -> Address {
        match self {
            Self::Lock(lock) => lock.payer,
            Self::Batch(config) => config.payer,
        }
    }

    /// Whose key signs its vouchers.
    #[must_use]
    pub const fn signer(&self) -> Address {
        match self {
            Self::Lock(lock) => lock.signer,
            Self::Batch(config) => config.payer_authorizer,
        }
    }

    /// The only address that claims can pay.
    #[must_use]
    pub const fn payee(&self) -> Address {
        match self {
            Self::Lock(lock) => lock.payee,
            Self::Batch(config) => config.receiver,
        }
    }

    /// The token.
    #[must_use]
    pub const fn token(&self) -> Address {
        match self {
            Self::Lock(lock) => lock.token,
            Self::Batch(config) => config.token,
        }
    }

    /// The lock, if it is one.
    #[must_use]
    pub const fn lock(&self) -> Option<&Lock> {
        match self {
            Self::Lock(lock) => Some(lock),
            Self::Batch(_) => None,
        }
    }

    /// The batch-settlement channel, if it is one.
    #[must_use]
    pub const fn batch(&self) -> Option<&ChannelConfig> {
        match self {
            Self::Lock(_) => None,
            Self::Batch(config) => Some(config),
        }
    }

    /// The channel's id, under its own domain.
    #[must_use]
    pub fn id(&self, domains: &Domains) -> ChannelId {
        match self {
            Self::Lock(lock) => lock.id(&domains.escrow),
            Self::Batch(config) => config.id(&domains.batch),
        }
    }

    /// Checks that a voucher draws on this channel and is signed, under this channel's domain, by
    /// the key that the channel names. A voucher of one domain never passes under the other.
    ///
    /// # Errors
    /// [`FundingError`].
    pub fn check(
        &self,
        voucher: Voucher<Received>,
        domains: &Domains,
    ) -> Result<Voucher<Checked>, FundingError> {
        match self {
            Self::Lock(lock) => Ok(voucher.check(&domains.escrow, lock)?),
            Self::Batch(config) => {
                let checked = config.check_voucher(voucher, &domains.batch)?;
                Ok(checked.funded())
            }
        }
    }
}

impl From<Lock> for Funding {
    fn from(lock: Lock) -> Self {
        Self::Lock(lock)
    }
}

impl From<ChannelConfig> for Funding {
    fn from(config: ChannelConfig) -> Self {
        Self::Batch(config)
    }
}

/// Why a voucher is not one of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FundingError {
    /// Of a lock.
    #[error(transparent)]
    Lock(#[from] VoucherError),
    /// Of a batch-settlement channel.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl FundingError {
    /// The error code of the scheme.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Lock(error) => error.code(),
            Self::Batch(error) => error.code(),
        }
    }
}
