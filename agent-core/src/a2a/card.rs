//! What an agent says about itself.

use super::macros::object;
use super::security::{SecurityRequirement, SecurityScheme};
use crate::json::Metadata;
use std::collections::BTreeMap;

/// The manifest of an agent, found at [`AgentCard::WELL_KNOWN_PATH`] (A2A §4.4.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentCard {
    /// A name for people. Required.
    pub name: String,
    /// What the agent is for. Required.
    pub description: String,
    /// Where and how it can be reached, the preferred way first. Required.
    pub supported_interfaces: Vec<AgentInterface>,
    /// Who runs it.
    pub provider: Option<AgentProvider>,
    /// The version of the agent, not of the protocol. Required.
    pub version: String,
    /// Where people can read more.
    pub documentation_url: Option<String>,
    /// What of the protocol it supports. Required.
    pub capabilities: AgentCapabilities,
    /// The ways of authentication that the requirements name.
    pub security_schemes: BTreeMap<String, SecurityScheme>,
    /// What is needed to call it: any one of these.
    pub security_requirements: Vec<SecurityRequirement>,
    /// The media types that its skills take, unless they say otherwise. Required.
    pub default_input_modes: Vec<String>,
    /// The media types that its skills give, unless they say otherwise. Required.
    pub default_output_modes: Vec<String>,
    /// What it can do. Required.
    pub skills: Vec<AgentSkill>,
    /// Signatures over the rest of the card (A2A §8.4).
    pub signatures: Vec<AgentCardSignature>,
    /// A picture.
    pub icon_url: Option<String>,
}

object!(AgentCard {
    name: "name" required,
    description: "description" required,
    supported_interfaces: "supportedInterfaces" required,
    provider: "provider",
    version: "version" required,
    documentation_url: "documentationUrl",
    capabilities: "capabilities" required,
    security_schemes: "securitySchemes",
    security_requirements: "securityRequirements",
    default_input_modes: "defaultInputModes" required,
    default_output_modes: "defaultOutputModes" required,
    skills: "skills" required,
    signatures: "signatures",
    icon_url: "iconUrl",
});

impl AgentCard {
    /// Where a card is to be found on the host of an agent (A2A §8.2).
    pub const WELL_KNOWN_PATH: &str = "/.well-known/agent-card.json";

    /// The skill with that id.
    pub fn skill(&self, id: &str) -> Option<&AgentSkill> {
        self.skills.iter().find(|skill| skill.id == id)
    }

    /// The extension with that URI.
    pub fn extension(&self, uri: &str) -> Option<&AgentExtension> {
        self.capabilities
            .extensions
            .iter()
            .find(|extension| extension.uri == uri)
    }

    /// The interface of that binding which the agent likes best and which speaks `version`, such
    /// as `1.0`.
    pub fn interface(&self, binding: &str, version: &str) -> Option<&AgentInterface> {
        self.supported_interfaces
            .iter()
            .find(|i| i.protocol_binding == binding && i.protocol_version == version)
    }
}

/// One way to reach an agent (A2A §4.4.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentInterface {
    /// The URL or, for gRPC, `host:port`. Required.
    pub url: String,
    /// One of the constants of this type, or the URI of another binding. Required.
    pub protocol_binding: String,
    /// Which agent behind the URL. If set, clients put it into every request.
    pub tenant: String,
    /// The version of the protocol, major and minor: `1.0`. Required.
    pub protocol_version: String,
}

object!(AgentInterface {
    url: "url" required,
    protocol_binding: "protocolBinding" required,
    tenant: "tenant",
    protocol_version: "protocolVersion" required,
});

impl AgentInterface {
    /// The binding of A2A §9.
    pub const JSONRPC: &str = "JSONRPC";
    /// The binding of A2A §10.
    pub const GRPC: &str = "GRPC";
    /// The binding of A2A §11.
    pub const HTTP_JSON: &str = "HTTP+JSON";

    /// A2A 1.0 over JSON-RPC at `url`.
    pub fn jsonrpc(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            protocol_binding: Self::JSONRPC.to_owned(),
            protocol_version: super::PROTOCOL_VERSION.to_owned(),
            ..Self::default()
        }
    }
}

/// Who runs an agent (A2A §4.4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentProvider {
    /// A website. Required.
    pub url: String,
    /// The name of the organization. Required.
    pub organization: String,
}

object!(AgentProvider {
    url: "url" required,
    organization: "organization" required,
});

/// What of the protocol an agent supports (A2A §4.4.3).
///
/// Not set is no, but is told apart from it because signatures do so (A2A §8.4.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentCapabilities {
    /// `SendStreamingMessage` and `SubscribeToTask`.
    pub streaming: Option<bool>,
    /// Webhooks.
    pub push_notifications: Option<bool>,
    /// What goes beyond the protocol: prices and payments are extensions.
    pub extensions: Vec<AgentExtension>,
    /// `GetExtendedAgentCard`.
    pub extended_agent_card: Option<bool>,
}

object!(AgentCapabilities {
    streaming: "streaming",
    push_notifications: "pushNotifications",
    extensions: "extensions",
    extended_agent_card: "extendedAgentCard",
});

/// Something beyond the protocol that an agent supports (A2A §4.4.4).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentExtension {
    /// What it is.
    pub uri: String,
    /// What the agent does with it.
    pub description: String,
    /// Whether clients that do not support it are refused.
    pub required: bool,
    /// What the extension defines.
    pub params: Metadata,
}

object!(AgentExtension {
    uri: "uri",
    description: "description",
    required: "required",
    params: "params",
});

/// Something that an agent can do (A2A §4.4.5).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentSkill {
    /// Unique in the card. Required.
    pub id: String,
    /// A name for people. Required.
    pub name: String,
    /// What it does. Required.
    pub description: String,
    /// Keywords. Required.
    pub tags: Vec<String>,
    /// What one could ask.
    pub examples: Vec<String>,
    /// The media types that it takes, if not those of the card.
    pub input_modes: Vec<String>,
    /// The media types that it gives, if not those of the card.
    pub output_modes: Vec<String>,
    /// What is needed to use it: any one of these.
    pub security_requirements: Vec<SecurityRequirement>,
}

object!(AgentSkill {
    id: "id" required,
    name: "name" required,
    description: "description" required,
    tags: "tags" required,
    examples: "examples",
    input_modes: "inputModes",
    output_modes: "outputModes",
    security_requirements: "securityRequirements",
});

/// A detached JSON Web Signature over a card (A2A §4.4.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentCardSignature {
    /// The protected header, base64url. Required.
    pub protected: String,
    /// The signature, base64url. Required.
    pub signature: String,
    /// The header that is not signed.
    pub header: Metadata,
}

object!(AgentCardSignature {
    protected: "protected" required,
    signature: "signature" required,
    header: "header",
});
