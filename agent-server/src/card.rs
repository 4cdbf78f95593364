//! The Agent Card: who the agent is, what it sells and what that costs.

use crate::modes::{INPUT_MODES, OUTPUT_MODES};
use crate::skills::SkillBook;
use agent_core::a2a::{
    AgentCapabilities, AgentCard, AgentExtension, AgentInterface, AgentSkill, PROTOCOL_VERSION, v03,
};
use agent_core::json::{Json, Metadata};
use agent_core::money::{AssetTable, BaseUnits, MoneyError};
use agent_core::price::{Charge, ResolvedPrice};
use agent_core::x402::{
    A2A_X402_V01_URI, A2A_X402_V02_URI, EXTENSION_URI, PaymentTerms, SkillTerms,
};
use std::collections::BTreeMap;
use url::Url;

/// Builds the card of an agent reached at `url`.
///
/// # Errors
/// None in practice: all of it is plain data.
pub(crate) fn build(
    name: &str,
    description: &str,
    url: &Url,
    skills: &SkillBook,
    terms: Option<&PaymentTerms>,
) -> Result<AgentCard, serde_json::Error> {
    let mut extensions = Vec::new();
    if let Some(terms) = terms {
        let params: Metadata = serde_json::from_str(&serde_json::to_string(terms)?)?;
        extensions.push(extension(
            EXTENSION_URI,
            "Prices, and payment in the first message, with z402 vouchers",
            params,
        ));
        for uri in [A2A_X402_V01_URI, A2A_X402_V02_URI] {
            extensions.push(extension(
                uri,
                "x402 payments in message metadata",
                Metadata::new(),
            ));
        }
    }
    let at = |path| url.join(path).unwrap_or_else(|_| url.clone());
    let (jsonrpc, rest) = (at("a2a"), at("rest"));
    // The newer version first: a client takes the first interface that it can speak.
    let interfaces = [PROTOCOL_VERSION, v03::PROTOCOL_VERSION].map(|version| {
        [
            (&jsonrpc, AgentInterface::JSONRPC),
            (&rest, AgentInterface::HTTP_JSON),
        ]
        .map(|(url, binding)| AgentInterface {
            protocol_binding: binding.to_owned(),
            protocol_version: version.to_owned(),
            ..AgentInterface::jsonrpc(url.clone())
        })
    });
    let [current, older] = interfaces;
    let grpc = |version: &str| {
        grpc_authority(url).map(|authority| AgentInterface {
            protocol_binding: AgentInterface::GRPC.to_owned(),
            protocol_version: version.to_owned(),
            ..AgentInterface::jsonrpc(authority)
        })
    };
    let current = current.into_iter().chain(grpc(PROTOCOL_VERSION));
    let older = older.into_iter().chain(grpc(v03::PROTOCOL_VERSION));
    Ok(AgentCard {
        name: name.to_owned(),
        description: description.to_owned(),
        supported_interfaces: current.chain(older).collect(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        capabilities: AgentCapabilities {
            streaming: Some(true),
            push_notifications: Some(false),
            extensions,
            extended_agent_card: Some(false),
        },
        default_input_modes: INPUT_MODES.map(str::to_owned).to_vec(),
        default_output_modes: OUTPUT_MODES.map(str::to_owned).to_vec(),
        skills: skills.iter().map(|entry| skill(&entry.about)).collect(),
        ..AgentCard::default()
    })
}

/// Where gRPC is reached, as its clients write it: host and port, without a scheme. `None` below a
/// path, which gRPC has no place for.
pub(crate) fn grpc_authority(url: &Url) -> Option<String> {
    let (host, port) = (url.host_str()?, url.port_or_known_default()?);
    (url.path() == "/").then(|| format!("{host}:{port}"))
}

/// Price and schemas of every skill, resolved to base units.
///
/// # Errors
/// The id of the skill whose price cannot be resolved, and why.
pub(crate) fn skill_terms(
    skills: &SkillBook,
    assets: &AssetTable,
) -> Result<BTreeMap<String, SkillTerms>, (String, MoneyError)> {
    skills
        .iter()
        .map(|entry| {
            let id = entry.about.id.clone();
            let price = entry.skill.price();
            let price = price.resolve(assets).map_err(|error| (id.clone(), error))?;
            let (amount, charge) = match price {
                ResolvedPrice::Free => (BaseUnits::ZERO, Charge::Fixed),
                ResolvedPrice::Paid {
                    ceiling, charge, ..
                } => (ceiling, charge),
            };
            let (unit, unit_amount, variable) = match charge {
                Charge::Fixed => ("task".to_owned(), None, false),
                Charge::UpTo => ("task".to_owned(), None, true),
                Charge::PerUnit { unit, each, .. } => (unit, Some(each), true),
            };
            let input_schema = schema(&entry.skill.input_schema());
            let output_schema = schema(&entry.skill.output_schema());
            let terms = SkillTerms {
                amount,
                unit,
                unit_amount,
                variable,
                input_schema,
                output_schema,
            };
            Ok((id, terms))
        })
        .collect()
}

fn schema(schema: &schemars::Schema) -> Json {
    Json::from_value(schema).unwrap_or_default()
}

fn extension(uri: &str, description: &str, params: Metadata) -> AgentExtension {
    AgentExtension {
        uri: uri.to_owned(),
        description: description.to_owned(),
        required: false,
        params,
    }
}

fn skill(about: &agent_core::skill::About) -> AgentSkill {
    AgentSkill {
        id: about.id.clone(),
        name: about.name.clone(),
        description: about.description.clone(),
        tags: about.tags.clone(),
        examples: about.examples.clone(),
        output_modes: output_modes(about),
        ..AgentSkill::default()
    }
}

/// What it makes besides results, if anything; the card says what those are.
fn output_modes(about: &agent_core::skill::About) -> Vec<String> {
    if about.output_modes.is_empty() {
        return Vec::new();
    }
    let results = OUTPUT_MODES.map(str::to_owned).into_iter();
    results.chain(about.output_modes.iter().cloned()).collect()
}
