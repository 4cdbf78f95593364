//! The climb from one level of evidence to the next.

use super::data_uri;
use super::evidence::{Evidence, FeedbackEvent, Graded, PaymentCheck, VerifiedPayment};
use super::feedback::FeedbackFile;
use super::id::AccountId;
use super::limits::MAX_FEEDBACK_READ_BYTES;
use alloy_primitives::keccak256;
use std::fmt;

/// One step of the grading, for or against.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No file was to be had.
    FileMissing,
    /// The event has no hash, and the file is not in its URI: nothing ties the two together.
    HashAbsent,
    /// The file's keccak-256 is another one.
    HashMismatch,
    /// The file cannot be read; why.
    FileUnreadable(String),
    /// This field of the file says something else than the event.
    FieldDiffers(&'static str),
    /// The file has the hash and says what the event says.
    FileAgrees,
    /// The file names no payment.
    NoPayment,
    /// The chain could not be asked: no verdict yet.
    PaymentUnreadable,
    /// The chain contradicts the file; how.
    PaymentMismatch(String),
    /// The payment is real, but someone else made it.
    PaidByOther,
    /// The payment is real, but not the one the file names.
    OtherPayment,
    /// The chain confirms the payment.
    PaymentConfirmed,
    /// The seller's receipt holds.
    ReceiptHolds,
    /// There is a receipt and it does not hold.
    ReceiptInvalid,
    /// The reader knows the reviewer.
    ReviewerKnown,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FileMissing => "the feedback file is missing",
            Self::HashAbsent => "no hash on chain ties the file to the feedback",
            Self::HashMismatch => "the file does not have the hash that is on chain",
            Self::FileUnreadable(what) => return write!(f, "the file cannot be read: {what}"),
            Self::FieldDiffers(what) => {
                return write!(f, "the file's `{what}` differs from the event's");
            }
            Self::FileAgrees => "the file is intact and agrees with the event",
            Self::NoPayment => "the file names no payment",
            Self::PaymentUnreadable => "the payment could not be checked: no verdict",
            Self::PaymentMismatch(what) => return write!(f, "the payment does not hold: {what}"),
            Self::PaidByOther => "the reviewer is not who paid",
            Self::OtherPayment => "the payment that was checked is not the one the file names",
            Self::PaymentConfirmed => "the chain confirms the payment",
            Self::ReceiptHolds => "the seller signed a receipt",
            Self::ReceiptInvalid => "the receipt does not hold",
            Self::ReviewerKnown => "the reviewer is known",
        })
    }
}

/// Grades one piece of feedback. Pure: fetching `file` and checking `payment` and `receipt` (the
/// seller's signature; `None` without one) was up to the caller.
///
/// Each level needs the one below, but for E4, which needs E2. Nothing that is missing or
/// contradicted is an error: it ends the climb, and says so in the reasons.
#[must_use]
pub fn grade(
    item: &FeedbackEvent,
    file: Option<&[u8]>,
    payment: PaymentCheck,
    receipt: Option<bool>,
    known_reviewer: bool,
) -> Graded {
    let mut reasons = Vec::new();
    let stop = |level, mut reasons: Vec<Reason>, last| {
        reasons.push(last);
        Graded {
            level,
            reasons,
            payment: None,
        }
    };
    let file = match consistent_file(item, file) {
        Ok(file) => file,
        Err(why) => return stop(Evidence::Bare, reasons, why),
    };
    reasons.push(Reason::FileAgrees);
    let paid = match confirmed_payment(item, &file, payment) {
        Ok(paid) => paid,
        Err(why) => return stop(Evidence::FileConsistent, reasons, why),
    };
    reasons.push(Reason::PaymentConfirmed);
    let mut level = Evidence::PaymentVerified;
    match receipt {
        Some(true) => {
            level = Evidence::SellerReceipt;
            reasons.push(Reason::ReceiptHolds);
        }
        Some(false) => reasons.push(Reason::ReceiptInvalid),
        None => {}
    }
    if known_reviewer {
        level = Evidence::KnownReviewer;
        reasons.push(Reason::ReviewerKnown);
    }
    Graded {
        level,
        reasons,
        payment: Some(paid),
    }
}

fn consistent_file(item: &FeedbackEvent, file: Option<&[u8]>) -> Result<FeedbackFile, Reason> {
    let bytes = file.ok_or(Reason::FileMissing)?;
    if item.hash.is_zero() {
        // A file inside the URI is tied to the event by the event itself. Other content-addressed
        // URIs would need their hash function here, so they are not credited.
        let inside = data_uri::decode(&item.uri, MAX_FEEDBACK_READ_BYTES);
        if inside.as_deref() != Ok(bytes) {
            return Err(Reason::HashAbsent);
        }
    } else if keccak256(bytes) != item.hash {
        return Err(Reason::HashMismatch);
    }
    let file = FeedbackFile::read(bytes).map_err(|e| Reason::FileUnreadable(e.to_string()))?;
    let client = AccountId::new(item.agent.registry.network(), item.client);
    let agrees = [
        (
            "agentRegistry",
            file.agent().registry == item.agent.registry,
        ),
        ("agentId", file.agent().agent_id == item.agent.agent_id),
        ("clientAddress", *file.client() == client),
        ("value", file.value().value() == item.value.value()),
        (
            "valueDecimals",
            file.value().decimals() == item.value.decimals(),
        ),
        ("tag1", file.tag1() == item.tag1),
        ("tag2", file.tag2() == item.tag2),
    ];
    match agrees.into_iter().find(|(_, same)| !same) {
        Some((field, _)) => Err(Reason::FieldDiffers(field)),
        None => Ok(file),
    }
}

fn confirmed_payment(
    item: &FeedbackEvent,
    file: &FeedbackFile,
    payment: PaymentCheck,
) -> Result<VerifiedPayment, Reason> {
    let claimed = file.payment().ok_or(Reason::NoPayment)?;
    match payment {
        PaymentCheck::NoProof => Err(Reason::NoPayment),
        PaymentCheck::Unreadable => Err(Reason::PaymentUnreadable),
        PaymentCheck::Mismatch(why) => Err(Reason::PaymentMismatch(why)),
        PaymentCheck::Verified(paid) if paid.payer != item.client => Err(Reason::PaidByOther),
        PaymentCheck::Verified(paid) if paid.tx != claimed.tx_hash => Err(Reason::OtherPayment),
        PaymentCheck::Verified(paid) => Ok(paid),
    }
}
