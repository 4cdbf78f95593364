//! One execution in the EVM.

use super::{ChainError, history::History, state::View};
use alloy_consensus::{Transaction as _, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use revm::{
    Context, Database, ExecuteEvm, MainBuilder, MainContext,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{ExecutionResult, ResultAndState},
    },
    context_interface::either::Either,
    primitives::hardfork::SpecId,
    state::{AccountInfo, Bytecode},
};
use std::convert::Infallible;

/// The rules of execution. The compiled contracts need nothing newer.
pub(super) const SPEC: SpecId = SpecId::PRAGUE;

/// How strictly a transaction is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checks {
    /// As a block takes it.
    Block,
    /// As `eth_call` takes it: any sender, any nonce, and a gas price only if one is named.
    Call,
}

/// The state and the block hashes as the EVM reads them.
struct Source<'a> {
    view: &'a View<'a>,
    history: &'a History,
}

impl Database for Source<'_> {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.view.account(address).cloned())
    }

    // Accounts carry their code, so the EVM only asks for the code of the empty hash.
    fn code_by_hash(&mut self, _hash: B256) -> Result<Bytecode, Infallible> {
        Ok(Bytecode::default())
    }

    fn storage(&mut self, address: Address, key: U256) -> Result<U256, Infallible> {
        Ok(self.view.slot(address, key))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        Ok(self
            .history
            .block(number)
            .map_or(B256::ZERO, |block| block.hash()))
    }
}

/// Run a transaction on a state, changing nothing.
pub(super) fn execute(
    chain_id: u64,
    block: &BlockEnv,
    view: &View<'_>,
    history: &History,
    transaction: TxEnv,
    checks: Checks,
) -> Result<ResultAndState, ChainError> {
    let mut cfg = CfgEnv::new()
        .with_chain_id(chain_id)
        .with_spec_and_mainnet_gas_params(SPEC);
    if checks == Checks::Call {
        cfg.disable_nonce_check = true;
        cfg.disable_eip3607 = true;
        cfg.disable_block_gas_limit = true;
        cfg.disable_base_fee = transaction.gas_price == 0;
    }
    let context = Context::mainnet()
        .with_db(Source { view, history })
        .with_cfg(cfg)
        .with_block(block.clone());
    Ok(context.build_mainnet().transact(transaction)?)
}

/// The output of a call that must not fail.
pub(super) fn output_of(result: ExecutionResult) -> Result<alloy_primitives::Bytes, ChainError> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(ChainError::Reverted(output)),
        ExecutionResult::Halt { reason, .. } => Err(ChainError::Halted(reason)),
    }
}

/// A signed transaction as the EVM takes it.
pub(super) fn tx_env(transaction: &Recovered<TxEnvelope>) -> TxEnv {
    TxEnv {
        tx_type: transaction.tx_type().into(),
        caller: transaction.signer(),
        gas_limit: transaction.gas_limit(),
        gas_price: transaction.max_fee_per_gas(),
        kind: transaction.kind(),
        value: transaction.value(),
        data: transaction.input().clone(),
        nonce: transaction.nonce(),
        chain_id: transaction.chain_id(),
        access_list: transaction.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: transaction.max_priority_fee_per_gas(),
        authorization_list: transaction
            .authorization_list()
            .unwrap_or_default()
            .iter()
            .cloned()
            .map(Either::Left)
            .collect(),
        ..TxEnv::default()
    }
}

/// Whether an account is controlled by a key: no code, or only a delegation.
pub(super) fn is_eoa(account: &AccountInfo) -> bool {
    account.code_hash == KECCAK256_EMPTY || account.code.as_ref().is_some_and(Bytecode::is_eip7702)
}
