use super::{BatchDomain, BatchError, ChannelConfig, ChannelState};
use crate::money::BaseUnits;
use crate::voucher::{Received, Voucher, recover_signer};
use alloy_primitives::Address;

/// The state of a [`Voucher`] that was found to be that of a batch-settlement channel, signed by
/// the key that the channel names, in the one form that the contract accepts too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InChannel;

impl ChannelConfig {
    /// Checks that a voucher draws on this channel and is signed by its `payerAuthorizer`.
    ///
    /// The signer is *recovered*, as the contract does it; see [`Voucher::<Received>::check`] for
    /// why. That the channel exists and holds the money is for [`check_against_chain`].
    ///
    /// # Errors
    /// [`BatchError::ChannelIdMismatch`]; [`BatchError::VoucherSignature`]; and
    /// [`BatchError::AskTheAccount`] when the payer's account itself must say whether it signed,
    /// which takes a look at the chain even if the payer is a plain key today.
    pub fn check_voucher(
        &self,
        voucher: Voucher<Received>,
        domain: &BatchDomain,
    ) -> Result<Voucher<InChannel>, BatchError> {
        if self.id(domain) != voucher.channel_id() {
            return Err(BatchError::ChannelIdMismatch);
        }
        if self.payer_authorizer == Address::ZERO {
            return Err(BatchError::AskTheAccount);
        }
        let digest = domain.voucher_digest(voucher.channel_id(), voucher.ceiling());
        match recover_signer(digest, &voucher.signature()) {
            Some(signer) if signer == self.payer_authorizer => Ok(voucher.checked_as()),
            _ => Err(BatchError::VoucherSignature),
        }
    }
}

/// What a voucher came for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Draw {
    /// A request that may cost up to this.
    Request {
        /// The most that the request may cost, in base units.
        max: BaseUnits,
    },
    /// Nothing: the voucher of a refund says how much was charged in all.
    Refund,
}

impl Draw {
    /// The ceiling that the scheme asks for when `charged` was charged so far: a stock seller
    /// takes no other, and a stock client sends no other.
    ///
    /// # Errors
    /// [`BatchError::CeilingOverflow`].
    pub fn ceiling(self, charged: BaseUnits) -> Result<BaseUnits, BatchError> {
        match self {
            Self::Request { max } => charged.plus(max).map_err(|_| BatchError::CeilingOverflow),
            Self::Refund => Ok(charged),
        }
    }

    /// What a seller without a record of the channel takes as charged so far: what the payer's own
    /// voucher implies. What was charged and not claimed beyond that, the seller has lost.
    ///
    /// # Errors
    /// [`BatchError::CumulativeMismatch`] when the ceiling does not even cover the request.
    pub fn implied_charged(self, ceiling: BaseUnits) -> Result<BaseUnits, BatchError> {
        match self {
            Self::Request { max } => ceiling
                .minus(max)
                .map_err(|_| BatchError::CumulativeMismatch),
            Self::Refund => Ok(ceiling),
        }
    }

    /// Whether a voucher's ceiling is the one asked for. A seller that admits several requests at
    /// once asks for less than this; it must then count what is reserved itself
    /// ([`crate::channel`]).
    ///
    /// # Errors
    /// [`BatchError::CumulativeMismatch`], which is answered with a
    /// [`Correction`](super::Correction).
    pub fn check(self, charged: BaseUnits, ceiling: BaseUnits) -> Result<(), BatchError> {
        if self.ceiling(charged) == Ok(ceiling) {
            Ok(())
        } else {
            Err(BatchError::CumulativeMismatch)
        }
    }
}

/// Whether the chain covers a ceiling (verification rules 7, 9 and 10 of the scheme).
///
/// `deposited` is what a deposit that comes with the voucher will add, or nothing. The snapshot
/// must be fresh: a payer may withdraw what is not claimed.
///
/// # Errors
/// [`BatchError::ChannelNotFound`], [`BatchError::CeilingAboveBalance`],
/// [`BatchError::CeilingBelowClaimed`].
pub fn check_against_chain(
    draw: Draw,
    ceiling: BaseUnits,
    snapshot: &ChannelState,
    deposited: Option<BaseUnits>,
) -> Result<(), BatchError> {
    if deposited.is_none() && snapshot.balance.is_zero() {
        return Err(BatchError::ChannelNotFound);
    }
    let balance = snapshot
        .balance
        .plus(deposited.unwrap_or_default())
        .map_err(|_| BatchError::CeilingOverflow)?;
    if ceiling > balance {
        return Err(BatchError::CeilingAboveBalance);
    }
    let below = match draw {
        Draw::Refund => ceiling < snapshot.total_claimed,
        Draw::Request { .. } => ceiling <= snapshot.total_claimed,
    };
    if below {
        return Err(BatchError::CeilingBelowClaimed);
    }
    Ok(())
}
