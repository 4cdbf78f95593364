//! Writing one card for clients of both versions.

use super::scheme::{Scheme, requirement_of};
use super::{CARD_VERSION, PROTOCOL_VERSION, write};
use crate::a2a::card::{AgentCard, AgentInterface, AgentSkill};
use crate::a2a::error::A2aError;
use crate::a2a::security::SecurityRequirement;
use crate::json::{Json, Metadata};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Interface<'a> {
    url: &'a str,
    transport: &'a str,
}

/// The card as clients of either version can read it: all that it says in 1.0, and the same in the
/// words of 0.3 if it lists an interface of that version. Names that both use, as in security
/// schemes, hold the members of both.
///
/// # Signatures
/// The signatures of the card are those of what it says in 1.0. A verifier that reads the card as
/// Protocol Buffers, as the official SDKs of 1.0 do, drops what it does not know before it checks,
/// so they hold for the hybrid too. One that canonicalises the text as it came, and the SDKs of
/// 0.3, which sign their own words, find them wrong: such a client must be given the card itself.
///
/// # Errors
/// None in practice: all of it is plain data.
pub fn hybrid_card(card: &AgentCard) -> Result<Json, A2aError> {
    let legacy = card.supported_interfaces.iter();
    let legacy: Vec<&AgentInterface> = legacy
        .filter(|interface| interface.protocol_version == PROTOCOL_VERSION)
        .collect();
    let Some(preferred) = legacy.first() else {
        return write(card);
    };
    let mut hybrid = members(card)?;
    set(&mut hybrid, "protocolVersion", CARD_VERSION)?;
    set(&mut hybrid, "url", &preferred.url)?;
    set(
        &mut hybrid,
        "preferredTransport",
        &preferred.protocol_binding,
    )?;
    let interfaces = legacy.iter().map(|interface| Interface {
        url: &interface.url,
        transport: &interface.protocol_binding,
    });
    set(
        &mut hybrid,
        "additionalInterfaces",
        &interfaces.collect::<Vec<_>>(),
    )?;
    if let Some(extended) = card.capabilities.extended_agent_card {
        set(&mut hybrid, "supportsAuthenticatedExtendedCard", &extended)?;
    }
    set_security(&mut hybrid, &card.security_requirements)?;
    let skills = card.skills.iter().map(skill);
    set(
        &mut hybrid,
        "skills",
        &skills.collect::<Result<Vec<_>, _>>()?,
    )?;
    if !card.security_schemes.is_empty() {
        let schemes = card.security_schemes.iter().map(|(name, scheme)| {
            let mut both = members(scheme)?;
            if let Some(legacy) = Scheme::of(scheme) {
                both.extend(members(&legacy)?);
            }
            Ok((name, both))
        });
        let schemes = schemes.collect::<Result<BTreeMap<_, _>, A2aError>>()?;
        set(&mut hybrid, "securitySchemes", &schemes)?;
    }
    write(&hybrid)
}

fn skill(skill: &AgentSkill) -> Result<Metadata, A2aError> {
    let mut both = members(skill)?;
    set_security(&mut both, &skill.security_requirements)?;
    Ok(both)
}

fn set_security(
    members: &mut Metadata,
    requirements: &[SecurityRequirement],
) -> Result<(), A2aError> {
    if requirements.is_empty() {
        return Ok(());
    }
    let security: Vec<_> = requirements.iter().map(requirement_of).collect();
    set(members, "security", &security)
}

fn set<T: Serialize + ?Sized>(members: &mut Metadata, name: &str, it: &T) -> Result<(), A2aError> {
    members.insert(name, write(it)?);
    Ok(())
}

/// The members of an object, each as the text it is written in.
fn members<T: Serialize + ?Sized>(object: &T) -> Result<Metadata, A2aError> {
    let members = write(object)?.parse();
    members.map_err(|error| A2aError::internal(error.to_string()))
}
