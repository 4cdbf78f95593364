//! The entries of a registration file's lists.

use super::id::{AccountId, AgentId, AgentRegistryId, GlobalAgentId};
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

/// One way to reach the agent, or one fact about it, in `services`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    /// What kind: `A2A`, `MCP`, `OASF`, `ENS`, `DID`, `web`, `email`, `agentWallet`, or any other.
    pub name: String,
    /// Where: a URL, a name or an account, by kind. Text from a peer when the file was read.
    pub endpoint: String,
    /// The version of the protocol spoken there; the standard says SHOULD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Every other key, as it came (`a2aSkills`, `skills`, `domains`, …).
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Service {
    /// A service without a version and without further keys.
    #[must_use]
    pub fn new(name: impl Into<String>, endpoint: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            endpoint: endpoint.into(),
            version: None,
            extra: Map::new(),
        }
    }

    /// The A2A service: `card_url` is the address of the Agent Card, `version` the A2A version.
    #[must_use]
    pub fn a2a(card_url: &Url, version: impl Into<String>) -> Self {
        Self {
            version: Some(version.into()),
            ..Self::new("A2A", card_url.as_str())
        }
    }

    /// An account on any chain that the agent takes payments at.
    #[must_use]
    pub fn agent_wallet(account: AccountId) -> Self {
        Self::new("agentWallet", account.to_string())
    }

    /// Whether it is of this kind; case is forgiven.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// One place the agent says it is registered at, in `registrations`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// The token id.
    pub agent_id: AgentId,
    /// The registry.
    pub agent_registry: AgentRegistryId,
    /// Every other key, as it came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Registration {
    /// The entry for `agent`.
    #[must_use]
    pub fn of(agent: &GlobalAgentId) -> Self {
        Self {
            agent_id: agent.agent_id,
            agent_registry: agent.registry,
            extra: Map::new(),
        }
    }
}
