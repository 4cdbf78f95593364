//! How a facilitator is set up: alone, from `facilitator.toml`, or inside of an agent.

use super::desk::FeeCaps;
use super::limits::{BATCH_GAS_MAX, DEPOSIT_GAS_MAX};
use super::local::{ChainOffer, LocalFacilitator, Schemes, SetupError};
use super::{FacilitatorOptions, Lends, Repeats};
use crate::auth::{AccessPolicy, AuthConfig, RateConfig};
use crate::config::{ConfigError, KeyConfig};
use agent_client::chain::Chain;
use agent_client::chain::outbox::{OutboxConfig, TxOutbox};
use agent_client::settings::{ChainSettings, TokenSettings};
use agent_core::clock::Clock;
use agent_core::money::Asset;
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// A facilitator's configuration. Unknown keys are errors.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FacilitatorConfig {
    /// Where it listens.
    #[serde(default = "listen")]
    pub listen: SocketAddr,
    /// Where its outboxes are kept, one for each chain.
    #[serde(default = "data_dir")]
    pub data_dir: PathBuf,
    /// The chains.
    pub chains: Vec<OfferConfig>,
    /// How callers say who they are; without it everybody may call, and nobody is lent an
    /// authorizer.
    #[serde(default)]
    pub auth: Option<AuthConfig>,
    /// For which receivers each caller is lent the authorizer; `"key:alice" = ["0x…"]` for a
    /// caller `alice` with an API key.
    #[serde(default)]
    pub lends: Lends,
    /// How often one caller may ask.
    #[serde(default)]
    pub rate: RateConfig,
    /// What is answered for payments that were made before: `"refuse"` or `"answer"`.
    #[serde(default)]
    pub repeats: Repeats,
}

/// One chain.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferConfig {
    /// The chain, its escrow and the first asset; `"devnet"` means a development chain.
    #[serde(deserialize_with = "ChainSettings::named_or_table")]
    pub chain: ChainSettings,
    /// The key that pays for transactions. Nothing else may use it.
    pub key: KeyConfig,
    /// More assets.
    #[serde(default)]
    pub assets: Vec<TokenSettings>,
    /// Which schemes.
    #[serde(default)]
    pub schemes: Schemes,
    /// The receiver authorizer that is lent to those of [`FacilitatorConfig::lends`].
    #[serde(default)]
    pub authorizer: Option<KeyConfig>,
    /// What transactions may cost.
    #[serde(default)]
    pub fees: FeeCaps,
}

fn listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 4_020))
}

fn data_dir() -> PathBuf {
    PathBuf::from("facilitator-data")
}

impl FacilitatorConfig {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Read {
            path: path.to_owned(),
            error,
        })?;
        toml::from_str(&text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            error,
        })
    }

    /// Opens the outboxes and the facilitator over them. The nodes may be down.
    ///
    /// # Errors
    /// [`SetupError`].
    pub async fn open(&self, clock: &Arc<dyn Clock>) -> Result<Opened, SetupError> {
        std::fs::create_dir_all(&self.data_dir)?;
        let mut offers = Vec::with_capacity(self.chains.len());
        for chain in &self.chains {
            offers.push(chain.open(&self.data_dir, clock).await?);
        }
        let outboxes = offers.iter().map(|offer| offer.outbox.clone()).collect();
        let facilitator = LocalFacilitator::open(offers, Arc::clone(clock)).await?;
        Ok(Opened {
            facilitator,
            outboxes,
        })
    }

    /// Who may call it.
    ///
    /// # Errors
    /// [`SetupError::Auth`].
    pub fn options(&self, clock: &Arc<dyn Clock>) -> Result<FacilitatorOptions, SetupError> {
        Ok(FacilitatorOptions {
            policy: policy(self.auth.as_ref(), clock)?,
            lends: self.lends.clone(),
            rate: self.rate.clone(),
            repeats: self.repeats,
        })
    }
}

fn policy(
    auth: Option<&AuthConfig>,
    clock: &Arc<dyn Clock>,
) -> Result<Option<AccessPolicy>, SetupError> {
    let Some(auth) = auth else {
        return Ok(None);
    };
    let mut policy = AccessPolicy::new("facilitator");
    auth.apply(&mut policy, clock, &|name| std::env::var(name).ok())?;
    Ok(Some(policy))
}

/// `[facilitator]` of `agent.toml`: the agent's own facilitator is open to others, under
/// `/facilitator`, for the chain and with the key of `[payment]`.
///
/// Transfers that the agent makes for itself count against the same fees of a day, so strangers
/// could use those up: say who may call with `auth`, or run one alone with a key of its own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MountConfig {
    /// More assets than the one that the agent is paid in.
    pub assets: Vec<TokenSettings>,
    /// Which schemes.
    pub schemes: Schemes,
    /// The receiver authorizer that is lent to those of `lends`.
    pub authorizer: Option<KeyConfig>,
    /// What transactions may cost.
    pub fees: FeeCaps,
    /// How callers say who they are; without it everybody may call.
    pub auth: Option<AuthConfig>,
    /// For which receivers each caller is lent the authorizer.
    pub lends: Lends,
    /// How often one caller may ask.
    pub rate: RateConfig,
    /// What is answered for payments that were made before: `"refuse"` or `"answer"`.
    pub repeats: Repeats,
}

impl MountConfig {
    pub(super) fn offer(
        &self,
        settings: &ChainSettings,
        chain: Chain,
        outbox: TxOutbox,
    ) -> Result<ChainOffer, SetupError> {
        let authorizer = self.authorizer.as_ref().map(KeyConfig::read).transpose()?;
        Ok(ChainOffer {
            escrow: Some(settings.escrow),
            schemes: self.schemes,
            authorizer,
            fees: self.fees,
            ..ChainOffer::new(chain, outbox, assets(settings, &self.assets))
        })
    }

    pub(super) fn options(&self, clock: &Arc<dyn Clock>) -> Result<FacilitatorOptions, SetupError> {
        Ok(FacilitatorOptions {
            policy: policy(self.auth.as_ref(), clock)?,
            lends: self.lends.clone(),
            rate: self.rate.clone(),
            repeats: self.repeats,
        })
    }
}

/// Who checks transfers for a seller and makes them: `"local"`, or the URL of a facilitator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum FacilitatorChoice {
    /// The seller itself, which then pays for the transactions.
    #[default]
    Local,
    /// Somebody else, whose word is believed.
    Remote(Url),
}

impl TryFrom<String> for FacilitatorChoice {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "local" {
            return Ok(Self::Local);
        }
        let url = Url::parse(&text);
        url.map(Self::Remote)
            .map_err(|_| "a facilitator is \"local\" or a URL")
    }
}

/// The chain's first asset, and more.
fn assets(settings: &ChainSettings, more: &[TokenSettings]) -> Vec<Asset> {
    let more = more.iter().cloned().map(|token| Asset {
        network: settings.network(),
        address: token.address,
        symbol: token.symbol,
        decimals: token.decimals,
        name: token.name,
        version: token.version,
    });
    std::iter::once(settings.asset()).chain(more).collect()
}

/// A facilitator and the outboxes that it keeps open.
#[derive(Debug)]
pub struct Opened {
    /// The facilitator.
    pub facilitator: LocalFacilitator,
    /// Its outboxes, to be closed when it stops.
    pub outboxes: Vec<TxOutbox>,
}

impl OfferConfig {
    async fn open(&self, dir: &Path, clock: &Arc<dyn Clock>) -> Result<ChainOffer, SetupError> {
        let settings = &self.chain;
        let chain = settings.chain()?;
        let path = dir.join(format!("outbox-{}.db", settings.chain_id));
        let config = OutboxConfig {
            gas_limit_max: BATCH_GAS_MAX,
            // A replacement raises the fee of a transaction that was within its cap. That of a
            // deposit stays within it even then.
            max_fee_cap: self.fees.per_gas_wei(DEPOSIT_GAS_MAX),
            ..settings.outbox()
        };
        let signer = self.key.read()?.to_signer()?;
        let outbox = TxOutbox::open(path, chain.clone(), signer, config, Arc::clone(clock));
        let authorizer = self.authorizer.as_ref().map(KeyConfig::read).transpose()?;
        Ok(ChainOffer {
            escrow: Some(settings.escrow),
            schemes: self.schemes,
            authorizer,
            fees: self.fees,
            ..ChainOffer::new(chain, outbox.await?, assets(settings, &self.assets))
        })
    }
}
