//! Questions about the chain.

use super::{Chain, ChainError};
use crate::limits;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth::{Block, Filter, FilterBlockOption, Log, Transaction, TransactionReceipt};
use revm::state::Bytecode;

impl Chain {
    /// The number of the newest block.
    #[must_use]
    pub fn block_number(&self) -> u64 {
        self.history.head().number()
    }

    /// The time of the newest block, in seconds since the Unix epoch.
    #[must_use]
    pub fn timestamp(&self) -> u64 {
        self.history.head().header().timestamp
    }

    /// A block with whole transactions or with their hashes; `None` if there is no such block.
    #[must_use]
    pub fn block(&self, id: BlockId, whole: bool) -> Option<Block> {
        self.history
            .resolve(id)
            .ok()
            .map(|block| block.to_rpc(whole))
    }

    /// The receipts of a block; `None` if there is no such block.
    #[must_use]
    pub fn block_receipts(&self, id: BlockId) -> Option<Vec<TransactionReceipt>> {
        self.history
            .resolve(id)
            .ok()
            .map(super::block::Block::receipts)
    }

    /// A mined or waiting transaction.
    #[must_use]
    pub fn transaction(&self, hash: B256) -> Option<Transaction> {
        if let Some((block, index)) = self.history.transaction(hash) {
            return block.transaction(index);
        }
        self.pool.get(hash).map(|waiting| Transaction {
            inner: waiting.clone(),
            block_hash: None,
            block_number: None,
            transaction_index: None,
            effective_gas_price: None,
            block_timestamp: None,
        })
    }

    /// The receipt of a mined transaction.
    #[must_use]
    pub fn receipt(&self, hash: B256) -> Option<TransactionReceipt> {
        self.history
            .transaction(hash)
            .and_then(|(block, index)| block.receipt(index))
    }

    /// How many transactions wait for a block.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.pool.len()
    }

    /// A balance in wei.
    ///
    /// # Errors
    ///
    /// If the block is not known or not kept.
    pub fn balance(&self, address: Address, at: BlockId) -> Result<U256, ChainError> {
        Ok(self
            .view(at)?
            .account(address)
            .map_or(U256::ZERO, |account| account.balance))
    }

    /// The code at an address.
    ///
    /// # Errors
    ///
    /// If the block is not known or not kept.
    pub fn code(&self, address: Address, at: BlockId) -> Result<Bytes, ChainError> {
        let view = self.view(at)?;
        let code = view
            .account(address)
            .and_then(|account| account.code.as_ref());
        Ok(code.map(Bytecode::original_bytes).unwrap_or_default())
    }

    /// The value of a storage slot.
    ///
    /// # Errors
    ///
    /// If the block is not known or not kept.
    pub fn storage(&self, address: Address, key: U256, at: BlockId) -> Result<B256, ChainError> {
        Ok(self.view(at)?.slot(address, key).into())
    }

    /// How many transactions an account has sent; at `pending`, including those that wait.
    ///
    /// # Errors
    ///
    /// If the block is not known or not kept.
    pub fn transaction_count(&self, address: Address, at: BlockId) -> Result<u64, ChainError> {
        if at == BlockId::pending() {
            return Ok(self.pending_nonce(address));
        }
        Ok(self
            .view(at)?
            .account(address)
            .map_or(0, |account| account.nonce))
    }

    pub(super) fn pending_nonce(&self, address: Address) -> u64 {
        let next = self
            .state
            .account(address)
            .map_or(0, |account| account.nonce);
        self.pool.nonce_after(address, next)
    }

    /// The logs that match a filter.
    ///
    /// # Errors
    ///
    /// If the range is upside down, reaches back further than what is kept, or matches too much.
    pub fn logs(&self, filter: &Filter) -> Result<Vec<Log>, ChainError> {
        let (first, last) = match filter.block_option {
            FilterBlockOption::AtBlockHash(hash) => {
                let number = self.history.resolve(hash.into())?.number();
                (number, number)
            }
            FilterBlockOption::Range {
                from_block,
                to_block,
            } => {
                let number =
                    |tag: Option<BlockNumberOrTag>| self.history.number_of(tag.unwrap_or_default());
                (number(from_block), number(to_block))
            }
        };
        if first > last {
            return Err(ChainError::InvalidRange);
        }
        let oldest = self.history.oldest().number();
        if first < oldest {
            return Err(ChainError::HistoryNotKept { oldest });
        }
        let mut found = Vec::new();
        for block in self.history.range(first, last) {
            found.extend(block.logs().filter(|log| filter.matches(&log.inner)));
            if found.len() > limits::MAX_LOGS {
                return Err(ChainError::TooManyLogs);
            }
        }
        Ok(found)
    }
}
