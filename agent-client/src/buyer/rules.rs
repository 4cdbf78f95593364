//! `[rules]` and `[[mandates]]` of `buyer.toml`: what narrows the budget.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use agent_core::a2a::Timestamp;
use agent_core::a2a::signing::JwkSet;
use agent_core::ap2::{MandateSetup, policy_from_mandate, read_mandate};
use agent_core::money::{AssetTable, BaseUnits, Money, Network};
use agent_core::policy::{SkillBounds, SpendPolicy, SpendRules};
use agent_core::trust::GlobalAgentId;
use alloy_primitives::Address;
use serde::Deserialize;

use super::{BuyerError, limits};
use crate::settings::ChainSettings;

/// What else must hold for a payment; nothing unless set.
///
/// ```
/// let rules: agent_client::buyer::Rules = toml::from_str(r#"
///     ask_above = "0.02 USDC"              # a person says yes to each payment above this
///     prepaid_ahead = "0.01 USDC"          # how far ahead of its work a payee may hold signatures
///     payees = ["0x70997970C51812dc3A010C7d01b50e0d17dc79C8"]
///     denied_payees = []
///     not_after = "2027-01-01T00:00:00Z"
///
///     [skills.translate]
///     per_payment = "0.005 USDC"
///     per_day = "0.5 USDC"
/// "#)?;
/// # drop(rules); Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Above this a person has to say yes to each payment.
    pub ask_above: Option<Money>,
    /// How far ahead of what was charged a payee may hold our signature; nothing unless set.
    pub prepaid_ahead: Option<Money>,
    /// The chains that may be spent on, as `eip155:{chainId}`; the configured one unless set.
    pub networks: Option<BTreeSet<Network>>,
    /// The accounts that may be paid; any unless set.
    pub payees: Option<BTreeSet<Address>>,
    /// The accounts that are never paid.
    pub denied_payees: BTreeSet<Address>,
    /// The registered agents that may be paid; any unless set.
    pub agents: Option<BTreeSet<GlobalAgentId>>,
    /// Bounds for skills, by name.
    pub skills: BTreeMap<String, SkillRules>,
    /// Whether a skill without bounds of its own is refused.
    pub listed_skills_only: bool,
    /// From when on anything may be spent, as an RFC 3339 time.
    pub not_before: Option<String>,
    /// When spending ends, as an RFC 3339 time.
    pub not_after: Option<String>,
}

/// Bounds for one skill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SkillRules {
    /// The most for one payment.
    pub per_payment: Option<Money>,
    /// The most in any day.
    pub per_day: Option<Money>,
}

/// An open payment mandate of AP2, under which the buyer pays. It can only narrow what the budget
/// and the rules allow; one that cannot be enforced keeps the buyer from opening.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MandateConfig {
    /// The mandate: a compact JWS or SD-JWT, or plain JSON. Relative to the configuration file.
    pub file: PathBuf,
    /// The keys (a JWK set) that are trusted to sign it.
    #[serde(default)]
    pub keys: Option<PathBuf>,
    /// Whether plain JSON is taken, for which nobody vouches.
    #[serde(default)]
    pub allow_unsigned: bool,
    /// The currency that the configured token stands for one to one, such as `USD`.
    pub currency: String,
    /// The thumbprint (RFC 7638) of the agent's key that the mandate is given to.
    #[serde(default)]
    pub holder: Option<String>,
    /// The checkout that the mandate is bound to, if it is to one.
    #[serde(default)]
    pub reference: Option<String>,
    /// The accounts of merchants that it names otherwise than by account.
    #[serde(default)]
    pub merchants: BTreeMap<String, Address>,
}

impl Rules {
    /// The rules under these settings, on `chain`.
    ///
    /// # Errors
    /// [`BuyerError::Amount`] when an amount is not one of the chain's token,
    /// [`BuyerError::Config`] when a date is none.
    pub fn policy(&self, chain: &ChainSettings) -> Result<SpendRules, BuyerError> {
        let assets = chain.assets();
        let bound = |what, set: &Option<Money>| {
            let set = set.as_ref().map(|money| units(what, money, &assets));
            set.transpose()
        };
        let mut skills = BTreeMap::new();
        for (name, rules) in &self.skills {
            let bounds = SkillBounds {
                per_payment: bound("rules.skills.per_payment", &rules.per_payment)?,
                per_day: bound("rules.skills.per_day", &rules.per_day)?,
            };
            skills.insert(name.clone(), bounds);
        }
        Ok(SpendRules {
            networks: self.networks.clone(),
            payees: self.payees.clone(),
            denied_payees: self.denied_payees.clone(),
            agents: self.agents.clone(),
            skills,
            listed_skills_only: self.listed_skills_only,
            not_before_unix_secs: self.not_before.as_deref().map(time).transpose()?,
            not_after_unix_secs: self.not_after.as_deref().map(time).transpose()?,
            ask_above: bound("rules.ask_above", &self.ask_above)?,
            prepaid_ahead_base_units: bound("rules.prepaid_ahead", &self.prepaid_ahead)?
                .unwrap_or(BaseUnits::ZERO),
            ..SpendRules::default()
        })
    }
}

impl MandateConfig {
    /// `policy` narrowed by the mandate; paths are relative to `base`.
    ///
    /// # Errors
    /// [`BuyerError::File`] and [`BuyerError::Mandate`].
    pub fn narrow(
        &self,
        policy: &SpendPolicy,
        chain: &ChainSettings,
        base: &Path,
        now_unix_secs: u64,
    ) -> Result<SpendPolicy, BuyerError> {
        let mandate = |error| BuyerError::Mandate {
            path: self.file.display().to_string(),
            error,
        };
        let keys = match &self.keys {
            None => JwkSet { keys: Vec::new() },
            Some(path) => {
                let text = read(&base.join(path))?;
                JwkSet::read(text.as_bytes()).map_err(|error| BuyerError::Config {
                    path: path.display().to_string(),
                    why: error.to_string(),
                })?
            }
        };
        let text = read(&base.join(&self.file))?;
        let read = read_mandate(&text, &keys, self.allow_unsigned, now_unix_secs);
        let setup = MandateSetup {
            asset: &chain.asset(),
            currency: &self.currency,
            merchants: &self.merchants,
            reference: self.reference.as_deref(),
            holder: self.holder.as_deref(),
        };
        policy_from_mandate(policy, &read.map_err(mandate)?, &setup).map_err(mandate)
    }
}

fn read(path: &Path) -> Result<String, BuyerError> {
    let shown = || path.display().to_string();
    let file = |error| BuyerError::File {
        path: shown(),
        error,
    };
    let size = std::fs::metadata(path).map_err(file)?.len();
    if size > limits::CONFIG_BYTES_MAX {
        return Err(BuyerError::Config {
            path: shown(),
            why: format!("larger than {} bytes", limits::CONFIG_BYTES_MAX),
        });
    }
    std::fs::read_to_string(path).map_err(file)
}

fn units(what: &'static str, money: &Money, assets: &AssetTable) -> Result<BaseUnits, BuyerError> {
    let amount = assets.resolve(money).map(|(_, amount)| amount);
    amount.map_err(|error| BuyerError::Amount { what, error })
}

fn time(text: &str) -> Result<u64, BuyerError> {
    let parsed: Result<Timestamp, _> = text.parse();
    let secs = parsed
        .ok()
        .and_then(|time| u64::try_from(time.unix_millis().div_euclid(1_000)).ok());
    secs.ok_or_else(|| BuyerError::Config {
        path: "rules".to_owned(),
        why: "a date is not a time such as 2027-01-01T00:00:00Z".to_owned(),
    })
}
