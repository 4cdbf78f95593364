use super::{BatchDomain, BatchError, BatchReceipt, ChannelConfig, ChannelState, VoucherState};
use crate::money::BaseUnits;
use crate::voucher::{CanonicalSignature, ChannelId, Voucher};

/// What a buyer adopts of a [`Correction`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adopted {
    /// What was charged in all.
    pub charged: BaseUnits,
    /// The highest ceiling that the seller holds.
    pub signed: BaseUnits,
}

/// A seller's count of a channel, sent with a 402 whose error is
/// [`super::codes::CUMULATIVE_AMOUNT_MISMATCH`].
#[derive(Debug, Clone, Copy)]
pub struct Correction<'a> {
    /// The count.
    pub state: &'a ChannelState,
    /// Its proof.
    pub voucher: &'a VoucherState,
}

impl Correction<'_> {
    /// What may be believed of it: a charge that a voucher of our own covers, and that is not
    /// below what the chain says was claimed.
    ///
    /// The seller may still have charged more than it should, up to that ceiling; what we signed
    /// we may have to pay. Retry once with the result: a seller that corrects again is wrong or
    /// hostile. `claimed` is from the chain, not from the seller.
    ///
    /// # Errors
    /// [`BatchError::Unproven`] and [`BatchError::ChannelIdMismatch`].
    pub fn adopt(
        &self,
        config: &ChannelConfig,
        domain: &BatchDomain,
        claimed: BaseUnits,
    ) -> Result<Adopted, BatchError> {
        let channel_id = config.id(domain);
        if self.state.channel_id != channel_id {
            return Err(BatchError::ChannelIdMismatch);
        }
        let (Some(charged), Some(signed), Some(signature)) = (
            self.state.charged_cumulative_amount,
            self.voucher.signed_max_claimable,
            self.voucher.signature.as_deref(),
        ) else {
            return Err(BatchError::Unproven);
        };
        let signature: CanonicalSignature = signature.parse().map_err(|_| BatchError::Unproven)?;
        let voucher = Voucher::received(channel_id, signed, signature);
        config
            .check_voucher(voucher, domain)
            .map_err(|_| BatchError::Unproven)?;
        if charged > signed || charged < claimed {
            return Err(BatchError::Unproven);
        }
        Ok(Adopted { charged, signed })
    }
}

/// What a buyer may count as charged after an answer that took its payment (the scheme's client
/// verification rules).
///
/// `before` is what was charged before the request, `max` what the request allowed. After an error
/// the buyer signs no further voucher for the channel and withdraws.
///
/// # Errors
/// [`BatchError::ChargeAboveMax`], [`BatchError::ChannelIdMismatch`], and
/// [`BatchError::WrongCount`] when the seller's sum is not ours.
pub fn check_receipt(
    receipt: &BatchReceipt,
    channel_id: ChannelId,
    before: BaseUnits,
    max: BaseUnits,
) -> Result<BaseUnits, BatchError> {
    let charged = receipt.charged_amount.unwrap_or_default();
    if charged > max {
        return Err(BatchError::ChargeAboveMax);
    }
    let after = before
        .plus(charged)
        .map_err(|_| BatchError::CeilingOverflow)?;
    if let Some(state) = &receipt.channel_state {
        if state.channel_id != channel_id {
            return Err(BatchError::ChannelIdMismatch);
        }
        if state
            .charged_cumulative_amount
            .is_some_and(|sum| sum != after)
        {
            return Err(BatchError::WrongCount);
        }
    }
    Ok(after)
}
