//! The off-chain feedback file (EIP-8004, "Off-Chain Feedback File Structure"), and its hash.

use super::data_uri;
use super::feedback_parts::{
    A2aReference, McpReference, OasfReference, PaymentCommitment, ProofOfPayment, bounded,
};
use super::feedback_wire::{Rest, Wire};
use super::id::{AccountId, GlobalAgentId};
use super::limits::{
    MAX_ENTRIES, MAX_FEEDBACK_READ_BYTES, MAX_FEEDBACK_WRITE_BYTES, MAX_SHORT_TEXT, MAX_URI,
};
use super::time::iso8601;
use super::value::{FeedbackValue, ValueError};
use crate::jcs::{self, JcsError};
use crate::untrusted::shorten;
use alloy_primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

/// Why a feedback file cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedbackError {
    /// A field, a list or the file is over its bound.
    #[error("`{what}` is larger than {limit}")]
    TooLarge {
        /// The field, or `file`.
        what: &'static str,
        /// The bound: bytes of text, entries of a list.
        limit: usize,
    },
    /// The time lies past the year 9999.
    #[error("the time has no four-digit year")]
    BadTime,
    /// The value is outside what a registry takes.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// Not JSON, or a field that MUST be there is missing or malformed.
    #[error("the feedback file is malformed: {}", shorten(&.0.to_string()))]
    Malformed(#[from] serde_json::Error),
    /// The file has no canonical form.
    #[error(transparent)]
    Canonical(#[from] JcsError),
}

/// A feedback file: the MUST and OPTIONAL fields of the standard, and two of our own.
///
/// The MUST fields are the arguments of [`new`](Self::new) and cannot be forgotten. No field
/// takes a prompt or a result, and none should be put into the receipt: the file is public for good.
///
/// # What is not guaranteed
///
/// That a file is true. Reading one only says what its author claims; see
/// [`grade`](super::grade()).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct FeedbackFile {
    pub(super) agent: GlobalAgentId,
    pub(super) client: AccountId,
    pub(super) created_at: String,
    pub(super) value: FeedbackValue,
    pub(super) rest: Rest,
}

impl FeedbackFile {
    /// Feedback by `client` on `agent`, made at `created_at_unix_secs`.
    ///
    /// `client` is the account that will send `giveFeedback`, so it lives on the registry's chain.
    ///
    /// # Errors
    ///
    /// [`FeedbackError::BadTime`].
    pub fn new(
        agent: GlobalAgentId,
        client: Address,
        created_at_unix_secs: u64,
        value: FeedbackValue,
    ) -> Result<Self, FeedbackError> {
        let created_at = iso8601(created_at_unix_secs).ok_or(FeedbackError::BadTime)?;
        let client = AccountId::new(agent.registry.network(), client);
        Ok(Self {
            agent,
            client,
            created_at,
            value,
            rest: Rest::default(),
        })
    }

    /// Reads a file that a peer wrote. Optional fields that are malformed count as absent, unknown
    /// keys are kept.
    ///
    /// Hash the bytes that came, not what [`canonical_bytes`](Self::canonical_bytes) makes of them:
    /// others do not write canonical JSON.
    ///
    /// # Errors
    ///
    /// [`FeedbackError::TooLarge`] and [`FeedbackError::Malformed`].
    pub fn read(bytes: &[u8]) -> Result<Self, FeedbackError> {
        if bytes.len() > MAX_FEEDBACK_READ_BYTES {
            return Err(FeedbackError::TooLarge {
                what: "file",
                limit: MAX_FEEDBACK_READ_BYTES,
            });
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Sets the tags; `""` leaves one out. See [`tags`](super::tags).
    #[must_use]
    pub fn with_tags(mut self, tag1: &str, tag2: &str) -> Self {
        let tag = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.rest.tag1 = tag(tag1);
        self.rest.tag2 = tag(tag2);
        self
    }

    /// Sets the endpoint that was called, without user, password, query and fragment: those can
    /// carry secrets.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: &Url) -> Self {
        let mut public = endpoint.clone();
        public.set_query(None);
        public.set_fragment(None);
        // Fails only for URLs that cannot have a user or password in the first place.
        let _ = public.set_username("");
        let _ = public.set_password(None);
        self.rest.endpoint = Some(public.into());
        self
    }

    /// Sets the A2A skills and task.
    #[must_use]
    pub fn with_a2a(mut self, a2a: A2aReference) -> Self {
        self.rest.a2a = Some(a2a);
        self
    }

    /// Sets the MCP tool, prompt or resource, by name.
    #[must_use]
    pub fn with_mcp(mut self, mcp: McpReference) -> Self {
        self.rest.mcp = Some(mcp);
        self
    }

    /// Sets the OASF skills and domains.
    #[must_use]
    pub fn with_oasf(mut self, oasf: OasfReference) -> Self {
        self.rest.oasf = Some(oasf);
        self
    }

    /// Sets the transaction that paid.
    #[must_use]
    pub fn with_payment(mut self, proof: ProofOfPayment) -> Self {
        self.rest.proof_of_payment = Some(proof);
        self
    }

    /// Sets the voucher that paid.
    #[must_use]
    pub fn with_commitment(mut self, commitment: PaymentCommitment) -> Self {
        self.rest.payment_commitment = Some(commitment);
        self
    }

    /// Sets the seller's signed receipt, as it came. It must not repeat prompts or results.
    #[must_use]
    pub fn with_receipt(mut self, receipt: Map<String, Value>) -> Self {
        self.rest.service_receipt = Some(receipt);
        self
    }

    /// The canonical bytes (RFC 8785). Serve exactly these: their hash is on chain.
    ///
    /// # Errors
    ///
    /// [`FeedbackError::TooLarge`] and [`FeedbackError::Canonical`].
    pub fn canonical_bytes(&self) -> Result<Vec<u8>, FeedbackError> {
        self.check()?;
        let bytes = jcs::to_vec(self)?;
        if bytes.len() > MAX_FEEDBACK_WRITE_BYTES {
            return Err(FeedbackError::TooLarge {
                what: "file",
                limit: MAX_FEEDBACK_WRITE_BYTES,
            });
        }
        Ok(bytes)
    }

    /// The `feedbackHash` for the registry: keccak-256 of the canonical bytes.
    ///
    /// # Errors
    ///
    /// As [`canonical_bytes`](Self::canonical_bytes).
    pub fn feedback_hash(&self) -> Result<B256, FeedbackError> {
        self.canonical_bytes().map(keccak256)
    }

    /// The file as a `data:` URI: it lives in the event log and cannot rot.
    ///
    /// # Errors
    ///
    /// As [`canonical_bytes`](Self::canonical_bytes).
    pub fn to_data_uri(&self) -> Result<String, FeedbackError> {
        Ok(data_uri::encode(&self.canonical_bytes()?))
    }

    fn check(&self) -> Result<(), FeedbackError> {
        let rest = &self.rest;
        let short = |what, text: Option<&String>| {
            bounded(what, text.map_or("", String::as_str), MAX_SHORT_TEXT)
        };
        short("tag1", rest.tag1.as_ref())?;
        short("tag2", rest.tag2.as_ref())?;
        bounded(
            "endpoint",
            rest.endpoint.as_deref().unwrap_or_default(),
            MAX_URI,
        )?;
        let skills = rest.a2a.as_ref().map_or(0, |a2a| a2a.skills.len());
        if skills > MAX_ENTRIES {
            return Err(FeedbackError::TooLarge {
                what: "a2a.skills",
                limit: MAX_ENTRIES,
            });
        }
        Ok(())
    }
}
