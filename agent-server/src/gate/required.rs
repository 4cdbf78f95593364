//! What is asked for, whatever carries it.

use super::{Gate, GateRefusal};
use agent_core::json::Metadata;
use agent_core::money::BaseUnits;
use agent_core::x402::batch::SCHEME_BATCH_SETTLEMENT;
use agent_core::x402::{
    Mode, PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentRequired, PaymentRequirements,
    PaymentStatus, ResourceInfo, SCHEME_Z402, WireChannel, X402_VERSION, keys,
};
use serde::Serialize;

impl Gate {
    /// What to answer instead of working unpaid: all ways to pay `amount` for a skill, in the
    /// seller's order, and why the payment that came did not do, if one came. `resource` is what is
    /// paid for in the words of whatever carries this.
    ///
    /// # Errors
    /// None in practice: all of it is plain data.
    pub fn required(
        &self,
        skill: &str,
        resource: ResourceInfo,
        amount: BaseUnits,
        refusal: Option<&GateRefusal>,
    ) -> Result<PaymentRequired, serde_json::Error> {
        let mut accepts = self.terms().all_requirements(amount)?;
        accepts.retain(|entry| self.takes(&entry.scheme, skill));
        let has_z402 = accepts.iter().any(|entry| entry.scheme == SCHEME_Z402);
        if let Some(refusal) = refusal {
            correct(&mut accepts, refusal)?;
        }
        let mut extensions = Metadata::new();
        // A lock's vouchers are taken with one only; stock buyers of other schemes send none.
        let mut identifier = PaymentIdentifier::wanted();
        identifier.info.required = accepts.iter().all(|entry| entry.scheme == SCHEME_Z402);
        extensions.set(PAYMENT_IDENTIFIER, &identifier)?;
        if let Some(channel) = refusal.and_then(|refusal| refusal.channel.as_deref()) {
            let channel = WireChannel::from(*channel);
            let info = LockCorrection { channel };
            extensions.set("z402", &Info { info })?;
        }
        Ok(PaymentRequired {
            x402_version: X402_VERSION,
            mode: if has_z402 { Mode::Z } else { Mode::X },
            error: refusal.map(|refusal| refusal.code.to_owned()),
            resource,
            accepts,
            extensions,
        })
    }

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
        let resource = ResourceInfo {
            url: format!("a2a:skill/{skill}"),
            description: None,
            mime_type: Some("application/json".to_owned()),
        };
        let required = self.required(skill, resource, amount, refusal)?;
        let mode = required.mode;
        let mut metadata = Metadata::new();
        metadata.set(keys::REQUIRED, &required)?;
        match refusal {
            None => metadata.set(keys::STATUS, &PaymentStatus::PaymentRequired)?,
            Some(refusal) => {
                metadata.set(keys::STATUS, &PaymentStatus::PaymentFailed)?;
                metadata.set(keys::ERROR, refusal.code)?;
                let failed = self.answer(mode, Some((refusal.code, &refusal.message)));
                metadata.set(keys::RECEIPTS, &[failed])?
            }
        };
        Ok(metadata)
    }
}

/// Adds what a stock client of `batch-settlement` that lost count corrects itself by.
fn correct(
    accepts: &mut [PaymentRequirements],
    refusal: &GateRefusal,
) -> Result<(), serde_json::Error> {
    let Some(correction) = refusal.correction.as_deref() else {
        return Ok(());
    };
    for entry in accepts {
        if entry.scheme == SCHEME_BATCH_SETTLEMENT {
            entry.extra.set("channelState", &correction.state)?;
            if let Some(voucher) = &correction.voucher {
                entry.extra.set("voucherState", voucher)?;
            }
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Info<T> {
    info: T,
}

#[derive(Serialize)]
struct LockCorrection {
    channel: WireChannel,
}
