//! A seller's own count of a batch-settlement channel, believed as far as a voucher of ours proves
//! it and the payments in our books can explain it.

use agent_core::{
    ledger::PaymentId,
    money::BaseUnits,
    x402::{
        PaymentRequirements,
        batch::{BatchDomain, BatchError, BatchTerms, Correction},
    },
};

use super::rows::save;
use crate::sqlite::JobError;
use crate::wallet::{Wallet, error::WalletError, settle::find};

/// A count that was adopted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchCorrected {
    /// What was charged in all, in base units: the next voucher goes on from here.
    pub charged: BaseUnits,
}

/// Why a seller's count was not adopted. On [`BatchCorrectionError::Unproven`] and
/// [`BatchCorrectionError::Unexplained`] the channel is suspect from then on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchCorrectionError {
    /// The offer carries none.
    #[error("the offer carries no correction")]
    Missing,
    /// It is not proven by a voucher of ours, or below what was claimed on chain.
    #[error("the correction is not proven: {0}")]
    Unproven(#[from] BatchError),
    /// It charged more than the payments in our books can explain.
    #[error("the seller counts more as charged than our payments can explain")]
    Unexplained,
    /// The wallet could not do its part; not the seller's doing.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

impl BatchCorrectionError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "correction_missing",
            Self::Unproven(_) => "correction_unproven",
            Self::Unexplained => "correction_unexplained",
            Self::Wallet(error) => error.code(),
        }
    }
}

impl Wallet {
    /// Takes the count that came with a 402 whose error is
    /// [`CUMULATIVE_AMOUNT_MISMATCH`](agent_core::x402::batch::codes::CUMULATIVE_AMOUNT_MISMATCH),
    /// for the channel that `payment_id` was made with. Correct once and pay again once: a seller
    /// that corrects twice is wrong or hostile.
    ///
    /// What was claimed is asked of the chain; if it does not answer, what it said last counts.
    ///
    /// # Errors
    /// [`BatchCorrectionError`].
    pub async fn correct_batch(
        &self,
        payment_id: &PaymentId,
        entry: &PaymentRequirements,
    ) -> Result<BatchCorrected, BatchCorrectionError> {
        let terms = BatchTerms::read(entry).map_err(|_| BatchCorrectionError::Missing)?;
        let (Some(state), Some(voucher)) = (terms.extra.channel_state, terms.extra.voucher_state)
        else {
            return Err(BatchCorrectionError::Missing);
        };
        let id = payment_id.clone();
        let channel_id = self
            .0
            .read(move |conn, _| find(conn, &id).map(|row| row.channel_id))
            .await?;
        let known = self
            .0
            .read(move |_, book| Ok(book.batches.get(&channel_id).cloned()))
            .await?
            .ok_or(WalletError::UnknownChannel(channel_id))?;
        let asked = self.chain_port()?.channel(&known.config, channel_id, None);
        let claimed = match asked.await {
            Ok(chain) => chain.claimed.max(known.claimed),
            Err(_) => known.claimed,
        };
        let domain = BatchDomain::new(self.network());
        self.0
            .write(move |tx, book| {
                let unknown = || JobError::Refused(WalletError::UnknownChannel(channel_id));
                let account = book.batches.get(&channel_id).ok_or_else(unknown)?;
                let correction = Correction {
                    state: &state,
                    voucher: &voucher,
                };
                let proven = correction.adopt(&account.config, &domain, claimed);
                let adopted = match proven {
                    Ok(theirs) => account
                        .adopted(theirs)
                        .map_err(|error| JobError::Refused(WalletError::Books(error.to_string())))?
                        .ok_or(BatchCorrectionError::Unexplained),
                    Err(error) => Err(BatchCorrectionError::Unproven(error)),
                };
                match adopted {
                    Ok(next) => {
                        let charged = next.charged;
                        save(tx, book, next)?;
                        Ok(Ok(BatchCorrected { charged }))
                    }
                    Err(error) => {
                        let suspected = account.suspected(error.code());
                        save(tx, book, suspected)?;
                        Ok(Err(error))
                    }
                }
            })
            .await?
    }
}
