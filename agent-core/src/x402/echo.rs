use super::PaymentRequirements;
use crate::json::Json;

impl PaymentRequirements {
    /// Whether `accepted`, the entry that a payment says it chose, is this offer.
    ///
    /// Everything but `extra` must be the same, and `accepted.extra` must hold at least what was
    /// offered: clients may add, never change or drop (x402 v2 §5.2). Texts are compared as they
    /// are, because clients send back what they were given; JSON by value, because they write it
    /// anew.
    #[must_use]
    pub fn is_echoed_by(&self, accepted: &Self) -> bool {
        self.scheme == accepted.scheme
            && self.network == accepted.network
            && self.amount == accepted.amount
            && self.asset == accepted.asset
            && self.pay_to == accepted.pay_to
            && self.max_timeout_seconds == accepted.max_timeout_seconds
            && self.extra.iter().all(|(name, offered)| {
                let echoed = accepted.extra.get(name);
                echoed.is_some_and(|echoed| same_value(offered, echoed))
            })
    }
}

fn same_value(offered: &Json, echoed: &Json) -> bool {
    if offered == echoed {
        return true;
    }
    let value = |json: &Json| json.parse::<serde_json::Value>().ok();
    match (value(offered), value(echoed)) {
        (Some(offered), Some(echoed)) => offered == echoed,
        _ => false,
    }
}
