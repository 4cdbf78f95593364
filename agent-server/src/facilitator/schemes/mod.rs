//! What each scheme asks of the chain.

pub(super) mod batch;
pub(super) mod exact;
pub(super) mod permit2;
pub(super) mod z402;

use super::refusal::{Checked, No};
use agent_core::json::{Json, Metadata};
use agent_core::money::Asset;
use agent_core::x402::facilitator::RequestV2;
use agent_core::x402::{Mode, SettleResponse};
use alloy_primitives::{Address, B256};

/// Refuses a payment that was made for another offer.
pub(super) fn consistent(request: &RequestV2) -> Checked<()> {
    if request.is_consistent() {
        return Ok(());
    }
    let (paid, asked) = (
        &request.payment_payload.accepted,
        &request.payment_requirements,
    );
    Err(No::because(
        if paid.scheme != asked.scheme {
            "unsupported_scheme"
        } else if paid.network != asked.network {
            "invalid_network"
        } else {
            "invalid_payment_requirements"
        },
        "the payment accepts another offer than the requirements",
    ))
}

/// Whether the offer calls the token's signing domain as it is: its name, its version. Absent is
/// no other one.
pub(super) fn named_as(asset: &Asset, request: &RequestV2) -> (bool, bool) {
    let extra = &request.payment_requirements.extra;
    let is = |member: &str, real: &str| match extra.parse::<String>(member) {
        Ok(None) => true,
        Ok(Some(said)) => said == real,
        Err(_) => false,
    };
    (is("name", &asset.name), is("version", &asset.version))
}

/// A payment that was made.
pub(super) fn settled(
    request: &RequestV2,
    payer: Address,
    transaction: B256,
    amount: String,
) -> SettleResponse {
    SettleResponse {
        success: true,
        mode: Mode::X,
        error_reason: None,
        error_message: None,
        payer: Some(payer.to_string()),
        transaction: transaction.to_string(),
        network: request.payment_requirements.network.clone(),
        amount: Some(amount),
        extensions: Metadata::default(),
        extra: Json::default(),
    }
}
