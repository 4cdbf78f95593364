use agent_core::channel::Channel;
use agent_core::ledger::LedgerError;
use agent_core::untrusted::shorten;
use std::fmt;

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
    /// Set when the fault is ours; for the log.
    pub log: Option<String>,
}

impl GateRefusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            channel: None,
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

    /// Whether the seller failed, and not the payment.
    #[must_use]
    pub const fn is_our_fault(&self) -> bool {
        self.log.is_some()
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
