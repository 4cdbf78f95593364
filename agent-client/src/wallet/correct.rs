//! A seller's own count of a channel, believed only as far as our books bear it out.

use agent_core::{money::BaseUnits, voucher::ChannelId, x402::WireChannel};

use alloy_primitives::Address;

use super::{
    Wallet,
    account::Account,
    batch::{self, BatchAccount},
    book::{Book, save},
    error::WalletError,
};
use crate::sqlite::JobError;

/// A count that was consistent with ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrected {
    /// The next voucher's ceiling covers this much besides the payment it is for, in base units.
    pub owed: BaseUnits,
}

/// Why a seller's count was not adopted. On all but [`CorrectionError::Wallet`] the channel is
/// suspect from then on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorrectionError {
    /// The six numbers contradict each other.
    #[error("the seller's count of the channel contradicts itself")]
    Inconsistent,
    /// It says that we signed more than we did.
    #[error(
        "the seller claims a voucher over {theirs} base units; the highest we signed is {ours}"
    )]
    NeverSigned {
        /// What it says.
        theirs: BaseUnits,
        /// What our books say.
        ours: BaseUnits,
    },
    /// It charged more than its receipts and the payments in flight can explain.
    #[error("the seller counts {theirs} base units as charged; at most {ours} can have been")]
    Overcharged {
        /// What it says.
        theirs: BaseUnits,
        /// The most that our books allow.
        ours: BaseUnits,
    },
    /// It says that the lock holds more than we put in.
    #[error("the seller counts {theirs} base units in the lock; we put in {ours}")]
    NeverDeposited {
        /// What it says.
        theirs: BaseUnits,
        /// What our books say.
        ours: BaseUnits,
    },
    /// The wallet could not do its part; not the seller's doing.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

impl CorrectionError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Inconsistent => "correction_inconsistent",
            Self::NeverSigned { .. } => "correction_never_signed",
            Self::Overcharged { .. } => "correction_overcharged",
            Self::NeverDeposited { .. } => "correction_never_deposited",
            Self::Wallet(error) => error.code(),
        }
    }
}

impl Wallet {
    /// Takes the count that a seller sent with `invalid_z402_ceiling_too_low`, so that the next
    /// voucher covers what it still holds for calls that we believed ended.
    ///
    /// What it can gain by lying is bounded: the count must lie within what we signed, each payment
    /// raises the ceiling by its own maximum at most, and raised ceilings count against the policy.
    /// Correct once and pay again once; a seller that asks twice is not worth a third voucher.
    ///
    /// # Errors
    /// [`CorrectionError`].
    pub async fn correct(
        &self,
        channel_id: ChannelId,
        theirs: &WireChannel,
    ) -> Result<Corrected, CorrectionError> {
        let theirs = theirs.clone();
        self.0
            .write(move |tx, book| {
                let unknown = || JobError::Refused(WalletError::UnknownChannel(channel_id));
                let account = book
                    .accounts
                    .get(&channel_id)
                    .cloned()
                    .ok_or_else(unknown)?;
                match adopt(book, &account, &theirs) {
                    Ok(owed) => {
                        let known = account
                            .owed()
                            .map_err(|error| JobError::Refused(error.into()))?;
                        if let Ok(more) = owed.minus(known) {
                            let unseen = account.unseen.plus(more).unwrap_or(account.unseen);
                            save(tx, book, Account { unseen, ..account })?;
                        }
                        Ok(Ok(Corrected {
                            owed: owed.max(known),
                        }))
                    }
                    Err(CorrectionError::Wallet(error)) => Err(JobError::Refused(error)),
                    Err(error) => {
                        save(tx, book, account.suspected(error.code()))?;
                        Ok(Err(error))
                    }
                }
            })
            .await?
    }

    /// Trusts a payee again that was suspect: it is paid on a new lock, and the suspect ones wait
    /// for their deadline. For a person to decide, after talking to the payee.
    ///
    /// # Errors
    /// The store's.
    pub async fn forgive(&self, payee: Address) -> Result<(), WalletError> {
        self.0
            .write(move |tx, book| {
                let accounts = book.accounts.values();
                let suspects: Vec<_> = accounts
                    .filter(|account| account.lock.payee == payee && account.is_suspect())
                    .map(Account::forgiven)
                    .collect();
                for account in suspects {
                    save(tx, book, account)?;
                }
                let channels = book.batches.values();
                let suspects: Vec<_> = channels
                    .filter(|account| account.config.receiver == payee && account.is_suspect())
                    .map(BatchAccount::forgiven)
                    .collect();
                for account in suspects {
                    batch::save(tx, book, account)?;
                }
                Ok(())
            })
            .await
    }
}

/// The seller's H + R, if it can be true. It may be older than our books, so what is smaller than
/// ours says nothing.
fn adopt(book: &Book, ours: &Account, theirs: &WireChannel) -> Result<BaseUnits, CorrectionError> {
    let owed = theirs
        .charged
        .plus(theirs.reserved)
        .map_err(|_| CorrectionError::Inconsistent)?;
    let ordered = theirs.claimed <= theirs.charged && owed <= theirs.signed;
    if !ordered || theirs.signed > theirs.authorized {
        return Err(CorrectionError::Inconsistent);
    }
    if theirs.signed > ours.signed {
        return Err(CorrectionError::NeverSigned {
            theirs: theirs.signed,
            ours: ours.signed,
        });
    }
    let coming = book
        .openings
        .values()
        .filter(|opening| opening.intent.channel_id == ours.id)
        .map(|opening| opening.intent.amount);
    let put_in = BaseUnits::total(coming.chain([ours.deposited])).map_err(WalletError::from)?;
    if theirs.authorized > put_in {
        let (theirs, ours) = (theirs.authorized, put_in);
        return Err(CorrectionError::NeverDeposited { theirs, ours });
    }
    let most = ours
        .charged
        .plus(ours.reserved)
        .map_err(WalletError::from)?;
    if theirs.charged > most {
        return Err(CorrectionError::Overcharged {
            theirs: theirs.charged,
            ours: most,
        });
    }
    Ok(owed)
}
