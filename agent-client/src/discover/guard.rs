//! Who may be paid in an agent's name.

use agent_core::trust::{AgentId, AgentRegistryId, GlobalAgentId, RegistrationFile};
use agent_core::x402::{AgentIdentity, PaymentTerms};
use alloy_primitives::Address;

use super::registry::{Registry, Standing};
use crate::chain::ChainError;

/// Why a seller must not be paid. Nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayeeRefusal {
    /// The card claims an identity that is not one.
    #[error("the agent's claim to an identity cannot be read")]
    Unreadable,
    /// The card claims an identity in a registry that is not read here.
    #[error("the agent claims an identity in another registry than {0}")]
    OtherRegistry(AgentRegistryId),
    /// There is no such agent.
    #[error("the agent claims to be {0}, who does not exist")]
    NoSuchAgent(GlobalAgentId),
    /// The card claims another identity than the one it was found under.
    #[error("the agent was found as {found} and claims to be another")]
    OtherIdentity {
        /// Under which identity it was found.
        found: GlobalAgentId,
    },
    /// The account to pay is not the agent's.
    #[error(
        "{pay_to} is neither the wallet nor the owner of {agent}, nor a payment address that it lists"
    )]
    NotTheirs {
        /// The account that the card names.
        pay_to: Address,
        /// The agent.
        agent: GlobalAgentId,
    },
    /// No identity is claimed, and the buyer insists on one.
    #[error("the agent claims no identity")]
    NoIdentity,
    /// The chain did not answer, so nothing is known.
    #[error("the agent's identity cannot be checked: {0}")]
    Chain(#[from] ChainError),
}

impl PayeeRefusal {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable => "payee.identity_unreadable",
            Self::OtherRegistry(_) => "payee.other_registry",
            Self::NoSuchAgent(_) => "payee.no_such_agent",
            Self::OtherIdentity { .. } => "payee.other_identity",
            Self::NotTheirs { .. } => "payee.not_theirs",
            Self::NoIdentity => "payee.no_identity",
            Self::Chain(error) => error.code(),
        }
    }
}

impl Registry {
    /// Checks that `terms` pay the agent they claim to be from: `payTo` is the agent's registered
    /// wallet, its owner, or an account its registration file lists (`file`, when the caller has
    /// it). Asks the chain each time, since a wallet may have changed since.
    ///
    /// `found` is the identity under which the caller found the agent, if it did. Gives the
    /// identity that was checked; `None` when none is claimed.
    ///
    /// # Errors
    /// [`PayeeRefusal`].
    pub async fn check_payee(
        &self,
        terms: &PaymentTerms,
        found: Option<GlobalAgentId>,
        file: Option<&RegistrationFile>,
    ) -> Result<Option<GlobalAgentId>, PayeeRefusal> {
        let claimed = terms
            .identity
            .as_ref()
            .map(|claim| self.claimed(claim))
            .transpose()?;
        let agent = match (claimed, found) {
            (Some(claimed), Some(found)) if claimed != found => {
                return Err(PayeeRefusal::OtherIdentity { found });
            }
            (Some(agent), _) | (None, Some(agent)) => agent,
            (None, None) => return Ok(None),
        };
        let standing = match self.standing(agent.agent_id).await {
            Ok(standing) => standing,
            Err(ChainError::Reverted { .. }) => return Err(PayeeRefusal::NoSuchAgent(agent)),
            Err(error) => return Err(error.into()),
        };
        if theirs(standing, terms.pay_to, agent, file) {
            Ok(Some(agent))
        } else {
            Err(PayeeRefusal::NotTheirs {
                pay_to: terms.pay_to,
                agent,
            })
        }
    }

    fn claimed(&self, claim: &AgentIdentity) -> Result<GlobalAgentId, PayeeRefusal> {
        let registry: AgentRegistryId = claim
            .agent_registry
            .parse()
            .map_err(|_| PayeeRefusal::Unreadable)?;
        let agent_id: AgentId = claim
            .agent_id
            .parse()
            .map_err(|_| PayeeRefusal::Unreadable)?;
        if registry != self.id() {
            return Err(PayeeRefusal::OtherRegistry(self.id()));
        }
        Ok(GlobalAgentId::new(registry, agent_id))
    }
}

fn theirs(
    standing: Standing,
    pay_to: Address,
    agent: GlobalAgentId,
    file: Option<&RegistrationFile>,
) -> bool {
    pay_to == standing.owner
        || standing.wallet == Some(pay_to)
        || file.is_some_and(|file| {
            file.names_agent(&agent) && file.takes_payment_at(agent.registry.network(), pay_to)
        })
}
