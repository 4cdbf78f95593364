//! A running development chain.

use crate::{
    accounts::DevAccount,
    chain::Chain,
    config::DevnetConfig,
    genesis::{CONTRACTS, Contracts, GenesisError},
    rpc::{self, ServeError, SharedChain},
};
use jsonrpsee::server::ServerHandle;
use std::{net::SocketAddr, sync::Arc, sync::Mutex, sync::MutexGuard};

/// A development chain with its JSON-RPC server. Dropping it stops the server and forgets the chain.
///
/// **Never for real money.** Everybody knows the keys of its accounts, whoever reaches the port may
/// move its clock and rewrite its state, and nothing is stored on disk.
///
/// ```
/// # async fn doc() -> Result<(), Box<dyn std::error::Error>> {
/// use agent_devnet::{Devnet, DevnetConfig};
///
/// let devnet = Devnet::start(DevnetConfig::default()).await?;
/// println!("chain {} at {}", devnet.chain_id(), devnet.url());
/// devnet.chain().increase_time(3_600)?;
/// devnet.chain().mine(1)?;
/// devnet.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Devnet {
    chain: SharedChain,
    chain_id: u64,
    accounts: &'static [DevAccount],
    address: SocketAddr,
    server: ServerHandle,
}

/// Why a development chain did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is reachable from other machines.
    #[error("a development chain listens on loopback only, and {0} is not")]
    NotLoopback(SocketAddr),
    /// The genesis block could not be made.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The server could not be started.
    #[error("the server of the development chain: {0}")]
    Serve(String),
}

impl From<ServeError> for StartError {
    fn from(error: ServeError) -> Self {
        Self::Serve(error.to_string())
    }
}

impl Devnet {
    /// Make a chain and serve it.
    ///
    /// # Errors
    ///
    /// If the address is not a loopback address or is taken, or the contracts cannot be placed.
    pub async fn start(config: DevnetConfig) -> Result<Self, StartError> {
        if !config.listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(config.listen));
        }
        let chain = Chain::new(&config)?;
        let (chain_id, accounts) = (chain.chain_id(), chain.accounts());
        let chain = Arc::new(Mutex::new(chain));
        let (address, server) = rpc::serve(Arc::clone(&chain), config.listen).await?;
        tracing::info!(%address, chain_id, "development chain started; its keys are public");
        Ok(Self {
            chain,
            chain_id,
            accounts,
            address,
            server,
        })
    }

    /// Where to reach it over HTTP.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The chain id.
    #[must_use]
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The accounts that had money from the start, with their public private keys.
    #[must_use]
    pub fn accounts(&self) -> &[DevAccount] {
        self.accounts
    }

    /// Where the contracts are; without [`DevnetConfig::contracts`], where they would be.
    #[must_use]
    pub fn contracts(&self) -> &Contracts {
        &CONTRACTS
    }

    /// The chain itself, to mine, travel in time and change state without the network.
    ///
    /// Requests wait while the guard is held: use it for one statement, and never across an await.
    pub fn chain(&self) -> MutexGuard<'_, Chain> {
        rpc::lock(&self.chain)
    }

    /// Stop the server and wait until its connections are closed.
    pub async fn stop(self) {
        // An error only says that it was stopped already.
        let _ = self.server.stop();
        self.server.clone().stopped().await;
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        // An error only says that it was stopped already.
        let _ = self.server.stop();
    }
}
