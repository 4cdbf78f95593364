//! What configuration files say of towers, on both sides.

use super::push::WatchPushConfig;
use super::serve::PushToken;
use agent_client::settings::ChainSettings;
use agent_client::wallet::read_secret_file;
use agent_core::money::Money;
use alloy_primitives::Address;
use axum::http::HeaderValue;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::KeyConfig;
use crate::settle::limits;

/// Where a token comes from. Never from an argument: arguments are public on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TokenSource {
    /// A file that only its owner can read.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

impl TokenSource {
    fn read(&self) -> Result<String, String> {
        let text = match self {
            Self::File(path) => read_secret_file(path, limits::PUSH_TOKEN_BYTES_MAX)
                .map_err(|error| error.to_string())?,
            Self::Env(name) => {
                std::env::var(name).map_err(|_| format!("{name} is not set or not text"))?
            }
        };
        Ok(text.trim().to_owned())
    }

    /// The token, as a tower keeps it.
    ///
    /// # Errors
    /// What is wrong, without the token.
    pub fn token(&self) -> Result<PushToken, String> {
        PushToken::new(&self.read()?).ok_or_else(|| "the token is too short to be one".to_owned())
    }
}

/// `[payment.watch]` of a seller: whom it tells what there is to claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchSettings {
    /// A tower's base URL.
    pub url: Option<String>,
    /// The token to show there.
    pub token: Option<TokenSource>,
    /// A file that a tower reads.
    pub file: Option<PathBuf>,
    /// What was charged within this many seconds a tower may not know of yet; 5.
    pub every_secs: Option<u64>,
}

impl WatchSettings {
    /// The settings with the token read.
    ///
    /// # Errors
    /// What is wrong, without the token.
    pub fn resolve(&self) -> Result<WatchPushConfig, String> {
        let tower = match (&self.url, &self.token) {
            (None, None) => None,
            (Some(url), Some(token)) => {
                let value = format!("Bearer {}", token.read()?);
                let mut value = HeaderValue::try_from(value)
                    .map_err(|_| "the token is not fit for a header".to_owned())?;
                value.set_sensitive(true);
                Some((url.clone(), value))
            }
            _ => return Err("a tower needs both its url and a token".to_owned()),
        };
        if tower.is_none() && self.file.is_none() {
            return Err("it names neither a tower nor a file".to_owned());
        }
        Ok(WatchPushConfig {
            tower,
            file: self.file.clone(),
            interval: Duration::from_secs(self.every_secs.unwrap_or(5).max(1)),
        })
    }
}

/// `watch.toml`: a tower.
///
/// ```
/// let config: agent_server::settle::tower::TowerSettings = toml::from_str(r#"
///     chain = "devnet"
///     key = { file = "gas.key" }            # pays the gas, and needs to be nobody else
///     payees = ["0x70997970C51812dc3A010C7d01b50e0d17dc79C8"]
///     listen = "127.0.0.1:8403"             # sellers push here
///     token = { file = "push.token" }
///     files = ["/var/lib/seller/claims.json"]
/// "#)?;
/// # drop(config); Ok::<(), toml::de::Error>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TowerSettings {
    /// The chain.
    #[serde(deserialize_with = "ChainSettings::named_or_table")]
    pub chain: ChainSettings,
    /// The key that pays the gas.
    pub key: KeyConfig,
    /// Where book and outbox are kept.
    #[serde(default = "data_dir")]
    pub data_dir: PathBuf,
    /// Whom it claims for.
    pub payees: BTreeSet<Address>,
    /// Claims are made when a deadline is closer than this.
    #[serde(default = "deadline_margin_secs")]
    pub deadline_margin_secs: u64,
    /// What is below this is not worth the gas; nothing unless set.
    #[serde(default)]
    pub dust: Option<Money>,
    /// Pause between looks, in seconds.
    #[serde(default = "every_secs")]
    pub every_secs: u64,
    /// Where sellers push, behind something that speaks TLS; nowhere unless set.
    #[serde(default)]
    pub listen: Option<SocketAddr>,
    /// The token that they show.
    #[serde(default)]
    pub token: Option<TokenSource>,
    /// Files that sellers write.
    #[serde(default)]
    pub files: Vec<PathBuf>,
}

fn data_dir() -> PathBuf {
    PathBuf::from("watch-data")
}

/// Less than a seller has by default: one that is up claims first.
const fn deadline_margin_secs() -> u64 {
    600
}

const fn every_secs() -> u64 {
    15
}
