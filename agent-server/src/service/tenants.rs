//! Which tenants there are.

use agent_core::a2a::A2aError;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The longest tenant that is taken. It is stored with every task.
const TENANT_BYTES_MAX: usize = 256;

/// `[tenants]`: which tenants there are. A tenant is a space of names: the tasks of one are not
/// found under another, nor without one. Without this section any name is one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantConfig {
    /// Their names: not empty, at most 256 bytes, and none with which a route of HTTP+JSON begins
    /// (`tasks`, `message:send`, `message:stream`, `extendedAgentCard`), since paths name them too.
    #[serde(deserialize_with = "names")]
    pub names: BTreeSet<String>,
    /// Whether a request must name one.
    #[serde(default)]
    pub required: bool,
    /// Whether the card lists an interface for each, so that clients know whom to name.
    #[serde(default)]
    pub in_card: bool,
}

/// Which tenants a call may name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tenants(Option<Arc<TenantConfig>>);

impl Tenants {
    pub(crate) fn new(config: Option<TenantConfig>) -> Self {
        Self(config.map(Arc::new))
    }

    pub(crate) fn check(&self, tenant: &str) -> Result<(), A2aError> {
        if tenant.len() > TENANT_BYTES_MAX {
            return Err(A2aError::invalid_field("tenant", "is too long"));
        }
        // One that HTTP+JSON cannot be asked for is none on the other bindings either.
        if begins_route(tenant) {
            return Err(A2aError::invalid_field("tenant", "is the name of a route"));
        }
        let Some(config) = &self.0 else {
            return Ok(());
        };
        match tenant {
            "" if config.required => Err(A2aError::invalid_field("tenant", "is required")),
            "" => Ok(()),
            named if config.names.contains(named) => Ok(()),
            _ => Err(A2aError::invalid_field("tenant", "is not known here")),
        }
    }
}

/// Whether a path of HTTP+JSON that begins so names no tenant (A2A §11.3).
pub(crate) fn begins_route(segment: &str) -> bool {
    matches!(
        segment,
        "message:send" | "message:stream" | "tasks" | "extendedAgentCard"
    )
}

fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    let names = BTreeSet::<String>::deserialize(deserializer)?;
    let wrong =
        |name: &&String| name.is_empty() || name.len() > TENANT_BYTES_MAX || begins_route(name);
    match names.iter().find(wrong) {
        None => Ok(names),
        Some(name) => Err(D::Error::custom(format!(
            "a tenant cannot be called `{name}`: names have 1 to {TENANT_BYTES_MAX} bytes, and are \
             not those of routes"
        ))),
    }
}
