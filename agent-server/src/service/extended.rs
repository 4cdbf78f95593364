//! `GetExtendedAgentCard` (A2A §3.1.11): what only known callers are shown.

use super::{Call, Caller, Service};
use agent_core::a2a::signing::CardSigner;
use agent_core::a2a::{A2aError, AgentCard, ErrorCode, GetExtendedAgentCardRequest};
use agent_core::json::Json;
use std::sync::Arc;

/// Makes the card that one caller is shown, from the caller's name and the public card; `None` if
/// there is none for it.
///
/// # Contract
///
/// It returns at once, and what it shows is for this caller's eyes: it must not hold secrets.
pub type MakeExtendedCard = Arc<dyn Fn(&str, AgentCard) -> Option<AgentCard> + Send + Sync>;

/// The extended card of an agent.
pub(crate) struct Extended {
    /// Whether the public card says that there is one.
    pub(crate) declared: bool,
    pub(crate) public: AgentCard,
    pub(crate) make: Option<MakeExtendedCard>,
    /// Signs each of them, as the public one is signed.
    pub(crate) signer: Option<CardSigner>,
}

impl Service {
    /// `GetExtendedAgentCard` (A2A §3.1.11).
    ///
    /// # Errors
    /// UnsupportedOperation if the public card does not offer it, ExtendedAgentCardNotConfigured if
    /// it does in vain, Unauthenticated for anonymous callers, and PermissionDenied for those that
    /// have none.
    pub fn extended_card(
        &self,
        call: &Call,
        request: &GetExtendedAgentCardRequest,
    ) -> Result<Json, A2aError> {
        call.owner(&request.tenant)?;
        let extended = &self.0.extended;
        if !extended.declared {
            return Err(A2aError::unsupported_operation(
                "this agent has no extended card",
            ));
        }
        let make = extended.make.as_ref();
        let make = make.ok_or(ErrorCode::ExtendedAgentCardNotConfigured)?;
        let Caller::Named(caller) = &call.caller else {
            return Err(ErrorCode::Unauthenticated.into());
        };
        let card = make(caller, extended.public.clone());
        let mut card = card.ok_or(ErrorCode::PermissionDenied)?;
        if let Some(signer) = &extended.signer {
            let signed = signer.sign_into(&mut card);
            signed.map_err(|error| A2aError::internal(error.to_string()))?;
        }
        Json::from_value(&card).map_err(|error| A2aError::internal(error.to_string()))
    }
}

impl std::fmt::Debug for Extended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Extended")
            .field("declared", &self.declared)
            .field("configured", &self.make.is_some())
            .finish_non_exhaustive()
    }
}
