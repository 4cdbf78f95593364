//! Reading cards of any version.

use super::PROTOCOL_VERSION;
use super::read;
use super::scheme::{Requirement, Scheme, requirement_into_v1};
use crate::a2a::card::{AgentCard, AgentInterface};
use crate::a2a::error::A2aError;
use crate::a2a::macros::object;
use crate::a2a::security::SecurityScheme;
use std::collections::BTreeMap;

/// What only a card of 0.3 has.
#[derive(Default)]
struct Legacy {
    url: String,
    protocol_version: String,
    preferred_transport: String,
    additional_interfaces: Vec<Interface>,
    supports_authenticated_extended_card: Option<bool>,
    security: Vec<Requirement>,
    security_schemes: BTreeMap<String, Scheme>,
    skills: Vec<Skill>,
}

object!(Legacy {
    url: "url",
    protocol_version: "protocolVersion",
    preferred_transport: "preferredTransport",
    additional_interfaces: "additionalInterfaces",
    supports_authenticated_extended_card: "supportsAuthenticatedExtendedCard",
    security: "security",
    security_schemes: "securitySchemes",
    skills: "skills",
});

#[derive(Default)]
struct Interface {
    url: String,
    transport: String,
}

object!(Interface {
    url: "url" required,
    transport: "transport" required,
});

#[derive(Default)]
struct Skill {
    security: Vec<Requirement>,
}

object!(Skill {
    security: "security"
});

/// Reads a card of 1.0, of 0.3, or of both at once.
///
/// A card of 0.3 gets the interfaces that it names in its own words, with
/// [`PROTOCOL_VERSION`](super::PROTOCOL_VERSION) as their version. A card that lists
/// `supportedInterfaces` is one of 1.0, whatever else it says: what it says in the words of 0.3
/// counts only where it says nothing in those of 1.0. So a hybrid card never talks a client down
/// to 0.3.
///
/// Neither size nor depth are capped here, and nothing is checked beyond the shape.
///
/// # Errors
/// As for [`decode`](crate::a2a::decode).
pub fn read_card(json: &[u8]) -> Result<AgentCard, A2aError> {
    let mut card: AgentCard = read(json)?;
    let legacy: Legacy = read(json)?;
    if card.capabilities.extended_agent_card.is_none() {
        card.capabilities.extended_agent_card = legacy.supports_authenticated_extended_card;
    }
    if card.security_requirements.is_empty() {
        let security = legacy.security.into_iter();
        card.security_requirements = security.map(requirement_into_v1).collect();
    }
    for (skill, legacy) in card.skills.iter_mut().zip(legacy.skills) {
        if skill.security_requirements.is_empty() {
            let security = legacy.security.into_iter();
            skill.security_requirements = security.map(requirement_into_v1).collect();
        }
    }
    for (name, scheme) in legacy.security_schemes {
        if let Some(known @ SecurityScheme::Unknown) = card.security_schemes.get_mut(&name) {
            *known = scheme.into_v1();
        }
    }
    if card.supported_interfaces.is_empty() && !legacy.url.is_empty() {
        card.supported_interfaces = interfaces(
            legacy.url,
            legacy.preferred_transport,
            legacy.additional_interfaces,
            version(&legacy.protocol_version),
        );
    }
    Ok(card)
}

/// The preferred one first, and none twice.
fn interfaces(
    url: String,
    transport: String,
    additional: Vec<Interface>,
    version: &str,
) -> Vec<AgentInterface> {
    let transport = match transport.as_str() {
        "" => AgentInterface::JSONRPC.to_owned(),
        _ => transport,
    };
    let mut all: Vec<AgentInterface> = Vec::new();
    for it in std::iter::once(Interface { url, transport }).chain(additional) {
        let known =
            |known: &AgentInterface| known.url == it.url && known.protocol_binding == it.transport;
        if !all.iter().any(known) {
            all.push(AgentInterface {
                url: it.url,
                protocol_binding: it.transport,
                protocol_version: version.to_owned(),
                ..AgentInterface::default()
            });
        }
    }
    all
}

/// Major and minor of a version. A card that names none is of 0.3, and 0.2, which the
/// specification's own sample of a 0.3 card names, has the same methods and shapes.
fn version(text: &str) -> &str {
    let mut dots = text.match_indices('.').map(|(at, _)| at);
    match dots.nth(1).and_then(|at| text.get(..at)).unwrap_or(text) {
        "" | "0.2" => PROTOCOL_VERSION,
        version => version,
    }
}
