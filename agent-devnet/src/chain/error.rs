//! Why the chain refuses.

use crate::limits;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{Panic, Revert, SolError};
use revm::context::result::{EVMError, HaltReason, InvalidTransaction};
use std::convert::Infallible;

/// Why the chain refuses a request.
///
/// The texts are those that clients look for in the answers of public nodes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The bytes are not a signed transaction.
    #[error("rlp: {0}")]
    Undecodable(String),
    /// The transaction is larger than a node relays.
    #[error("oversized data: transaction size {0}, limit {max}", max = limits::MAX_TRANSACTION_BYTES)]
    Oversized(usize),
    /// The signature is not a canonical signature of anybody.
    #[error("invalid transaction v, r, s values")]
    BadSignature,
    /// The chain does not take transactions of this type.
    #[error("transaction type not supported: {0}")]
    UnsupportedType(u8),
    /// The transaction is for another chain.
    #[error("invalid chain id for signer: have {have} want {want}")]
    WrongChain {
        /// The chain id in the transaction.
        have: u64,
        /// The chain id of this chain.
        want: u64,
    },
    /// The nonce was used by a mined transaction.
    #[error("nonce too low: next nonce {next}, tx nonce {nonce}")]
    NonceTooLow {
        /// The sender's next nonce.
        next: u64,
        /// The nonce of the transaction.
        nonce: u64,
    },
    /// The very same transaction waits already.
    #[error("already known")]
    AlreadyKnown,
    /// Another transaction with this nonce waits, and this one does not pay a tenth more.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// The sender cannot pay for gas and value.
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {cost}")]
    InsufficientFunds {
        /// What the sender has.
        balance: U256,
        /// What the transaction may cost.
        cost: U256,
    },
    /// The gas limit does not even pay for the transaction's bytes.
    #[error("intrinsic gas too low: gas {gas}, minimum needed {needed}")]
    IntrinsicGas {
        /// The gas limit of the transaction.
        gas: u64,
        /// The least that it needs.
        needed: u64,
    },
    /// The gas limit is more than a block holds.
    #[error("exceeds block gas limit")]
    ExceedsBlockGasLimit,
    /// The tip is larger than the whole fee.
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveFeeCap,
    /// The fee is below the base fee, in a call that names one.
    #[error("max fee per gas less than block base fee")]
    FeeCapTooLow,
    /// The sender is a contract.
    #[error("sender not an eoa: {0}")]
    SenderHasCode(Address),
    /// The sender is not an account whose key the node knows.
    #[error("unknown account: {0}")]
    UnknownAccount(Address),
    /// Too many transactions wait.
    #[error("txpool is full")]
    PoolFull,
    /// The transaction is invalid for a rarer reason.
    #[error("invalid transaction: {0}")]
    Invalid(InvalidTransaction),
    /// The transaction was accepted but is not in a block yet.
    #[error("transaction {0} is not mined")]
    NotMined(B256),
    /// The contract reverted.
    #[error("execution reverted{}", reason_of(.0))]
    Reverted(Bytes),
    /// The execution ended in an error that returns no data.
    #[error("{}", halt_text(.0))]
    Halted(HaltReason),
    /// No gas limit up to the one allowed is enough.
    #[error("gas required exceeds allowance ({0})")]
    GasAllowance(u64),
    /// The EVM itself failed.
    #[error("evm: {0}")]
    Evm(String),
    /// There is no such block.
    #[error("header not found")]
    UnknownBlock,
    /// The block is older than what the chain keeps.
    #[error("history before block {oldest} is not kept by this development chain")]
    HistoryNotKept {
        /// The oldest block that is kept.
        oldest: u64,
    },
    /// The block range ends before it begins.
    #[error("invalid block range params")]
    InvalidRange,
    /// The answer would be too long.
    #[error("query returned more than {max} results; narrow the block range", max = limits::MAX_LOGS)]
    TooManyLogs,
    /// The request asks for more than one request may.
    #[error("{what} is limited to {max}")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The most that is allowed.
        max: u64,
    },
    /// The time is not later than the last block.
    #[error("timestamp {time} is not later than the latest block's {latest}")]
    TimeNotLater {
        /// The time asked for.
        time: u64,
        /// The time of the latest block.
        latest: u64,
    },
    /// The bytes are no contract code.
    #[error("invalid contract code")]
    InvalidCode,
}

/// The human-readable part of revert data, when it is one of the two standard errors.
fn reason_of(data: &Bytes) -> String {
    let reason = if let Ok(revert) = Revert::abi_decode(data) {
        revert.reason
    } else if let Ok(panic) = Panic::abi_decode(data) {
        panic.to_string()
    } else {
        return String::new();
    };
    let shown: String = reason.chars().take(limits::MAX_REASON_CHARS).collect();
    format!(": {shown}")
}

fn halt_text(reason: &HaltReason) -> String {
    match reason {
        HaltReason::OutOfGas(_) => "out of gas".to_owned(),
        HaltReason::InvalidFEOpcode => "invalid opcode: INVALID".to_owned(),
        HaltReason::InvalidJump => "invalid jump destination".to_owned(),
        other => format!("execution halted: {other:?}"),
    }
}

impl From<EVMError<Infallible>> for ChainError {
    fn from(error: EVMError<Infallible>) -> Self {
        match error {
            EVMError::Transaction(invalid) => invalid.into(),
            other => Self::Evm(other.to_string()),
        }
    }
}

impl From<InvalidTransaction> for ChainError {
    fn from(invalid: InvalidTransaction) -> Self {
        match invalid {
            InvalidTransaction::NonceTooLow { tx, state } => Self::NonceTooLow {
                next: state,
                nonce: tx,
            },
            InvalidTransaction::LackOfFundForMaxFee { fee, balance } => Self::InsufficientFunds {
                balance: *balance,
                cost: *fee,
            },
            InvalidTransaction::CallGasCostMoreThanGasLimit {
                initial_gas,
                gas_limit,
            } => Self::IntrinsicGas {
                gas: gas_limit,
                needed: initial_gas,
            },
            InvalidTransaction::GasFloorMoreThanGasLimit {
                gas_floor,
                gas_limit,
            } => Self::IntrinsicGas {
                gas: gas_limit,
                needed: gas_floor,
            },
            InvalidTransaction::CallerGasLimitMoreThanBlock
            | InvalidTransaction::TxGasLimitGreaterThanCap { .. } => Self::ExceedsBlockGasLimit,
            InvalidTransaction::PriorityFeeGreaterThanMaxFee => Self::TipAboveFeeCap,
            InvalidTransaction::GasPriceLessThanBasefee => Self::FeeCapTooLow,
            other => Self::Invalid(other),
        }
    }
}
