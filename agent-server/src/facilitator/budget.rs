//! What a day of transactions may cost.

use agent_client::chain::outbox::{TxOutbox, TxOutcome, TxRecord};
use alloy_primitives::B256;
use std::collections::BTreeMap;

use super::limits::OUTBOX_PAGE;
use super::refusal::Checked;

const DAY_MILLIS: u64 = 86_400_000;

/// The key of a transaction's note under which its largest fee is kept.
const FEE_NOTE: &str = "maxFeeWei";

/// What the transactions of one day cost: those that have ended as they did, the others at most.
#[derive(Debug, Default)]
pub(super) struct Budget {
    day: u64,
    spent_wei: u128,
    /// What is kept for transactions under way, by purpose.
    held: BTreeMap<String, u128>,
}

/// The note under which the name of the request is kept.
const NAME_NOTE: &str = "request";

/// The note that goes with a transaction, and the name of the request that it is made for.
pub(super) fn note(fee_wei: u128, name: Option<B256>) -> serde_json::Value {
    let mut note = serde_json::json!({ FEE_NOTE: fee_wei.to_string() });
    if let (Some(note), Some(name)) = (note.as_object_mut(), name) {
        note.insert(NAME_NOTE.to_owned(), name.to_string().into());
    }
    note
}

/// The name of the request that a transaction was made for, if it had one.
pub(super) fn name(record: &TxRecord) -> Option<B256> {
    record.request.meta.get(NAME_NOTE)?.as_str()?.parse().ok()
}

fn noted(record: &TxRecord) -> u128 {
    let note = record.request.meta.get(FEE_NOTE);
    let text = note.and_then(|value| value.as_str()).unwrap_or_default();
    text.parse().unwrap_or(0)
}

/// What a transaction that has ended did cost.
pub(super) fn cost(outcome: &TxOutcome) -> u128 {
    match outcome {
        TxOutcome::Mined(mined) | TxOutcome::Reverted { mined, .. } => {
            u128::from(mined.gas_used).saturating_mul(mined.effective_gas_price)
        }
        TxOutcome::Failed { .. } => 0,
    }
}

impl Budget {
    /// What the facilitator's transactions of today, which an earlier process may have made, cost,
    /// and which purposes are under way.
    pub(super) async fn recount(
        outbox: &TxOutbox,
        now_millis: u64,
    ) -> Checked<(Self, Vec<String>)> {
        let mut open = Vec::new();
        let mut budget = Self {
            day: now_millis / DAY_MILLIS,
            ..Self::default()
        };
        let mut after = None;
        loop {
            let page = outbox.list(after, OUTBOX_PAGE).await?;
            let Some(last) = page.last() else {
                return Ok((budget, open));
            };
            after = Some(last.id);
            for record in &page {
                if !record.request.purpose.starts_with(super::desk::PURPOSE) {
                    continue;
                }
                let is_today = record.created_ms / DAY_MILLIS == budget.day;
                match record.status.outcome() {
                    Some(outcome) if is_today => budget.add(cost(outcome)),
                    Some(_) => {}
                    // Whenever it was begun, it is today that it costs.
                    None => {
                        let purpose = record.request.purpose.clone();
                        budget.held.insert(purpose.clone(), noted(record));
                        open.push(purpose);
                    }
                }
            }
        }
    }

    /// Keeps `fee_wei` for a transaction, unless the day then costs more than `max_wei`.
    pub(super) fn hold(
        &mut self,
        purpose: &str,
        fee_wei: u128,
        max_wei: u128,
        now_millis: u64,
    ) -> bool {
        self.turn(now_millis);
        if self.held.contains_key(purpose) {
            return true;
        }
        let held = self
            .held
            .values()
            .fold(0_u128, |sum, fee| sum.saturating_add(*fee));
        let all = self.spent_wei.saturating_add(held).saturating_add(fee_wei);
        if all > max_wei {
            return false;
        }
        self.held.insert(purpose.to_owned(), fee_wei);
        true
    }

    /// The transaction has ended.
    pub(super) fn ended(&mut self, purpose: &str, cost_wei: u128, now_millis: u64) {
        self.turn(now_millis);
        if self.held.remove(purpose).is_some() {
            self.add(cost_wei);
        }
    }

    fn add(&mut self, wei: u128) {
        self.spent_wei = self.spent_wei.saturating_add(wei);
    }

    /// A new day begins with what is still under way.
    fn turn(&mut self, now_millis: u64) {
        let day = now_millis / DAY_MILLIS;
        if day != self.day {
            self.day = day;
            self.spent_wei = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_costs_no_more_than_its_cap_and_the_next_begins_anew() {
        let mut budget = Budget::default();
        assert!(budget.hold("a", 60, 100, 0));
        assert!(!budget.hold("b", 60, 100, 0), "both might cost 120");
        budget.ended("a", 40, 0);
        assert!(budget.hold("b", 60, 100, 0), "the first cost 40");
        assert!(!budget.hold("c", 1, 100, 0));
        assert!(
            !budget.hold("c", 60, 100, DAY_MILLIS),
            "b is still under way"
        );
        budget.ended("b", 60, DAY_MILLIS);
        assert!(budget.hold("c", 40, 100, DAY_MILLIS));
    }
}
