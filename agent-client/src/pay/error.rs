//! Why a request was not answered, or not paid for.

use agent_core::{ledger::PaymentId, money::BaseUnits, untrusted::Untrusted, x402::HeaderError};

use super::answer::PaidResponse;
use crate::{
    egress::EgressError,
    wallet::{BatchCorrectionError, CorrectionError, NoOffer, ReceiptError, WalletError},
};

/// Why a request was not answered, or not paid for. Unless a variant says otherwise no payment was
/// left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayError {
    /// The request did not go out, or an unpaid one got no answer.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The body of a request is a stream, which cannot be sent a second time with a payment.
    #[error("the body of a request must be in memory to be sent again with a payment")]
    StreamBody,
    /// A 402 without terms that can be read.
    #[error("the seller asks for payment, but its terms cannot be read: {0}")]
    Terms(HeaderError),
    /// None of the ways to pay will do.
    #[error(transparent)]
    NoOffer(#[from] NoOffer),
    /// The seller asks for other terms than those that were remembered.
    #[error("the terms of this route changed since they were first seen: {0}")]
    Drift(Drift),
    /// The wallet did not pay.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// The payment is too long for a header.
    #[error("the payment cannot be written into a header: {0}")]
    Header(HeaderError),
    /// The seller did not take the payment.
    #[error("the seller did not take the payment: {code}")]
    Refused {
        /// Its code.
        code: Untrusted,
    },
    /// The seller's count of our channel was not believed.
    #[error(transparent)]
    BatchCorrection(#[from] BatchCorrectionError),
    /// The same for a z402 lock.
    #[error(transparent)]
    Correction(#[from] CorrectionError),
    /// The seller answered with a receipt that is not true; nothing more is paid to it.
    #[error("the answer came with a receipt that is not accepted: {error}")]
    Receipt {
        /// What is wrong with it.
        error: ReceiptError,
        /// The answer.
        response: Box<PaidResponse>,
    },
    /// The answer to a paid request was lost. The payment counts as spent.
    #[error("the answer to payment {payment_id} was lost: {error}")]
    Lost {
        /// The payment.
        payment_id: PaymentId,
        /// How.
        error: EgressError,
    },
}

/// In what the terms of a route changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Drift {
    /// Another payee, token, contract or scheme.
    #[error("the money would go another way")]
    Way,
    /// A higher price.
    #[error("the price rose from {before} to {asked} base units")]
    Price {
        /// What it was.
        before: BaseUnits,
        /// What it is now.
        asked: BaseUnits,
    },
}

impl PayError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Egress(error) => error.code(),
            Self::StreamBody => "pay_stream_body",
            Self::Terms(_) => "pay_terms_unreadable",
            Self::NoOffer(_) => "pay_no_offer",
            Self::Drift(_) => "pay_drift",
            Self::Wallet(error) => error.code(),
            Self::Header(_) => "pay_header",
            Self::Refused { .. } => "pay_refused",
            Self::BatchCorrection(error) => error.code(),
            Self::Correction(error) => error.code(),
            Self::Receipt { error, .. } => error.code(),
            Self::Lost { .. } => "pay_lost",
        }
    }
}
