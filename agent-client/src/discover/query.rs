//! What a buyer looks for.

use agent_core::money::{Asset, AssetTable, BaseUnits, Money, MoneyError};
use agent_core::trust::Score;

use super::DiscoverError;

/// What a buyer looks for: a skill, and what it must cost and be worth at most and at least.
///
/// ```
/// use agent_client::discover::Query;
///
/// let query = Query::skill("shout").max_price("0.01 USDC").min_trust(0.6);
/// ```
///
/// # Trust and newcomers
///
/// A score is an expectation with an uncertainty; an agent that nobody has rated has expectation
/// 0.5 and uncertainty 1. [`min_trust`](Self::min_trust) asks whether the agent *could* be that
/// good: it leaves out those whose expectation plus half of the uncertainty is below the bound,
/// that is, those that evidence speaks against. A newcomer passes, since otherwise nobody could
/// ever get a first customer; it ranks behind agents with a good name at anything up to twice its
/// price. Who wants only agents with a name adds [`max_uncertainty`](Self::max_uncertainty): then
/// the expectation itself must reach the bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub(super) skill: String,
    tags: Vec<String>,
    max_price: Option<Result<Money, MoneyError>>,
    min_trust: Option<f64>,
    max_uncertainty: Option<f64>,
}

impl Query {
    /// Agents that offer the skill with this id.
    #[must_use]
    pub fn skill(id: impl Into<String>) -> Self {
        let skill = id.into();
        Self {
            skill,
            tags: Vec::new(),
            max_price: None,
            min_trust: None,
            max_uncertainty: None,
        }
    }

    /// Only at most this dear: `"0.01 USDC"`. Text that is no amount is reported by the search.
    /// Without it any price that the wallet's policy allows will do.
    #[must_use]
    pub fn max_price(mut self, amount: &str) -> Self {
        self.max_price = Some(amount.parse());
        self
    }

    /// Only agents that evidence does not show to be worse than this, from 0 to 1; see the type.
    #[must_use]
    pub const fn min_trust(mut self, expectation: f64) -> Self {
        self.min_trust = Some(expectation);
        self
    }

    /// Only agents about which at least this much is known, from 0 (all) to 1 (nothing).
    #[must_use]
    pub const fn max_uncertainty(mut self, uncertainty: f64) -> Self {
        self.max_uncertainty = Some(uncertainty);
        self
    }

    /// Only if the skill carries this tag; each call adds one.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    pub(super) fn resolve(&self, assets: &AssetTable) -> Result<Wanted, DiscoverError> {
        if self.skill.is_empty() {
            return Err(DiscoverError::Query("it names no skill".to_owned()));
        }
        let max_price = match &self.max_price {
            None => None,
            Some(text) => {
                let money = text.as_ref().map_err(Clone::clone)?;
                let (asset, amount) = assets.resolve(money)?;
                Some((asset.clone(), amount))
            }
        };
        Ok(Wanted {
            skill: self.skill.clone(),
            tags: self.tags.clone(),
            max_price,
            min_trust_ppm: self
                .min_trust
                .map(|share| ppm("min_trust", share))
                .transpose()?,
            max_uncertainty_ppm: self
                .max_uncertainty
                .map(|share| ppm("max_uncertainty", share))
                .transpose()?,
        })
    }
}

/// A query whose parts were found to make sense.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) skill: String,
    pub(super) tags: Vec<String>,
    pub(super) max_price: Option<(Asset, BaseUnits)>,
    min_trust_ppm: Option<u32>,
    max_uncertainty_ppm: Option<u32>,
}

impl Wanted {
    /// Whether the score will do, and if not why.
    pub(super) fn trusts(&self, score: &Score) -> Result<(), String> {
        if let Some(max) = self.max_uncertainty_ppm {
            if score.meets(self.min_trust_ppm.unwrap_or(0), max) {
                return Ok(());
            }
            return Err(format!(
                "not enough is known of it, or it is not good enough: {score}"
            ));
        }
        let could_be = score
            .expectation_ppm
            .saturating_add(score.uncertainty_ppm / 2);
        match self.min_trust_ppm {
            Some(min) if could_be < min => Err(format!("evidence speaks against it: {score}")),
            _ => Ok(()),
        }
    }
}

/// A share as parts per million, by way of text: no arithmetic on floats, no rounding to explain.
fn ppm(what: &str, share: f64) -> Result<u32, DiscoverError> {
    let wrong = || DiscoverError::Query(format!("{what} must be from 0 to 1"));
    if !(0.0..=1.0).contains(&share) {
        return Err(wrong());
    }
    let text = format!("{share:.6}");
    let (whole, fraction) = text.split_once('.').ok_or_else(wrong)?;
    format!("{whole}{fraction}").parse().map_err(|_| wrong())
}
