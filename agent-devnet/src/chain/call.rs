//! Executions that change nothing: `eth_call` and `eth_estimateGas`.

use super::{
    Chain, ChainError,
    evm::{self, Checks},
    mine::block_env,
    state::View,
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Bytes, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use revm::{
    context::{
        BlockEnv, TxEnv,
        result::{ExecutionResult, HaltReason},
    },
    context_interface::either::Either,
};

/// How close an estimate comes to the least that is enough, as other nodes have it: within 1/64.
const ESTIMATE_PRECISION: u64 = 64;

impl Chain {
    /// What a call would return, in the surroundings of the given block.
    ///
    /// # Errors
    ///
    /// If the call fails, or the block is not known or not kept.
    pub fn call(&self, request: TransactionRequest, at: BlockId) -> Result<Bytes, ChainError> {
        let (env, view) = self.surroundings(at)?;
        evm::output_of(self.run(&env, &view, self.call_env(request, &env))?)
    }

    /// A gas limit with which a transaction would succeed.
    ///
    /// # Errors
    ///
    /// If no gas limit is enough, or the block is not known or not kept.
    pub fn estimate_gas(
        &self,
        request: TransactionRequest,
        at: BlockId,
    ) -> Result<u64, ChainError> {
        let (env, view) = self.surroundings(at)?;
        let mut transaction = self.call_env(request, &env);
        transaction.gas_limit = affordable_gas(&transaction, &view);
        let most = transaction.gas_limit;
        let enough = |gas: u64| {
            let trial = TxEnv {
                gas_limit: gas,
                ..transaction.clone()
            };
            self.run(&env, &view, trial)
                .map(|result| result.is_success())
        };

        let first = self.run(&env, &view, transaction.clone())?;
        let used = first.tx_gas_used();
        match evm::output_of(first) {
            Err(ChainError::Halted(HaltReason::OutOfGas(_))) => {
                return Err(ChainError::GasAllowance(most));
            }
            outcome => outcome?,
        };
        if enough(used)? {
            return Ok(used);
        }
        // Refunds come after the gas was needed, and a call keeps a 64th back from its callee, so the
        // answer lies somewhere above what was used.
        let (mut low, mut high) = (used, most);
        while high.saturating_sub(low) > high / ESTIMATE_PRECISION {
            let middle = low.midpoint(high).min(low.saturating_mul(2));
            if enough(middle)? {
                high = middle
            } else {
                low = middle
            }
        }
        Ok(high)
    }

    /// Call a contract while the genesis block is made, and keep what it does to the state.
    pub(crate) fn genesis_call(
        &mut self,
        to: alloy_primitives::Address,
        data: Vec<u8>,
    ) -> Result<(), ChainError> {
        let request = TransactionRequest::default()
            .to(to)
            .input(Bytes::from(data).into());
        let (env, view) = self.surroundings(BlockId::latest())?;
        let transaction = self.call_env(request, &env);
        let caller = transaction.caller;
        let executed = evm::execute(
            self.chain_id,
            &env,
            &view,
            &self.history,
            transaction,
            Checks::Call,
        )?;
        self.state.commit(executed.state);
        // The nonce of the nobody who called is the only trace, and nobody should find it.
        self.state.put_account(caller, None);
        evm::output_of(executed.result).map(drop)
    }

    fn run(
        &self,
        env: &BlockEnv,
        view: &View<'_>,
        transaction: TxEnv,
    ) -> Result<ExecutionResult, ChainError> {
        let history = &self.history;
        evm::execute(self.chain_id, env, view, history, transaction, Checks::Call)
            .map(|executed| executed.result)
    }

    /// The block and the state that an identifier means for an execution.
    fn surroundings(&self, at: BlockId) -> Result<(BlockEnv, View<'_>), ChainError> {
        if is_now(at) {
            return Ok((block_env(&self.next_header()), self.state.latest()));
        }
        let block = self.history.resolve(at)?;
        Ok((block_env(block.header()), self.state.at(block.mark)))
    }

    /// The state that an identifier means.
    pub(super) fn view(&self, at: BlockId) -> Result<View<'_>, ChainError> {
        if is_now(at) {
            return Ok(self.state.latest());
        }
        self.history
            .resolve(at)
            .map(|block| self.state.at(block.mark))
    }

    fn call_env(&self, request: TransactionRequest, env: &BlockEnv) -> TxEnv {
        let price = request.max_fee_per_gas.or(request.gas_price).unwrap_or(0);
        let authorization_list = request.authorization_list.unwrap_or_default();
        let mut transaction = TxEnv {
            caller: request.from.unwrap_or_default(),
            gas_limit: request.gas.unwrap_or(u64::MAX).min(env.gas_limit),
            gas_price: price,
            gas_priority_fee: request.max_priority_fee_per_gas.filter(|_| price > 0),
            kind: request.to.unwrap_or(TxKind::Create),
            value: request.value.unwrap_or_default(),
            data: request.input.into_input().unwrap_or_default(),
            chain_id: Some(request.chain_id.unwrap_or(self.chain_id)),
            access_list: request.access_list.unwrap_or_default(),
            authorization_list: authorization_list.into_iter().map(Either::Left).collect(),
            ..TxEnv::default()
        };
        // Fails only for a delegation without a target, which the EVM then refuses in better words.
        if transaction.derive_tx_type().is_err() {
            tracing::debug!("a call with authorizations and no target");
        }
        transaction
    }
}

/// Whether an identifier means the newest state rather than a certain block.
fn is_now(at: BlockId) -> bool {
    matches!(
        at,
        BlockId::Number(
            BlockNumberOrTag::Latest
                | BlockNumberOrTag::Pending
                | BlockNumberOrTag::Safe
                | BlockNumberOrTag::Finalized
        )
    )
}

/// The most gas that the sender can pay for.
fn affordable_gas(transaction: &TxEnv, view: &View<'_>) -> u64 {
    let price = U256::from(transaction.gas_price);
    let balance = view
        .account(transaction.caller)
        .map_or(U256::ZERO, |account| account.balance);
    balance
        .saturating_sub(transaction.value)
        .checked_div(price)
        .and_then(|gas| u64::try_from(gas).ok())
        .map_or(transaction.gas_limit, |gas| gas.min(transaction.gas_limit))
}
