//! What is to be paid, and under which terms.

use agent_core::money::{AssetId, AssetTable, BaseUnits, Network};
use agent_core::x402::{
    Mode, PaymentRequired, PaymentRequirements, PaymentTerms, SCHEME_Z402, X402_VERSION, Z402Extra,
};
use alloy_primitives::Address;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::AskError;

/// One payment to be made.
#[derive(Clone, Debug)]
pub(super) struct Bill {
    pub(super) terms: Arc<PaymentTerms>,
    pub(super) max: BaseUnits,
    /// The most that was offered or allowed; more is drift.
    pub(super) allowed: Option<BaseUnits>,
}

impl Bill {
    /// What the card says that the skill costs; `None` if it is free or unpriced.
    pub(super) fn of_card(
        terms: Option<Arc<PaymentTerms>>,
        skill: &str,
        at_most: Option<BaseUnits>,
    ) -> Result<Option<Self>, AskError> {
        let Some(terms) = terms else { return Ok(None) };
        let Some(max) = terms.skills.get(skill).map(|skill| skill.amount) else {
            return Ok(None);
        };
        if max.is_zero() {
            return Ok(None);
        }
        let allowed = at_most.unwrap_or(max);
        if max > allowed {
            return Err(AskError::Dearer {
                asked: max,
                allowed,
            });
        }
        Ok(Some(Self {
            terms,
            max,
            allowed: Some(allowed),
        }))
    }

    /// What a seller asks for in an answer, held against its card: other terms than the card's are
    /// refused, another price only up to what was offered or the caller allows.
    pub(super) fn of_answer(
        required: &PaymentRequired,
        card: Option<Arc<PaymentTerms>>,
        skill: &str,
        at_most: Option<BaseUnits>,
        assets: &AssetTable,
    ) -> Result<Self, AskError> {
        if required.x402_version != X402_VERSION || required.mode != Mode::Z {
            return Err(AskError::Unpayable(
                "it does not ask for z402 in x402 version 2",
            ));
        }
        let entry = required
            .accepts
            .iter()
            .find(|entry| entry.scheme == SCHEME_Z402 && asset_of(entry, assets).is_some())
            .ok_or(AskError::Unpayable(
                "it takes no z402 payment in a configured token",
            ))?;
        let asked = stated(entry, assets)?;
        let offered = card.as_ref().and_then(|card| card.skills.get(skill));
        let allowed = at_most.or(offered.map(|skill| skill.amount));
        let terms = match card {
            Some(card) if !same(&card, &asked) => {
                return Err(AskError::Unpayable(
                    "it asks on other terms than its card's",
                ));
            }
            Some(card) => card,
            None => Arc::new(asked),
        };
        if let Some(allowed) = allowed
            && entry.amount > allowed
        {
            return Err(AskError::Dearer {
                asked: entry.amount,
                allowed,
            });
        }
        if entry.amount.is_zero() {
            return Err(AskError::Unpayable("it asks for a payment of nothing"));
        }
        Ok(Self {
            terms,
            max: entry.amount,
            allowed,
        })
    }
}

fn asset_of(entry: &PaymentRequirements, assets: &AssetTable) -> Option<AssetId> {
    let network: Network = entry.network.parse().ok()?;
    let id = AssetId {
        network,
        address: entry.asset.parse().ok()?,
    };
    assets.by_id(id).map(|asset| asset.id())
}

/// The terms that an entry states, with the token as we know it.
fn stated(entry: &PaymentRequirements, assets: &AssetTable) -> Result<PaymentTerms, AskError> {
    let unreadable = AskError::Unpayable("what it asks for cannot be read");
    let asset = asset_of(entry, assets)
        .and_then(|id| assets.by_id(id))
        .cloned();
    let extra: Option<Z402Extra> = serde_json::to_string(&entry.extra)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok());
    let pay_to: Option<Address> = entry.pay_to.parse().ok();
    let (Some(asset), Some(extra), Some(pay_to)) = (asset, extra, pay_to) else {
        return Err(unreadable);
    };
    Ok(PaymentTerms {
        x402_version: X402_VERSION,
        modes: vec![Mode::Z],
        schemes: vec![SCHEME_Z402.to_owned()],
        asset,
        pay_to,
        contract: extra.contract,
        min_deadline_seconds: extra.min_deadline_seconds,
        max_in_flight: extra.max_in_flight,
        max_timeout_seconds: entry.max_timeout_seconds,
        batch: None,
        exact: None,
        identity: None,
        skills: BTreeMap::new(),
    })
}

/// Whether two terms move money to the same place in the same way.
fn same(one: &PaymentTerms, other: &PaymentTerms) -> bool {
    (one.pay_to, one.contract, one.asset.id()) == (other.pay_to, other.contract, other.asset.id())
}
