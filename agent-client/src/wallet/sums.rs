//! What was spent, as a decision needs it.

use agent_core::{
    money::{BaseUnits, MoneyError},
    policy::{Spent, Tally},
};

use super::windows::Weight;

/// All sums that a policy bounds, before a payment.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) last_hour: Weight,
    pub(super) last_day: Weight,
    pub(super) payee_last_day: Weight,
    pub(super) skill_last_day: Option<Weight>,
    pub(super) since: Vec<(Tally, Weight)>,
    pub(super) now_unix_secs: u64,
}

impl Sums {
    /// What a payment of at most `max` is decided on, that raises ceilings by `raise`: as much as
    /// makes each sum with `max` added the heavier of what is counted and what is signed after it.
    pub(super) fn before(&self, max: BaseUnits, raise: BaseUnits) -> Result<Spent, MoneyError> {
        let of = |weight: Weight| -> Result<BaseUnits, MoneyError> {
            let signed = weight.raised.plus(raise)?;
            Ok(weight.counted.max(signed.minus(max).unwrap_or_default()))
        };
        let since = self
            .since
            .iter()
            .map(|(tally, weight)| of(*weight).map(|signed| Tally { signed, ..*tally }));
        Ok(Spent {
            last_hour: of(self.last_hour)?,
            last_day: of(self.last_day)?,
            payee_last_day: of(self.payee_last_day)?,
            skill_last_day: self.skill_last_day.map(of).transpose()?,
            since: since.collect::<Result<_, _>>()?,
            now_unix_secs: Some(self.now_unix_secs),
            ..Spent::default()
        })
    }
}
