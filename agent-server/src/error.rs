use crate::auth::AuthConfigError;
use crate::config::ConfigError;
use crate::facilitator::SetupError;
use crate::signing::CardKeyError;
use agent_client::chain::outbox::OutboxError;
use agent_client::chain::{ChainError, OtherChain};
use agent_client::egress::EgressError;
use agent_client::sqlite::OpenError;
use agent_client::wallet::KeyError;
use agent_core::money::MoneyError;
use std::net::SocketAddr;

/// Why an agent could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration of authentication.
    #[error(transparent)]
    Auth(#[from] AuthConfigError),
    /// The shares of what is earned.
    #[error("payment.split: {0}")]
    Split(&'static str),
    /// The watchtower that is to be told of claims.
    #[error("payment.watch: {0}")]
    Watch(String),
    /// The key that signs the card.
    #[error("the card cannot be signed: {0}")]
    CardKey(#[from] CardKeyError),
    /// Two skills share an id.
    #[error("two skills are called `{0}`; ids are unique within an agent")]
    DuplicateSkill(String),
    /// Nothing to sell.
    #[error("the agent has no skill; add one with `sell`, or a [commands] table in agent.toml")]
    NoSkill,
    /// A skill's price is not an amount, or in no asset that is configured.
    #[error("the price of skill `{skill}`: {error}")]
    Price {
        /// The skill.
        skill: String,
        /// What is wrong with it.
        error: MoneyError,
    },
    /// A priced skill and no way to be paid.
    #[error(
        "skill `{0}` has a price and the agent no [payment] configuration; \
         for a development chain: [payment] chain = \"devnet\", key = {{ devnet = 1 }}"
    )]
    NoPayment(String),
    /// A configured amount cannot be converted.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The data on disk belongs to another chain.
    #[error(transparent)]
    OtherChain(#[from] OtherChain),
    /// A skill may run for longer than its payment stays claimable.
    #[error(
        "limits.skill_timeout_secs must be less than payment.deadline_margin_secs: work that ends \
         after its lock cannot be charged"
    )]
    TimeoutBeyondMargin,
    /// A delay that no channel can have.
    #[error("payment.withdraw_delay_secs must be 900 to 2592000")]
    WithdrawDelay,
    /// Payment, and nowhere to keep the books.
    #[error(
        "durability = \"memory\" keeps nothing across a restart, and books must be kept: remove \
         [payment], or set durability = \"disk\""
    )]
    PaidInMemory,
    /// The transaction outbox.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The ledger's file.
    #[error("the ledger cannot be opened: {0}")]
    Store(#[from] OpenError),
    /// The data directory.
    #[error("the data directory {path}: {error}")]
    DataDir {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The address to listen on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The way out for notifications.
    #[error("push notifications cannot be set up: {0}; [push] enabled = false does without")]
    Push(#[from] EgressError),
    /// The identity registry.
    #[error("cannot register the agent: {0}")]
    Register(String),
    /// The facilitator.
    #[error("the facilitator: {0}")]
    Facilitator(#[from] SetupError),
    /// No scheme is taken.
    #[error("payment.schemes names no scheme, so nobody could pay")]
    NoScheme,
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
}

/// The result of starting or running an agent.
pub type Result<T, E = Error> = std::result::Result<T, E>;
