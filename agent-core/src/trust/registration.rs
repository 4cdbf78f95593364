//! The agent registration file: what an agent's URI resolves to (EIP-8004, "Agent URI and Agent
//! Registration File").

use super::id::{AccountId, GlobalAgentId};
use super::limits::{
    MAX_ENTRIES, MAX_IMAGE, MAX_LONG_TEXT, MAX_REGISTRATION_BYTES, MAX_SHORT_TEXT, MAX_URI,
};
use super::registration_parts::{Registration, Service};
use super::{data_uri, registration_read};
use crate::jcs::{self, JcsError};
use crate::money::Network;
use crate::untrusted::Untrusted;
use alloy_primitives::Address;
use serde_json::{Map, Value};
use url::Url;

/// The `type` of a registration file.
pub const REGISTRATION_TYPE: &str = "https://eips.ethereum.org/EIPS/eip-8004#registration-v1";

/// The keys the standard defines; unknown keys may not shadow them.
pub(super) const KEYS: [&str; 9] = [
    "type",
    "name",
    "description",
    "image",
    "services",
    "x402Support",
    "active",
    "registrations",
    "supportedTrust",
];

/// Why a registration file cannot be written, or cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// A field that has to say something is empty.
    #[error("`{0}` must not be empty")]
    Empty(&'static str),
    /// A field, a list or the whole file is over its bound.
    #[error("`{what}` is larger than {limit}")]
    TooLarge {
        /// The field, or `file`.
        what: &'static str,
        /// The bound: bytes of text, entries of a list.
        limit: usize,
    },
    /// An unknown key carries the name of a key that the standard defines.
    #[error("`{0}` is a key of the standard and cannot be an extra key")]
    Shadowed(String),
    /// Not JSON, or JSON that nests too deep.
    #[error("the registration file is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// JSON, but not an object.
    #[error("the registration file is not a JSON object")]
    NotAnObject,
    /// The file has no canonical form.
    #[error(transparent)]
    Canonical(#[from] JcsError),
}

/// A registration file. Written strictly by [`to_bytes`](Self::to_bytes), read leniently by
/// [`read`](Self::read).
///
/// # What is not guaranteed
///
/// Anyone may point an agent's URI at any file. A file speaks for an agent only if
/// [`names_agent`](Self::names_agent) says so, and even then only the agent's owner has spoken:
/// that endpoints and skills are real is not checked by anybody.
#[derive(Debug, Clone, PartialEq)]
pub struct RegistrationFile {
    /// The agent's name.
    pub name: Untrusted,
    /// What the agent does, in words.
    pub description: Untrusted,
    /// A picture's URI; empty for none.
    pub image: Untrusted,
    /// Ways to reach the agent.
    pub services: Vec<Service>,
    /// Whether the agent takes x402 payments.
    pub x402_support: bool,
    /// Whether the agent is in service.
    pub active: bool,
    /// Where the agent is registered; the standard says SHOULD have at least one.
    pub registrations: Vec<Registration>,
    /// Registrations in namespaces other than `eip155`, or unreadable ones, kept as they came.
    pub other_registrations: Vec<Value>,
    /// Trust models: `reputation`, `crypto-economic`, `tee-attestation`. Empty: discovery only.
    pub supported_trust: Vec<String>,
    /// Every other key, as it came.
    pub extra: Map<String, Value>,
}

impl RegistrationFile {
    /// A file for an active agent that takes x402 payments, with nothing else said yet.
    #[must_use]
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: Untrusted::new(name.into()),
            description: Untrusted::new(description.into()),
            image: Untrusted::default(),
            services: Vec::new(),
            x402_support: true,
            active: true,
            registrations: Vec::new(),
            other_registrations: Vec::new(),
            supported_trust: Vec::new(),
            extra: Map::new(),
        }
    }

    /// Reads a file that a peer wrote; see [`registration_read::Read`] for what is forgiven.
    ///
    /// # Errors
    ///
    /// [`RegistrationError::TooLarge`], [`RegistrationError::NotJson`] and
    /// [`RegistrationError::NotAnObject`]; anything milder becomes an oddity.
    pub fn read(bytes: &[u8]) -> Result<registration_read::Read, RegistrationError> {
        registration_read::read(bytes)
    }

    /// The file's bytes: RFC 8785 canonical, so that the same file always has the same hash.
    ///
    /// # Errors
    ///
    /// [`RegistrationError`] when a mandatory text is empty, something is over its bound, or an
    /// extra key shadows a key of the standard.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RegistrationError> {
        self.check()?;
        let mut file = self.extra.clone();
        let mut put = |key: &str, value: Value| file.insert(key.to_owned(), value);
        put("type", REGISTRATION_TYPE.into());
        put("name", self.name.as_received().into());
        put("description", self.description.as_received().into());
        if !self.image.as_received().is_empty() {
            put("image", self.image.as_received().into());
        }
        put("services", serde_json::to_value(&self.services)?);
        put("x402Support", self.x402_support.into());
        put("active", self.active.into());
        let own = self.registrations.iter().map(serde_json::to_value);
        let others = self.other_registrations.iter().cloned().map(Ok);
        put(
            "registrations",
            Value::Array(own.chain(others).collect::<Result<_, _>>()?),
        );
        if !self.supported_trust.is_empty() {
            put(
                "supportedTrust",
                serde_json::to_value(&self.supported_trust)?,
            );
        }
        let bytes = jcs::to_vec(&file)?;
        at_most("file", bytes.len(), MAX_REGISTRATION_BYTES)?;
        Ok(bytes)
    }

    /// The file as a `data:` URI, to be stored on chain. Some 900 gas for each byte.
    ///
    /// # Errors
    ///
    /// As [`to_bytes`](Self::to_bytes).
    pub fn to_data_uri(&self) -> Result<String, RegistrationError> {
        Ok(data_uri::encode(&self.to_bytes()?))
    }

    /// The back-link: whether this file says that it is about `agent`.
    ///
    /// The same question asked of `/.well-known/agent-registration.json` on an endpoint's domain
    /// is EIP-8004's endpoint domain verification.
    #[must_use]
    pub fn names_agent(&self, agent: &GlobalAgentId) -> bool {
        self.registrations
            .iter()
            .any(|r| r.agent_id == agent.agent_id && r.agent_registry == agent.registry)
    }

    /// Where the agent's A2A card is said to be: the first `A2A` service with an HTTP URL.
    ///
    /// Some agents write their base URL here instead of the card's; whether the address may be
    /// visited is for the caller's egress guard to say.
    #[must_use]
    pub fn a2a_card_url(&self) -> Option<Url> {
        self.services
            .iter()
            .filter(|service| service.is("A2A"))
            .filter_map(|service| Url::parse(&service.endpoint).ok())
            .find(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
    }

    /// The accounts listed as `agentWallet` services, on whatever chain.
    pub fn payment_accounts(&self) -> impl Iterator<Item = AccountId> + '_ {
        self.services
            .iter()
            .filter(|service| service.is("agentWallet"))
            .filter_map(|service| service.endpoint.parse().ok())
    }

    /// Whether `address` is listed as a payment address of the agent on `network`.
    ///
    /// The agent's wallet and owner in the registry count too; they are not in the file.
    #[must_use]
    pub fn takes_payment_at(&self, network: Network, address: Address) -> bool {
        self.payment_accounts()
            .any(|account| account == AccountId::new(network, address))
    }

    fn check(&self) -> Result<(), RegistrationError> {
        text("name", self.name.as_received(), MAX_SHORT_TEXT)?;
        text("description", self.description.as_received(), MAX_LONG_TEXT)?;
        at_most("image", self.image.as_received().len(), MAX_IMAGE)?;
        at_most("services", self.services.len(), MAX_ENTRIES)?;
        at_most("supportedTrust", self.supported_trust.len(), MAX_ENTRIES)?;
        let places = self
            .registrations
            .len()
            .saturating_add(self.other_registrations.len());
        at_most("registrations", places, MAX_ENTRIES)?;
        unshadowed(&self.extra, &KEYS)?;
        for service in &self.services {
            text("services.name", &service.name, MAX_SHORT_TEXT)?;
            text("services.endpoint", &service.endpoint, MAX_URI)?;
            unshadowed(&service.extra, &["name", "endpoint", "version"])?;
        }
        for registration in &self.registrations {
            unshadowed(&registration.extra, &["agentId", "agentRegistry"])?;
        }
        Ok(())
    }
}

fn at_most(what: &'static str, size: usize, limit: usize) -> Result<(), RegistrationError> {
    if size > limit {
        Err(RegistrationError::TooLarge { what, limit })
    } else {
        Ok(())
    }
}

fn text(what: &'static str, value: &str, limit: usize) -> Result<(), RegistrationError> {
    if value.trim().is_empty() {
        return Err(RegistrationError::Empty(what));
    }
    at_most(what, value.len(), limit)
}

fn unshadowed(extra: &Map<String, Value>, keys: &[&str]) -> Result<(), RegistrationError> {
    match extra.keys().find(|key| keys.contains(&key.as_str())) {
        Some(key) => Err(RegistrationError::Shadowed(key.clone())),
        None => Ok(()),
    }
}
