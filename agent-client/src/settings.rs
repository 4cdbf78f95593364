//! Which chain an agent lives on: read from configuration by buyers and sellers alike.

use crate::chain::{Chain, ChainConfig, ChainError, outbox::OutboxConfig};
use agent_core::money::{Asset, AssetTable, Network};
use agent_core::voucher::EscrowDomain;
use alloy_primitives::{Address, address};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::time::Duration;

/// A chain, the contracts on it that we use, and the token that prices are in.
///
/// The addresses here are the only ones that are ever believed; what a peer names is compared with
/// them.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSettings {
    /// Where the node is. Treated as a secret, since providers put keys into it.
    pub rpc_url: String,
    /// A second node, run by somebody else: what is said about money is believed only when both
    /// say it. A secret as well.
    #[serde(default)]
    pub rpc_check: Option<String>,
    /// The chain that the node must be on.
    pub chain_id: u64,
    /// The z402 escrow.
    pub escrow: Address,
    /// The EIP-8004 identity registry.
    pub identity_registry: Address,
    /// The EIP-8004 reputation registry.
    pub reputation_registry: Address,
    /// The block from which the registries have events.
    #[serde(default)]
    pub registry_from_block: u64,
    /// The block in which the escrow was made.
    #[serde(default)]
    pub escrow_from_block: u64,
    /// The node counts as stuck when its newest block is older than this; left out for chains that
    /// make blocks on demand.
    #[serde(default)]
    pub head_max_age_secs: Option<u64>,
    /// The token.
    pub token: TokenSettings,
    /// Blocks, the newest included, after which what the chain says is taken as final.
    #[serde(default = "one")]
    pub confirmations: u64,
    /// How often the chain is looked at, in milliseconds.
    #[serde(default = "second")]
    pub poll_millis: u64,
}

/// A token, as [`Asset`] without its chain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// The contract.
    pub address: Address,
    /// What people call it.
    pub symbol: String,
    /// Decimal places.
    pub decimals: u8,
    /// EIP-712 domain name.
    pub name: String,
    /// EIP-712 domain version.
    pub version: String,
}

const fn one() -> u64 {
    1
}

const fn second() -> u64 {
    1_000
}

impl ChainSettings {
    /// Where `agent devnet` listens unless told otherwise.
    pub const DEVNET_RPC_URL: &str = "http://127.0.0.1:8545";

    /// The development chain at `rpc_url`, with the contracts it starts with.
    #[must_use]
    pub fn devnet(rpc_url: impl Into<String>) -> Self {
        Self {
            rpc_url: rpc_url.into(),
            rpc_check: None,
            chain_id: 84_532,
            escrow: address!("0x2402000000000000000000000000000000002402"),
            identity_registry: address!("0x8004A818BFB912233c491871b3d84c89A494BD9e"),
            reputation_registry: address!("0x8004B663056A597Dffe9eCcC1965A193B7388713"),
            registry_from_block: 0,
            escrow_from_block: 0,
            head_max_age_secs: None,
            token: TokenSettings {
                address: address!("0x036CbD53842c5426634e7929541eC2318f3dCF7e"),
                symbol: "USDC".to_owned(),
                decimals: 6,
                name: "USDC".to_owned(),
                version: "2".to_owned(),
            },
            confirmations: 1,
            poll_millis: 100,
        }
    }

    /// Reads the settings from configuration: a table, or `"devnet"` for a development chain on
    /// this machine. For serde's `deserialize_with`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn named_or_table<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Named(String),
            Table(Box<ChainSettings>),
        }
        match Either::deserialize(deserializer)? {
            Either::Table(settings) => Ok(*settings),
            Either::Named(name) if name == "devnet" => Ok(Self::devnet(Self::DEVNET_RPC_URL)),
            Either::Named(_) => Err(serde::de::Error::custom(
                "the only chain known by name is \"devnet\"; give others as a table",
            )),
        }
    }

    /// The network.
    #[must_use]
    pub const fn network(&self) -> Network {
        Network::eip155(self.chain_id)
    }

    /// The token as an asset.
    #[must_use]
    pub fn asset(&self) -> Asset {
        let token = self.token.clone();
        Asset {
            network: self.network(),
            address: token.address,
            symbol: token.symbol,
            decimals: token.decimals,
            name: token.name,
            version: token.version,
        }
    }

    /// The table of assets that prices may be in.
    #[must_use]
    pub fn assets(&self) -> AssetTable {
        AssetTable::new(vec![self.asset()])
    }

    /// The escrow's signing domain.
    #[must_use]
    pub fn domain(&self) -> EscrowDomain {
        EscrowDomain::new(self.chain_id, self.escrow)
    }

    /// How often the chain is looked at.
    #[must_use]
    pub const fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_millis)
    }

    /// The chain, connected when it is first needed: the node may be down now.
    ///
    /// # Errors
    /// [`ChainError`] when the URL is not one that may be used.
    pub fn chain(&self) -> Result<Chain, ChainError> {
        let lazy = |url: &str| Chain::lazy(&ChainConfig::new(url, self.chain_id));
        let chain = lazy(&self.rpc_url)?;
        Ok(match &self.rpc_check {
            Some(url) => chain.checked_by(lazy(url)?),
            None => chain,
        })
    }

    /// How an outbox on this chain behaves.
    #[must_use]
    pub fn outbox(&self) -> OutboxConfig {
        OutboxConfig {
            confirmations: self.confirmations,
            poll_interval: self.poll_interval(),
            ..OutboxConfig::default()
        }
    }
}

/// Without the URL, which may carry a key.
impl fmt::Debug for ChainSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainSettings")
            .field("chain_id", &self.chain_id)
            .field("escrow", &self.escrow)
            .field("token", &self.token.symbol)
            .finish_non_exhaustive()
    }
}
