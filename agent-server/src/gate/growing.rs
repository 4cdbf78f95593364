//! Payments for work that goes on.

use super::{Gate, GateRefusal, Work};
use agent_core::json::Json;
use agent_core::ledger::{Extend, ExtendRequest, ReserveRequest, Reserved};
use agent_core::x402::batch::{BatchPayload, SCHEME_BATCH_SETTLEMENT, codes};
use agent_core::x402::{Mode, PaymentPayload, SCHEME_Z402};

impl Gate {
    /// Adds a payment to a reservation whose work goes on, once: the same payment again changes
    /// nothing. `work.max` is what it adds. It must come from the channel that paid for the start.
    ///
    /// # Errors
    /// [`GateRefusal`]; the reservation is as it was.
    pub async fn extend(
        &self,
        payment: &Json,
        work: &Work<'_>,
        reserved: &mut Reserved,
    ) -> Result<(), GateRefusal> {
        let payload = self.decode(payment, work)?;
        let (request, batch) = match payload.accepted.scheme.as_str() {
            SCHEME_Z402 if payload.mode == Mode::Z => (self.lock_request(&payload, work)?, false),
            SCHEME_BATCH_SETTLEMENT => (self.next_voucher(payload, work)?, true),
            _ => return Err(self.unsupported()),
        };
        let request = ExtendRequest {
            payment_id: request.payment_id,
            request_hash: request.request_hash,
            proof: request.proof,
            more: request.max,
            now_unix_millis: request.now_unix_millis,
        };
        match self.ledger.extend(reserved, request).await? {
            Extend::Held | Extend::Same => Ok(()),
            Extend::Refused { why, channel } => {
                let code = if batch { why.batch_code() } else { why.code() };
                Err(GateRefusal::new(code, why.to_string()).with_channel(channel))
            }
        }
    }

    /// A further voucher of `batch-settlement`; a deposit is for the start of work.
    fn next_voucher(
        &self,
        payload: PaymentPayload,
        work: &Work<'_>,
    ) -> Result<ReserveRequest, GateRefusal> {
        let id = super::payment_id(&payload)?.ok_or_else(super::bad_identifier)?;
        let offer = self.accepted_offer(&payload, work)?;
        let accepted = payload.accepted.amount;
        let checked = self.check_channel(payload, offer)?;
        match &checked.payload {
            BatchPayload::Voucher { .. } => Ok(self.request(work, id, checked.proof, accepted)),
            _ => Err(GateRefusal::new(
                codes::PAYLOAD_TYPE,
                "work that goes on is paid with a voucher",
            )),
        }
    }
}
