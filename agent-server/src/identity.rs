//! Becoming known: an agent's entry in the EIP-8004 identity registry.
//!
//! Registering takes two transactions, because the registration file must name the id that only the
//! first one brings into being. Both go through the outbox, so running this again after a crash, or
//! at every start, changes nothing that is right already.

use crate::config::PaymentConfig;
use agent_client::chain::bindings::IIdentityRegistry;
use agent_client::chain::outbox::{Mined, OutboxError, TxOutbox, TxOutcome, TxRequest};
use agent_client::chain::{Chain, ChainError};
use agent_core::a2a::{AgentCard, PROTOCOL_VERSION};
use agent_core::trust::{
    AgentId, AgentRegistryId, GlobalAgentId, Registration, RegistrationError, RegistrationFile,
    Service,
};
use agent_core::x402::AgentIdentity;
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolEvent;
use std::time::Duration;
use url::Url;

/// How long registering waits for a transaction to be mined.
const MINED_WAIT: Duration = Duration::from_secs(300);

/// What the registration file says.
pub(crate) struct Profile<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) url: &'a Url,
}

/// Makes sure that the outbox's key owns an agent whose file says what `profile` says.
pub(crate) async fn register(
    outbox: &TxOutbox,
    chain: &Chain,
    payment: &PaymentConfig,
    profile: &Profile<'_>,
) -> Result<AgentIdentity, IdentityError> {
    let registry = payment.chain.identity_registry;
    let agent_id = mint(outbox, chain, registry).await?;
    let global = GlobalAgentId {
        registry: AgentRegistryId::new(payment.chain.network(), registry),
        agent_id: AgentId(agent_id),
    };
    let uri = file(profile, &global)?.to_data_uri()?;
    let call = IIdentityRegistry::tokenURICall { tokenId: agent_id };
    let current = chain.call(registry, &call).await?;
    if current != uri {
        // The old text is part of the purpose: going back to an earlier file is another change.
        let change = alloy_primitives::keccak256(format!("{current}\n{uri}"));
        let call = IIdentityRegistry::setAgentURICall {
            agentId: agent_id,
            newURI: uri,
        };
        let purpose = format!("identity/uri/{registry}/{agent_id}/{change}");
        send(outbox, TxRequest::call(purpose, registry, &call)).await?;
    }
    Ok(AgentIdentity {
        agent_registry: global.registry.to_string(),
        agent_id: agent_id.to_string(),
    })
}

async fn mint(outbox: &TxOutbox, chain: &Chain, registry: Address) -> Result<U256, IdentityError> {
    let call = IIdentityRegistry::register_0Call {};
    let purpose = format!("identity/register/{registry}");
    let mined = send(outbox, TxRequest::call(purpose, registry, &call)).await?;
    let receipt = chain
        .receipt(mined.hash)
        .await?
        .ok_or(IdentityError::NoEvent)?;
    let logs = receipt
        .inner
        .logs()
        .iter()
        .filter(|log| log.address() == registry);
    logs.filter_map(|log| IIdentityRegistry::Registered::decode_log(&log.inner).ok())
        .map(|event| event.agentId)
        .next()
        .ok_or(IdentityError::NoEvent)
}

fn file(profile: &Profile<'_>, global: &GlobalAgentId) -> Result<RegistrationFile, IdentityError> {
    let card = profile
        .url
        .join(AgentCard::WELL_KNOWN_PATH)
        .map_err(|_| IdentityError::Url)?;
    let mut file = RegistrationFile::new(profile.name, profile.description);
    file.services = vec![Service::a2a(&card, PROTOCOL_VERSION)];
    file.x402_support = true;
    file.registrations = vec![Registration::of(global)];
    Ok(file)
}

async fn send(outbox: &TxOutbox, request: TxRequest) -> Result<Mined, IdentityError> {
    let queued = outbox.enqueue(request).await?;
    match outbox.wait(queued.id, MINED_WAIT).await? {
        TxOutcome::Mined(mined) => Ok(mined),
        TxOutcome::Reverted { reason, .. } | TxOutcome::Failed { reason, .. } => {
            Err(IdentityError::Refused(reason))
        }
    }
}

/// Why an agent could not be registered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    File(#[from] RegistrationError),
    #[error("the registry refused: {0}")]
    Refused(String),
    #[error("the registration's event is not in its receipt")]
    NoEvent,
    #[error("the agent's URL cannot be extended")]
    Url,
}
