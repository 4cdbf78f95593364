//! A facilitator in this process, over chains and outboxes of its own.

use super::desk::{Desk, FeeCaps};
use super::limits::{ASSETS_MAX, CHAINS_MAX, PENDING_AFTER};
use super::refusal::{Checked, No};
use super::schemes::{batch, exact, permit2, z402};
use super::tickets::Asker;
use crate::auth::AuthConfigError;
use agent_client::chain::outbox::{OutboxError, TxOutbox};
use agent_client::chain::{Chain, ChainError};
use agent_client::egress::EgressError;
use agent_client::wallet::{KeyError, PayerKey};
use agent_core::clock::Clock;
use agent_core::json::{Json, Metadata};
use agent_core::ledger::BoxFuture;
use agent_core::money::{Asset, Network};
use agent_core::x402::batch::SCHEME_BATCH_SETTLEMENT;
use agent_core::x402::facilitator::{
    Facilitator, FacilitatorError, RequestV2, Supported, SupportedKind, VerifyResponse,
};
use agent_core::x402::{
    AuthorizeRequest, AuthorizeResponse, Mode, SCHEME_EXACT, SCHEME_UPTO, SCHEME_Z402,
    SettleResponse, X402_VERSION, v1,
};
use alloy_primitives::{Address, B256};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Which schemes a facilitator takes on a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schemes {
    /// `exact`, by EIP-3009.
    pub exact: bool,
    /// `exact` and deposits by Permit2, which must be on the chain with its proxies.
    pub permit2: bool,
    /// `upto`, which takes Permit2 too.
    pub upto: bool,
    /// `batch-settlement`; its contracts must be on the chain.
    pub batch_settlement: bool,
    /// `z402`.
    pub z402: bool,
}

/// All but what takes Permit2.
impl Default for Schemes {
    fn default() -> Self {
        Self {
            exact: true,
            permit2: false,
            upto: false,
            batch_settlement: true,
            z402: true,
        }
    }
}

/// One chain of a facilitator. Only the contracts and assets that are named here are ever touched.
#[derive(Clone)]
pub struct ChainOffer {
    /// The chain.
    pub chain: Chain,
    /// The key that pays for transactions. The outbox may have other users, but the key may not.
    pub outbox: TxOutbox,
    /// The tokens that may be moved.
    pub assets: Vec<Asset>,
    /// The escrow of z402.
    pub escrow: Option<Address>,
    /// Which schemes.
    pub schemes: Schemes,
    /// The receiver authorizer of `batch-settlement` that is lent, if one is. Whoever can call
    /// [`Facilitator::settle`] can then have claims and refunds signed; behind HTTP
    /// [`FacilitatorOptions::lends`](super::FacilitatorOptions::lends) says who that is.
    pub authorizer: Option<PayerKey>,
    /// What transactions may cost.
    pub fees: FeeCaps,
}

impl ChainOffer {
    /// The usual schemes for these assets, without z402's escrow and lending no authorizer.
    #[must_use]
    pub fn new(chain: Chain, outbox: TxOutbox, assets: Vec<Asset>) -> Self {
        Self {
            chain,
            outbox,
            assets,
            escrow: None,
            schemes: Schemes::default(),
            authorizer: None,
            fees: FeeCaps::default(),
        }
    }
}

impl std::fmt::Debug for ChainOffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChainOffer")
            .field("chain", &self.chain)
            .field("schemes", &self.schemes)
            .finish_non_exhaustive()
    }
}

/// Why a facilitator cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// Too many of something.
    #[error("more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// Two offers for one chain.
    #[error("two offers for {0}")]
    Twice(Network),
    /// An asset of another chain.
    #[error("the asset {symbol} is not on {network}")]
    WrongNetwork {
        /// The asset.
        symbol: String,
        /// The chain of the offer.
        network: Network,
    },
    /// The gate takes what the facilitator that it asks does not.
    #[error("payment.schemes names {0}, and facilitator.schemes turns it off")]
    NotOffered(&'static str),
    /// Nothing says which chain, and what pays for transactions.
    #[error("[facilitator] takes chain and key of [payment], which is not there")]
    NoChain,
    /// The way out to a remote facilitator.
    #[error("payment.facilitator: {0}")]
    Egress(#[from] EgressError),
    /// What the day cost so far cannot be counted.
    #[error("{0}")]
    Count(String),
    /// The directory for the outboxes.
    #[error("the data directory: {0}")]
    DataDir(#[from] std::io::Error),
    /// An outbox cannot be opened.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// How callers say who they are.
    #[error(transparent)]
    Auth(#[from] AuthConfigError),
}

/// The port [`Facilitator`] over [`Chain`] and [`TxOutbox`]. Cheap to clone.
///
/// What a payment uses up (a token's nonce, a permit's, a channel's) names its transaction in the
/// outbox, so a payment is made once, whoever asks, how often, and after whatever crash. The same
/// payment again is answered with the first transaction: **a seller that works before it settles
/// must admit a payment once itself**, by [`agent_core::x402::CheckedTransfer::id`] or the payment
/// identifier. `verify` refuses a payment that was given to `settle`.
///
/// Not guaranteed: anything against a node that lies; and only signatures of plain keys are taken
/// for transfers, since those of accounts with code change their minds.
#[derive(Debug, Clone)]
pub struct LocalFacilitator {
    desks: Arc<BTreeMap<Network, Desk>>,
}

impl LocalFacilitator {
    /// A facilitator for these chains. Counts what today's transactions cost, from the outboxes.
    ///
    /// # Errors
    /// [`SetupError`].
    pub async fn open(offers: Vec<ChainOffer>, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        Self::open_with(offers, clock, PENDING_AFTER).await
    }

    /// The same with another wait for a transaction to be in a block.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with(
        offers: Vec<ChainOffer>,
        clock: Arc<dyn Clock>,
        pending_after: Duration,
    ) -> Result<Self, SetupError> {
        if offers.len() > CHAINS_MAX {
            let (what, max) = ("chains", CHAINS_MAX);
            return Err(SetupError::TooMany { what, max });
        }
        let mut desks = BTreeMap::new();
        for offer in offers {
            let network = Network::eip155(offer.chain.chain_id());
            if offer.assets.len() > ASSETS_MAX {
                let (what, max) = ("assets", ASSETS_MAX);
                return Err(SetupError::TooMany { what, max });
            }
            if let Some(asset) = offer.assets.iter().find(|asset| asset.network != network) {
                let symbol = asset.symbol.clone();
                return Err(SetupError::WrongNetwork { symbol, network });
            }
            let desk = Desk::open(offer, pending_after, Arc::clone(&clock)).await;
            let desk = desk.map_err(|no| SetupError::Count(format!("{no:?}")))?;
            if desks.insert(network, desk).is_some() {
                return Err(SetupError::Twice(network));
            }
        }
        Ok(Self {
            desks: Arc::new(desks),
        })
    }

    fn desk(&self, request: &RequestV2) -> Checked<&Desk> {
        if request.x402_version != X402_VERSION {
            return Err(No::code("invalid_x402_version"));
        }
        let network: Result<Network, _> = request.payment_requirements.network.parse();
        let desk = network.ok().and_then(|network| self.desks.get(&network));
        desk.ok_or_else(|| No::code("invalid_network"))
    }

    async fn verify_one(&self, request: &RequestV2) -> Checked<VerifyResponse> {
        let desk = self.desk(request)?;
        let schemes = desk.offer.schemes;
        match request.payment_requirements.scheme.as_str() {
            SCHEME_EXACT if schemes.exact => exact::verify(desk, request).await,
            SCHEME_UPTO if schemes.upto => permit2::verify_upto(desk, request).await,
            SCHEME_BATCH_SETTLEMENT if schemes.batch_settlement => {
                batch::verify(desk, request).await
            }
            SCHEME_Z402 if schemes.z402 => z402::verify(desk, request).await,
            _ => Err(No::code("unsupported_scheme")),
        }
    }

    async fn settle_one(&self, request: &RequestV2, asker: Asker) -> Checked<SettleResponse> {
        let desk = self.desk(request)?;
        let schemes = desk.offer.schemes;
        match request.payment_requirements.scheme.as_str() {
            SCHEME_EXACT if schemes.exact => exact::settle(desk, request, asker).await,
            SCHEME_UPTO if schemes.upto => permit2::settle_upto(desk, request, asker).await,
            SCHEME_BATCH_SETTLEMENT if schemes.batch_settlement => {
                Box::pin(batch::settle(desk, request, asker)).await
            }
            SCHEME_Z402 if schemes.z402 => z402::settle(desk, request).await,
            _ => Err(No::code("unsupported_scheme")),
        }
    }

    async fn settle_for(
        &self,
        request: RequestV2,
        asker: Asker,
    ) -> Result<SettleResponse, FacilitatorError> {
        match Box::pin(self.settle_one(&request, asker)).await {
            Ok(response) => Ok(response),
            Err(No::Failed(error)) => Err(error),
            Err(No::Refused(refusal)) => Ok(SettleResponse {
                success: false,
                mode: request.mode,
                error_reason: Some(refusal.code.to_owned()),
                error_message: refusal.message,
                payer: payer(&request),
                transaction: refusal
                    .transaction
                    .map_or_else(String::new, |hash| hash.to_string()),
                network: request.payment_requirements.network,
                amount: None,
                extensions: Metadata::default(),
                extra: Json::default(),
            }),
        }
    }

    async fn authorize_one(&self, request: &AuthorizeRequest) -> Checked<AuthorizeResponse> {
        let desk = self.desks.get(&z402::network(request)?);
        let desk = desk.ok_or_else(|| No::code("invalid_network"))?;
        if !desk.offer.schemes.z402 {
            return Err(No::code("unsupported_scheme"));
        }
        z402::authorize(desk, request).await
    }

    fn all_supported(&self) -> Supported {
        let mut supported = Supported::default();
        for (network, desk) in self.desks.iter() {
            supported.kinds.extend(kinds(*network, desk));
            let signers = supported.signers.entry(network.to_string()).or_default();
            signers.push(desk.sender().to_string());
        }
        supported
    }
}

/// What a chain's desk offers, best first.
fn kinds(network: Network, desk: &Desk) -> Vec<SupportedKind> {
    let schemes = desk.offer.schemes;
    let kind = |scheme: &str, extra: &[(&str, String)]| {
        let mut members = Metadata::new();
        for (name, text) in extra {
            // A text is always JSON.
            if let Ok(text) = Json::from_value(text) {
                members.insert(*name, text);
            }
        }
        SupportedKind {
            x402_version: X402_VERSION,
            mode: Mode::X,
            scheme: scheme.to_owned(),
            network: network.to_string(),
            extra: members,
        }
    };
    let mut kinds = Vec::new();
    if let Some(escrow) = desk.offer.escrow.filter(|_| schemes.z402) {
        kinds.push(SupportedKind {
            mode: Mode::Z,
            ..kind(SCHEME_Z402, &[("contract", escrow.to_string())])
        });
    }
    if schemes.batch_settlement {
        let lent = desk.offer.authorizer.as_ref();
        let lent = lent.map(|key| ("receiverAuthorizer", key.address().to_string()));
        kinds.push(kind(SCHEME_BATCH_SETTLEMENT, lent.as_slice()));
    }
    if schemes.exact {
        kinds.push(kind(SCHEME_EXACT, &[]));
        if let Some(name) = v1::network_name(network) {
            kinds.push(SupportedKind {
                x402_version: v1::X402_VERSION,
                network: name.to_owned(),
                ..kind(SCHEME_EXACT, &[])
            });
        }
    }
    if schemes.upto {
        let facilitator = desk.sender().to_string();
        kinds.push(kind(SCHEME_UPTO, &[("facilitatorAddress", facilitator)]));
    }
    kinds
}

/// Who a payment says that it is of. For answers only: it may not have been checked.
fn payer(request: &RequestV2) -> Option<String> {
    let payload = &request.payment_payload.payload;
    let authorization = |name: &str| {
        let members: Metadata = payload.parse().ok()?;
        let inner: Metadata = members.parse(name).ok()??;
        let address: Address = inner
            .parse(match name {
                "channelConfig" | "lock" => "payer",
                _ => "from",
            })
            .ok()??;
        Some(address.to_string())
    };
    [
        "authorization",
        "permit2Authorization",
        "channelConfig",
        "lock",
    ]
    .into_iter()
    .find_map(authorization)
}

impl Facilitator for LocalFacilitator {
    fn supported(&self) -> BoxFuture<'_, Result<Supported, FacilitatorError>> {
        Box::pin(std::future::ready(Ok(self.all_supported())))
    }

    fn verify(
        &self,
        request: RequestV2,
    ) -> BoxFuture<'_, Result<VerifyResponse, FacilitatorError>> {
        Box::pin(async move {
            match self.verify_one(&request).await {
                Ok(response) => Ok(response),
                Err(No::Failed(error)) => Err(error),
                Err(No::Refused(refusal)) => Ok(VerifyResponse {
                    mode: request.mode,
                    invalid_message: refusal.message,
                    ..VerifyResponse::invalid(refusal.code, payer(&request))
                }),
            }
        })
    }

    fn settle(
        &self,
        request: RequestV2,
    ) -> BoxFuture<'_, Result<SettleResponse, FacilitatorError>> {
        Box::pin(self.settle_for(request, Asker::Counts))
    }

    fn settle_once(
        &self,
        request: RequestV2,
        name: Option<B256>,
    ) -> BoxFuture<'_, Result<SettleResponse, FacilitatorError>> {
        Box::pin(self.settle_for(request, Asker::Once(name)))
    }

    fn authorize(
        &self,
        request: AuthorizeRequest,
    ) -> BoxFuture<'_, Result<AuthorizeResponse, FacilitatorError>> {
        Box::pin(async move {
            match self.authorize_one(&request).await {
                Ok(response) => Ok(response),
                Err(No::Failed(error)) => Err(error),
                Err(No::Refused(refusal)) => Ok(AuthorizeResponse {
                    transaction: refusal
                        .transaction
                        .map_or_else(String::new, |hash| hash.to_string()),
                    ..AuthorizeResponse::refused(refusal.code, &request)
                }),
            }
        })
    }
}
