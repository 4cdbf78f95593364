//! How a transaction gets into the pool.

use super::{Chain, ChainError, evm};
use crate::limits;
use alloy_consensus::{
    Signed, Transaction as _, TxEip1559, TxEnvelope,
    transaction::{Recovered, SignerRecoverable},
};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Signature, U256};
use alloy_rpc_types_eth::{TransactionReceipt, TransactionRequest};
use revm::handler::validation::validate_initial_tx_gas;

/// The gas of a transaction that names none: what later rules allow one transaction at most.
const DEFAULT_GAS: u64 = 1 << 24;

impl Chain {
    /// Take a signed transaction, as `eth_sendRawTransaction` does, and return its hash.
    ///
    /// With automining it is in a block when this returns, unless its nonce leaves a gap or its fee is
    /// below the base fee: then it waits.
    ///
    /// # Errors
    ///
    /// If the transaction is malformed, can never be mined or must not be taken now.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<B256, ChainError> {
        if bytes.len() > limits::MAX_TRANSACTION_BYTES {
            return Err(ChainError::Oversized(bytes.len()));
        }
        let mut rest = bytes;
        let transaction = TxEnvelope::decode_2718(&mut rest)
            .map_err(|error| ChainError::Undecodable(error.to_string()))?;
        if !rest.is_empty() {
            return Err(ChainError::Undecodable(
                "bytes after the transaction".to_owned(),
            ));
        }
        let sender = transaction
            .recover_signer()
            .map_err(|_| ChainError::BadSignature)?;
        self.submit(Recovered::new_unchecked(transaction, sender))
    }

    /// Send a transaction from any account without its key and mine it, whatever automining says.
    ///
    /// What the request leaves open is filled in: the next nonce, much gas, and a fee that pays. The
    /// receipt tells whether the contract reverted. The signature that later shows in the block is a
    /// placeholder that nobody made.
    ///
    /// # Errors
    ///
    /// If the transaction cannot be mined.
    pub fn transact(
        &mut self,
        request: TransactionRequest,
    ) -> Result<TransactionReceipt, ChainError> {
        let hash = self.send_unsigned(request)?;
        if self.receipt(hash).is_none() {
            self.mine(1)?;
        }
        self.receipt(hash).ok_or(ChainError::NotMined(hash))
    }

    /// Send a transaction of a development account, as `eth_sendTransaction` does.
    pub(crate) fn send_for_dev_account(
        &mut self,
        request: TransactionRequest,
    ) -> Result<B256, ChainError> {
        let from = request.from.unwrap_or_default();
        if !self.accounts.iter().any(|account| account.address == from) {
            return Err(ChainError::UnknownAccount(from));
        }
        self.send_unsigned(request)
    }

    fn send_unsigned(&mut self, request: TransactionRequest) -> Result<B256, ChainError> {
        let from = request.from.unwrap_or_default();
        let tip = request.max_priority_fee_per_gas.unwrap_or(0);
        let fee = request
            .max_fee_per_gas
            .or(request.gas_price)
            .unwrap_or_else(|| {
                u128::from(self.next_base_fee())
                    .saturating_mul(2)
                    .saturating_add(tip)
            });
        let transaction = TxEip1559 {
            chain_id: request.chain_id.unwrap_or(self.chain_id),
            nonce: request.nonce.unwrap_or_else(|| self.pending_nonce(from)),
            gas_limit: request.gas.unwrap_or(DEFAULT_GAS.min(self.block_gas_limit)),
            max_fee_per_gas: fee,
            max_priority_fee_per_gas: tip,
            to: request.to.unwrap_or_default(),
            value: request.value.unwrap_or_default(),
            access_list: request.access_list.unwrap_or_default(),
            input: request.input.into_input().unwrap_or_default(),
        };
        let signed = Signed::new_unhashed(transaction, placeholder_signature(from));
        self.submit(Recovered::new_unchecked(TxEnvelope::Eip1559(signed), from))
    }

    fn submit(&mut self, transaction: Recovered<TxEnvelope>) -> Result<B256, ChainError> {
        let hash = *transaction.tx_hash();
        if self.pool.get(hash).is_some() {
            return Err(ChainError::AlreadyKnown);
        }
        self.check(&transaction)?;
        self.pool.insert(transaction)?;
        if self.automine {
            let dropped = self
                .mine_each()
                .into_iter()
                .find(|(dropped, _)| *dropped == hash);
            if let Some((_, error)) = dropped {
                return Err(error);
            }
        }
        Ok(hash)
    }

    /// What can be known about a transaction before its turn comes.
    fn check(&self, transaction: &Recovered<TxEnvelope>) -> Result<(), ChainError> {
        if matches!(transaction.inner(), TxEnvelope::Eip4844(_)) {
            return Err(ChainError::UnsupportedType(transaction.tx_type().into()));
        }
        if let Some(have) = transaction.chain_id().filter(|have| *have != self.chain_id) {
            return Err(ChainError::WrongChain {
                have,
                want: self.chain_id,
            });
        }
        if transaction.gas_limit() > self.block_gas_limit {
            return Err(ChainError::ExceedsBlockGasLimit);
        }
        let fee_cap = transaction.max_fee_per_gas();
        if transaction
            .max_priority_fee_per_gas()
            .is_some_and(|tip| tip > fee_cap)
        {
            return Err(ChainError::TipAboveFeeCap);
        }
        let env = evm::tx_env(transaction);
        validate_initial_tx_gas(env, evm::SPEC, false, false, u64::MAX, None)?;
        self.check_sender(transaction)
    }

    fn check_sender(&self, transaction: &Recovered<TxEnvelope>) -> Result<(), ChainError> {
        let sender = transaction.signer();
        let account = self.state.account(sender).cloned().unwrap_or_default();
        if !evm::is_eoa(&account) {
            return Err(ChainError::SenderHasCode(sender));
        }
        let nonce = transaction.nonce();
        if nonce < account.nonce {
            return Err(ChainError::NonceTooLow {
                next: account.nonce,
                nonce,
            });
        }
        let gas = U256::from(transaction.gas_limit());
        let cost = gas
            .saturating_mul(U256::from(transaction.max_fee_per_gas()))
            .saturating_add(transaction.value());
        if cost > account.balance {
            return Err(ChainError::InsufficientFunds {
                balance: account.balance,
                cost,
            });
        }
        Ok(())
    }
}

/// Distinct for every sender, so that equal transactions of two senders have two hashes.
fn placeholder_signature(sender: Address) -> Signature {
    Signature::new(U256::from_be_bytes(sender.into_word().0), U256::ONE, false)
}
