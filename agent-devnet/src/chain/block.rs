//! A mined block and how it looks to a client.

use super::state::Mark;
use alloy_consensus::{
    Header, Receipt, ReceiptEnvelope, ReceiptWithBloom, Transaction as _, TxEnvelope,
    proofs::{calculate_receipt_root, calculate_transaction_root},
    transaction::Recovered,
};
use alloy_primitives::{Address, B256, Bloom, Log, Sealable, Sealed, U256};
use alloy_rpc_types_eth as rpc;

/// A transaction in a block and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Mined {
    pub(super) transaction: Recovered<TxEnvelope>,
    pub(super) success: bool,
    pub(super) gas_used: u64,
    pub(super) cumulative_gas_used: u64,
    pub(super) effective_gas_price: u128,
    pub(super) contract_address: Option<Address>,
    pub(super) logs: Vec<Log>,
    /// The index in the block of the first of these logs.
    pub(super) first_log: u64,
}

impl Mined {
    pub(super) fn hash(&self) -> B256 {
        *self.transaction.tx_hash()
    }

    fn receipt<L: Clone>(&self, logs: Vec<L>) -> ReceiptEnvelope<L> {
        let receipt = Receipt {
            status: self.success.into(),
            cumulative_gas_used: self.cumulative_gas_used,
            logs,
        };
        let logs_bloom = self.logs.iter().collect();
        ReceiptEnvelope::from_typed(
            self.transaction.tx_type(),
            ReceiptWithBloom {
                receipt,
                logs_bloom,
            },
        )
    }
}

/// A block and the state after it.
#[derive(Clone, Debug)]
pub(super) struct Block {
    header: Sealed<Header>,
    pub(super) mined: Vec<Mined>,
    /// Where the log of state changes stood after the block.
    pub(super) mark: Mark,
}

impl Block {
    /// Fill in what follows from the transactions, and seal.
    pub(super) fn seal(mut header: Header, mined: Vec<Mined>, mark: Mark) -> Self {
        let transactions: Vec<_> = mined.iter().map(|m| m.transaction.inner()).collect();
        let receipts: Vec<_> = mined.iter().map(|m| m.receipt(m.logs.clone())).collect();
        header.transactions_root = calculate_transaction_root(&transactions);
        header.receipts_root = calculate_receipt_root(&receipts);
        header.logs_bloom = receipts
            .iter()
            .fold(Bloom::ZERO, |all, receipt| all | *receipt.logs_bloom());
        header.gas_used = mined.last().map_or(0, |last| last.cumulative_gas_used);
        Self {
            header: header.seal_slow(),
            mined,
            mark,
        }
    }

    pub(super) fn hash(&self) -> B256 {
        self.header.hash()
    }

    pub(super) fn number(&self) -> u64 {
        self.header.number
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn base_fee(&self) -> u64 {
        self.header.base_fee_per_gas.unwrap_or_default()
    }

    /// The block as a client sees it, with whole transactions or their hashes.
    pub(super) fn to_rpc(&self, whole: bool) -> rpc::Block {
        let transactions = if whole {
            let all = (0..self.mined.len()).filter_map(|index| self.transaction(index));
            rpc::BlockTransactions::Full(all.collect())
        } else {
            rpc::BlockTransactions::Hashes(self.mined.iter().map(Mined::hash).collect())
        };
        let size = U256::from(self.header.size());
        let header = rpc::Header::from_consensus(self.header.clone(), None, Some(size));
        rpc::Block::new(header, transactions).with_withdrawals(Some(Default::default()))
    }

    pub(super) fn transaction(&self, index: usize) -> Option<rpc::Transaction> {
        let mined = self.mined.get(index)?;
        Some(rpc::Transaction {
            inner: mined.transaction.clone(),
            block_hash: Some(self.hash()),
            block_number: Some(self.number()),
            transaction_index: u64::try_from(index).ok(),
            effective_gas_price: Some(mined.effective_gas_price),
            block_timestamp: Some(self.header.timestamp),
        })
    }

    pub(super) fn receipt(&self, index: usize) -> Option<rpc::TransactionReceipt> {
        let mined = self.mined.get(index)?;
        Some(rpc::TransactionReceipt {
            inner: mined.receipt(self.logs_of(index, mined).collect()),
            transaction_hash: mined.hash(),
            transaction_index: u64::try_from(index).ok(),
            block_hash: Some(self.hash()),
            block_number: Some(self.number()),
            gas_used: mined.gas_used,
            effective_gas_price: mined.effective_gas_price,
            blob_gas_used: None,
            blob_gas_price: None,
            from: mined.transaction.signer(),
            to: mined.transaction.to(),
            contract_address: mined.contract_address,
        })
    }

    pub(super) fn receipts(&self) -> Vec<rpc::TransactionReceipt> {
        (0..self.mined.len())
            .filter_map(|index| self.receipt(index))
            .collect()
    }

    /// Every log of the block, in order.
    pub(super) fn logs(&self) -> impl Iterator<Item = rpc::Log> {
        self.mined
            .iter()
            .enumerate()
            .flat_map(|(index, mined)| self.logs_of(index, mined))
    }

    fn logs_of<'a>(
        &'a self,
        index: usize,
        mined: &'a Mined,
    ) -> impl Iterator<Item = rpc::Log> + 'a {
        mined
            .logs
            .iter()
            .zip(mined.first_log..)
            .map(move |(log, log_index)| rpc::Log {
                inner: log.clone(),
                block_hash: Some(self.hash()),
                block_number: Some(self.number()),
                block_timestamp: Some(self.header.timestamp),
                transaction_hash: Some(mined.hash()),
                transaction_index: u64::try_from(index).ok(),
                log_index: Some(log_index),
                removed: false,
            })
    }
}
