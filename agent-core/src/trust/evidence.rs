//! What a piece of feedback is worth: graded by evidence, not by what it says.
//!
//! EIP-8004 ("Security Considerations") leaves filtering to readers. Anyone may give feedback
//! without having met the agent, and most do; a payment that the chain confirms is the least a
//! reader should ask for. It is not proof against a seller who pays himself: that is bounded in
//! [`mod@score`](mod@super::score), not here.

use super::grade::Reason;
use super::id::GlobalAgentId;
use super::value::FeedbackValue;
use alloy_primitives::{Address, B256, TxHash};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The Reputation Registry's `NewFeedback` event, which is the only place where `endpoint`, `uri`
/// and `hash` exist on chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedbackEvent {
    /// Whom it is about.
    pub agent: GlobalAgentId,
    /// Who sent it.
    pub client: Address,
    /// The number of this feedback among those of this client on this agent, from 1.
    pub index: u64,
    /// The value.
    pub value: FeedbackValue,
    /// The first tag; `""` for none.
    pub tag1: String,
    /// The second tag.
    pub tag2: String,
    /// The endpoint that was called.
    pub endpoint: String,
    /// Where the feedback file is.
    pub uri: String,
    /// keccak-256 of the file; zero when there is none or the URI is content-addressed.
    pub hash: B256,
    /// The time of the block, in Unix seconds.
    pub block_time: u64,
}

/// What a chain reader found out about the payment that a feedback file names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PaymentCheck {
    /// The payment is real. The caller has seen on chain that the transaction succeeded, moved an
    /// allow-listed asset from the payer (or from a channel whose payer that is) to an account the
    /// agent is paid at (its wallet or owner at that block, or a wallet its file lists), before the
    /// feedback and not long before.
    Verified(VerifiedPayment),
    /// The chain contradicts the file; why, for people.
    Mismatch(String),
    /// The file names no payment.
    NoProof,
    /// The chain could not be asked. No verdict: neither paid nor unpaid.
    Unreadable,
}

/// A payment that the chain confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VerifiedPayment {
    /// How much, in base units. All amounts that are scored together have to be of assets with one
    /// unit, such as the USDC of several chains: they are added up.
    pub amount_base_units: u128,
    /// The transaction that moved the money.
    pub tx: TxHash,
    /// The account that paid: behind a channel, the channel's payer.
    pub payer: Address,
    /// The account that was paid.
    pub payee: Address,
    /// The voucher that this payment redeemed, if the caller has checked that the transaction
    /// settles it. Never taken unchecked from the file: a reviewer could invent one for each item.
    pub voucher_hash: Option<B256>,
}

/// How much evidence stands behind a piece of feedback; more is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evidence {
    /// E0: a number on a chain.
    Bare,
    /// E1: its file is there, has the hash, and says the same as the event.
    FileConsistent,
    /// E2: and the payment it names is confirmed by the chain and was made by the reviewer.
    PaymentVerified,
    /// E3: and the seller signed a receipt for the service.
    SellerReceipt,
    /// E4: E2 or E3, and the reader knows the reviewer. A known reviewer without a payment stays
    /// where the evidence leaves it.
    KnownReviewer,
}

impl Evidence {
    /// The short name, `E0` to `E4`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Bare => "E0",
            Self::FileConsistent => "E1",
            Self::PaymentVerified => "E2",
            Self::SellerReceipt => "E3",
            Self::KnownReviewer => "E4",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Bare => "bare",
            Self::FileConsistent => "file consistent",
            Self::PaymentVerified => "payment verified",
            Self::SellerReceipt => "seller's receipt",
            Self::KnownReviewer => "known reviewer",
        };
        write!(f, "{} {name}", self.code())
    }
}

/// The verdict on one piece of feedback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graded {
    /// The level.
    pub level: Evidence,
    /// How it came about, in the order looked at.
    pub reasons: Vec<Reason>,
    /// The payment, at E2 and better.
    pub payment: Option<VerifiedPayment>,
}

impl Graded {
    /// Whether the level may rise once the chain can be asked again.
    #[must_use]
    pub fn is_provisional(&self) -> bool {
        self.reasons.contains(&Reason::PaymentUnreadable)
    }
}
