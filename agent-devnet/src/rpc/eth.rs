//! Methods about the node, about fees, and those that execute something.

use super::{Answer, Args, Failure, Methods, Node, args::Quantity};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::{FeeHistory, TransactionRequest};
use jsonrpsee::core::RegisterMethodError;
use serde_json::Value;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.add("web3_clientVersion", |_, _| {
        Ok(concat!(
            "agent-devnet/",
            env!("CARGO_PKG_VERSION"),
            " (development only)"
        ))
    })?;
    methods.add("net_version", |node, _| {
        Ok(node.chain().chain_id().to_string())
    })?;
    methods.add("net_listening", |_, _| Ok(true))?;
    methods.add("eth_chainId", |node, _| {
        Ok(U64::from(node.chain().chain_id()))
    })?;
    methods.add("eth_syncing", |_, _| Ok(false))?;
    methods.add("eth_accounts", |node, _| {
        let accounts = node.chain().accounts();
        Ok(accounts
            .iter()
            .map(|account| account.address)
            .collect::<Vec<Address>>())
    })?;
    methods.add("eth_gasPrice", |node, _| {
        let chain = node.chain();
        Ok(U256::from(chain.next_base_fee()).saturating_add(U256::from(chain.suggested_tip())))
    })?;
    methods.add("eth_maxPriorityFeePerGas", |node, _| {
        Ok(U256::from(node.chain().suggested_tip()))
    })?;
    methods.add("eth_blobBaseFee", |_, _| Ok(U64::from(1)))?;
    methods.add("eth_feeHistory", fee_history)?;
    methods.add("eth_call", call)?;
    methods.add("eth_estimateGas", estimate_gas)?;
    methods.add("eth_sendRawTransaction", send_raw_transaction)?;
    methods.add("eth_sendTransaction", send_transaction)
}

fn fee_history(node: &Node, mut args: Args<'_>) -> Answer<FeeHistory> {
    let Quantity(count) = args.required()?;
    let newest: BlockNumberOrTag = args.required()?;
    let percentiles: Vec<f64> = args.optional()?.unwrap_or_default();
    Ok(node.chain().fee_history(count, newest, &percentiles)?)
}

fn call(node: &Node, mut args: Args<'_>) -> Answer<Bytes> {
    let (request, at) = execution(&mut args)?;
    Ok(node.chain().call(request, at)?)
}

fn estimate_gas(node: &Node, mut args: Args<'_>) -> Answer<U64> {
    let (request, at) = execution(&mut args)?;
    Ok(U64::from(node.chain().estimate_gas(request, at)?))
}

/// What to execute and where. Overrides are refused rather than ignored: an answer that silently
/// leaves them out is a wrong answer.
fn execution(args: &mut Args<'_>) -> Answer<(TransactionRequest, BlockId)> {
    let request = args.required()?;
    let at: BlockId = args.optional()?.unwrap_or_default();
    for _ in 0..2 {
        let overrides: Option<Value> = args.optional()?;
        if overrides.is_some_and(|value| value.as_object().is_none_or(|object| !object.is_empty()))
        {
            return Err(Failure::Unsupported(
                "state and block overrides are not supported",
            ));
        }
    }
    Ok((request, at))
}

fn send_raw_transaction(node: &Node, mut args: Args<'_>) -> Answer<B256> {
    let bytes: Bytes = args.required()?;
    Ok(node.chain().send_raw(&bytes)?)
}

fn send_transaction(node: &Node, mut args: Args<'_>) -> Answer<B256> {
    Ok(node.chain().send_for_dev_account(args.required()?)?)
}
