//! Who is lent the receiver authorizer of `batch-settlement`, and for whom.
//!
//! The key signs claims and refunds of every channel that names it. A refund gives the receiver's
//! money back to a payer, so a caller that could have any of them signed could rob all receivers
//! together with a payer of theirs.

use agent_core::x402::batch::{BatchSettlePayload, SCHEME_BATCH_SETTLEMENT};
use agent_core::x402::facilitator::RequestV2;
use alloy_primitives::Address;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The receivers for which each caller is lent the receiver authorizer, by the caller's name.
/// Nobody who is not named here is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Lends(BTreeMap<String, BTreeSet<Address>>);

impl Lends {
    /// Lends it to `caller` for `receiver` too.
    pub fn add(&mut self, caller: impl Into<String>, receiver: Address) {
        self.0.entry(caller.into()).or_default().insert(receiver);
    }

    /// Whether `caller` is lent it for all of these.
    #[must_use]
    pub fn covers(&self, caller: Option<&str>, receivers: &BTreeSet<Address>) -> bool {
        let theirs = caller.and_then(|caller| self.0.get(caller));
        theirs.is_some_and(|theirs| receivers.is_subset(theirs))
    }
}

/// The receivers for which a settlement needs the facilitator's own signature; nothing if it needs
/// none.
#[must_use]
pub(super) fn needed(request: &RequestV2) -> Option<BTreeSet<Address>> {
    if request.payment_requirements.scheme != SCHEME_BATCH_SETTLEMENT {
        return None;
    }
    let payload = request.payment_payload.payload.parse().ok()?;
    let (claims, refunded, is_signed) = match &payload {
        BatchSettlePayload::Claim {
            claims,
            claim_authorizer_signature,
        } => (claims, None, claim_authorizer_signature.is_some()),
        BatchSettlePayload::Refund {
            channel_config,
            claims,
            refund_authorizer_signature,
            claim_authorizer_signature,
            ..
        } => {
            let claims_signed = claims.is_empty() || claim_authorizer_signature.is_some();
            let is_signed = refund_authorizer_signature.is_some() && claims_signed;
            (claims, Some(channel_config.receiver), is_signed)
        }
        _ => return None,
    };
    if is_signed {
        return None;
    }
    let rows = claims.iter().map(|row| row.voucher.channel.receiver);
    Some(rows.chain(refunded).collect())
}
