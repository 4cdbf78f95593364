//! What goes around a scheme's own payload: the entry that was chosen, and the extensions.

use agent_core::{
    json::{Json, Metadata},
    ledger::PaymentId,
    x402::{
        Mode, PAYMENT_IDENTIFIER, PaymentPayload, PaymentRequirements, ResourceInfo, X402_VERSION,
    },
};
use serde::Serialize;
use serde_json::{Value, json};

/// What a payment repeats of the offer it is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Envelope<'a> {
    pub(super) entry: &'a PaymentRequirements,
    pub(super) resource: &'a ResourceInfo,
    /// The offer's extensions: a buyer gives them back and may add.
    pub(super) extensions: &'a Metadata,
}

impl Envelope<'_> {
    pub(super) fn around<T: Serialize>(
        self,
        mode: Mode,
        id: &PaymentId,
        payload: &T,
    ) -> Result<PaymentPayload, serde_json::Error> {
        Ok(PaymentPayload {
            x402_version: X402_VERSION,
            mode,
            resource: Some(self.resource.clone()),
            accepted: self.entry.clone(),
            payload: Json::from_value(payload)?,
            extensions: with_id(self.extensions, id)?,
        })
    }
}

/// The extensions with our idempotency key in the place that the seller left for it.
pub(super) fn with_id(offered: &Metadata, id: &PaymentId) -> Result<Metadata, serde_json::Error> {
    let mut all = offered.clone();
    let mut ours = match offered.parse::<Value>(PAYMENT_IDENTIFIER) {
        Ok(Some(Value::Object(object))) => object,
        _ => serde_json::Map::new(),
    };
    let info = ours
        .entry("info")
        .or_insert_with(|| json!({"required": true}));
    match info.as_object_mut() {
        Some(info) => {
            info.insert("id".to_owned(), json!(id.as_str()));
        }
        None => *info = json!({"required": true, "id": id.as_str()}),
    }
    all.set(PAYMENT_IDENTIFIER, &Value::Object(ours))?;
    Ok(all)
}
