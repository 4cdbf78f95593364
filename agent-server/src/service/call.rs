//! Who asks, and how: what a binding knows of a request besides its body.

use super::Tenants;
use agent_core::a2a::{A2aError, Version};
use agent_core::trace::TraceContext;

/// What a binding knows of a request besides its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// Who asks.
    pub caller: Caller,
    /// The version of the protocol that it speaks.
    pub version: Version,
    /// The extensions that it named and the agent knows (A2A §4.6).
    pub extensions: Vec<String>,
    /// The tenants that it may name.
    pub tenants: Tenants,
    /// The number of the last event that it has, if it goes on with a stream that was cut.
    pub after: Option<u64>,
    /// The trace that it belongs to.
    pub trace: Option<TraceContext>,
}

/// Who asks. Identity comes from the transport alone, never from a body (A2A §7.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Nobody knows. Such callers see the tasks whose ids they have.
    #[default]
    Anonymous,
    /// One that was authenticated, by a name that is unique among all.
    Named(String),
}

impl Call {
    /// A call by nobody in particular, in the current version: for calls within the process.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// The same call by that caller.
    #[must_use]
    pub fn by(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// Whose tasks this call may see: those of its caller under its tenant, and no others. Two
    /// callers or two tenants never share one; those without either have the empty one.
    pub(crate) fn owner(&self, tenant: &str) -> Result<String, A2aError> {
        self.tenants.check(tenant)?;
        Ok(match &self.caller {
            Caller::Anonymous if tenant.is_empty() => String::new(),
            // The length keeps neighbours apart, and the mark a caller from nobody.
            Caller::Anonymous => format!("{}:{tenant}", tenant.len()),
            Caller::Named(name) => format!("{}:{tenant}@{name}", tenant.len()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_share_an_owner() {
        let named = |name: &str| Caller::Named(name.to_owned());
        let callers = [
            Caller::Anonymous,
            named(""),
            named("a"),
            named("@a"),
            named("1:a"),
        ];
        let tenants = ["", "a", "@a", "a@a", "1:a"];
        let owners: Vec<String> = callers
            .iter()
            .flat_map(|caller| {
                let call = Call::anonymous().by(caller.clone());
                tenants.map(|tenant| call.owner(tenant).unwrap())
            })
            .collect();
        let distinct: std::collections::BTreeSet<_> = owners.iter().collect();
        assert_eq!(distinct.len(), owners.len());
        assert_eq!(owners[0], "");
    }

    #[test]
    fn a_tenant_is_bounded() {
        assert!(Call::anonymous().owner(&"t".repeat(257)).is_err());
    }
}
