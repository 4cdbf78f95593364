//! The chain as a plain state machine: no network, no task, no lock.

mod block;
mod call;
mod control;
mod error;
mod evm;
mod fees;
mod history;
mod mine;
mod pool;
mod query;
mod snapshots;
mod state;
mod submit;
mod time;

pub use error::ChainError;
pub use time::Clock;

use crate::{
    accounts::{DEV_ACCOUNTS, DevAccount},
    config::DevnetConfig,
    genesis::{GenesisError, place_contracts},
};
use alloy_consensus::Header;
use alloy_primitives::Bytes;
use block::Block;
use history::History;
use pool::Pool;
use revm::state::AccountInfo;
use snapshots::Snapshots;
use state::State;
use time::BlockClock;

/// An EVM chain in memory, **for development and tests only**.
///
/// Everything is a method call that returns at once, so a property test can drive it directly. What
/// it leaves out of a real chain: there is no consensus and no peer, the state root in headers is
/// zero, system contracts are not called, withdrawals and blobs do not exist, no fee for data on
/// another layer is charged, and every block counts as final.
///
/// `latest` in a call or an estimate means the block that would be mined now, not the last one that
/// was: a real chain always has a fresh block, while this one only has blocks when something happens.
#[derive(Clone, Debug)]
pub struct Chain {
    chain_id: u64,
    block_gas_limit: u64,
    accounts: &'static [DevAccount],
    automine: bool,
    state: State,
    history: History,
    pool: Pool,
    clock: BlockClock,
    snapshots: Snapshots,
    // Blocks made since the start, dropped ones included: it makes every header unique.
    sealed: u64,
}

impl Chain {
    /// A chain with only a genesis block.
    ///
    /// # Errors
    ///
    /// If the contracts cannot be placed.
    pub fn new(config: &DevnetConfig) -> Result<Self, GenesisError> {
        let start = config.genesis_timestamp.unwrap_or_else(time::wall_clock);
        let mut state = State::default();
        let accounts = DEV_ACCOUNTS.get(..config.accounts).unwrap_or(&DEV_ACCOUNTS);
        for account in accounts {
            state.put_account(
                account.address,
                Some(AccountInfo::from_balance(config.balance)),
            );
        }
        let header = Header {
            timestamp: start,
            gas_limit: config.block_gas_limit,
            base_fee_per_gas: Some(config.base_fee),
            extra_data: Bytes::from(config.chain_id.to_be_bytes()),
            ..mine::header_template()
        };
        let genesis = Block::seal(header, Vec::new(), state.mark());
        let mut chain = Self {
            chain_id: config.chain_id,
            block_gas_limit: config.block_gas_limit,
            accounts,
            automine: config.automine,
            history: History::new(genesis, config.history_blocks),
            state,
            pool: Pool::default(),
            clock: BlockClock::starting_at(config.clock, start),
            snapshots: Snapshots::default(),
            sealed: 0,
        };
        if config.contracts {
            place_contracts(&mut chain, accounts)?;
        }
        chain.close_genesis();
        Ok(chain)
    }

    /// The chain id.
    #[must_use]
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The accounts that had money from the start, with their public private keys.
    #[must_use]
    pub fn accounts(&self) -> &'static [DevAccount] {
        self.accounts
    }
}
