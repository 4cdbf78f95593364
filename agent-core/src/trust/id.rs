//! Who is meant: accounts, registries and agents by their global names (EIP-8004, "Identity
//! Registry").

use super::limits::MAX_U256_DIGITS;
use crate::jcs;
use crate::money::Network;
use crate::untrusted::shorten;
use alloy_primitives::{Address, U256};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// Decimal digits that a double always holds.
const EXACT_DIGITS: usize = 15;

/// Text that is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct IdError {
    /// What was found, shortened and escaped.
    pub text: String,
    /// The form that was expected.
    pub expected: &'static str,
}

impl IdError {
    fn new(text: &str, expected: &'static str) -> Self {
        Self {
            text: shorten(text),
            expected,
        }
    }
}

/// An account on an EVM chain, written as CAIP-10 `eip155:{chainId}:{address}`.
///
/// Written with the EIP-55 checksum; read in any case, since others write all three cases. A wrong
/// checksum is not noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId {
    /// The chain.
    pub network: Network,
    /// The address on it.
    pub address: Address,
}

impl AccountId {
    /// The account at `address` on `network`.
    #[must_use]
    pub const fn new(network: Network, address: Address) -> Self {
        Self { network, address }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.network, self.address)
    }
}

impl FromStr for AccountId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parsed = text.rsplit_once(':').and_then(|(network, address)| {
            let hex = address.strip_prefix("0x").filter(|hex| hex.len() == 40)?;
            Some(Self::new(network.parse().ok()?, hex.parse().ok()?))
        });
        parsed
            .ok_or_else(|| IdError::new(text, "an account of the form eip155:{chainId}:{address}"))
    }
}

/// An Identity Registry: EIP-8004's `agentRegistry`, `eip155:{chainId}:{identityRegistry}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentRegistryId(AccountId);

impl AgentRegistryId {
    /// The registry contract at `address` on `network`.
    #[must_use]
    pub const fn new(network: Network, address: Address) -> Self {
        Self(AccountId::new(network, address))
    }

    /// The chain the registry is on.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.0.network
    }

    /// The registry contract.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.0.address
    }
}

impl fmt::Display for AgentRegistryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for AgentRegistryId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self)
    }
}

/// EIP-8004's `agentId`: the ERC-721 token id. The first agent of a registry is 0.
///
/// Written as a JSON number while a double holds it exactly, else as a string; read as either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(pub U256);

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u64> for AgentId {
    fn from(id: u64) -> Self {
        Self(U256::from(id))
    }
}

impl FromStr for AgentId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let digits = !text.is_empty()
            && text.len() <= MAX_U256_DIGITS
            && text.bytes().all(|b| b.is_ascii_digit());
        let parsed = if digits {
            U256::from_str_radix(text, 10).ok()
        } else {
            None
        };
        parsed
            .map(Self)
            .ok_or_else(|| IdError::new(text, "an agent id (a decimal number)"))
    }
}

impl Serialize for AgentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match u64::try_from(self.0) {
            Ok(id) if id <= 1 << 53 => serializer.serialize_u64(id),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for AgentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            // Canonical, so that `1e2` is the number that it becomes when the file is written again.
            // What is no integer has a point or exponent then too, and is refused below; so is what
            // a double no longer holds exactly.
            Value::Number(number) if number.is_f64() => jcs::canonical(&Value::Number(number))
                .ok()
                .filter(|text| text.len() <= EXACT_DIGITS)
                .unwrap_or_default(),
            Value::Number(number) => number.to_string(),
            other => other.to_string(),
        };
        text.parse().map_err(de::Error::custom)
    }
}

/// One agent among all registries: EIP-8004's pair (agentRegistry, agentId).
///
/// Shown as `{agentRegistry}:{agentId}`. That text is ours; the standard defines only the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GlobalAgentId {
    /// The registry.
    pub registry: AgentRegistryId,
    /// The agent in it.
    pub agent_id: AgentId,
}

impl GlobalAgentId {
    /// Agent `agent_id` of `registry`.
    #[must_use]
    pub const fn new(registry: AgentRegistryId, agent_id: AgentId) -> Self {
        Self { registry, agent_id }
    }
}

impl fmt::Display for GlobalAgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.registry, self.agent_id)
    }
}

impl FromStr for GlobalAgentId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parsed = text.rsplit_once(':').and_then(|(registry, agent_id)| {
            Some(Self::new(registry.parse().ok()?, agent_id.parse().ok()?))
        });
        parsed.ok_or_else(|| {
            IdError::new(
                text,
                "an agent of the form eip155:{chainId}:{registry}:{agentId}",
            )
        })
    }
}

/// Identifiers that JSON carries as their text.
macro_rules! as_text {
    ($($kind:ty),*) => {
        $(
            impl Serialize for $kind {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }
            impl<'de> Deserialize<'de> for $kind {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
                }
            }
        )*
    };
}

as_text!(AccountId, AgentRegistryId, GlobalAgentId);
