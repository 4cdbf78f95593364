//! How waiting transactions become blocks.

use super::{
    Chain, ChainError,
    block::{Block, Mined},
    evm::{self, Checks},
};
use crate::limits;
use alloy_consensus::{
    Header, Transaction as _, TxEnvelope, constants::EMPTY_WITHDRAWALS, transaction::Recovered,
};
use alloy_eips::{eip1559::BaseFeeParams, eip7685::EMPTY_REQUESTS_HASH};
use alloy_primitives::{Address, B256, Bytes, U256, address, keccak256};
use revm::context::{BlockEnv, result::ExecutionResult};
use std::collections::HashSet;

/// Who gets the tips: where Base sends them, so that no test sees them in an account of its own.
const FEE_RECIPIENT: Address = address!("0x4200000000000000000000000000000000000011");

/// A transaction that was dropped instead of mined, and why.
pub(super) type Dropped = (B256, ChainError);

/// The fields that are the same in every header.
pub(super) fn header_template() -> Header {
    Header {
        beneficiary: FEE_RECIPIENT,
        state_root: B256::ZERO,
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

/// The surroundings that a contract sees in the block with this header.
pub(super) fn block_env(header: &Header) -> BlockEnv {
    BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        prevrandao: Some(header.mix_hash),
        ..BlockEnv::default()
    }
}

impl Chain {
    /// The header of the block that would be mined now.
    pub(super) fn next_header(&self) -> Header {
        let parent = self.history.head();
        let base_fee = parent
            .header()
            .next_block_base_fee(BaseFeeParams::ethereum());
        Header {
            parent_hash: parent.hash(),
            number: parent.number().saturating_add(1),
            timestamp: self.clock.next_after(parent.header().timestamp),
            gas_limit: self.block_gas_limit,
            base_fee_per_gas: base_fee,
            mix_hash: keccak256(parent.hash()),
            extra_data: Bytes::from(self.sealed.saturating_add(1).to_be_bytes()),
            ..header_template()
        }
    }

    /// The genesis block stands for what was placed before it was closed, and nothing goes back further.
    pub(super) fn close_genesis(&mut self) {
        let mark = self.state.mark();
        self.history.close_genesis(mark);
        self.state.forget_before(mark);
    }

    /// Mine `count` blocks. The first takes the waiting transactions that fit, the next take what is
    /// left.
    ///
    /// # Errors
    ///
    /// If `count` is more than one request may mine.
    pub fn mine(&mut self, count: u64) -> Result<(), ChainError> {
        self.mine_spaced(count, None)
    }

    /// Mine `count` blocks with so many seconds from one to the next.
    ///
    /// # Errors
    ///
    /// If `count` is more than one request may mine, or the interval is too long.
    pub fn mine_spaced(&mut self, count: u64, interval: Option<u64>) -> Result<(), ChainError> {
        if count > limits::MAX_MINED_AT_ONCE {
            return Err(ChainError::Limit {
                what: "mining",
                max: limits::MAX_MINED_AT_ONCE,
            });
        }
        for index in 0..count {
            if let Some(seconds) = interval.filter(|_| index > 0) {
                self.set_next_block_timestamp(self.timestamp().saturating_add(seconds))?;
            }
            self.mine_block(usize::MAX, true);
        }
        Ok(())
    }

    /// Mine one block for each transaction whose turn it is.
    pub(super) fn mine_each(&mut self) -> Vec<Dropped> {
        let mut dropped = Vec::new();
        // The pool is bounded and each round takes something out of it, or ends this.
        loop {
            let (mined, mut more) = self.mine_block(1, false);
            let idle = mined == 0 && more.is_empty();
            dropped.append(&mut more);
            if idle {
                return dropped;
            }
        }
    }

    /// Put up to `most` waiting transactions into a block; an empty one is made only if asked for.
    fn mine_block(&mut self, most: usize, even_if_empty: bool) -> (usize, Vec<Dropped>) {
        let header = self.next_header();
        let env = block_env(&header);
        let (mut mined, mut dropped, mut skipped) = (Vec::new(), Vec::new(), HashSet::new());
        while mined.len() < most {
            let Some(next) = self.pool.next_ready(&self.state, &skipped).cloned() else {
                break;
            };
            let (sender, nonce) = (next.signer(), next.nonce());
            let used = mined
                .last()
                .map_or(0, |last: &Mined| last.cumulative_gas_used);
            let fits = used.saturating_add(next.gas_limit()) <= header.gas_limit;
            if !fits || next.max_fee_per_gas() < u128::from(env.basefee) {
                skipped.insert(sender);
                continue;
            }
            let hash = *next.tx_hash();
            self.pool.remove(sender, nonce);
            match self.apply(next, &env, mined.last()) {
                Ok(done) => mined.push(done),
                Err(error) => {
                    tracing::debug!(%hash, %error, "dropped a waiting transaction");
                    dropped.push((hash, error));
                }
            }
        }
        let count = mined.len();
        if count > 0 || even_if_empty {
            self.seal(header, mined);
        }
        (count, dropped)
    }

    fn apply(
        &mut self,
        transaction: Recovered<TxEnvelope>,
        env: &BlockEnv,
        previous: Option<&Mined>,
    ) -> Result<Mined, ChainError> {
        let executed = evm::execute(
            self.chain_id,
            env,
            &self.state.latest(),
            &self.history,
            evm::tx_env(&transaction),
            Checks::Block,
        )?;
        self.state.commit(executed.state);
        let result = executed.result;
        let gas_used = result.tx_gas_used();
        Ok(Mined {
            success: result.is_success(),
            gas_used,
            cumulative_gas_used: previous
                .map_or(0, |last| last.cumulative_gas_used)
                .saturating_add(gas_used),
            effective_gas_price: transaction.effective_gas_price(Some(env.basefee)),
            contract_address: result.created_address(),
            first_log: previous.map_or(0, |last| {
                last.first_log
                    .saturating_add(u64::try_from(last.logs.len()).unwrap_or(u64::MAX))
            }),
            // What reverted has no logs, whatever the interpreter collected on its way.
            logs: match result {
                ExecutionResult::Success { logs, .. } => logs,
                ExecutionResult::Revert { .. } | ExecutionResult::Halt { .. } => Vec::new(),
            },
            transaction,
        })
    }

    fn seal(&mut self, header: Header, mined: Vec<Mined>) {
        self.clock.used(header.timestamp);
        self.sealed = self.sealed.saturating_add(1);
        for done in &mined {
            let sender = done.transaction.signer();
            let next = self
                .state
                .account(sender)
                .map_or(0, |account| account.nonce);
            self.pool.drop_used(sender, next);
        }
        self.history
            .push(Block::seal(header, mined, self.state.mark()));
        self.state.forget_before(self.history.oldest().mark);
    }
}
