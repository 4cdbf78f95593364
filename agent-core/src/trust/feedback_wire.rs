//! How a feedback file lies in JSON, and what a reader asks it.

use super::feedback::FeedbackFile;
use super::feedback_parts::{
    A2aReference, McpReference, OasfReference, PaymentCommitment, ProofOfPayment, lenient,
};
use super::id::{AccountId, AgentId, AgentRegistryId, GlobalAgentId};
use super::value::{FeedbackValue, ValueError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Everything that is OPTIONAL.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rest {
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) tag1: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) tag2: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) endpoint: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) mcp: Option<McpReference>,
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) a2a: Option<A2aReference>,
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) oasf: Option<OasfReference>,
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) proof_of_payment: Option<ProofOfPayment>,
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) payment_commitment: Option<PaymentCommitment>,
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) service_receipt: Option<Map<String, Value>>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// The file's layout in JSON.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    agent_registry: AgentRegistryId,
    agent_id: AgentId,
    client_address: AccountId,
    created_at: String,
    value: Value,
    value_decimals: u8,
    #[serde(flatten)]
    rest: Rest,
}

impl TryFrom<Wire> for FeedbackFile {
    type Error = ValueError;

    fn try_from(wire: Wire) -> Result<Self, ValueError> {
        Ok(Self {
            agent: GlobalAgentId::new(wire.agent_registry, wire.agent_id),
            client: wire.client_address,
            created_at: wire.created_at,
            value: FeedbackValue::from_json(&wire.value, wire.value_decimals)?,
            rest: wire.rest,
        })
    }
}

impl From<FeedbackFile> for Wire {
    fn from(file: FeedbackFile) -> Self {
        Self {
            agent_registry: file.agent.registry,
            agent_id: file.agent.agent_id,
            client_address: file.client,
            created_at: file.created_at,
            value: file.value.to_json(),
            value_decimals: file.value.decimals(),
            rest: file.rest,
        }
    }
}

/// What a reader asks a file.
impl FeedbackFile {
    /// Whom the feedback is about.
    #[must_use]
    pub const fn agent(&self) -> &GlobalAgentId {
        &self.agent
    }

    /// Who gave it.
    #[must_use]
    pub const fn client(&self) -> &AccountId {
        &self.client
    }

    /// When it says it was made, as ISO 8601 text; a peer's is not checked. Ages are counted from
    /// the block's time.
    #[must_use]
    pub fn created_at(&self) -> &str {
        &self.created_at
    }

    /// The value.
    #[must_use]
    pub const fn value(&self) -> FeedbackValue {
        self.value
    }

    /// The first tag, `""` when absent, as in the event.
    #[must_use]
    pub fn tag1(&self) -> &str {
        self.rest.tag1.as_deref().unwrap_or_default()
    }

    /// The second tag, `""` when absent.
    #[must_use]
    pub fn tag2(&self) -> &str {
        self.rest.tag2.as_deref().unwrap_or_default()
    }

    /// The endpoint that was called.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.rest.endpoint.as_deref()
    }

    /// The A2A skills and task.
    #[must_use]
    pub const fn a2a(&self) -> Option<&A2aReference> {
        self.rest.a2a.as_ref()
    }

    /// The claimed payment.
    #[must_use]
    pub const fn payment(&self) -> Option<&ProofOfPayment> {
        self.rest.proof_of_payment.as_ref()
    }

    /// The claimed voucher.
    #[must_use]
    pub const fn commitment(&self) -> Option<&PaymentCommitment> {
        self.rest.payment_commitment.as_ref()
    }

    /// The seller's receipt, unchecked.
    #[must_use]
    pub const fn receipt(&self) -> Option<&Map<String, Value>> {
        self.rest.service_receipt.as_ref()
    }
}
