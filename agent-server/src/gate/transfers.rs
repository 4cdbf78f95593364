//! Payments of scheme `exact`: a signed transfer, made once the work is done.

use super::{Admitted, Gate, GateRefusal, Work, admitted, payment_id};
use agent_core::json::Json;
use agent_core::ledger::{PaymentId, Proof, Transfer};
use agent_core::x402::facilitator::RequestV2;
use agent_core::x402::limits::MIN_TIME_LEFT_SECS;
use agent_core::x402::{
    EvmTerms, ExactError, ExactPayload, Mode, PaymentPayload, SCHEME_EXACT, TokenDomain, Uint256,
    X402_VERSION,
};
use alloy_primitives::{Address, B256, U256};

/// What is known of a transfer before the chain is asked.
struct Signed {
    id: B256,
    payer: Address,
    expires: Uint256,
}

impl Gate {
    pub(super) async fn by_transfer(
        &self,
        payload: PaymentPayload,
        work: &Work<'_>,
    ) -> Result<Admitted, GateRefusal> {
        let id = payment_id(&payload)?;
        let offer = self.accepted_offer(&payload, work)?;
        let accepted = payload.accepted.amount;
        let terms = EvmTerms::read(&offer, SCHEME_EXACT).map_err(ExactError::from);
        let terms = terms.map_err(|error| refused(&error))?;
        let paid: ExactPayload = payload
            .payload
            .parse()
            .map_err(|error| GateRefusal::malformed("payload.payload", &error))?;
        let signed = self.check_transfer(&paid, &terms)?;
        let asked = RequestV2 {
            x402_version: X402_VERSION,
            mode: Mode::X,
            payment_payload: payload,
            payment_requirements: offer,
        };
        let request =
            Json::from_value(&asked).map_err(|error| GateRefusal::malformed("payload", &error))?;
        let proof = Proof::Transfer(Transfer {
            id: signed.id,
            payer: signed.payer,
            request,
            expires_unix_secs: u64::try_from(signed.expires.0).unwrap_or(u64::MAX),
        });
        // The transfer itself is the buyer's key if it sends no other: it buys once in any case.
        let id = id.or_else(|| PaymentId::parse(&format!("exact-{:x}", signed.id)));
        let id = id.ok_or_else(super::bad_identifier)?;
        let request = self.request(work, id, proof, accepted);
        // One that is settled already would not verify again, and its answer is owed all the same.
        let known = self
            .ledger
            .known(request.payment_id.clone(), request.request_hash);
        if let Some(answer) = known.await? {
            return admitted(answer).map_err(|refused| counted(&refused.why));
        }
        self.verify(asked).await?;
        let answer = self.ledger.reserve(request).await?;
        admitted(answer).map_err(|refused| counted(&refused.why))
    }

    fn check_transfer(&self, paid: &ExactPayload, terms: &EvmTerms) -> Result<Signed, GateRefusal> {
        let now = self.clock.now_unix_secs();
        let signed = match paid {
            ExactPayload::Eip3009(payment) => {
                let domain = TokenDomain::of(&self.terms.asset);
                let checked = payment
                    .check(terms, &domain, now)
                    .map_err(|error| refused(&error))?;
                Signed {
                    id: checked.digest(),
                    payer: checked.authorization().from,
                    expires: checked.authorization().valid_before,
                }
            }
            ExactPayload::Permit2(payment) => {
                payment
                    .check(terms, now)
                    .map_err(|error| GateRefusal::new(error.code(), error.to_string()))?;
                Signed {
                    id: payment.used_up(terms.token.network),
                    payer: payment.permit2_authorization.from,
                    expires: payment.permit2_authorization.deadline,
                }
            }
            _ => return Err(self.unsupported()),
        };
        // It is settled when the work is done. The offer asks for longer than that may take, since
        // the payment was some time on its way.
        let work = self
            .terms
            .max_timeout_seconds
            .saturating_add(MIN_TIME_LEFT_SECS);
        let latest = U256::from(now).saturating_add(U256::from(work));
        if signed.expires.0 < latest {
            return Err(refused(&ExactError::Expired));
        }
        Ok(signed)
    }

    async fn verify(&self, asked: RequestV2) -> Result<(), GateRefusal> {
        let facilitator = self
            .facilitator
            .as_ref()
            .ok_or_else(|| self.unsupported())?;
        let answer = facilitator.verify(asked).await?;
        if answer.is_valid {
            Ok(())
        } else {
            Err(GateRefusal::of_facilitator(
                answer.invalid_reason.as_deref(),
                answer.invalid_message.as_deref(),
            ))
        }
    }
}

fn refused(error: &ExactError) -> GateRefusal {
    GateRefusal::new(error.code(), error.to_string())
}

fn counted(why: &agent_core::channel::Refusal) -> GateRefusal {
    GateRefusal::new(why.code(), why.to_string())
}
