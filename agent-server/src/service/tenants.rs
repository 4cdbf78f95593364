//! Which tenants there are.

use agent_core::a2a::A2aError;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The longest tenant that is taken. It is stored with every task.
const TENANT_BYTES_MAX: usize = 256;

/// `[tenants]`: which tenants there are. A tenant is a space of names: the tasks of one are not
/// found under another, nor without one. Without this section any name is one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantConfig {
    /// Their names.
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
