//! A buyer: finds agents, asks them, pays them, rates them.
//!
//! ```no_run
//! # use agent_client::{buyer::Buyer, discover::Query};
//! # #[derive(serde::Serialize)] struct Ask { text: String }
//! # #[derive(serde::Deserialize)] struct Said { text: String }
//! # async fn shop() -> Result<(), Box<dyn std::error::Error>> {
//! let buyer = Buyer::open("buyer.toml").await?;
//! let query = Query::skill("shout").max_price("0.01 USDC").min_trust(0.6);
//! let seller = buyer.find(query).await?.best()?;
//! let said: Said = seller.ask("shout", Ask { text: "hi".into() }).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The order of things that must hold: the payee is checked against the registry before anything is
//! signed, the wallet counts a payment before it signs, and whatever comes back, the wallet is told
//! what became of the payment.

mod answer;
mod ask;
mod ask_error;
mod bill;
mod builder;
mod config;
mod error;
mod exchange;
mod hire;
pub mod limits;
mod metered;
mod offers;
mod quote;
mod rate;
pub(crate) mod reading;
mod refused;
mod rules;
mod seller;
mod sweep;

pub use answer::{Answer, Paid, Question};
pub use ask_error::AskError;
pub use builder::BuyerBuilder;
pub use config::{
    Budget, BuyerConfig, CardsConfig, KeySource, NetworkConfig, PinnedKeyConfig, Trust,
};
pub use error::BuyerError;
pub use metered::{Metered, MeteredStream, Piece};
pub use offers::Offers;
pub use quote::{QuoteRequest, Quoted, Quotes};
pub use rules::{MandateConfig, Rules, SkillRules};
pub use seller::Seller;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent_core::money::AssetTable;
use agent_core::trust::{GlobalAgentId, RegistrationFile};
use agent_core::voucher::EscrowDomain;
use agent_core::x402::PaymentTerms;

use self::sweep::Sweeper;
use crate::call::{CallOptions, CardTrust, RemoteAgent};
use crate::chain::Chain;
use crate::chain::outbox::TxOutbox;
use crate::discover::{Discovery, PayeeRefusal, Query};
use crate::egress::Egress;
use crate::feedback::FeedbackOutbox;
use crate::pay::PayingClient;
use crate::settings::ChainSettings;
use crate::wallet::{PayerKey, Scheme, Wallet};

/// A buyer with a wallet, a budget and an opinion. Cheap to clone; clones are the same buyer, so a
/// skill that hires others can hold one.
#[derive(Clone)]
pub struct Buyer(Arc<Parts>);

struct Parts {
    egress: Egress,
    chain: Chain,
    outbox: TxOutbox,
    own_outbox: bool,
    wallet: Wallet,
    discovery: Discovery,
    feedback: FeedbackOutbox,
    assets: AssetTable,
    escrow: EscrowDomain,
    from_block: u64,
    card_trust: CardTrust,
    require_identity: bool,
    schemes: Vec<Scheme>,
    _sweeper: Option<Sweeper>,
}

impl fmt::Debug for Buyer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buyer")
            .field("wallet", &self.0.wallet)
            .finish_non_exhaustive()
    }
}

impl Buyer {
    /// Opens a buyer as a `buyer.toml` describes it; see [`BuyerConfig`].
    ///
    /// # Errors
    /// [`BuyerError`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, BuyerError> {
        let path = path.as_ref();
        let config = BuyerConfig::read(path).await?;
        let base = path.parent().unwrap_or_else(|| Path::new(""));
        BuyerBuilder::of(&config, base)?.open().await
    }

    /// A buyer put together in code. Wallet and outbox are kept in the directory `data_dir`.
    pub fn builder(
        chain: ChainSettings,
        key: PayerKey,
        data_dir: impl Into<PathBuf>,
    ) -> BuyerBuilder {
        BuyerBuilder::new(chain, key, data_dir.into())
    }

    fn assemble(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Finds sellers in the registry.
    ///
    /// # Errors
    /// [`BuyerError::Discover`] when the query makes no sense or the registry cannot be read. That
    /// nobody fits is for [`Offers::best`] to say.
    pub async fn find(&self, query: Query) -> Result<Offers, BuyerError> {
        let found = Box::pin(self.0.discovery.find(&query)).await?;
        Ok(Offers::new(self.clone(), found))
    }

    /// Connects to a seller at a known address: its base URL, or that of its card.
    ///
    /// # Errors
    /// [`BuyerError::Call`] when its card cannot be had or used, [`BuyerError::Payee`] when it
    /// claims an identity that is not paid by its card, or claims none and one is required.
    pub async fn connect(&self, url: &str) -> Result<Seller, BuyerError> {
        self.connect_with(url, CallOptions::default()).await
    }

    /// The same with options for its calls: what to speak, what to add to requests. Whose signature
    /// under its card counts stays the buyer's to say.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with(
        &self,
        url: &str,
        options: CallOptions,
    ) -> Result<Seller, BuyerError> {
        let options = options.trusting(self.0.card_trust.clone());
        let remote = RemoteAgent::connect_with(&self.0.egress, url, options).await?;
        let agent = match remote.terms() {
            Some(terms) => self.vet_payee(terms, None, None).await?,
            None => None,
        };
        Ok(Seller::checked(self.clone(), remote, agent, None))
    }

    /// Checks that `terms` pay the agent that they are said to be of.
    async fn vet_payee(
        &self,
        terms: &PaymentTerms,
        found: Option<GlobalAgentId>,
        file: Option<&RegistrationFile>,
    ) -> Result<Option<GlobalAgentId>, PayeeRefusal> {
        let agent = self
            .0
            .discovery
            .registry()
            .check_payee(terms, found, file)
            .await?;
        if agent.is_none() && self.0.require_identity {
            return Err(PayeeRefusal::NoIdentity);
        }
        Ok(agent)
    }

    /// A client that pays plain HTTP routes out of this buyer's wallet.
    #[must_use]
    pub fn http(&self) -> PayingClient {
        PayingClient::new(self.0.egress.clone(), self.0.wallet.clone())
            .schemes(self.0.schemes.iter().copied())
    }

    /// The wallet: books, channels, policy.
    #[must_use]
    pub fn wallet(&self) -> &Wallet {
        &self.0.wallet
    }

    /// Whose signature under an Agent Card counts.
    #[must_use]
    pub fn card_trust(&self) -> &CardTrust {
        &self.0.card_trust
    }

    /// The search.
    #[must_use]
    pub fn discovery(&self) -> &Discovery {
        &self.0.discovery
    }

    /// The feedback writer.
    #[must_use]
    pub fn feedback(&self) -> &FeedbackOutbox {
        &self.0.feedback
    }

    /// The chain.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.0.chain
    }

    /// The payer's outbox.
    #[must_use]
    pub fn outbox(&self) -> &TxOutbox {
        &self.0.outbox
    }

    /// The door out.
    #[must_use]
    pub fn egress(&self) -> &Egress {
        &self.0.egress
    }

    /// The tokens that are configured.
    #[must_use]
    pub fn assets(&self) -> &AssetTable {
        &self.0.assets
    }

    /// The escrow.
    #[must_use]
    pub fn escrow(&self) -> &EscrowDomain {
        &self.0.escrow
    }

    /// Finishes what is queued and frees the files for another owner. An outbox that came from the
    /// caller stays open.
    pub async fn close(&self) {
        self.0.wallet.close().await;
        if self.0.own_outbox {
            self.0.outbox.close().await;
        }
    }
}
