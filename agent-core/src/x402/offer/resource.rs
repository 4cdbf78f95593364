//! What an offer or a receipt of an agent is about, written into its `resourceUrl`: the extension
//! has no other field that is signed and free.

use crate::jcs::{self, JcsError};
use crate::json::Json;
use crate::ledger::PaymentId;
use crate::money::BaseUnits;
use alloy_primitives::{B256, keccak256};
use std::fmt;
use std::str::FromStr;
use url::Url;

/// What a quote is for: `a2a:skill/{skill}?input={hash}&quote={label}`.
///
/// The hash is keccak256 over the canonical JSON (RFC 8785) of the input, so that it is the same
/// whatever binding carried the input. An offer for one input buys no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotedResource {
    /// The skill's id.
    pub skill: String,
    /// The hash of the input.
    pub input_hash: B256,
    /// Which of the skill's quotes it is.
    pub label: String,
}

impl QuotedResource {
    /// The resource of a quote for this input.
    ///
    /// # Errors
    /// [`JcsError`] for an input without a canonical form: one with numbers beyond 2^53.
    pub fn of(skill: &str, input: &Json, label: &str) -> Result<Self, JcsError> {
        let value: serde_json::Value = input.parse()?;
        Ok(Self {
            skill: skill.to_owned(),
            input_hash: keccak256(jcs::canonical(&value)?),
            label: label.to_owned(),
        })
    }
}

impl fmt::Display for QuotedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = self.input_hash.to_string();
        write_resource(f, &self.skill, &[("input", &hash), ("quote", &self.label)])
    }
}

impl FromStr for QuotedResource {
    type Err = ResourceError;

    fn from_str(text: &str) -> Result<Self, ResourceError> {
        let (skill, [input, label]) = read_resource(text, ["input", "quote"])?;
        Ok(Self {
            skill,
            input_hash: input.parse().map_err(|_| ResourceError)?,
            label,
        })
    }
}

/// What a receipt is for: `a2a:skill/{skill}?payment={id}&charged={base units}`.
///
/// The extension's receipt names neither a payment nor an amount; without them a receipt for a
/// thousandth would look like one for a million.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptResource {
    /// The skill's id.
    pub skill: String,
    /// The buyer's name for the payment.
    pub payment_id: PaymentId,
    /// What was charged, in base units.
    pub charged: BaseUnits,
}

impl fmt::Display for ReceiptResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let charged = self.charged.to_string();
        let fields = [("payment", self.payment_id.as_str()), ("charged", &charged)];
        write_resource(f, &self.skill, &fields)
    }
}

impl FromStr for ReceiptResource {
    type Err = ResourceError;

    fn from_str(text: &str) -> Result<Self, ResourceError> {
        let (skill, [payment, charged]) = read_resource(text, ["payment", "charged"])?;
        Ok(Self {
            skill,
            payment_id: PaymentId::parse(&payment).ok_or(ResourceError)?,
            charged: charged.parse().map_err(|_| ResourceError)?,
        })
    }
}

/// The text is not a resource of an agent in the form that we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the resource of an agent's skill")]
pub struct ResourceError;

fn write_resource(f: &mut fmt::Formatter<'_>, skill: &str, fields: &[(&str, &str)]) -> fmt::Result {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields);
    let skill: String = url::form_urlencoded::byte_serialize(skill.as_bytes()).collect();
    write!(f, "a2a:skill/{skill}?{}", query.finish())
}

/// The skill and exactly these fields, in this order: one text for one meaning.
fn read_resource<const N: usize>(
    text: &str,
    names: [&str; N],
) -> Result<(String, [String; N]), ResourceError> {
    let url = Url::parse(text).map_err(|_| ResourceError)?;
    let skill = url.path().strip_prefix("skill/").ok_or(ResourceError)?;
    let mut skills = url::form_urlencoded::parse(skill.as_bytes());
    let (skill, rest) = skills.next().ok_or(ResourceError)?;
    let mut pairs = url.query_pairs();
    let values = names.map(|name| match pairs.next() {
        Some((found, value)) if found == name => Some(value.into_owned()),
        _ => None,
    });
    let plain = url.scheme() == "a2a" && rest.is_empty() && skills.next().is_none();
    if !plain || pairs.next().is_some() || values.iter().any(Option::is_none) {
        return Err(ResourceError);
    }
    Ok((skill.into_owned(), values.map(Option::unwrap_or_default)))
}
