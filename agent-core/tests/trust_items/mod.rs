//! Graded feedback for the tests of the score.

use agent_core::trust::{
    AgentId, Evidence, FeedbackEvent, FeedbackValue, GlobalAgentId, Graded, GradedFeedback, Score,
    ScorePolicy, VerifiedPayment, score, tags,
};
use alloy_primitives::{Address, B256};

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const DAY: u64 = 86_400;
pub(crate) const SELLER: Address = Address::repeat_byte(0x5e);
pub(crate) const FULL: u128 = 1_000_000;

pub(crate) fn agent(id: u64) -> GlobalAgentId {
    let registry = "eip155:8453:0x8004a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
    GlobalAgentId::new(registry.parse().unwrap(), AgentId::from(id))
}

pub(crate) fn reviewer(n: u8) -> Address {
    Address::repeat_byte(n)
}

/// A verified item of its own payment: `n` makes it unlike all others.
pub(crate) fn item(
    who: u8,
    n: u64,
    stars: u8,
    paid: u128,
    level: Evidence,
    age: u64,
) -> GradedFeedback {
    let tx = B256::from(alloy_primitives::U256::from(u64::from(who) << 32 | n));
    let (payer, payee) = (reviewer(who), SELLER);
    let payment = VerifiedPayment {
        amount_base_units: paid,
        tx,
        payer,
        payee,
        voucher_hash: None,
    };
    GradedFeedback {
        event: FeedbackEvent {
            agent: agent(1),
            client: reviewer(who),
            index: n,
            value: FeedbackValue::stars(stars).unwrap(),
            tag1: tags::STARRED.to_owned(),
            tag2: tags::A2A_TASK.to_owned(),
            endpoint: String::new(),
            uri: String::new(),
            hash: B256::ZERO,
            block_time: NOW - age,
        },
        graded: Graded {
            level,
            reasons: Vec::new(),
            payment: (level >= Evidence::PaymentVerified).then_some(payment),
        },
        revoked: false,
    }
}

pub(crate) fn default_score(items: &[GradedFeedback]) -> Score {
    score(&agent(1), items, NOW, &ScorePolicy::default())
}
