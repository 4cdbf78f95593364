use super::{Gate, GateRefusal};
use agent_core::json::{Json, Metadata};
use agent_core::ledger::Reserved;
use agent_core::money::BaseUnits;
use agent_core::x402::{
    Mode, PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentRequired, PaymentStatus, ResourceInfo,
    SettleResponse, WireChannel, X402_VERSION, Z402Receipt, keys,
};
use serde::Serialize;

impl Gate {
    /// The message metadata that asks for `amount` for a skill: a 402 over A2A.
    ///
    /// # Errors
    /// None in practice: all of it is plain data.
    pub fn ask_for(
        &self,
        skill: &str,
        amount: BaseUnits,
        refusal: Option<&GateRefusal>,
    ) -> Result<Metadata, serde_json::Error> {
        let mut extensions = Metadata::new();
        extensions.set(PAYMENT_IDENTIFIER, &PaymentIdentifier::wanted())?;
        if let Some(channel) = refusal.and_then(|refusal| refusal.channel.as_deref()) {
            let channel = WireChannel::from(*channel);
            extensions.set(
                "z402",
                &Info {
                    info: Correction { channel },
                },
            )?;
        }
        let required = PaymentRequired {
            x402_version: X402_VERSION,
            mode: Mode::Z,
            error: refusal.map(|refusal| refusal.code.to_owned()),
            resource: ResourceInfo {
                url: format!("a2a:skill/{skill}"),
                description: None,
                mime_type: Some("application/json".to_owned()),
            },
            accepts: vec![self.terms().requirements(amount)?],
            extensions,
        };
        let mut metadata = Metadata::new();
        metadata.set(keys::REQUIRED, &required)?;
        match refusal {
            None => metadata.set(keys::STATUS, &PaymentStatus::PaymentRequired)?,
            Some(refusal) => {
                metadata.set(keys::STATUS, &PaymentStatus::PaymentFailed)?;
                metadata.set(keys::ERROR, refusal.code)?;
                let failed = self.receipt(false, Some((refusal.code, &refusal.message)), None);
                metadata.set(keys::RECEIPTS, &[failed])?
            }
        };
        Ok(metadata)
    }

    /// The message metadata of a task whose payment ended: charged, or void for a reason.
    ///
    /// # Errors
    /// None in practice: all of it is plain data.
    pub fn receipt_for(
        &self,
        reserved: &Reserved,
        charged: Result<BaseUnits, (&'static str, &str)>,
    ) -> Result<Metadata, serde_json::Error> {
        let extra = Json::from_value(&Z402Receipt {
            payment_id: reserved.payment_id().as_str().to_owned(),
            channel_id: reserved.channel_id().unwrap_or_default(),
            charged_amount: *charged.as_ref().unwrap_or(&BaseUnits::ZERO),
            credit_token: None,
        })?;
        let mut metadata = Metadata::new();
        match charged {
            Ok(_) => metadata.set(keys::STATUS, &PaymentStatus::PaymentCompleted)?,
            Err((code, _)) => {
                metadata.set(keys::STATUS, &PaymentStatus::PaymentFailed)?;
                metadata.set(keys::ERROR, code)?
            }
        };
        let receipt = self.receipt(charged.is_ok(), charged.err(), Some(extra));
        metadata.set(keys::RECEIPTS, &[receipt])?;
        Ok(metadata)
    }

    fn receipt(
        &self,
        success: bool,
        error: Option<(&'static str, &str)>,
        extra: Option<Json>,
    ) -> SettleResponse {
        SettleResponse {
            success,
            mode: Mode::Z,
            error_reason: error.map(|(code, _)| code.to_owned()),
            error_message: error.map(|(_, message)| message.to_owned()),
            payer: None,
            transaction: String::new(),
            network: self.terms().asset.network.to_string(),
            amount: None,
            extra: extra.unwrap_or_default(),
            extensions: Metadata::new(),
        }
    }
}

#[derive(Serialize)]
struct Info<T> {
    info: T,
}

#[derive(Serialize)]
struct Correction {
    channel: WireChannel,
}
