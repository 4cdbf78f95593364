//! Methods that read blocks, transactions, logs and state.

use super::{Answer, Args, Methods, Node};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::{Block, Filter, Log, Transaction, TransactionReceipt};
use jsonrpsee::core::RegisterMethodError;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.add("eth_blockNumber", |node, _| {
        Ok(U64::from(node.chain().block_number()))
    })?;
    methods.add("eth_getBlockByNumber", |node, mut args| {
        let number: BlockNumberOrTag = args.required()?;
        block(node, number.into(), args)
    })?;
    methods.add("eth_getBlockByHash", |node, mut args| {
        let hash: B256 = args.required()?;
        block(node, hash.into(), args)
    })?;
    methods.add("eth_getBlockReceipts", block_receipts)?;
    methods.add("eth_getBlockTransactionCountByNumber", |node, mut args| {
        let number: BlockNumberOrTag = args.required()?;
        let block = node.chain().block(number.into(), false);
        Ok(block.map(|block| U256::from(block.transactions.len())))
    })?;
    methods.add("eth_getTransactionByHash", transaction)?;
    methods.add("eth_getTransactionReceipt", receipt)?;
    methods.add("eth_getLogs", logs)?;
    methods.add("eth_getBalance", balance)?;
    methods.add("eth_getCode", code)?;
    methods.add("eth_getStorageAt", storage)?;
    methods.add("eth_getTransactionCount", transaction_count)
}

fn block(node: &Node, id: BlockId, mut args: Args<'_>) -> Answer<Option<Block>> {
    let whole = args.optional()?.unwrap_or(false);
    Ok(node.chain().block(id, whole))
}

fn block_receipts(node: &Node, mut args: Args<'_>) -> Answer<Option<Vec<TransactionReceipt>>> {
    Ok(node.chain().block_receipts(args.required()?))
}

fn transaction(node: &Node, mut args: Args<'_>) -> Answer<Option<Transaction>> {
    Ok(node.chain().transaction(args.required()?))
}

fn receipt(node: &Node, mut args: Args<'_>) -> Answer<Option<TransactionReceipt>> {
    Ok(node.chain().receipt(args.required()?))
}

fn logs(node: &Node, mut args: Args<'_>) -> Answer<Vec<Log>> {
    let filter: Filter = args.required()?;
    Ok(node.chain().logs(&filter)?)
}

fn balance(node: &Node, mut args: Args<'_>) -> Answer<U256> {
    let address: Address = args.required()?;
    Ok(node.chain().balance(address, at(&mut args)?)?)
}

fn code(node: &Node, mut args: Args<'_>) -> Answer<Bytes> {
    let address: Address = args.required()?;
    Ok(node.chain().code(address, at(&mut args)?)?)
}

fn storage(node: &Node, mut args: Args<'_>) -> Answer<B256> {
    let address: Address = args.required()?;
    let key: U256 = args.required()?;
    Ok(node.chain().storage(address, key, at(&mut args)?)?)
}

fn transaction_count(node: &Node, mut args: Args<'_>) -> Answer<U64> {
    let address: Address = args.required()?;
    Ok(U64::from(
        node.chain().transaction_count(address, at(&mut args)?)?,
    ))
}

fn at(args: &mut Args<'_>) -> Answer<BlockId> {
    Ok(args.optional()?.unwrap_or_default())
}
