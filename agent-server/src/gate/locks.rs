//! Payments with mode `z`: vouchers on locks, and credit of earlier ones.

use super::{
    Admitted, Gate, GateRefusal, Work, admitted, bad_identifier, payment_id, worth_waiting,
};
use agent_core::ledger::{PaymentId, Proof, ReserveRequest};
use agent_core::voucher::{Funding, Lock};
use agent_core::x402::{CreditToken, PaymentPayload, VoucherText, Z402Extra, Z402Payload};
use alloy_primitives::Address;

impl Gate {
    pub(super) async fn by_lock(
        &self,
        payload: &PaymentPayload,
        work: &Work<'_>,
    ) -> Result<Admitted, GateRefusal> {
        let request = self.lock_request(payload, work)?;
        let channel_id = request.proof.channel_id().unwrap_or_default();
        let retry = request.clone();
        let mut answer = self.ledger.reserve(request).await?;
        if let Some(wait) = worth_waiting(&answer)
            && self.locks.await_lock(channel_id, wait).await
        {
            answer = self.ledger.reserve(retry).await?;
        }
        admitted(answer).map_err(|refused| {
            let (code, why) = (refused.why.code(), refused.why.to_string());
            GateRefusal::new(code, why).with_channel(refused.channel)
        })
    }

    /// What a payment on a lock asks the ledger for.
    pub(super) fn lock_request(
        &self,
        payload: &PaymentPayload,
        work: &Work<'_>,
    ) -> Result<ReserveRequest, GateRefusal> {
        let paid: Z402Payload = payload
            .payload
            .parse()
            .map_err(|error| GateRefusal::malformed("payload.payload", &error))?;
        match paid {
            Z402Payload::Voucher { lock, voucher } => {
                self.by_voucher(payload, work, lock, &voucher)
            }
            Z402Payload::Credit(token) => self.by_credit(payload, work, &token),
            _ => Err(GateRefusal::new(
                "invalid_payload",
                "only payments of type voucher and credit are taken",
            )),
        }
    }

    fn by_voucher(
        &self,
        payload: &PaymentPayload,
        work: &Work<'_>,
        lock: Lock,
        voucher: &VoucherText,
    ) -> Result<ReserveRequest, GateRefusal> {
        let voucher = voucher
            .receive()
            .map_err(|error| GateRefusal::new(error.code(), error.to_string()))?;
        let id = required_id(payload)?;
        self.compare(payload, work)?;
        self.compare_lock(&lock)?;
        let funding = Funding::Lock(lock);
        let voucher = funding
            .check(voucher, &self.domains)
            .map_err(|error| GateRefusal::new(error.code(), error.to_string()))?;
        let proof = Proof::Voucher { funding, voucher };
        Ok(self.request(work, id, proof, payload.accepted.amount))
    }

    fn by_credit(
        &self,
        payload: &PaymentPayload,
        work: &Work<'_>,
        token: &CreditToken,
    ) -> Result<ReserveRequest, GateRefusal> {
        let id = required_id(payload)?;
        self.compare(payload, work)?;
        let key = self.credit.as_ref().ok_or_else(|| {
            GateRefusal::new(
                "invalid_z402_credit_token",
                "this seller takes no credit; send a voucher",
            )
        })?;
        key.check(token, self.clock.now_unix_secs())
            .map_err(|error| GateRefusal::new(error.code(), error.to_string()))?;
        let proof = Proof::Credit {
            channel_id: token.channel_id,
            ceiling: token.ceiling,
        };
        Ok(self.request(work, id, proof, payload.accepted.amount))
    }

    /// Compares what the peer says it accepted with what we offer. The chain and the contract are
    /// ours: a peer's words are compared with them and never used instead of them.
    fn compare(&self, payload: &PaymentPayload, work: &Work<'_>) -> Result<(), GateRefusal> {
        let (ours, accepted) = (&self.terms, &payload.accepted);
        if accepted.network != ours.asset.network.to_string() {
            let expected = ours.asset.network.to_string();
            return mismatch("invalid_z402_network_mismatch", "the network", &expected);
        }
        if accepted.asset.parse() != Ok(ours.asset.address) {
            return self.wrong_token();
        }
        if accepted.pay_to.parse() != Ok(ours.pay_to) {
            return self.wrong_payee();
        }
        let extra: Option<Z402Extra> = serde_json::to_string(&accepted.extra)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok());
        if extra.map(|extra| extra.contract) != Some(ours.contract) {
            let expected = ours.contract.to_string();
            return mismatch(
                "invalid_z402_contract_mismatch",
                "extra.contract",
                &expected,
            );
        }
        if accepted.amount < work.max {
            let expected = format!("at least {} base units", work.max);
            let code = "invalid_z402_amount_too_low";
            return mismatch(code, "the accepted amount", &expected);
        }
        Ok(())
    }

    fn compare_lock(&self, lock: &Lock) -> Result<(), GateRefusal> {
        if lock.token != self.terms.asset.address {
            return self.wrong_token();
        }
        if lock.payee != self.terms.pay_to {
            return self.wrong_payee();
        }
        if lock.signer == Address::ZERO || lock.payer == Address::ZERO {
            return mismatch("invalid_z402_lock", "payer and signer", "set");
        }
        Ok(())
    }

    fn wrong_token(&self) -> Result<(), GateRefusal> {
        let expected = self.terms.asset.address.to_string();
        let what = "the asset and the lock's token";
        mismatch("invalid_z402_token_mismatch", what, &expected)
    }

    fn wrong_payee(&self) -> Result<(), GateRefusal> {
        let expected = self.terms.pay_to.to_string();
        let what = "payTo and the lock's payee";
        mismatch("invalid_z402_payee_mismatch", what, &expected)
    }
}

fn mismatch(code: &'static str, what: &str, expected: &str) -> Result<(), GateRefusal> {
    Err(GateRefusal::new(code, format!("{what} must be {expected}")))
}

/// Our own buyers always send one: it is what makes a repeated payment safe.
fn required_id(payload: &PaymentPayload) -> Result<PaymentId, GateRefusal> {
    payment_id(payload)?.ok_or_else(bad_identifier)
}
