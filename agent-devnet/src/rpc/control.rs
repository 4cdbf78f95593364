//! Methods that only a development chain has, as Anvil and Hardhat name them.

use super::{Answer, Args, Methods, Node, args::Quantity};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use jsonrpsee::core::RegisterMethodError;
use serde::Deserialize;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.add("evm_snapshot", |node, _| {
        Ok(U64::from(node.chain().snapshot()))
    })?;
    methods.add("evm_revert", |node, mut args| {
        let Quantity(id) = args.required()?;
        Ok(node.chain().revert(id))
    })?;
    methods.add("evm_mine", evm_mine)?;
    methods.add("anvil_mine", mine_spaced)?;
    methods.add("evm_increaseTime", |node, mut args| {
        let Quantity(seconds) = args.required()?;
        Ok(node.chain().increase_time(seconds)?)
    })?;
    methods.add("evm_setNextBlockTimestamp", |node, mut args| {
        let Quantity(time) = args.required()?;
        Ok(node.chain().set_next_block_timestamp(time)?)
    })?;
    methods.add("evm_setAutomine", |node, mut args| {
        node.chain().set_automine(args.required()?);
        Ok(())
    })?;
    methods.add("anvil_getAutomine", |node, _| Ok(node.chain().automine()))?;
    methods.add("anvil_setCode", |node, mut args| {
        let (address, code): (Address, Bytes) = (args.required()?, args.required()?);
        Ok(node.chain().set_code(address, code)?)
    })?;
    methods.add("anvil_setBalance", |node, mut args| {
        let (address, balance): (Address, U256) = (args.required()?, args.required()?);
        node.chain().set_balance(address, balance);
        Ok(())
    })?;
    methods.add("anvil_setNonce", |node, mut args| {
        let (address, Quantity(nonce)): (Address, Quantity) = (args.required()?, args.required()?);
        node.chain().set_nonce(address, nonce);
        Ok(())
    })?;
    methods.add("anvil_setStorageAt", |node, mut args| {
        let (address, key): (Address, U256) = (args.required()?, args.required()?);
        let value: B256 = args.required()?;
        node.chain().set_storage(address, key, value.into());
        Ok(true)
    })?;
    methods.add("anvil_rollback", |node, mut args| {
        let Quantity(depth) = args.optional()?.unwrap_or(Quantity(1));
        Ok(node.chain().rollback(depth)?)
    })?;
    methods.add("anvil_reorg", |node, mut args| {
        let Quantity(depth) = args.required()?;
        Ok(node.chain().reorg(depth)?)
    })?;
    for (alias, name) in [
        ("hardhat_mine", "anvil_mine"),
        ("hardhat_setCode", "anvil_setCode"),
        ("hardhat_setBalance", "anvil_setBalance"),
        ("hardhat_setNonce", "anvil_setNonce"),
        ("hardhat_setStorageAt", "anvil_setStorageAt"),
    ] {
        methods.alias(alias, name)?;
    }
    Ok(())
}

/// How clients ask for a block: at a time, or with options.
#[derive(Deserialize)]
#[serde(untagged)]
enum MineRequest {
    At(Quantity),
    Options {
        timestamp: Option<Quantity>,
        blocks: Option<Quantity>,
    },
}

fn evm_mine(node: &Node, mut args: Args<'_>) -> Answer<&'static str> {
    let (time, count) = match args.optional()? {
        None => (None, None),
        Some(MineRequest::At(time)) => (Some(time), None),
        Some(MineRequest::Options { timestamp, blocks }) => (timestamp, blocks),
    };
    let mut chain = node.chain();
    if let Some(Quantity(time)) = time {
        chain.set_next_block_timestamp(time)?;
    }
    chain.mine(count.map_or(1, |Quantity(count)| count))?;
    Ok("0x0")
}

/// Mine some blocks, if wanted with so many seconds between them.
fn mine_spaced(node: &Node, mut args: Args<'_>) -> Answer<()> {
    let Quantity(count) = args.optional()?.unwrap_or(Quantity(1));
    let interval = args
        .optional()?
        .map(|Quantity(seconds)| seconds)
        .filter(|s| *s > 0);
    Ok(node.chain().mine_spaced(count, interval)?)
}
