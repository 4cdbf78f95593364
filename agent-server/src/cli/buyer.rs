//! Who buys: the options that all commands of a buyer share.

use super::Failure;
use crate::config::KeyConfig;
use agent_client::buyer::{Buyer, BuyerConfig, BuyerError};
use agent_client::call::CardTrust;
use agent_client::chain::outbox::OutboxError;
use agent_client::discover::DiscoverError;
use agent_client::egress::EgressPolicy;
use agent_client::settings::ChainSettings;
use agent_client::sqlite::OpenError;
use agent_client::wallet::WalletError;
use std::path::{Path, PathBuf};

/// The file of the discovery index, in the data directory.
const INDEX: &str = "index.db";

#[derive(Debug, clap::Args)]
pub(super) struct BuyerOptions {
    /// The buyer's configuration.
    #[arg(long, default_value = "buyer.toml", conflicts_with = "devnet")]
    config: PathBuf,
    /// Be this well-known account of the development chain on this machine, without a file; the
    /// chain is at AGENT_RPC_URL, or where `agent devnet` usually is.
    #[arg(long, value_name = "NUMBER")]
    devnet: Option<u8>,
    /// Where the development buyer keeps its wallet.
    #[arg(long, default_value = "buyer-data", requires = "devnet")]
    data_dir: PathBuf,
}

/// What a command needs that only reads: no key and no wallet.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) settings: ChainSettings,
    pub(super) egress: EgressPolicy,
    pub(super) card_trust: CardTrust,
    /// The discovery index.
    pub(super) index_file: PathBuf,
}

impl BuyerOptions {
    /// Where the buyer's wallet is, without opening it: a running buyer has it open.
    pub(super) fn wallet_file(&self) -> Result<PathBuf, Failure> {
        let dir = if self.devnet.is_some() {
            self.data_dir.clone()
        } else {
            self.data_dir_of(&self.read()?)
        };
        Ok(dir.join("wallet.db"))
    }

    /// What is needed to read about agents, without opening anything of the buyer's.
    pub(super) fn reading(&self) -> Result<Reading, Failure> {
        if self.devnet.is_some() {
            return Ok(Reading {
                settings: devnet(),
                egress: EgressPolicy::strict().allow_loopback(),
                card_trust: CardTrust::default(),
                index_file: self.data_dir.join(INDEX),
            });
        }
        let config = self.read()?;
        Ok(Reading {
            index_file: self.data_dir_of(&config).join(INDEX),
            egress: config.network.policy(),
            card_trust: config.cards.trust(),
            settings: config.chain,
        })
    }

    fn read(&self) -> Result<BuyerConfig, Failure> {
        let text = std::fs::read_to_string(&self.config);
        let text = text.map_err(|e| Failure::usage(format!("{}: {e}", self.config.display())))?;
        BuyerConfig::parse(&text).map_err(Failure::usage)
    }

    fn data_dir_of(&self, config: &BuyerConfig) -> PathBuf {
        let base = self.config.parent().unwrap_or_else(|| Path::new(""));
        base.join(&config.data_dir)
    }

    /// Opens the buyer, as the only owner of its wallet.
    pub(super) async fn open(&self) -> Result<Buyer, Failure> {
        let opened = match self.devnet {
            None => Buyer::open(&self.config).await,
            Some(number) => {
                let key = KeyConfig::Devnet(number).read().map_err(Failure::usage)?;
                Buyer::builder(devnet(), key, &self.data_dir)
                    .egress(EgressPolicy::strict().allow_loopback())
                    .open()
                    .await
            }
        };
        opened.map_err(|error| match error {
            BuyerError::Outbox(OutboxError::Open(OpenError::InUse { .. }))
            | BuyerError::Wallet(WalletError::Open(OpenError::InUse { .. })) => Failure::work(
                format!("{error}: wait for the program that has this wallet open, or stop it"),
            ),
            error => Failure::usage(error),
        })
    }
}

/// The development chain on this machine.
fn devnet() -> ChainSettings {
    let url = std::env::var("AGENT_RPC_URL");
    ChainSettings::devnet(url.unwrap_or_else(|_| ChainSettings::DEVNET_RPC_URL.to_owned()))
}

/// Why a search failed, with the exit status that fits.
pub(super) fn searched(error: DiscoverError) -> Failure {
    match error {
        DiscoverError::Query(_) | DiscoverError::Price(_) => Failure::usage(error),
        error => Failure::work(error),
    }
}
