//! The optional objects inside a feedback file.

use super::feedback::FeedbackError;
use alloy_primitives::{Address, B256};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

/// `proofOfPayment`: the transaction that paid (EIP-8004, "Off-Chain Feedback File Structure").
///
/// A claim. Whether the transaction exists and moved what it should is for a chain reader to say;
/// see [`PaymentCheck`](super::PaymentCheck).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProofOfPayment {
    /// The account that paid.
    #[serde(serialize_with = "checksummed")]
    pub from_address: Address,
    /// The account that was paid.
    #[serde(serialize_with = "checksummed")]
    pub to_address: Address,
    /// The EIP-155 chain id; a string in the file, read as a number too.
    #[serde(with = "decimal")]
    pub chain_id: u64,
    /// The transaction.
    pub tx_hash: B256,
}

/// `paymentCommitment`: our extension. Which voucher of a payment channel paid for the work.
///
/// Carries the voucher's hash, never its signature: whoever holds an unredeemed signature could
/// redeem it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentCommitment {
    /// The payment scheme, for example `z402` or `x402:batch-settlement`.
    pub scheme: String,
    /// The token, as CAIP-19 `eip155:{chainId}/erc20:{address}`.
    pub asset: String,
    /// The escrow or channel contract.
    #[serde(serialize_with = "checksummed")]
    pub channel: Address,
    /// The channel or lock.
    pub channel_id: B256,
    /// The voucher's ceiling: everything promised on the channel so far, in base units.
    #[serde(with = "decimal")]
    pub cumulative_amount: u128,
    /// The voucher's nonce, for schemes that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The EIP-712 digest of the voucher.
    pub voucher_hash: B256,
}

/// `mcp`: the tool, prompt or resource that was used. Names, never contents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct McpReference {
    /// The tool's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The prompt template's name, not a prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The resource's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// `a2a`: the skills and the task that were used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct A2aReference {
    /// The skills' ids, as in the Agent Card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// The A2A context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_id: Option<String>,
    /// The A2A task. Published for good: it should be random, or left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
}

/// `oasf`: skills and domains in the Open Agentic Schema Framework.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OasfReference {
    /// Skills.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// Domains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
}

/// Writes an address with its EIP-55 checksum.
fn checksummed<S: Serializer>(address: &Address, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(address)
}

/// Integers that are strings in the file, and read as numbers too.
mod decimal {
    use super::{Deserialize, Deserializer, Serializer, Value, de};
    use std::fmt::Display;
    use std::str::FromStr;

    pub(super) fn serialize<T: Display, S: Serializer>(v: &T, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(v)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr,
        D: Deserializer<'de>,
    {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        text.parse()
            .map_err(|_| de::Error::custom("not a decimal integer in range"))
    }
}

/// Reads an optional field; one that is malformed counts as absent, so that a stranger's slip in
/// an optional part does not hide the rest.
pub(super) fn lenient<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// Refuses a text that is over its bound.
pub(super) fn bounded(what: &'static str, text: &str, limit: usize) -> Result<(), FeedbackError> {
    if text.len() > limit {
        Err(FeedbackError::TooLarge { what, limit })
    } else {
        Ok(())
    }
}
