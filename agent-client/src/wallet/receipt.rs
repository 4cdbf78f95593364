//! What came of a payment: the receipt held against what was agreed.

use agent_core::{
    json::Json,
    ledger::PaymentId,
    money::{BaseUnits, Network},
    voucher::ChannelId,
    x402::{CreditToken, Mode, SettleResponse, Z402Receipt},
};
use alloy_primitives::Address;

use super::{
    Wallet, batch, credit,
    error::WalletError,
    exact,
    scheme::Scheme,
    settle::{end_any, find, mark, settle},
};

/// How a payment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// Which payment.
    pub payment_id: PaymentId,
    /// The channel that paid.
    pub channel_id: ChannelId,
    /// What was charged, in base units; zero when the seller did not take the payment.
    pub charged: BaseUnits,
    /// Whether the seller took the payment.
    pub taken: bool,
}

/// Why a receipt was not accepted.
///
/// All but [`ReceiptError::Wallet`] are the seller's doing: the payment stays counted at its
/// maximum and the channel is suspect from then on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// It is not a receipt for z402.
    #[error("the receipt is not one for z402")]
    NotZ402,
    /// It is for another chain.
    #[error("the receipt is for another chain")]
    Network,
    /// It names another payer.
    #[error("the receipt names another payer")]
    Payer,
    /// It is for another payment.
    #[error("the receipt is for another payment")]
    PaymentId,
    /// It is for another channel.
    #[error("the receipt is for another channel")]
    Channel,
    /// It charges more than was authorised.
    #[error("the receipt charges {charged} base units where at most {max} were authorised")]
    Overcharged {
        /// What it charges.
        charged: BaseUnits,
        /// What was authorised.
        max: BaseUnits,
    },
    /// It says that the payment failed and charges for it.
    #[error("the receipt says that the payment failed, and charges for it")]
    ChargedForFailure,
    /// An earlier receipt for this payment said something else.
    #[error("the receipt contradicts an earlier one for the same payment")]
    Contradiction,
    /// It lacks what a receipt of the scheme says.
    #[error("the receipt lacks what a receipt of its scheme says")]
    Shape,
    /// The seller's sum does not follow from ours.
    #[error("the seller's count of the channel does not follow from ours")]
    Count,
    /// The wallet could not do its part; not the seller's doing.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

impl ReceiptError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotZ402 => "receipt_not_z402",
            Self::Network => "receipt_network",
            Self::Payer => "receipt_payer",
            Self::PaymentId => "receipt_payment_id",
            Self::Channel => "receipt_channel",
            Self::Overcharged { .. } => "receipt_overcharged",
            Self::ChargedForFailure => "receipt_charged_for_failure",
            Self::Contradiction => "receipt_contradiction",
            Self::Shape => "receipt_shape",
            Self::Count => "receipt_count",
            Self::Wallet(error) => error.code(),
        }
    }
}

impl Wallet {
    /// Takes a receipt: posts what it charges, or frees the payment's maximum when the seller did
    /// not take it. The same receipt again changes nothing. A receipt that comes late, after
    /// [`Wallet::mark_unknown`] or a restart, is taken as if it had come in time.
    ///
    /// # Errors
    /// [`ReceiptError`]. On all but [`ReceiptError::Wallet`] the channel is marked suspect, and
    /// that is committed by the time this returns.
    pub async fn confirm(
        &self,
        payment_id: &PaymentId,
        receipt: &SettleResponse,
    ) -> Result<Confirmed, ReceiptError> {
        let said = read(receipt, self.network(), self.payer());
        let told = Told::of(receipt, self.network(), self.payer());
        let id = payment_id.clone();
        let now = self.0.clock.now_unix_millis();
        self.0
            .write(move |tx, book| {
                let row = find(tx, &id)?;
                match row.scheme {
                    Scheme::Z402 => settle(tx, book, row, &said, now),
                    Scheme::BatchSettlement => batch::settle(tx, book, row, &told, now),
                    Scheme::Exact => exact::settle(tx, book, row, &told, now),
                }
            })
            .await?
    }

    /// The payment was not made: nothing of it was ever sent. Frees its maximum. Only for when that
    /// is known; otherwise [`Wallet::refused`] or [`Wallet::mark_unknown`]. Does nothing when the
    /// payment has ended.
    ///
    /// # Errors
    /// [`WalletError::UnknownPayment`] or the store's.
    pub async fn void(&self, payment_id: &PaymentId) -> Result<(), WalletError> {
        let id = payment_id.clone();
        let now = self.0.clock.now_unix_millis();
        self.0
            .write(move |tx, book| {
                let row = find(tx, &id)?;
                if row.open() {
                    end_any(tx, book, &row, BaseUnits::ZERO, "void", now)?;
                }
                Ok(())
            })
            .await
    }

    /// The seller refused the payment with an error instead of a receipt. Frees its maximum, since
    /// a voucher that goes on from our count replaces it; but an authorization of `exact` stays
    /// counted until it cannot be used any more. Does nothing when the payment has ended.
    ///
    /// # Errors
    /// [`WalletError::UnknownPayment`] or the store's.
    pub async fn refused(&self, payment_id: &PaymentId) -> Result<(), WalletError> {
        let id = payment_id.clone();
        let now = self.0.clock.now_unix_millis();
        self.0
            .write(move |tx, book| {
                let row = find(tx, &id)?;
                match row.scheme {
                    Scheme::Exact => mark(tx, &row)?,
                    _ if row.open() => {
                        credit::drop_used(book, &row);
                        end_any(tx, book, &row, BaseUnits::ZERO, "void", now)?;
                    }
                    _ => {}
                }
                Ok(())
            })
            .await
    }

    /// The answer was lost: the payment stays counted at its maximum until a receipt turns up. Does
    /// nothing when the payment has ended.
    ///
    /// # Errors
    /// [`WalletError::UnknownPayment`] or the store's.
    pub async fn mark_unknown(&self, payment_id: &PaymentId) -> Result<(), WalletError> {
        let id = payment_id.clone();
        self.0
            .write(move |tx, _| {
                let row = find(tx, &id)?;
                mark(tx, &row)?;
                Ok(())
            })
            .await
    }
}

/// What a receipt says, as far as it can be judged without the books.
#[derive(Debug, Clone)]
pub(super) enum Said {
    Charged(Z402Receipt),
    NotTaken(Option<Z402Receipt>),
    Wrong(Lie),
}

impl Said {
    /// What lets the next payments be made without a voucher.
    pub(super) fn credit(&self) -> Option<&CreditToken> {
        match self {
            Self::Charged(extra) | Self::NotTaken(Some(extra)) => extra.credit_token.as_ref(),
            _ => None,
        }
    }
}

/// The part of [`ReceiptError`] that can be copied into a transaction and told again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lie {
    NotZ402,
    Network,
    Payer,
    PaymentId,
    Channel,
    Overcharged { charged: BaseUnits, max: BaseUnits },
    ChargedForFailure,
    Contradiction,
    Shape,
    Count,
}

impl From<Lie> for ReceiptError {
    fn from(lie: Lie) -> Self {
        match lie {
            Lie::NotZ402 => Self::NotZ402,
            Lie::Network => Self::Network,
            Lie::Payer => Self::Payer,
            Lie::PaymentId => Self::PaymentId,
            Lie::Channel => Self::Channel,
            Lie::Overcharged { charged, max } => Self::Overcharged { charged, max },
            Lie::ChargedForFailure => Self::ChargedForFailure,
            Lie::Contradiction => Self::Contradiction,
            Lie::Shape => Self::Shape,
            Lie::Count => Self::Count,
        }
    }
}

/// What a receipt of x402's own schemes says.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) success: bool,
    /// What is wrong with it whatever the payment.
    pub(super) lie: Option<Lie>,
    pub(super) extra: Json,
}

impl Told {
    fn of(receipt: &SettleResponse, network: Network, payer: Address) -> Self {
        let named = receipt.payer.as_deref().map(str::parse::<Address>);
        let lie = if receipt.network.parse() != Ok(network) {
            Some(Lie::Network)
        } else if named.is_some_and(|named| named != Ok(payer)) {
            Some(Lie::Payer)
        } else {
            None
        };
        Self {
            success: receipt.success,
            lie,
            extra: receipt.extra.clone(),
        }
    }
}

/// A refusal is held to nothing but its own claims: sellers refuse before they know chain or payer.
fn read(receipt: &SettleResponse, network: Network, payer: Address) -> Said {
    let extra = receipt.extra.parse::<Z402Receipt>().ok();
    if !receipt.success {
        return Said::NotTaken(extra);
    }
    if receipt.network.parse() != Ok(network) {
        return Said::Wrong(Lie::Network);
    }
    let named = receipt.payer.as_deref().map(str::parse::<Address>);
    if named.is_some_and(|named| named != Ok(payer)) {
        return Said::Wrong(Lie::Payer);
    }
    match extra {
        Some(extra) if receipt.mode == Mode::Z => Said::Charged(extra),
        _ => Said::Wrong(Lie::NotZ402),
    }
}
