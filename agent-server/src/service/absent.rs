//! Operations that the card does not offer, and what those who ask for them are told (A2A §3.3.4).

use super::Service;
use agent_core::a2a::A2aError;

impl Service {
    /// `GetExtendedAgentCard`: the card says that there is none.
    pub(crate) fn extended_card() -> A2aError {
        A2aError::unsupported_operation("this agent has no extended card")
    }
}
