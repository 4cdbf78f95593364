use agent_core::channel::Channel;
use agent_core::ledger::LedgerError;
use agent_core::untrusted::shorten;
use agent_core::x402::batch::{ChannelState, VoucherState, codes};
use agent_core::x402::facilitator::FacilitatorError;
use std::fmt;

/// What a stock buyer of `batch-settlement` that lost count corrects itself by.
#[derive(Debug, Clone)]
pub struct Correction {
    /// The channel as we count it.
    pub state: ChannelState,
    /// The voucher that proves it.
    pub voucher: Option<VoucherState>,
}

/// The codes of `exact` that are passed on (x402 specification §9).
const EXACT_CODES: &[&str] = &[
    "insufficient_funds",
    "invalid_exact_evm_insufficient_balance",
    "invalid_exact_evm_nonce_already_used",
    "invalid_exact_evm_payload_authorization_valid_after",
    "invalid_exact_evm_payload_authorization_valid_before",
    "invalid_exact_evm_payload_authorization_value_mismatch",
    "invalid_exact_evm_payload_recipient_mismatch",
    "invalid_exact_evm_payload_signature",
    "invalid_exact_evm_transaction_simulation_failed",
    "invalid_network",
    "invalid_payload",
    "invalid_payment_requirements",
    "invalid_scheme",
    "invalid_transaction_state",
];

/// A payment that was not accepted: a stable code, a sentence for the peer, and what only the log
/// may know.
#[derive(Debug, Clone)]
pub struct GateRefusal {
    /// In the style of x402's error reasons.
    pub code: &'static str,
    /// What is wrong and what to do about it, for the peer.
    pub message: String,
    /// The channel as we count it, for a buyer that lost count.
    pub channel: Option<Box<Channel>>,
    /// The count of a `batch-settlement` channel, for a stock buyer that lost count.
    pub correction: Option<Box<Correction>>,
    /// Set when the fault is ours; for the log.
    pub log: Option<String>,
}

impl GateRefusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            channel: None,
            correction: None,
            log: None,
        }
    }

    pub(crate) fn malformed(field: &str, error: &serde_json::Error) -> Self {
        // The parser's text may quote the peer; it goes back to that peer only, and shortened.
        let why = shorten(&error.to_string());
        Self::new(
            "invalid_payload",
            format!("`{field}` cannot be read: {why}"),
        )
    }

    pub(crate) fn with_channel(mut self, channel: Option<Channel>) -> Self {
        self.channel = channel.map(Box::new);
        self
    }

    pub(crate) fn with_correction(mut self, correction: Correction) -> Self {
        self.correction = Some(Box::new(correction));
        self
    }

    /// What a facilitator refused. Its words are a stranger's: a code is passed on only if it is one
    /// of those that we know, the rest shortened.
    pub(crate) fn of_facilitator(code: Option<&str>, message: Option<&str>) -> Self {
        let known = codes::ALL.iter().chain(EXACT_CODES);
        let known = known.copied().find(|known| Some(*known) == code);
        let why = shorten(message.or(code).unwrap_or("no reason given"));
        Self::new(
            known.unwrap_or("payment_refused_by_facilitator"),
            format!("the payment was refused: {why}"),
        )
    }

    /// Whether the seller failed, and not the payment.
    #[must_use]
    pub const fn is_our_fault(&self) -> bool {
        self.log.is_some()
    }
}

impl From<FacilitatorError> for GateRefusal {
    fn from(error: FacilitatorError) -> Self {
        let mut refusal = Self::new(
            "payment_temporarily_unavailable",
            "the seller cannot check payments at the moment; try again later",
        );
        refusal.log = Some(format!("{}: {error}", error.code()));
        refusal
    }
}

impl From<LedgerError> for GateRefusal {
    fn from(error: LedgerError) -> Self {
        let mut refusal = Self::new(
            "payment_temporarily_unavailable",
            "the seller cannot take payments at the moment; nothing was charged, try again later",
        );
        refusal.log = Some(format!("{}: {error}", error.code()));
        refusal
    }
}

impl fmt::Display for GateRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for GateRefusal {}
