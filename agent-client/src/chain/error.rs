//! What the chain can answer other than what was asked.

use alloy_json_rpc::ErrorPayload;
use alloy_primitives::{Bytes, U256};
use alloy_sol_types::{SolError, SolInterface};
use alloy_transport::{RpcError, TransportError, TransportErrorKind};

use super::bindings::{IIdentityRegistry, IToken, IZ402Escrow};
use crate::egress::EgressError;

/// Why a read or a broadcast failed. Holds no URL: RPC URLs carry keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The node is on another chain than the operator configured.
    #[error("the node is on chain {found}, not on {expected}")]
    WrongChain {
        /// The configured chain.
        expected: u64,
        /// What the node says.
        found: u64,
    },
    /// The call would revert, or did.
    #[error("reverted: {reason}")]
    Reverted {
        /// The decoded reason, for people and logs.
        reason: String,
        /// The revert data as the contract gave it.
        data: Bytes,
    },
    /// The node answered with an error of its own.
    #[error("the node refused ({code}): {message}")]
    Refused {
        /// JSON-RPC error code.
        code: i64,
        /// The node's words, cut short.
        message: String,
    },
    /// No answer. A transaction that was being broadcast may have arrived.
    #[error("the node does not answer: {0}")]
    Unreachable(String),
    /// An answer that is not what the method promises.
    #[error("the node answered nonsense: {0}")]
    BadAnswer(String),
    /// More logs than one call may gather.
    #[error("more than {max} logs; ask for fewer blocks")]
    TooManyLogs {
        /// The bound.
        max: usize,
    },
    /// Two nodes say different things about one block, or one of them does not come to it.
    #[error("the two nodes do not agree on {0}")]
    Disagree(&'static str),
    /// The RPC URL is not one that may be called.
    #[error("the RPC URL cannot be used: {0}")]
    BadUrl(#[source] EgressError),
}

impl ChainError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongChain { .. } => "chain.wrong_chain",
            Self::Reverted { .. } => "chain.reverted",
            Self::Refused { .. } => "chain.refused",
            Self::Unreachable(_) => "chain.unreachable",
            Self::BadAnswer(_) => "chain.bad_answer",
            Self::TooManyLogs { .. } => "chain.too_many_logs",
            Self::Disagree(_) => "chain.disagree",
            Self::BadUrl(_) => "chain.bad_url",
        }
    }

    pub(super) fn reverted(data: Bytes) -> Self {
        Self::Reverted {
            reason: reason(&data),
            data,
        }
    }
}

impl From<TransportError> for ChainError {
    fn from(error: TransportError) -> Self {
        match error {
            RpcError::ErrorResp(payload) => from_payload(&payload),
            RpcError::Transport(TransportErrorKind::Custom(inner)) => {
                match inner.downcast::<EgressError>() {
                    Ok(egress) => Self::Unreachable(egress.to_string()),
                    Err(other) => Self::Unreachable(short(&other.to_string())),
                }
            }
            RpcError::Transport(kind) => Self::Unreachable(short(&kind.to_string())),
            RpcError::NullResp => Self::BadAnswer("null".to_owned()),
            RpcError::DeserError { err, .. } => Self::BadAnswer(err.to_string()),
            other => Self::BadAnswer(short(&other.to_string())),
        }
    }
}

fn from_payload(payload: &ErrorPayload) -> ChainError {
    // Code 3 is what nodes use for a revert; some leave the word out of the message, and a revert
    // without data still says so.
    if let Some(data) = payload.as_revert_data() {
        return ChainError::reverted(data);
    }
    if payload.code == 3 {
        let data = payload
            .try_data_as::<Bytes>()
            .and_then(Result::ok)
            .unwrap_or_default();
        return ChainError::reverted(data);
    }
    if payload.message.contains("revert") {
        return ChainError::Reverted {
            reason: short(&payload.message),
            data: Bytes::new(),
        };
    }
    ChainError::Refused {
        code: payload.code,
        message: short(&payload.message),
    }
}

/// The reason in words, for every error that a contract of ours, a registry or a token can raise.
fn reason(data: &[u8]) -> String {
    if data.is_empty() {
        return "without a reason".to_owned();
    }
    if let Ok(text) = alloy_sol_types::Revert::abi_decode(data) {
        return short(&text.reason);
    }
    if let Ok(panic) = alloy_sol_types::Panic::abi_decode(data) {
        let code: U256 = panic.code;
        return format!("panic {code}");
    }
    if let Ok(error) = IZ402Escrow::IZ402EscrowErrors::abi_decode(data) {
        return variant(&error);
    }
    if let Ok(error) = IToken::ITokenErrors::abi_decode(data) {
        return variant(&error);
    }
    if let Ok(error) = IIdentityRegistry::IIdentityRegistryErrors::abi_decode(data) {
        return variant(&error);
    }
    let head = data.get(..4).unwrap_or(data);
    format!(
        "unknown error {}",
        alloy_primitives::hex::encode_prefixed(head)
    )
}

/// `BadVoucher(BadVoucher { row: 3 })` without the doubled name.
fn variant(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split_once('(')
        .and_then(|(_, inner)| inner.strip_suffix(')'))
        .map_or(text.clone(), str::to_owned)
}

/// The node's words are a stranger's: kept on one line and short.
fn short(text: &str) -> String {
    const CHARS_MAX: usize = 300;
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(CHARS_MAX)
        .collect()
}
