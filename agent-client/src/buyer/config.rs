//! `buyer.toml`: who pays, on which chain, how much at most, and whom to believe.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use agent_core::a2a::signing::Jwk;
use agent_core::money::{AssetTable, BaseUnits, Money};
use agent_core::policy::{SpendPolicy, SpendRules};
use agent_core::trust::ScorePolicy;
use agent_core::x402::batch::BATCH_SETTLEMENT;
use alloy_primitives::Address;
use serde::Deserialize;

use super::{BuyerError, MandateConfig, Rules, limits};
use crate::call::{CardTrust, SignatureMode};
use crate::discover::TrustPolicy;
use crate::egress::EgressPolicy;
use crate::settings::ChainSettings;
use crate::wallet::{KeyError, PayerKey, Scheme};

/// A buyer's configuration. Unknown keys are errors; amounts are text with their unit.
///
/// ```
/// let config = agent_client::buyer::BuyerConfig::parse(r#"
///     chain = "devnet"                      # or a table: rpc_url, chain_id, escrow, ...
///     key = { file = "payer.key" }          # or { env = "NAME" }
///     data_dir = "buyer-data"
///
///     [budget]
///     per_payment = "0.01 USDC"
///     per_day = "2 USDC"
///
///     [network]
///     allow_loopback = true
/// "#)?;
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuyerConfig {
    /// The chain; `"devnet"` means a development chain on this machine.
    #[serde(deserialize_with = "ChainSettings::named_or_table")]
    pub chain: ChainSettings,
    /// The key that pays and signs feedback.
    pub key: KeySource,
    /// Where wallet and outbox are kept; relative to the configuration file.
    #[serde(default = "data_dir")]
    pub data_dir: PathBuf,
    /// What may be spent.
    #[serde(default)]
    pub budget: Budget,
    /// What narrows it.
    #[serde(default)]
    pub rules: Rules,
    /// Mandates of AP2 under which the buyer pays; all must hold.
    #[serde(default)]
    pub mandates: Vec<MandateConfig>,
    /// Whom to believe.
    #[serde(default)]
    pub trust: Trust,
    /// Whose signature under an Agent Card counts.
    #[serde(default)]
    pub cards: CardsConfig,
    /// What may be called.
    #[serde(default)]
    pub network: NetworkConfig,
    /// The schemes to pay with, the best first; all of them, z402 first. A scheme that is not
    /// listed is not paid.
    #[serde(default = "all_schemes")]
    pub schemes: Vec<Scheme>,
}

/// Where a key comes from. Never from an argument: arguments are public on a machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum KeySource {
    /// A file that only its owner can read, holding 32 bytes in hexadecimal.
    File(PathBuf),
    /// An environment variable with the same content.
    Env(String),
}

impl KeySource {
    fn read(&self, base: &Path) -> Result<PayerKey, KeyError> {
        match self {
            Self::File(path) => PayerKey::from_file(base.join(path)),
            Self::Env(name) => PayerKey::from_env(name),
        }
    }
}

/// What may be spent, on by default. What is not set here has the bound that is named with it, in
/// whole tokens of the configured chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// The most for one payment; 0.05.
    pub per_payment: Option<Money>,
    /// The most in any hour; 1.
    pub per_hour: Option<Money>,
    /// The most in any day; 5.
    pub per_day: Option<Money>,
    /// The most to one payee in any day; 2.
    pub per_payee_per_day: Option<Money>,
    /// The most that one lock may hold; 1.
    pub per_lock: Option<Money>,
    /// The most that all locks may hold together; 5.
    pub locked_total: Option<Money>,
    /// The longest that a lock may run, in seconds; a day.
    pub max_lock_secs: Option<u64>,
    /// Stops all spending.
    pub killed: bool,
}

/// Whom to believe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trust {
    /// Reviewers that are believed more.
    pub known_reviewers: BTreeSet<Address>,
    /// Reviewers that are not believed at all.
    pub excluded_reviewers: BTreeSet<Address>,
    /// After this many days feedback weighs half; 90.
    pub half_life_days: Option<NonZeroU64>,
    /// The payment that gives feedback its full weight; one whole USDC.
    pub full_weight: Option<Money>,
    /// Whether only agents with a registered identity are paid.
    pub require_identity: bool,
}

/// What may be called besides public addresses over https.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// This machine, for rehearsals.
    pub allow_loopback: bool,
    /// Private networks.
    pub allow_private: bool,
    /// Hosts that may be called over plain http.
    pub plain_http: BTreeSet<String>,
}

/// Whose signature under an Agent Card counts.
///
/// ```
/// let config: agent_client::buyer::CardsConfig = toml::from_str(r#"
///     signatures = "require"           # or "verify_if_signed", the usual, or "ignore"
///     jku_hosts = ["keys.example"]     # hosts whose key sets are trusted for any card
///
///     [[keys]]                         # a key that is trusted for the cards of these hosts
///     hosts = ["seller.example"]
///     jwk = { kid = "2026", kty = "OKP", crv = "Ed25519", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }
/// "#)?;
/// # drop(config.trust()); Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CardsConfig {
    /// What is asked of signatures.
    pub signatures: SignatureMode,
    /// Hosts whose key sets are trusted for any card that names them in `jku`.
    pub jku_hosts: BTreeSet<String>,
    /// Keys that are trusted, whatever a card says of where they are.
    pub keys: Vec<PinnedKeyConfig>,
}

/// A key that is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedKeyConfig {
    /// The public key (RFC 7517) with its `kid`.
    pub jwk: Jwk,
    /// The hosts whose cards it may sign, with the port if it is not the usual one; any if empty.
    #[serde(default)]
    pub hosts: BTreeSet<String>,
}

impl CardsConfig {
    /// The trust under these settings.
    #[must_use]
    pub fn trust(&self) -> CardTrust {
        let trust = CardTrust::new(self.signatures);
        let pinned = self.keys.iter().fold(trust, |trust, key| {
            trust.pin(key.jwk.clone(), key.hosts.iter().cloned())
        });
        let hosts = self.jku_hosts.iter();
        hosts.fold(pinned, |trust, host| trust.jku_host(host))
    }
}

impl BuyerConfig {
    /// Reads the text of a `buyer.toml`.
    ///
    /// # Errors
    /// What is wrong and in which line, without the line itself: RPC URLs carry keys.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count().saturating_add(1));
            format!("line {line}: {}", error.message())
        })
    }

    pub(super) async fn read(path: &Path) -> Result<Self, BuyerError> {
        let shown = path.display().to_string();
        let file = |error| BuyerError::File {
            path: shown.clone(),
            error,
        };
        let config = |why: String| BuyerError::Config {
            path: shown.clone(),
            why,
        };
        let size = tokio::fs::metadata(path).await.map_err(file)?.len();
        if size > limits::CONFIG_BYTES_MAX {
            return Err(config(format!(
                "larger than {} bytes",
                limits::CONFIG_BYTES_MAX
            )));
        }
        let text = tokio::fs::read_to_string(path).await.map_err(file)?;
        Self::parse(&text).map_err(config)
    }

    /// What may be spent under all of it; paths are relative to `base`.
    ///
    /// # Errors
    /// [`BuyerError`] when a part of it cannot be read or enforced.
    pub fn policy(&self, base: &Path, now_unix_secs: u64) -> Result<SpendPolicy, BuyerError> {
        let mut policy = self.budget.policy(&self.chain)?;
        policy.rules = self.rules.policy(&self.chain)?;
        self.mandates.iter().try_fold(policy, |policy, mandate| {
            mandate.narrow(&policy, &self.chain, base, now_unix_secs)
        })
    }

    pub(super) fn key(&self, base: &Path) -> Result<PayerKey, BuyerError> {
        Ok(self.key.read(base)?)
    }
}

impl Budget {
    /// The policy under these bounds, on `chain`.
    ///
    /// # Errors
    /// [`BuyerError::Amount`] when an amount is not one of the chain's token.
    pub fn policy(&self, chain: &ChainSettings) -> Result<SpendPolicy, BuyerError> {
        let assets = chain.assets();
        let bound = |what, set: &Option<Money>, usual: &str| {
            let usual = || format!("{usual} {}", chain.token.symbol).parse();
            let money = set.clone().map_or_else(usual, Ok);
            amount(what, money, &assets)
        };
        Ok(SpendPolicy {
            asset: chain.asset().id(),
            contracts: BTreeSet::from([chain.escrow]),
            per_payment: bound("budget.per_payment", &self.per_payment, "0.05")?,
            per_hour: bound("budget.per_hour", &self.per_hour, "1")?,
            per_day: bound("budget.per_day", &self.per_day, "5")?,
            per_payee_per_day: bound("budget.per_payee_per_day", &self.per_payee_per_day, "2")?,
            per_lock: bound("budget.per_lock", &self.per_lock, "1")?,
            locked_total: bound("budget.locked_total", &self.locked_total, "5")?,
            max_lock_secs: self.max_lock_secs.unwrap_or(86_400),
            killed: self.killed,
            rules: SpendRules::default(),
        })
    }
}

/// Lets `policy` pay with these schemes: adds the contracts that take the money to its list.
pub(super) fn allow(policy: &mut SpendPolicy, chain: &ChainSettings, schemes: &[Scheme]) {
    for scheme in schemes {
        policy.contracts.insert(match scheme {
            Scheme::Z402 => chain.escrow,
            Scheme::BatchSettlement => BATCH_SETTLEMENT,
            Scheme::Exact => chain.token.address,
        });
    }
}

impl Trust {
    /// The trust policy under these settings.
    ///
    /// # Errors
    /// [`BuyerError::Amount`] when the weight is not an amount of the chain's token.
    pub fn policy(&self, chain: &ChainSettings) -> Result<TrustPolicy, BuyerError> {
        let mut score = ScorePolicy {
            excluded: self.excluded_reviewers.clone(),
            ..ScorePolicy::default()
        };
        if let Some(days) = self.half_life_days {
            let secs = days.get().saturating_mul(86_400);
            score.half_life_secs = NonZeroU64::new(secs).unwrap_or(score.half_life_secs);
        }
        if let Some(money) = &self.full_weight {
            let full = amount("trust.full_weight", Ok(money.clone()), &chain.assets())?;
            let full = u64::try_from(full.get()).ok().and_then(NonZeroU64::new);
            score.full_weight_base_units = full.unwrap_or(score.full_weight_base_units);
        }
        Ok(TrustPolicy {
            score,
            known_reviewers: self.known_reviewers.clone(),
        })
    }
}

impl NetworkConfig {
    /// The egress policy under these settings.
    #[must_use]
    pub fn policy(&self) -> EgressPolicy {
        let mut policy = EgressPolicy::strict();
        if self.allow_loopback {
            policy = policy.allow_loopback();
        }
        if self.allow_private {
            policy = policy.allow_private();
        }
        self.plain_http
            .iter()
            .fold(policy, |policy, host| policy.allow_plain_http(host))
    }
}

fn amount(
    what: &'static str,
    money: Result<Money, agent_core::money::MoneyError>,
    assets: &AssetTable,
) -> Result<BaseUnits, BuyerError> {
    let amount = money.and_then(|money| assets.resolve(&money).map(|(_, amount)| amount));
    amount.map_err(|error| BuyerError::Amount { what, error })
}

fn all_schemes() -> Vec<Scheme> {
    Scheme::ALL.to_vec()
}

fn data_dir() -> PathBuf {
    PathBuf::from("buyer-data")
}
