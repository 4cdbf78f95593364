//! Payment on the wire: x402 v2 objects, the scheme `z402` beside them, and how both ride on A2A.
//!
//! z402 is asked for with a top-level `mode: "z"`; `"x"` or nothing means plain x402. The mode never
//! sits in the core of an `accepts` entry, and an echoed `extensions` or `extra` never stands for
//! it: clients that do not know z402 echo both.
//!
//! | module | what it holds |
//! |---|---|
//! | `objects`, `terms`, `z402` | x402 v2, our terms in a card, our scheme |
//! | [`exact`], [`upto`], [`batch`] | the other schemes on EVM, as the stock packages speak them |
//! | [`header`], [`v1`] | x402 over HTTP in both versions |
//! | [`facilitator`] | what a facilitator is asked and answers |
//! | `metered` | where the meter of work that is paid for while it goes on stands |
//! | [`offer`], [`receipt`], `bid` | prices that are negotiated, and evidence of what was sold |

mod authorize;
pub mod batch;
mod bid;
mod credit;
mod echo;
mod eip3009;
mod evm_terms;
pub mod exact;
pub mod facilitator;
pub mod header;
pub mod limits;
mod metered;
mod objects;
pub mod offer;
mod permit2;
pub mod receipt;
mod terms;
mod typed_data;
mod uint;
pub mod upto;
pub mod v1;
mod z402;

pub use authorize::{
    AuthorizeRequest, AuthorizeResponse, Erc3009Opening, LockAuthorization, VaultOpening,
    Z402Claim, Z402SettlePayload,
};
pub use batch::AssetTransferMethod;
pub use bid::{Bid, QuoteNotes};
pub use credit::{CreditError, CreditKey, CreditToken};
pub use eip3009::{OutOfTime, TransferAuthorization, check_window};
pub use evm_terms::{EvmTerms, TermsError};
pub use exact::{CheckedTransfer, Eip3009Payment, ExactError, ExactPayload, SCHEME_EXACT};
pub use header::{HeaderError, HeaderObject};
pub use metered::MeterNote;
pub use objects::{
    Mode, PaymentPayload, PaymentRequired, PaymentRequirements, ResourceInfo, SettleResponse,
};
pub use permit2::{
    DepositWitness, EXACT_PERMIT2_PROXY, ExactWitness, Permit2Authorization, Permit2Payment,
    PermitError, TokenPermissions, UPTO_PERMIT2_PROXY, UptoWitness, Witness,
};
pub use terms::{AgentIdentity, BatchOffer, ExactOffer, PaymentTerms, SkillTerms};
pub use typed_data::{PERMIT2, Permit2Domain, TokenDomain};
pub use uint::{HexSalt, Uint256};
pub use upto::{SCHEME_UPTO, UptoExtra, UptoPayload};
pub use z402::{PaymentIdentifier, VoucherText, WireChannel, Z402Extra, Z402Payload, Z402Receipt};

/// The x402 version these objects are of.
pub const X402_VERSION: u8 = 2;
/// The scheme of vouchers on the z402 escrow.
pub const SCHEME_Z402: &str = "z402";
/// The name of the x402 extension that carries the buyer's idempotency key.
pub const PAYMENT_IDENTIFIER: &str = "payment-identifier";

/// Our A2A extension: prices in the card, payment in the first message, skill selection.
pub const EXTENSION_URI: &str = "urn:z402:a2a:v1";
/// The a2a-x402 extension, version 0.1.
pub const A2A_X402_V01_URI: &str = "https://github.com/google-a2a/a2a-x402/v0.1";
/// The a2a-x402 extension, version 0.2.
pub const A2A_X402_V02_URI: &str =
    "https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2";

/// Keys of A2A message metadata, as a2a-x402 names them.
pub mod keys {
    /// One of [`super::PaymentStatus`].
    pub const STATUS: &str = "x402.payment.status";
    /// A [`super::PaymentRequired`].
    pub const REQUIRED: &str = "x402.payment.required";
    /// A [`super::PaymentPayload`].
    pub const PAYLOAD: &str = "x402.payment.payload";
    /// An array of [`super::SettleResponse`]: every attempt, oldest first.
    pub const RECEIPTS: &str = "x402.payment.receipts";
    /// A short error code.
    pub const ERROR: &str = "x402.payment.error";
    /// Where the meter of a task stands: a [`super::MeterNote`], under our own extension.
    pub const METERED: &str = "urn:z402:a2a:v1/metered";
    /// The id of the skill that the message is for, under our own extension.
    pub const SKILL: &str = "urn:z402:a2a:v1/skill";
    /// What a buyer would pay: a [`super::Bid`], under our own extension.
    pub const BID: &str = "urn:z402:a2a:v1/bid";
    /// In a request `true`: what would this cost? In the answer a [`super::QuoteNotes`]. Under our
    /// own extension.
    pub const QUOTE: &str = "urn:z402:a2a:v1/quote";
    /// The [`super::offer::SignedOffer`] that a buyer accepted, under our own extension.
    pub const OFFER: &str = "urn:z402:a2a:v1/offer";
}

/// Where a payment stands (a2a-x402 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PaymentStatus {
    /// The seller asks for payment.
    PaymentRequired,
    /// The buyer sends one.
    PaymentSubmitted,
    /// The buyer declines.
    PaymentRejected,
    /// The seller checked it and works.
    PaymentVerified,
    /// Paid.
    PaymentCompleted,
    /// Not paid; see the error.
    PaymentFailed,
}
