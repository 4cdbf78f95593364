//! What plain HTTP needs of the gate: terms as HTTP says them, a payment with a name, a receipt.

use super::header::Presented;
use crate::gate::{Admitted, Gate, GateRefusal, Work};
use agent_core::a2a::{A2aError, Task};
use agent_core::json::Json;
use agent_core::ledger::PaymentId;
use agent_core::money::BaseUnits;
use agent_core::x402::{
    PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentPayload, PaymentRequired, ResourceInfo,
    SettleResponse, keys,
};
use alloy_primitives::{Address, B256, Keccak256};
use serde::Deserialize;
use serde_json::json;

/// What names that we gave begin with. A buyer's own may not: it could take the name of a payment
/// that somebody else is about to make.
pub(crate) const OURS: &str = "auto-";

/// One gate as plain HTTP sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Desk<'a>(&'a Gate);

/// A payment with a name.
#[derive(Debug)]
pub(crate) struct Named {
    payment: Json,
    /// Whether the name is the buyer's own, and so nobody else's guess.
    pub(crate) by_buyer: bool,
}

impl<'a> Desk<'a> {
    pub(crate) const fn new(gate: &'a Gate) -> Self {
        Self(gate)
    }

    /// The terms for a resource: the content of `PAYMENT-REQUIRED`.
    ///
    /// # Errors
    /// None in practice: all of it is plain data.
    pub(crate) fn required(
        self,
        skill: &str,
        resource: ResourceInfo,
        amount: BaseUnits,
        name_required: bool,
        refusal: Option<&GateRefusal>,
    ) -> Result<PaymentRequired, A2aError> {
        let required = self.0.required(skill, resource, amount, refusal);
        let mut required = required.map_err(unwritable)?;
        let error = refusal.map_or("Payment required", |refusal| refusal.code);
        required.error = Some(error.to_owned());
        let named = &identifier(name_required);
        required
            .extensions
            .set(PAYMENT_IDENTIFIER, named)
            .map_err(unwritable)?;
        Ok(required)
    }

    /// Reads what was presented as a payment of version 2, and gives it a name if it has none.
    ///
    /// # Errors
    /// [`GateRefusal`].
    pub(crate) fn named(
        self,
        presented: Presented,
        skill: &str,
        amount: BaseUnits,
        name_required: bool,
    ) -> Result<Named, GateRefusal> {
        let payment = match presented {
            Presented::V2(payment) => *payment,
            Presented::V1(payment) => {
                let offers = self.required(skill, ResourceInfo::default(), amount, false, None);
                let offers = offers.map(|required| required.accepts).unwrap_or_default();
                let mut taken = offers.iter().filter_map(|offer| payment.to_v2(offer));
                taken.next().ok_or_else(|| {
                    let text = "no offer has this scheme on this network; see `accepts`";
                    GateRefusal::new("unsupported_scheme", text)
                })?
            }
        };
        name(payment, name_required)
    }

    /// Admits a payment for `work`.
    ///
    /// # Errors
    /// [`GateRefusal`]; nothing was reserved.
    pub(crate) async fn admit(
        self,
        named: &Named,
        work: &Work<'_>,
    ) -> Result<Admitted, GateRefusal> {
        self.0.admit(&named.payment, work).await
    }

    /// Gives back what is left of a channel; see [`super::header::Presented::refund`]. It is asked
    /// for at the price at which work is: the terms must be those that were offered.
    ///
    /// # Errors
    /// [`GateRefusal`]; nothing was moved, unless it says that this is not known.
    pub(crate) async fn give_back(
        self,
        payment: &PaymentPayload,
        skill: &str,
        amount: BaseUnits,
    ) -> Result<SettleResponse, GateRefusal> {
        let work = Work {
            task_id: "",
            context_id: "",
            skill,
            owner: "",
            input: "",
            max: amount,
        };
        let answer = self.0.refund(payment, &work).await?;
        answer.ok_or_else(|| GateRefusal::new("unsupported_scheme", "see `accepts`"))
    }
}

impl Named {
    /// The payment, as the gate reads it.
    pub(crate) const fn payment(&self) -> &Json {
        &self.payment
    }
}

/// The receipt of a task that was paid for: the last one, of the attempt that ended it.
pub(crate) fn receipt_in(task: &Task) -> Option<SettleResponse> {
    let said = task.status.message.as_ref()?;
    let receipts: Vec<SettleResponse> = said.metadata.parse(keys::RECEIPTS).ok()??;
    receipts.into_iter().next_back()
}

/// Whether the gate could not read the payment, rather than not take it.
pub(crate) fn is_malformed(refusal: &GateRefusal) -> bool {
    matches!(
        refusal.code,
        "invalid_payload" | "invalid_x402_version" | "invalid_payment_identifier"
    )
}

/// Whether the payment may be good, and we cannot see the chain to tell.
pub(crate) fn is_unseen(refusal: &GateRefusal) -> bool {
    refusal.code.ends_with("chain_state_stale")
        || refusal.code == agent_core::x402::batch::codes::VERIFICATION_STATE_UNAVAILABLE
}

/// Whether the payment's name was used for something else.
pub(crate) fn is_conflict(refusal: &GateRefusal) -> bool {
    refusal.code.ends_with("payment_id_conflict")
}

fn name(mut payment: PaymentPayload, required: bool) -> Result<Named, GateRefusal> {
    let invalid = |text: &str| Err(GateRefusal::new("invalid_payment_identifier", text));
    let identifier: Option<PaymentIdentifier> = payment
        .extensions
        .parse(PAYMENT_IDENTIFIER)
        .map_err(|error| GateRefusal::malformed("extensions.payment-identifier", &error))?;
    // A stock client that was not told to name its payments sends back our offer of it, empty.
    let by_buyer = match identifier.and_then(|value| value.info.id) {
        Some(id) if id.starts_with(OURS) => return invalid("this prefix is the seller's own"),
        Some(id) if PaymentId::parse(&id).is_none() => {
            return invalid("the id must be 16 to 128 of A-Z a-z 0-9 - _");
        }
        Some(_) => true,
        None if required => {
            return invalid("send extensions[\"payment-identifier\"].info.id");
        }
        None => {
            if let Some(id) = derived(&payment) {
                let identifier = PaymentIdentifier::of(id);
                let set = payment.extensions.set(PAYMENT_IDENTIFIER, &identifier);
                set.map_err(|error| GateRefusal::malformed("extensions", &error))?;
            }
            false
        }
    };
    let payment = Json::from_value(&payment);
    let payment = payment.map_err(|error| GateRefusal::malformed("payload", &error))?;
    Ok(Named { payment, by_buyer })
}

/// The name of a payment that its buyer gave none: what it moves, by which it cannot be made twice.
/// A payment in which none of that can be read has no name, and is refused for what it lacks.
pub(crate) fn derived(payment: &PaymentPayload) -> Option<String> {
    let moved: Moved = payment.payload.parse().ok()?;
    let mut hash = Keccak256::new();
    hash.update(payment.accepted.scheme.as_bytes());
    match moved {
        Moved {
            voucher: Some(voucher),
            ..
        } => {
            hash.update(b"\0voucher");
            hash.update(voucher.channel_id);
            hash.update(voucher.max_claimable_amount.get().to_be_bytes());
        }
        Moved {
            authorization: Some(transfer),
            ..
        }
        | Moved {
            permit2_authorization: Some(transfer),
            ..
        } => {
            hash.update(b"\0transfer");
            hash.update(transfer.from);
            hash.update(transfer.nonce.trim().to_ascii_lowercase().as_bytes());
        }
        Moved { .. } => return None,
    }
    Some(format!(
        "{OURS}{}",
        alloy_primitives::hex::encode(hash.finalize())
    ))
}

/// What tells two payments apart, in the words of any scheme.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Moved {
    #[serde(default)]
    voucher: Option<Ceiling>,
    #[serde(default)]
    authorization: Option<Transfer>,
    #[serde(default)]
    permit2_authorization: Option<Transfer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ceiling {
    channel_id: B256,
    max_claimable_amount: BaseUnits,
}

#[derive(Deserialize)]
struct Transfer {
    from: Address,
    nonce: String,
}

/// The extension `payment-identifier` as a seller offers it.
fn identifier(required: bool) -> serde_json::Value {
    json!({
        "info": { "required": required },
        "schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "required": { "type": "boolean" },
                "id": {
                    "type": "string",
                    "minLength": 16,
                    "maxLength": 128,
                    "pattern": "^[a-zA-Z0-9_-]+$",
                },
            },
            "required": ["required"],
        },
    })
}

fn unwritable(error: serde_json::Error) -> A2aError {
    A2aError::internal(error.to_string())
}
