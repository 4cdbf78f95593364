//! What comes back from a seller.

use agent_core::a2a::Task;
use agent_core::ledger::PaymentId;
use agent_core::money::{AssetId, BaseUnits};
use agent_core::trust::{GlobalAgentId, PaymentCommitment};
use agent_core::untrusted::Untrusted;
use agent_core::voucher::{ChannelId, EscrowDomain};
use agent_core::x402::SCHEME_Z402;
use agent_core::x402::receipt::SignedReceipt;
use alloy_primitives::Address;
use std::fmt;
use url::Url;

use super::bill::Bill;
use crate::wallet::Payment;

/// An answer, and what it cost.
#[derive(Clone, Debug)]
pub struct Answer<Out> {
    /// The answer itself.
    pub output: Out,
    /// The task as the seller sent it.
    pub task: Task,
    /// What was paid; `None` for a free skill.
    pub paid: Option<Paid>,
}

/// A payment that the seller acknowledged with a receipt that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The payment.
    pub payment_id: PaymentId,
    /// What was charged, in base units of `asset`.
    pub charged: BaseUnits,
    /// The most that could have been charged.
    pub max: BaseUnits,
    /// In what.
    pub asset: AssetId,
    /// Who was paid.
    pub payee: Address,
    /// The channel that paid.
    pub channel_id: ChannelId,
    /// The voucher's cumulative ceiling, in base units.
    pub ceiling: BaseUnits,
    /// The seller's registered identity, if it has one.
    pub agent: Option<GlobalAgentId>,
    /// Where the seller was called.
    pub endpoint: Url,
    /// What was bought.
    pub skill: String,
    /// The task it was bought with.
    pub task_id: String,
    /// The task's context.
    pub context_id: String,
    /// The receipt that the seller signed, if it signed one that holds: evidence for others.
    pub receipt: Option<SignedReceipt>,
}

impl Paid {
    /// The payment as feedback names it: the voucher's hash, never its signature.
    #[must_use]
    pub fn commitment(&self, escrow: &EscrowDomain) -> PaymentCommitment {
        let AssetId { network, address } = self.asset;
        PaymentCommitment {
            scheme: SCHEME_Z402.to_owned(),
            asset: format!("{network}/erc20:{address}"),
            channel: escrow.contract(),
            channel_id: self.channel_id.0,
            cumulative_amount: self.ceiling.get(),
            nonce: None,
            voucher_hash: escrow.voucher_digest(self.channel_id, self.ceiling),
        }
    }
}

/// A task that waits for an answer of ours; its payment is held meanwhile.
///
/// Dropping it leaves the payment counted at its maximum.
#[derive(Debug)]
pub struct Question {
    pub(super) text: Untrusted,
    pub(super) task: Task,
    pub(super) skill: String,
    pub(super) held: Option<(Bill, Payment)>,
}

impl Question {
    /// What the seller asks, in its own words.
    #[must_use]
    pub const fn text(&self) -> &Untrusted {
        &self.text
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}
