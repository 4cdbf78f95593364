use super::batch::{AssetTransferMethod, BatchExtra, SCHEME_BATCH_SETTLEMENT};
use super::limits::TRANSFER_SLACK_SECS;
use super::{Mode, PaymentRequirements, SCHEME_EXACT, SCHEME_Z402, Z402Extra};
use crate::json::{Json, Metadata};
use crate::money::{Asset, BaseUnits};
use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The `params` of our extension in an Agent Card: everything a buyer needs to pay with its first
/// message, without asking first.
///
/// Prices in a card are what the seller offers; the buyer pins them and its policy refuses more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentTerms {
    /// 2.
    pub x402_version: u8,
    /// The modes spoken, best first.
    pub modes: Vec<Mode>,
    /// The schemes spoken, best first.
    pub schemes: Vec<String>,
    /// The token that prices are in. Its decimals, name and version are a claim of the seller's:
    /// a buyer takes them from its own table.
    pub asset: Asset,
    /// Who is paid.
    pub pay_to: Address,
    /// The escrow contract.
    pub contract: Address,
    /// See [`Z402Extra::min_deadline_seconds`].
    pub min_deadline_seconds: u64,
    /// See [`Z402Extra::max_in_flight`].
    pub max_in_flight: u32,
    /// How long the seller may take for one call.
    pub max_timeout_seconds: u64,
    /// What the scheme `batch-settlement` needs, if it is among `schemes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchOffer>,
    /// What the scheme `exact` needs, if it is among `schemes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<ExactOffer>,
    /// The agent's EIP-8004 identity, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<AgentIdentity>,
    /// Price and schemas of each skill, by its id.
    pub skills: BTreeMap<String, SkillTerms>,
}

/// How a seller takes `batch-settlement`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchOffer {
    /// Whose signature claims and gives back.
    pub receiver_authorizer: Address,
    /// Seconds between a payer's notice and its withdrawal.
    pub withdraw_delay: u64,
    /// How much a first deposit should be at least, in base units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_deposit: Option<BaseUnits>,
    /// How to deposit; absent means EIP-3009.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_transfer_method: Option<AssetTransferMethod>,
}

/// How a seller takes `exact`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExactOffer {
    /// How the transfer is authorized; absent means EIP-3009.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_transfer_method: Option<AssetTransferMethod>,
}

/// Who an agent says it is on chain; to be checked against the registry before it is believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentIdentity {
    /// `eip155:<chain id>:<identity registry>`.
    pub agent_registry: String,
    /// The token id, in decimal.
    pub agent_id: String,
}

/// Price and schemas of one skill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkillTerms {
    /// The most that one task costs, in base units of the asset; zero means free.
    pub amount: BaseUnits,
    /// What the price is for: `task`, or the unit that is counted.
    pub unit: String,
    /// The price of one unit, when units are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_amount: Option<BaseUnits>,
    /// Whether less than `amount` may be charged.
    #[serde(default)]
    pub variable: bool,
    /// JSON Schema of the input.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub input_schema: Json,
    /// JSON Schema of the output.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub output_schema: Json,
}

impl PaymentTerms {
    /// The `accepts` entry for a payment of at most `amount` under these terms.
    ///
    /// # Errors
    /// None in practice: the entry's `extra` is plain data.
    pub fn requirements(
        &self,
        amount: BaseUnits,
    ) -> Result<PaymentRequirements, serde_json::Error> {
        let extra = Z402Extra {
            contract: self.contract,
            name: self.asset.name.clone(),
            version: self.asset.version.clone(),
            min_deadline_seconds: self.min_deadline_seconds,
            max_in_flight: self.max_in_flight,
        };
        let mut extra: Metadata = serde_json::from_str(&serde_json::to_string(&extra)?)?;
        extra.insert("mode", Json::from_value(&Mode::Z)?);
        Ok(self.entry(SCHEME_Z402, amount, extra))
    }

    /// The `accepts` entry of a scheme for a payment of at most `amount`; `None` when these terms
    /// do not have it.
    ///
    /// # Errors
    /// None in practice: the entry's `extra` is plain data.
    pub fn requirements_of(
        &self,
        scheme: &str,
        amount: BaseUnits,
    ) -> Result<Option<PaymentRequirements>, serde_json::Error> {
        if !self.schemes.iter().any(|known| known == scheme) {
            return Ok(None);
        }
        let (name, version) = (&self.asset.name, &self.asset.version);
        Ok(match (scheme, self.batch, self.exact) {
            (SCHEME_Z402, _, _) => Some(self.requirements(amount)?),
            (SCHEME_BATCH_SETTLEMENT, Some(offer), _) => {
                let extra = BatchExtra {
                    receiver_authorizer: offer.receiver_authorizer,
                    withdraw_delay: offer.withdraw_delay,
                    name: name.clone(),
                    version: version.clone(),
                    asset_transfer_method: offer.asset_transfer_method,
                    min_deposit: offer.min_deposit,
                    channel_state: None,
                    voucher_state: None,
                };
                Some(self.entry(SCHEME_BATCH_SETTLEMENT, amount, extra.to_metadata()?))
            }
            (SCHEME_EXACT, _, Some(offer)) => {
                let mut extra = Metadata::new();
                extra.set("name", name)?;
                extra.set("version", version)?;
                if let Some(method) = offer.asset_transfer_method {
                    extra.set("assetTransferMethod", &method)?;
                }
                let mut entry = self.entry(SCHEME_EXACT, amount, extra);
                entry.max_timeout_seconds = entry
                    .max_timeout_seconds
                    .saturating_add(TRANSFER_SLACK_SECS);
                Some(entry)
            }
            _ => None,
        })
    }

    /// All ways to pay at most `amount`, in the seller's order.
    ///
    /// # Errors
    /// None in practice, as above.
    pub fn all_requirements(
        &self,
        amount: BaseUnits,
    ) -> Result<Vec<PaymentRequirements>, serde_json::Error> {
        let entries = self.schemes.iter();
        entries
            .filter_map(|scheme| self.requirements_of(scheme, amount).transpose())
            .collect()
    }

    fn entry(&self, scheme: &str, amount: BaseUnits, extra: Metadata) -> PaymentRequirements {
        PaymentRequirements {
            scheme: scheme.to_owned(),
            network: self.asset.network.to_string(),
            amount,
            asset: self.asset.address.to_string(),
            pay_to: self.pay_to.to_string(),
            max_timeout_seconds: self.max_timeout_seconds,
            extra,
        }
    }
}
