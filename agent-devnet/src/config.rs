//! What a development chain starts with.

use crate::{accounts::DEV_ACCOUNTS, chain::Clock, limits};
use alloy_primitives::U256;
use std::net::{Ipv4Addr, SocketAddr};

/// What a development chain starts with.
///
/// The default is a fresh chain on a free loopback port with twenty rich accounts and the contracts
/// of this project in place.
///
/// ```
/// use agent_devnet::{Clock, DevnetConfig};
///
/// let config = DevnetConfig::default().with_chain_id(31_337).with_clock(Clock::Stepped);
/// assert_eq!(config.chain_id, 31_337);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DevnetConfig {
    /// The chain id. The default is that of Base Sepolia, so that addresses, signatures and
    /// configuration files of a rehearsal are those of the test network.
    pub chain_id: u64,
    /// Where to listen; the port 0 means any free one. Only loopback addresses are accepted: the
    /// keys of this chain are public and its control methods ask nobody for permission.
    pub listen: SocketAddr,
    /// How many of [`DEV_ACCOUNTS`] exist; more than there are means all.
    pub accounts: usize,
    /// What each of them has, in wei.
    pub balance: U256,
    /// The time of the genesis block, in seconds since the Unix epoch; `None` means now.
    pub genesis_timestamp: Option<u64>,
    /// Where block times come from.
    pub clock: Clock,
    /// Whether the contracts of this project are in the genesis block.
    pub contracts: bool,
    /// Whether each accepted transaction is mined at once.
    pub automine: bool,
    /// The base fee of the first block, in wei.
    pub base_fee: u64,
    /// The gas limit of every block.
    pub block_gas_limit: u64,
    /// How many of the newest blocks are kept, with the way back to the state after each of them.
    pub history_blocks: usize,
}

impl Default for DevnetConfig {
    fn default() -> Self {
        Self {
            chain_id: 84_532,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            accounts: DEV_ACCOUNTS.len(),
            balance: U256::from(10_000_000_000_000_000_000_000_u128),
            genesis_timestamp: None,
            clock: Clock::Wall,
            contracts: true,
            automine: true,
            base_fee: 1_000_000_000,
            block_gas_limit: 60_000_000,
            history_blocks: limits::DEFAULT_HISTORY_BLOCKS,
        }
    }
}

impl DevnetConfig {
    /// Set [`chain_id`](Self::chain_id).
    #[must_use]
    pub fn with_chain_id(mut self, chain_id: u64) -> Self {
        self.chain_id = chain_id;
        self
    }

    /// Set [`listen`](Self::listen).
    #[must_use]
    pub fn with_listen(mut self, listen: SocketAddr) -> Self {
        self.listen = listen;
        self
    }

    /// Set [`genesis_timestamp`](Self::genesis_timestamp).
    #[must_use]
    pub fn with_genesis_timestamp(mut self, seconds: u64) -> Self {
        self.genesis_timestamp = Some(seconds);
        self
    }

    /// Set [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Set [`contracts`](Self::contracts).
    #[must_use]
    pub fn with_contracts(mut self, contracts: bool) -> Self {
        self.contracts = contracts;
        self
    }

    /// Set [`automine`](Self::automine).
    #[must_use]
    pub fn with_automine(mut self, automine: bool) -> Self {
        self.automine = automine;
        self
    }

    /// Set [`history_blocks`](Self::history_blocks).
    #[must_use]
    pub fn with_history_blocks(mut self, blocks: usize) -> Self {
        self.history_blocks = blocks;
        self
    }
}
