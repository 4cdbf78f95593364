//! One way to pay that a seller offers, held against our configuration, and the choice among them.

use std::{collections::BTreeMap, fmt, sync::Arc};

use agent_core::{
    money::{Asset, AssetId, BaseUnits},
    policy::{PolicyRefusal, SpendPolicy},
    x402::{
        AssetTransferMethod, EvmTerms, Mode, PaymentRequired, PaymentRequirements, PaymentTerms,
        SCHEME_EXACT, SCHEME_Z402, TermsError, X402_VERSION, Z402Extra,
        batch::{BATCH_SETTLEMENT, BatchTerms, MAX_WITHDRAW_DELAY_SECS, MIN_WITHDRAW_DELAY_SECS},
    },
};
use alloy_primitives::Address;

use super::{Wallet, error::TermsRefusal, scheme::Scheme, terms};

/// A way to pay that agrees with our configuration: a known token on our chain, described as we
/// know it, under a contract that we know.
#[derive(Debug, Clone)]
pub struct Offer {
    entry: PaymentRequirements,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Z402(Arc<PaymentTerms>),
    Batch(Box<BatchTerms>),
    Exact(EvmTerms),
}

impl Offer {
    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        match self.kind {
            Kind::Z402(_) => Scheme::Z402,
            Kind::Batch(_) => Scheme::BatchSettlement,
            Kind::Exact(_) => Scheme::Exact,
        }
    }

    /// The entry of `accepts` as it came; a payment repeats it.
    #[must_use]
    pub const fn requirements(&self) -> &PaymentRequirements {
        &self.entry
    }

    /// The most that it costs, in base units; exactly that for `exact`.
    #[must_use]
    pub const fn amount(&self) -> BaseUnits {
        self.entry.amount
    }

    /// The token.
    #[must_use]
    pub fn asset(&self) -> AssetId {
        match &self.kind {
            Kind::Z402(terms) => terms.asset.id(),
            Kind::Batch(terms) => terms.evm.token,
            Kind::Exact(terms) => terms.token,
        }
    }

    /// Who is paid.
    #[must_use]
    pub fn pay_to(&self) -> Address {
        match &self.kind {
            Kind::Z402(terms) => terms.pay_to,
            Kind::Batch(terms) => terms.evm.pay_to,
            Kind::Exact(terms) => terms.pay_to,
        }
    }

    /// The contract that takes the money: the escrow, the settlement contract, or for `exact` the
    /// token itself. A policy lists those it allows.
    #[must_use]
    pub fn contract(&self) -> Address {
        match &self.kind {
            Kind::Z402(terms) => terms.contract,
            Kind::Batch(_) => BATCH_SETTLEMENT,
            Kind::Exact(terms) => terms.token.address,
        }
    }

    /// Whether `other` moves money to the same place in the same way; the price may differ.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let authorizer = |offer: &Self| match &offer.kind {
            Kind::Batch(terms) => {
                Some((terms.extra.receiver_authorizer, terms.extra.withdraw_delay))
            }
            _ => None,
        };
        (self.scheme(), self.asset(), self.pay_to(), self.contract())
            == (
                other.scheme(),
                other.asset(),
                other.pay_to(),
                other.contract(),
            )
            && authorizer(self) == authorizer(other)
    }
}

/// Why one way to pay was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OfferRefusal {
    /// It does not agree with our configuration.
    #[error(transparent)]
    Terms(#[from] TermsRefusal),
    /// The policy does not allow it.
    #[error(transparent)]
    Policy(#[from] PolicyRefusal),
    /// It is a scheme that is not among those to pay with.
    #[error("the scheme is not among those to pay with here")]
    NotWanted,
    /// It costs more than the caller allows.
    #[error("it costs {asked} base units where at most {allowed} are allowed")]
    Dearer {
        /// What it costs.
        asked: BaseUnits,
        /// What is allowed.
        allowed: BaseUnits,
    },
}

impl OfferRefusal {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Terms(refusal) => refusal.code(),
            Self::Policy(refusal) => refusal.code(),
            Self::NotWanted => "offer_scheme_not_wanted",
            Self::Dearer { .. } => "offer_dearer",
        }
    }
}

/// No way to pay could be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoOffer {
    /// Why, for each entry of `accepts` in its order.
    pub refusals: Vec<OfferRefusal>,
}

impl NoOffer {
    /// The lowest price that was refused for its height only.
    #[must_use]
    pub fn dearer(&self) -> Option<(BaseUnits, BaseUnits)> {
        let prices = self.refusals.iter().filter_map(|refusal| match refusal {
            OfferRefusal::Dearer { asked, allowed } => Some((*asked, *allowed)),
            _ => None,
        });
        prices.min()
    }
}

impl fmt::Display for NoOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("none of the ways to pay will do")?;
        for (index, refusal) in self.refusals.iter().enumerate() {
            write!(f, "; {}: {refusal}", index.saturating_add(1))?;
        }
        Ok(())
    }
}

impl std::error::Error for NoOffer {}

impl Wallet {
    /// Reads an entry of `accepts` and holds it against our configuration. `mode` is that of the
    /// offer it is in: z402 is only paid when it is asked for.
    ///
    /// # Errors
    /// [`TermsRefusal`].
    pub fn read_offer(
        &self,
        entry: &PaymentRequirements,
        mode: Mode,
    ) -> Result<Offer, TermsRefusal> {
        let scheme: Scheme = entry.scheme.parse().map_err(|_| TermsRefusal::Scheme)?;
        let kind = match scheme {
            Scheme::Z402 if mode == Mode::Z => self.read_z402(entry)?,
            Scheme::Z402 => return Err(TermsRefusal::Scheme),
            Scheme::BatchSettlement => self.read_batch(entry)?,
            Scheme::Exact => self.read_exact(entry)?,
        };
        terms::something(entry.amount)?;
        let offer = Offer {
            entry: entry.clone(),
            kind,
        };
        if offer.pay_to() == Address::ZERO {
            return Err(TermsRefusal::PayTo);
        }
        Ok(offer)
    }

    /// Chooses among the ways to pay: those that agree with our configuration, that the policy's
    /// own bounds allow and that cost at most `at_most`; of these the first scheme of `schemes`,
    /// and within one scheme the cheapest, then the seller's order.
    ///
    /// What was spent before is not looked at; paying is where that is decided.
    ///
    /// # Errors
    /// [`NoOffer`] with a reason for each.
    pub fn choose(
        &self,
        required: &PaymentRequired,
        schemes: &[Scheme],
        at_most: Option<BaseUnits>,
    ) -> Result<Offer, NoOffer> {
        let policy = self.policy();
        let mut refusals = Vec::new();
        let mut best: Option<(usize, Offer)> = None;
        for entry in &required.accepts {
            match self.admit(entry, required.mode, schemes, at_most, &policy) {
                Ok((rank, offer)) => {
                    let better = best.as_ref().is_none_or(|(known, other)| {
                        (rank, offer.amount()) < (*known, other.amount())
                    });
                    if better {
                        best = Some((rank, offer));
                    }
                }
                Err(refusal) => refusals.push(refusal),
            }
        }
        best.map(|(_, offer)| offer).ok_or(NoOffer { refusals })
    }

    fn admit(
        &self,
        entry: &PaymentRequirements,
        mode: Mode,
        schemes: &[Scheme],
        at_most: Option<BaseUnits>,
        policy: &SpendPolicy,
    ) -> Result<(usize, Offer), OfferRefusal> {
        let offer = self.read_offer(entry, mode)?;
        let rank = schemes.iter().position(|scheme| *scheme == offer.scheme());
        let rank = rank.ok_or(OfferRefusal::NotWanted)?;
        let (asked, allowed) = (offer.amount(), at_most.unwrap_or(policy.per_payment));
        if asked > allowed {
            return Err(OfferRefusal::Dearer { asked, allowed });
        }
        if policy.killed {
            return Err(PolicyRefusal::Killed.into());
        }
        if offer.asset() != policy.asset {
            return Err(PolicyRefusal::UnknownAsset.into());
        }
        if !policy.contracts.contains(&offer.contract()) {
            return Err(PolicyRefusal::UnknownContract.into());
        }
        if asked > policy.per_payment {
            return Err(PolicyRefusal::PerPayment.into());
        }
        Ok((rank, offer))
    }

    fn read_z402(&self, entry: &PaymentRequirements) -> Result<Kind, TermsRefusal> {
        let evm = EvmTerms::read(entry, SCHEME_Z402).map_err(unreadable)?;
        let text = serde_json::to_string(&entry.extra).map_err(|_| TermsRefusal::Unreadable)?;
        let extra: Z402Extra = serde_json::from_str(&text).map_err(|_| TermsRefusal::Unreadable)?;
        let asset = self.known(evm.token, Some((&extra.name, &extra.version)))?;
        let stated = PaymentTerms {
            x402_version: X402_VERSION,
            modes: vec![Mode::Z],
            schemes: vec![SCHEME_Z402.to_owned()],
            asset: asset.clone(),
            pay_to: evm.pay_to,
            contract: extra.contract,
            min_deadline_seconds: extra.min_deadline_seconds,
            max_in_flight: extra.max_in_flight,
            max_timeout_seconds: entry.max_timeout_seconds,
            batch: None,
            exact: None,
            identity: None,
            skills: BTreeMap::new(),
        };
        terms::vet(&stated, &self.0.config.escrow, &self.0.config.assets)?;
        Ok(Kind::Z402(Arc::new(stated)))
    }

    fn read_batch(&self, entry: &PaymentRequirements) -> Result<Kind, TermsRefusal> {
        self.chain_port().map_err(|_| TermsRefusal::Scheme)?;
        let terms = BatchTerms::read(entry).map_err(|_| TermsRefusal::Unreadable)?;
        let extra = &terms.extra;
        self.known(terms.evm.token, Some((&extra.name, &extra.version)))?;
        let delays = MIN_WITHDRAW_DELAY_SECS..=MAX_WITHDRAW_DELAY_SECS;
        let by_token = matches!(
            extra.asset_transfer_method,
            None | Some(AssetTransferMethod::Eip3009)
        );
        if !by_token
            || !delays.contains(&extra.withdraw_delay)
            || extra.receiver_authorizer == Address::ZERO
        {
            return Err(TermsRefusal::Unreadable);
        }
        Ok(Kind::Batch(Box::new(terms)))
    }

    fn read_exact(&self, entry: &PaymentRequirements) -> Result<Kind, TermsRefusal> {
        self.chain_port().map_err(|_| TermsRefusal::Scheme)?;
        let terms = EvmTerms::read(entry, SCHEME_EXACT).map_err(unreadable)?;
        let text = |name| entry.extra.parse::<String>(name).ok().flatten();
        let (name, version) = (text("name"), text("version"));
        self.known(terms.token, name.as_deref().zip(version.as_deref()))?;
        let by_token = text("assetTransferMethod").is_none_or(|method| method == "eip3009");
        let flow =
            text("paymentFlow").is_none_or(|flow| flow == "authorization" || flow == "upfront");
        if !by_token || !flow {
            return Err(TermsRefusal::Scheme);
        }
        Ok(Kind::Exact(terms))
    }

    /// Our own description of a token that `claimed` names and versions.
    fn known(&self, id: AssetId, claimed: Option<(&str, &str)>) -> Result<&Asset, TermsRefusal> {
        if id.network != self.network() {
            return Err(TermsRefusal::Network);
        }
        let ours = self.0.config.assets.by_id(id).ok_or(TermsRefusal::Asset)?;
        if claimed.is_some_and(|claimed| claimed != (ours.name.as_str(), ours.version.as_str())) {
            return Err(TermsRefusal::AssetDiffers);
        }
        Ok(ours)
    }
}

const fn unreadable(error: TermsError) -> TermsRefusal {
    match error {
        TermsError::Network => TermsRefusal::Network,
        TermsError::Asset => TermsRefusal::Asset,
        TermsError::PayTo => TermsRefusal::PayTo,
        _ => TermsRefusal::Unreadable,
    }
}
