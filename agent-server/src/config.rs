//! How an agent is set up: `agent.toml`, then `AGENT_*` from the environment, then the builder.

use crate::auth::{AuthConfig, RateConfig};
pub use crate::bind::ProxyConfig;
pub use crate::facilitator::{FacilitatorChoice, MountConfig};
pub use crate::service::TenantConfig;
use crate::settle::Share;
use crate::settle::tower::WatchSettings;
pub use crate::signing::{CardKey, CardSigning};
use crate::tasks::SweepPolicy;
use agent_client::settings::ChainSettings;
use agent_client::wallet::{KeyError, PayerKey};
use agent_core::a2a::signing::Algorithm;
use agent_core::money::Money;
use agent_core::x402::batch::SCHEME_BATCH_SETTLEMENT;
use agent_core::x402::{Mode, SCHEME_EXACT, SCHEME_Z402};
use alloy_primitives::Address;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// An agent's configuration. Unknown keys are errors; amounts are text with their unit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AgentConfig {
    /// The name that the card shows; the builder's wins.
    pub name: Option<String>,
    /// What the agent is for.
    pub description: Option<String>,
    /// Where it listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// How others reach it, if that is not where it listens: behind a proxy, for example.
    pub public_url: Option<Url>,
    /// Where ledger, tasks and outbox are kept.
    pub data_dir: PathBuf,
    /// Whether tasks outlive the process.
    pub durability: Durability,
    /// Whether anybody may list all tasks, with what was asked and answered in them. Otherwise a
    /// list is of one context, named by its id.
    pub list_all_tasks: bool,
    /// Whether it also speaks A2A 0.3, on the same addresses, which the card then says.
    pub v0_3: bool,
    /// Whether it offers streams of events, which the card then says. Without them callers poll.
    pub streaming: bool,
    /// How it is paid; without it only free skills can be sold.
    pub payment: Option<PaymentConfig>,
    /// Whether and where it sends notifications.
    pub push: PushConfig,
    /// Bounds that deployments differ in.
    pub limits: Limits,
    /// Programs to sell as skills, by id.
    pub commands: BTreeMap<String, CommandConfig>,
    /// How callers say who they are; without it everybody is anonymous, and the id of a task is
    /// what lets somebody read it.
    pub auth: Option<AuthConfig>,
    /// How often one caller may ask.
    pub rate: RateConfig,
    /// Which proxies in front of the agent are believed.
    pub proxy: ProxyConfig,
    /// Which tenants there are; without it any name is one.
    pub tenants: Option<TenantConfig>,
    /// What the card says beyond what the rest implies.
    pub card: CardConfig,
    /// Opens the agent's facilitator to others, under `/facilitator`.
    pub facilitator: Option<MountConfig>,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            name: None,
            description: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_url: None,
            data_dir: PathBuf::from("agent-data"),
            durability: Durability::default(),
            list_all_tasks: false,
            v0_3: true,
            streaming: true,
            payment: None,
            push: PushConfig::default(),
            limits: Limits::default(),
            commands: BTreeMap::new(),
            auth: None,
            rate: RateConfig::default(),
            proxy: ProxyConfig::default(),
            tenants: None,
            card: CardConfig::default(),
            facilitator: None,
        }
    }
}

/// What the card says beyond what the rest implies.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CardConfig {
    /// The key that signs the card (A2A §8.4); without it the card is not signed.
    pub sign_with: Option<CardKey>,
    /// What the key signs with: `ES256`, the usual, `EdDSA` or `ES256K`.
    pub algorithm: Algorithm,
    /// The name of the key; its thumbprint (RFC 7638) unless set.
    pub kid: Option<String>,
    /// The URL of the key set that holds the public half; see [`CardSigning::jku`].
    pub jku: Option<String>,
    /// What only callers that are known are shown (A2A §3.1.11).
    pub extended: Option<ExtendedCardConfig>,
    /// Whether the card says that there is an extended card though none is configured yet.
    pub declare_extended: bool,
}

impl CardConfig {
    /// How the card is signed, if it is.
    #[must_use]
    pub fn signing(&self) -> Option<CardSigning> {
        Some(CardSigning {
            key: self.sign_with.clone()?,
            algorithm: self.algorithm,
            kid: self.kid.clone(),
            jku: self.jku.clone(),
        })
    }
}

/// The card that callers are shown that are known.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExtendedCardConfig {
    /// Skills that the public card leaves out, by id. They are not secret, and whoever may call the
    /// agent may call them.
    pub skills: Vec<String>,
    /// What the agent is for, in other words than in public.
    pub description: Option<String>,
}

/// Push notifications: what the agent sends to webhooks that its callers name.
///
/// On by default, to `https` URLs at public addresses. Strangers choose what is called, so open
/// more only where everything that could be reached may be called by strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushConfig {
    /// Whether callers may name webhooks.
    pub enabled: bool,
    /// Also `http` URLs, whose notifications and credentials others can read on their way.
    pub allow_http: bool,
    /// Also this machine and private networks; never a cloud's metadata service.
    pub allow_private: bool,
}

impl Default for PushConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            allow_http: false,
            allow_private: false,
        }
    }
}

/// Whether tasks outlive the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// A task is on disk before anybody is told of it. Needed to be paid.
    #[default]
    Disk,
    /// Tasks are in memory, as many as [`Limits::memory_tasks`] and [`Limits::memory_bytes`] say,
    /// and gone after a restart. Tasks that ended make room for others, the oldest first: who asks
    /// for one of those is told that there is no such task. Only free skills can be sold, and there
    /// are no webhooks.
    Memory,
}

/// How an agent is paid.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentConfig {
    /// The chain; `chain = "devnet"` means a development chain on this machine.
    #[serde(deserialize_with = "ChainSettings::named_or_table")]
    pub chain: ChainSettings,
    /// The key that sends settlement transactions and, unless `pay_to` says otherwise, is paid.
    pub key: KeyConfig,
    /// Who is paid; the key's address by default.
    #[serde(default)]
    pub pay_to: Option<Address>,
    /// The most unclaimed value that one lock may hold.
    #[serde(default = "max_unclaimed")]
    pub max_unclaimed: Money,
    /// Claims are made when this much is unclaimed,
    #[serde(default = "settle_at")]
    pub settle_at: Money,
    /// or when something has been unclaimed for so long,
    #[serde(default = "settle_after_secs")]
    pub settle_after_secs: u64,
    /// or when a lock's deadline is closer than this. Nothing is admitted any closer either.
    #[serde(default = "deadline_margin_secs")]
    pub deadline_margin_secs: u64,
    /// Payments are refused when the chain has not been heard of for so long; 0 never refuses.
    #[serde(default = "chain_max_age_secs")]
    pub chain_max_age_secs: u64,
    /// Whether to register in the EIP-8004 identity registry at start; safe to leave on.
    #[serde(default)]
    pub register: bool,
    /// Whether callers must name the payment extension in `A2A-Extensions`, whatever they ask.
    #[serde(default)]
    pub require_extension: bool,
    /// A watchtower that claims when this agent is down.
    #[serde(default)]
    pub watch: Option<WatchSettings>,
    /// Claims wait while the base fee is above this, in gwei per gas, for as long as deadlines allow.
    #[serde(default)]
    pub calm_gas_gwei: Option<u64>,
    /// Parts of what is earned that are passed on after each claim, such as
    /// `[{ to = "0x…", bps = 2500 }]` for a quarter. What they and rounding leave stays with the
    /// payee, whose key `key` must be.
    #[serde(default)]
    pub split: Vec<Share>,
    /// Shares are passed on when this much was claimed since the last time.
    #[serde(default = "settle_at")]
    pub split_at: Money,
    /// The schemes that are taken, best first. Stock buyers pay with the first that they know.
    #[serde(default = "schemes")]
    pub schemes: Vec<PayScheme>,
    /// Who checks transfers of `exact` and deposits of `batch-settlement`, and makes them: `"local"`,
    /// this agent with `key`, or the URL of a facilitator.
    #[serde(default)]
    pub facilitator: FacilitatorChoice,
    /// For `batch-settlement`: seconds between a payer's notice and its withdrawal, 900 to 2592000.
    /// What is not claimed by then is lost, so it is the longest outage that costs nothing.
    #[serde(default = "withdraw_delay_secs")]
    pub withdraw_delay_secs: u64,
    /// For `batch-settlement`: how much a first deposit should be; a hint that stock buyers follow.
    #[serde(default)]
    pub min_deposit: Option<Money>,
}

/// A scheme of x402 that an agent can be told to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PayScheme {
    /// `z402`: locks, and vouchers on them.
    Z402,
    /// `exact`: one transfer for each task whose price is fixed, made by a facilitator.
    Exact,
    /// `batch-settlement`: channels that stock buyers pay into once and sign vouchers on.
    BatchSettlement,
}

impl PayScheme {
    /// The scheme's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Z402 => SCHEME_Z402,
            Self::Exact => SCHEME_EXACT,
            Self::BatchSettlement => SCHEME_BATCH_SETTLEMENT,
        }
    }

    /// In which mode it is spoken.
    pub(crate) const fn mode(self) -> Mode {
        match self {
            Self::Z402 => Mode::Z,
            Self::Exact | Self::BatchSettlement => Mode::X,
        }
    }

    /// Whether a facilitator settles payments of it: each, or those that pay into a channel.
    pub(crate) const fn is_settled(self) -> bool {
        matches!(self, Self::Exact | Self::BatchSettlement)
    }
}

impl PaymentConfig {
    /// Payment on `chain` to the key's own address, with the usual bounds.
    #[must_use]
    pub fn new(chain: ChainSettings, key: KeyConfig) -> Self {
        Self {
            chain,
            key,
            pay_to: None,
            max_unclaimed: max_unclaimed(),
            settle_at: settle_at(),
            settle_after_secs: settle_after_secs(),
            deadline_margin_secs: deadline_margin_secs(),
            chain_max_age_secs: chain_max_age_secs(),
            register: false,
            require_extension: false,
            watch: None,
            calm_gas_gwei: None,
            split: Vec::new(),
            split_at: settle_at(),
            schemes: schemes(),
            facilitator: FacilitatorChoice::Local,
            withdraw_delay_secs: withdraw_delay_secs(),
            min_deposit: None,
        }
    }
}

/// Where a key comes from. Never from an argument: arguments are public on a machine.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KeyConfig {
    /// A file that only its owner can read, holding 32 bytes in hexadecimal.
    File(PathBuf),
    /// An environment variable with the same content.
    Env(String),
    /// One of the development chain's well-known keys, by number. Worthless anywhere else.
    Devnet(u8),
}

impl KeyConfig {
    /// Reads the key.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn read(&self) -> Result<PayerKey, KeyError> {
        match self {
            Self::File(path) => PayerKey::from_file(path),
            Self::Env(variable) => PayerKey::from_env(variable),
            Self::Devnet(number) => {
                let account = agent_devnet::DEV_ACCOUNTS.get(usize::from(*number));
                PayerKey::from_hex(account.map_or("", |account| account.private_key))
            }
        }
    }
}

/// Bounds that deployments differ in; see [`crate::limits`] for the reasons.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of one request.
    pub body_bytes: usize,
    /// Connections at once.
    pub connections: usize,
    /// Tasks at once.
    pub live_tasks: usize,
    /// Calls in flight on one lock, and by transfers of one payer.
    pub in_flight_per_lock: u32,
    /// Seconds that a skill may run.
    pub skill_timeout_secs: u64,
    /// Bytes that the ledger's file may take; 0 leaves it to the disk.
    pub ledger_bytes: u64,
    /// Tasks that are kept when they are kept in memory, and
    pub memory_tasks: usize,
    /// the bytes that they may take together.
    pub memory_bytes: usize,
    /// Seconds that a task waits for its caller's answer before it fails and its payment is freed; 0
    /// waits for ever.
    pub waiting_task_secs: u64,
    /// Seconds that a free task is kept after its end; 0 keeps it for ever, as paid tasks are.
    pub ended_task_secs: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: crate::limits::BODY_BYTES_MAX,
            connections: crate::limits::CONNECTIONS_MAX,
            live_tasks: crate::limits::LIVE_TASKS_MAX,
            in_flight_per_lock: 64,
            skill_timeout_secs: crate::limits::SKILL_TIMEOUT.as_secs(),
            ledger_bytes: 0,
            memory_tasks: crate::limits::MEMORY_TASKS_MAX,
            memory_bytes: crate::limits::MEMORY_BYTES_MAX,
            waiting_task_secs: crate::limits::WAITING_SECS,
            ended_task_secs: crate::limits::ENDED_SECS,
        }
    }
}

impl Limits {
    pub(crate) fn sweep(&self) -> SweepPolicy {
        let unless_zero = |secs: u64| (secs > 0).then(|| Duration::from_secs(secs));
        SweepPolicy {
            waiting: unless_zero(self.waiting_task_secs),
            ended: unless_zero(self.ended_task_secs),
        }
    }

    pub(crate) const fn skill_timeout(&self) -> Duration {
        Duration::from_secs(self.skill_timeout_secs)
    }
}

/// A program sold as a skill: text in on standard input, text out on standard output.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandConfig {
    /// What it does.
    pub about: String,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What a run costs; free if left out.
    #[serde(default)]
    pub price: Option<Money>,
    /// The program and its arguments. No shell is involved.
    pub run: Vec<String>,
}

impl AgentConfig {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`] names the file and what is wrong in it.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Read {
            path: path.to_owned(),
            error,
        })?;
        Self::parse(&text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            error,
        })
    }

    /// Reads a configuration from text.
    ///
    /// # Errors
    /// What is wrong in it, and where.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Lets the environment override the file: `AGENT_NAME`, `AGENT_LISTEN`, `AGENT_PUBLIC_URL`,
    /// `AGENT_DATA_DIR`, `AGENT_RPC_URL`.
    ///
    /// # Errors
    /// [`ConfigError::Variable`] when a value cannot be used.
    pub fn with_environment(
        mut self,
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        fn parse<T: std::str::FromStr>(name: &'static str, text: &str) -> Result<T, ConfigError> {
            text.parse().map_err(|_| ConfigError::Variable(name))
        }
        if let Some(name) = get("AGENT_NAME") {
            self.name = Some(name);
        }
        if let Some(text) = get("AGENT_LISTEN") {
            self.listen = parse("AGENT_LISTEN", &text)?;
        }
        if let Some(text) = get("AGENT_PUBLIC_URL") {
            self.public_url = Some(parse("AGENT_PUBLIC_URL", &text)?);
        }
        if let Some(text) = get("AGENT_DATA_DIR") {
            self.data_dir = PathBuf::from(text);
        }
        if let (Some(url), Some(payment)) = (get("AGENT_RPC_URL"), self.payment.as_mut()) {
            payment.chain.rpc_url = url;
        }
        Ok(self)
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {error}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {error}", path = path.display())]
    Parse {
        /// Which.
        path: PathBuf,
        /// Why and where.
        error: toml::de::Error,
    },
    /// An environment variable has a value that cannot be used.
    #[error("the environment variable {0} has a value that cannot be used")]
    Variable(&'static str),
}

// The defaults are written as text because that is how the file writes them; a test reads them.
fn max_unclaimed() -> Money {
    money("10 USDC")
}

fn schemes() -> Vec<PayScheme> {
    vec![PayScheme::Z402]
}

/// A day.
const fn withdraw_delay_secs() -> u64 {
    86_400
}

fn settle_at() -> Money {
    money("1 USDC")
}

#[expect(clippy::expect_used, reason = "constant text, read by a test")]
fn money(text: &str) -> Money {
    text.parse().expect("a default amount")
}

const fn settle_after_secs() -> u64 {
    600
}

const fn deadline_margin_secs() -> u64 {
    900
}

const fn chain_max_age_secs() -> u64 {
    300
}
