//! Who sells: the options that all commands of a seller share, and its files.

use super::Failure;
use crate::agent::{assets, open_store};
use crate::config::AgentConfig;
use crate::error::Error;
use crate::store::SqliteStore;
use agent_client::chain::outbox::OutboxError;
use agent_client::clock::SystemClock;
use agent_client::sqlite::OpenError;
use agent_core::money::{AssetId, AssetTable};
use alloy_primitives::Address;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub(super) struct SellerOptions {
    /// The seller's configuration; AGENT_* variables override it.
    #[arg(long, default_value = "agent.toml")]
    config: PathBuf,
}

impl SellerOptions {
    pub(super) fn read(&self) -> Result<AgentConfig, Failure> {
        let config = AgentConfig::read(&self.config).map_err(Failure::usage)?;
        let config = config.with_environment(|name| std::env::var(name).ok());
        config.map_err(Failure::usage)
    }
}

/// The books of a seller that is not running.
pub(super) struct Books {
    pub(super) config: AgentConfig,
    pub(super) assets: AssetTable,
    pub(super) store: SqliteStore,
}

impl Books {
    /// Opens them as their only owner. What a crash left behind is resolved as at a start.
    pub(super) fn open(options: &SellerOptions) -> Result<Self, Failure> {
        let config = options.read()?;
        let file = config.data_dir.join("ledger.db");
        // Opening would make an empty one, and call that right.
        if !file.exists() {
            return Err(Failure::usage(format!(
                "there is no ledger at {}; it is where data_dir says, from where the seller is started",
                file.display()
            )));
        }
        let assets = assets(&config);
        let store = open_store(&config, &assets, Arc::new(SystemClock)).map_err(failed)?;
        let left = store.recovery();
        if left.voided > 0 {
            eprintln!(
                "{} payments were interrupted when the seller stopped; nothing is charged for them",
                left.voided
            );
        }
        Ok(Self {
            config,
            assets,
            store,
        })
    }

    /// The asset behind a lock's token.
    pub(super) fn asset(&self, token: Address) -> AssetId {
        let network = self.config.payment.as_ref().map_or_else(
            || agent_core::money::Network::eip155(0),
            |payment| payment.chain.network(),
        );
        AssetId {
            network,
            address: token,
        }
    }

    /// The asset that the books are kept in.
    pub(super) fn own_asset(&self) -> AssetId {
        let payment = self.config.payment.as_ref();
        self.asset(payment.map_or(Address::ZERO, |payment| payment.chain.token.address))
    }
}

/// Why a seller's files could not be used, with the exit status that fits.
pub(super) fn failed(error: Error) -> Failure {
    match error {
        Error::Store(OpenError::InUse { .. })
        | Error::Outbox(OutboxError::Open(OpenError::InUse { .. })) => Failure::work(
            "the seller is running and is the only owner of its books: stop it first (it claims \
             what it earned as it closes), then try again",
        ),
        Error::Store(_) | Error::Outbox(_) | Error::Chain(_) => Failure::work(error),
        error => Failure::usage(error),
    }
}
