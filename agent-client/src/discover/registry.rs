//! The registries of EIP-8004 as their events tell them.

use agent_core::money::Network;
use agent_core::trust::{AgentId, AgentRegistryId, GlobalAgentId};
use alloy_primitives::Address;
use alloy_rpc_types_eth::Filter;
use alloy_sol_types::SolEvent;
use tokio::sync::Mutex;

use super::index::{Index, Record, View};
use super::{DiscoverError, limits};
use crate::chain::bindings::{IIdentityRegistry, IReputationRegistry};
use crate::chain::{Chain, ChainError};

/// Where the registries are, and from which block on they have events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistryConfig {
    /// The identity registry.
    pub identity: Address,
    /// The reputation registry.
    pub reputation: Address,
    /// The block in which the older of the two was deployed; 0 reads the whole chain.
    pub from_block: u64,
}

/// The registries of one chain, read as events and remembered in memory.
///
/// # What is not guaranteed
///
/// The node is believed. A reorganisation deeper than [`limits::TAIL_BLOCKS`] leaves what it
/// undid in the index until the program starts again; who is paid is asked of the chain itself
/// each time, not of the index.
#[derive(Debug)]
pub struct Registry {
    chain: Chain,
    config: RegistryConfig,
    index: Mutex<Index>,
}

/// Who stands behind an agent now, as the chain says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Who owns the agent's token.
    pub owner: Address,
    /// The wallet the agent registered, if it has one.
    pub wallet: Option<Address>,
}

impl Registry {
    /// The registries at these addresses. Nothing is read yet.
    #[must_use]
    pub fn new(chain: Chain, config: RegistryConfig) -> Self {
        let id = AgentRegistryId::new(Network::eip155(chain.chain_id()), config.identity);
        let index = Mutex::new(Index::new(id, config.from_block));
        Self {
            chain,
            config,
            index,
        }
    }

    /// The chain they are on.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The addresses.
    #[must_use]
    pub const fn config(&self) -> &RegistryConfig {
        &self.config
    }

    /// The identity registry's global name.
    #[must_use]
    pub fn id(&self) -> AgentRegistryId {
        AgentRegistryId::new(Network::eip155(self.chain.chain_id()), self.config.identity)
    }

    /// Who stands behind an agent, asked of the chain.
    ///
    /// # Errors
    /// [`ChainError::Reverted`] when there is no such agent, otherwise why the chain did not answer.
    pub async fn standing(&self, agent_id: AgentId) -> Result<Standing, ChainError> {
        let owner = IIdentityRegistry::ownerOfCall {
            tokenId: agent_id.0,
        };
        let wallet = IIdentityRegistry::getAgentWalletCall {
            agentId: agent_id.0,
        };
        let registry = self.config.identity;
        let (owner, wallet) = tokio::try_join!(
            self.chain.call(registry, &owner),
            self.chain.call(registry, &wallet)
        )?;
        Ok(Standing {
            owner,
            wallet: (!wallet.is_zero()).then_some(wallet),
        })
    }

    /// Reads what is new and gives the agents as they are now, the newest first.
    pub(super) async fn agents(&self) -> Result<Vec<(GlobalAgentId, Record)>, DiscoverError> {
        let mut index = self.index.lock().await;
        let tail = self.catch_up(&mut index).await?;
        Ok(View::of(&index, tail).newest(limits::SEARCH_AGENTS_MAX))
    }

    /// Reads what is new and gives one agent as it is now.
    pub(super) async fn agent(&self, id: AgentId) -> Result<Option<Record>, DiscoverError> {
        let mut index = self.index.lock().await;
        let tail = self.catch_up(&mut index).await?;
        Ok(View::of(&index, tail).get(id.0).cloned())
    }

    /// Brings the index up to the blocks that will not change, and gives the events after them.
    async fn catch_up(
        &self,
        index: &mut Index,
    ) -> Result<Vec<alloy_rpc_types_eth::Log>, ChainError> {
        let filter = self.filter();
        let head = self.chain.head().await?.number;
        let firm = head.saturating_sub(limits::TAIL_BLOCKS);
        let mut step = limits::SCAN_BLOCKS_MAX;
        while index.next_block() <= firm {
            let from = index.next_block();
            let to = firm.min(from.saturating_add(step));
            match self.chain.logs(&filter, from, to).await {
                Ok(logs) => index.absorb(&logs, to),
                Err(ChainError::TooManyLogs { .. }) if to > from => step /= 2,
                Err(error) => return Err(error),
            }
        }
        if index.next_block() > head {
            return Ok(Vec::new());
        }
        self.chain.logs(&filter, index.next_block(), head).await
    }

    fn filter(&self) -> Filter {
        Filter::new()
            .address(vec![self.config.identity, self.config.reputation])
            .event_signature(vec![
                IIdentityRegistry::Registered::SIGNATURE_HASH,
                IIdentityRegistry::URIUpdated::SIGNATURE_HASH,
                IIdentityRegistry::Transfer::SIGNATURE_HASH,
                IIdentityRegistry::MetadataSet::SIGNATURE_HASH,
                IReputationRegistry::NewFeedback::SIGNATURE_HASH,
                IReputationRegistry::FeedbackRevoked::SIGNATURE_HASH,
            ])
    }
}
