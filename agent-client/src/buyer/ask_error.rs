//! Why a question brought no answer, and what became of the money.

use agent_core::a2a::{Task, TaskState};
use agent_core::ledger::PaymentId;
use agent_core::money::BaseUnits;
use agent_core::untrusted::Untrusted;

use super::Question;
use crate::call::CallError;
use crate::discover::PayeeRefusal;
use crate::wallet::{CorrectionError, ReceiptError, WalletError};

/// Why a question brought no answer. Each variant says what became of the money.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The card lists no such skill. Nothing was sent.
    #[error("the agent offers no skill `{0}`")]
    UnknownSkill(String),
    /// The question cannot be JSON. Nothing was sent.
    #[error("the input cannot be written as JSON: {0}")]
    Input(serde_json::Error),
    /// The account to pay is not the seller's. Nothing was paid.
    #[error(transparent)]
    Payee(#[from] PayeeRefusal),
    /// The wallet did not pay, or could not write down what became of a payment.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// The seller wants to be paid in a way that we cannot or must not. Nothing was paid.
    #[error("the seller cannot be paid: {0}")]
    Unpayable(&'static str),
    /// The seller wants more than it offered or the caller allows. Nothing was paid.
    #[error("the seller asks for {asked} base units; at most {allowed} are allowed")]
    Dearer {
        /// What it asks for.
        asked: BaseUnits,
        /// What it offered, or the caller allowed.
        allowed: BaseUnits,
    },
    /// The call failed and no payment was taken.
    #[error(transparent)]
    Call(CallError),
    /// The answer was lost. The payment stays counted at its maximum until a receipt turns up.
    #[error("the answer to payment {payment_id} was lost: {error}")]
    Lost {
        /// The payment.
        payment_id: PaymentId,
        /// What happened.
        error: CallError,
    },
    /// The seller did not take the payment. Nothing was charged.
    #[error("the seller refused the payment ({code}): {message}")]
    PaymentRefused {
        /// The seller's code.
        code: Untrusted,
        /// The seller's words.
        message: Untrusted,
    },
    /// The seller's count of the channel cannot be true. Nothing more is paid to it.
    #[error(transparent)]
    Correction(#[from] CorrectionError),
    /// The seller answered, and its receipt does not hold. The payment stays counted at its
    /// maximum and nothing more is paid to the seller.
    #[error("the seller's receipt does not hold: {error}")]
    Receipt {
        /// What is wrong with it.
        error: ReceiptError,
        /// What the seller answered, for who wants it all the same.
        task: Box<Task>,
    },
    /// The seller ended the task and sent no receipt. The payment stays counted at its maximum.
    #[error("the seller ended the task without a receipt")]
    NoReceipt {
        /// What the seller answered, for who wants it all the same.
        task: Box<Task>,
    },
    /// The task ended in another way than with an answer.
    #[error("the task ended as {state:?}: {message}")]
    Ended {
        /// How it ended.
        state: TaskState,
        /// The seller's code, if it gave one.
        reason: Option<Untrusted>,
        /// The seller's words.
        message: Untrusted,
        /// The task.
        task_id: Untrusted,
        /// What was charged for it; a seller should charge nothing.
        charged: BaseUnits,
    },
    /// The seller asks something back. The payment is held until the task ends; answer with
    /// [`Seller::reply`](super::Seller::reply).
    #[error("the seller asks: {0}")]
    Question(Box<Question>),
    /// The answer came, was paid for, and is not what was expected.
    #[error("the answer is not what was expected: {error}")]
    Output {
        /// What does not fit; it quotes the seller.
        error: Untrusted,
        /// What the seller answered.
        task: Box<Task>,
    },
}

impl AskError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownSkill(_) => "ask.unknown_skill",
            Self::Input(_) => "ask.bad_input",
            Self::Payee(error) => error.code(),
            Self::Wallet(error) => error.code(),
            Self::Unpayable(_) => "ask.unpayable",
            Self::Dearer { .. } => "ask.dearer",
            Self::Call(error) => error.code(),
            Self::Lost { .. } => "ask.answer_lost",
            Self::PaymentRefused { .. } => "ask.payment_refused",
            Self::Correction(error) => error.code(),
            Self::Receipt { error, .. } => error.code(),
            Self::NoReceipt { .. } => "ask.no_receipt",
            Self::Ended { .. } => "ask.task_ended",
            Self::Question(_) => "ask.question",
            Self::Output { .. } => "ask.bad_output",
        }
    }
}
