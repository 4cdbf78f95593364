//! Why the wallet did not do what it was asked.

use std::convert::Infallible;

use agent_core::{
    ledger::PaymentId,
    money::{BaseUnits, MoneyError, Network},
    policy::PolicyRefusal,
    voucher::ChannelId,
};
use alloy_primitives::Address;

use super::{approve::ApprovalRequest, escrow::EscrowError};
use crate::sqlite::{OpenError, SubmitError};

/// Why the wallet did not do what it was asked. Unless a variant says otherwise nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalletError {
    /// The seller's terms do not agree with our own configuration.
    #[error("the seller's terms are not ours: {0}")]
    Terms(#[from] TermsRefusal),
    /// The spend policy says no.
    #[error(transparent)]
    Policy(#[from] PolicyRefusal),
    /// A person must say yes to this payment first; asked again later, it may go through.
    #[error("a person has to approve this payment first (approval {})", .0.id())]
    NeedsApproval(Box<ApprovalRequest>),
    /// A person said no to this payment, or nobody answered in time.
    #[error("this payment was not approved (approval {})", .0.id())]
    NotApproved(Box<ApprovalRequest>),
    /// No lock has room, and the wallet is not configured to open one by itself.
    #[error("no open lock has room for {need} base units; open one or top one up")]
    NoRoom {
        /// What the payment needs.
        need: BaseUnits,
    },
    /// A channel to this payee is suspect, so nothing more is signed for it.
    #[error("channel {channel} is suspect ({why}); nothing more is signed for this payee")]
    Suspect {
        /// The channel.
        channel: ChannelId,
        /// What its payee did.
        why: String,
    },
    /// As many calls are in flight as the payee takes, and none ended in time.
    #[error(
        "{max_in_flight} calls to this payee are in flight and none ended within {waited_ms} ms"
    )]
    Slots {
        /// How many the payee takes.
        max_in_flight: u32,
        /// How long was waited.
        waited_ms: u64,
    },
    /// Opening, looking at or releasing a lock failed. What was started is stored and goes on with
    /// the next call.
    #[error(transparent)]
    Escrow(#[from] EscrowError),
    /// No payment with this id was made here.
    #[error("payment {0} is not known to this wallet")]
    UnknownPayment(PaymentId),
    /// No channel with this id was opened here.
    #[error("channel {0} is not known to this wallet")]
    UnknownChannel(ChannelId),
    /// The file belongs to another payer, chain or escrow contract.
    #[error("the wallet file belongs to payer {payer} on {network} under escrow {contract}")]
    OtherWallet {
        /// Whose it is.
        payer: Address,
        /// On which chain.
        network: Network,
        /// Under which contract.
        contract: Address,
    },
    /// The books do not hold together. Nothing is signed on them any more.
    #[error("the wallet's books are wrong: {0}")]
    Books(String),
    /// An amount left its range.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store failed. After [`SubmitError::Unknown`] a row may be there, but what it would have
    /// allowed was not handed out.
    #[error(transparent)]
    Store(#[from] SubmitError<Infallible>),
    /// A value could not be written as JSON.
    #[error("cannot write the payment as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl WalletError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Terms(refusal) => refusal.code(),
            Self::Policy(refusal) => refusal.code(),
            Self::NeedsApproval(_) => "wallet_needs_approval",
            Self::NotApproved(_) => "wallet_not_approved",
            Self::NoRoom { .. } => "wallet_no_room",
            Self::Suspect { .. } => "wallet_suspect",
            Self::Slots { .. } => "wallet_too_many_in_flight",
            Self::Escrow(error) => error.code(),
            Self::UnknownPayment(_) => "wallet_unknown_payment",
            Self::UnknownChannel(_) => "wallet_unknown_channel",
            Self::OtherWallet { .. } => "wallet_other",
            Self::Books(_) => "wallet_books",
            Self::Money(error) => error.code(),
            Self::Open(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Json(_) => "wallet_json",
        }
    }
}

/// In which respect a seller's terms differ from what we are configured for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermsRefusal {
    /// A scheme, or a variant of one, that this wallet does not pay with.
    #[error("they offer no scheme that this wallet pays with")]
    Scheme,
    /// Another chain.
    #[error("they are for another chain")]
    Network,
    /// A token that is not in our table.
    #[error("the token is not configured here")]
    Asset,
    /// The token is ours, but described with other decimals, name or version.
    #[error("they describe the token otherwise than our configuration does")]
    AssetDiffers,
    /// Another escrow contract than the wallet's.
    #[error("they name another escrow contract")]
    Contract,
    /// Something that the scheme needs is missing or out of range.
    #[error("something that the scheme needs is missing or out of range")]
    Unreadable,
    /// Nobody to pay.
    #[error("they pay the zero address")]
    PayTo,
    /// Nothing to pay.
    #[error("a payment of nothing needs no voucher")]
    Nothing,
}

impl TermsRefusal {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Scheme => "terms_scheme",
            Self::Network => "terms_network",
            Self::Asset => "terms_asset",
            Self::AssetDiffers => "terms_asset_differs",
            Self::Contract => "terms_contract",
            Self::Unreadable => "terms_unreadable",
            Self::PayTo => "terms_pay_to",
            Self::Nothing => "terms_nothing",
        }
    }
}
