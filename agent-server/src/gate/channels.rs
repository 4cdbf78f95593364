//! Payments of scheme `batch-settlement`: vouchers on channels, deposits into them, refunds.

use super::ports::ViaFacilitator;
use super::{
    Admitted, ChannelSource, Correction, Gate, GateRefusal, Refused, Work, admitted, payment_id,
    worth_waiting,
};
use crate::paid::desk::OURS;
use agent_core::channel::{LockState, NO_DEADLINE};
use agent_core::ledger::{LedgerError, PaymentId, Proof, Reserve, ReserveRequest};
use agent_core::voucher::Funding;
use agent_core::x402::batch::{
    BatchError, BatchPayload, BatchReceipt, BatchTerms, ChannelConfig, ChannelState, Deposit,
    VoucherState,
};
use agent_core::x402::facilitator::RequestV2;
use agent_core::x402::{
    Mode, PaymentPayload, PaymentRequirements, SettleResponse, TokenDomain, Uint256, VoucherText,
    X402_VERSION,
};
use std::sync::Arc;

/// A payment whose channel and voucher are what the offer asks for.
pub(super) struct Checked {
    request: RequestV2,
    terms: BatchTerms,
    pub(super) payload: BatchPayload,
    pub(super) proof: Proof,
}

impl Gate {
    pub(super) async fn by_channel(
        &self,
        payload: PaymentPayload,
        work: &Work<'_>,
    ) -> Result<Admitted, GateRefusal> {
        let id = payment_id(&payload)?;
        let offer = self.accepted_offer(&payload, work)?;
        let accepted = payload.accepted.amount;
        let checked = self.check_channel(payload, offer)?;
        let channel = *checked.payload.channel();
        // Without a key of the buyer's every attempt is one of its own, as with stock sellers: the
        // channel's count is what keeps a voucher from buying twice.
        let attempt = PaymentId::parse(&format!("batch-payment-{}", work.task_id));
        let attempt = attempt.ok_or_else(super::bad_identifier)?;
        let mut request = self.request(
            work,
            id.unwrap_or(attempt.clone()),
            checked.proof.clone(),
            accepted,
        );
        if request.payment_id.as_str().starts_with(OURS) && self.may_retry(&request).await? {
            request.payment_id = attempt;
        }
        let mut paid_in = None;
        match &checked.payload {
            BatchPayload::Deposit { deposit, .. } => {
                // One that was made before is not made again.
                let known = self
                    .ledger
                    .known(request.payment_id.clone(), request.request_hash);
                if let Some(answer) = known.await? {
                    return admitted(answer).map_err(|refused| self.corrective(&channel, refused));
                }
                let answer = self.deposit(&checked, &channel, deposit).await?;
                // Without a look of our own the facilitator's word on what it did has to do: the
                // deposit is made, so it would not verify a second time.
                let said = BatchReceipt::read(&answer.extra).unwrap_or_default();
                match said.channel_state.filter(|_| self.channels.is_none()) {
                    Some(state) => self.observe(&channel, state).await?,
                    None => self.look(&channel, &checked.request).await?,
                };
                paid_in = Some(answer.transaction);
            }
            BatchPayload::Refund { .. } => {
                return Err(GateRefusal::new(
                    agent_core::x402::batch::codes::PAYLOAD_TYPE,
                    "a refund pays for nothing; send it without asking for work",
                ));
            }
            _ => {}
        }
        let mut answer = self.ledger.reserve(request.clone()).await?;
        if worth_waiting(&answer).is_some() && self.look(&channel, &checked.request).await? {
            answer = self.ledger.reserve(request).await?;
        }
        match admitted(answer).map_err(|refused| self.corrective(&channel, refused))? {
            Admitted::New(reserved) => Ok(Admitted::New(match paid_in {
                Some(transaction) => reserved.with_deposit(&transaction),
                None => reserved,
            })),
            before => Ok(before),
        }
    }

    /// Whether a payment that we named was made before and came to nothing, so that a stock client
    /// pays with the same voucher again: what was charged since does not reach its ceiling. Either
    /// way the channel's count decides whether the voucher buys anything.
    async fn may_retry(&self, request: &ReserveRequest) -> Result<bool, GateRefusal> {
        let known = self
            .ledger
            .known(request.payment_id.clone(), request.request_hash);
        let (Some(id), Some(ceiling)) = (request.proof.channel_id(), request.proof.ceiling())
        else {
            return Ok(false);
        };
        match known.await? {
            None | Some(Reserve::Busy { .. }) => return Ok(false),
            // Paid for another request: its buyer lost count, and is told where it is.
            Some(Reserve::Refused { .. }) => return Ok(true),
            Some(_) => {}
        }
        let standing = self.ledger.standing(id).await?;
        Ok(standing.is_some_and(|standing| {
            let spent = standing
                .voucher
                .is_some_and(|(newest, _)| newest == ceiling);
            standing.channel.charged < ceiling && !spent
        }))
    }

    /// Gives back what is left of a channel, at its buyer's request; nothing is reserved, and
    /// nothing is admitted on the channel while it is given back, because its balance shrinks.
    /// `None` when the payment is no request for a refund.
    ///
    /// # Errors
    /// [`GateRefusal`]; nothing was moved, unless it says that this is not known.
    pub async fn refund(
        &self,
        payload: &PaymentPayload,
        work: &Work<'_>,
    ) -> Result<Option<SettleResponse>, GateRefusal> {
        let scheme = agent_core::x402::batch::SCHEME_BATCH_SETTLEMENT;
        if payload.accepted.scheme != scheme || !self.takes(scheme, work.skill) {
            return Ok(None);
        }
        if !matches!(payload.payload.parse(), Ok(BatchPayload::Refund { .. })) {
            return Ok(None);
        }
        let offer = self.accepted_offer(payload, work)?;
        let checked = self.check_channel(payload.clone(), offer)?;
        let channel = checked.payload.channel();
        let standing = self
            .ledger
            .standing(channel.id(&self.domains.batch))
            .await?;
        let standing = standing.filter(|standing| standing.channel.in_flight == 0);
        let Some(standing) = standing else {
            return Err(GateRefusal::new(
                agent_core::x402::batch::codes::CHANNEL_BUSY,
                "the channel is not known here, or a call is in flight on it",
            ));
        };
        let charged = standing.channel.charged;
        if checked.payload.voucher().max_claimable_amount != charged {
            let refused = Refused {
                why: agent_core::channel::Refusal::CumulativeMismatch {
                    required: charged,
                    charged,
                },
                channel: Some(standing.channel),
                voucher: standing.voucher,
            };
            return Err(self.corrective(channel, Box::new(refused)));
        }
        let source = self.channel_source()?;
        let answer = source.refund(channel, &checked.request).await?;
        self.look(channel, &checked.request).await?;
        Ok(Some(answer))
    }

    pub(super) fn check_channel(
        &self,
        payload: PaymentPayload,
        offer: PaymentRequirements,
    ) -> Result<Checked, GateRefusal> {
        let terms = BatchTerms::read(&offer).map_err(|error| refused(&error))?;
        let paid: BatchPayload = payload
            .payload
            .parse()
            .map_err(|error| GateRefusal::malformed("payload.payload", &error))?;
        let (channel, text) = (*paid.channel(), paid.voucher());
        terms
            .check_channel(&channel, text.channel_id, &self.domains.batch)
            .map_err(|error| refused(&error))?;
        let proof = self.check_batch_voucher(channel, text)?;
        let request = RequestV2 {
            x402_version: X402_VERSION,
            mode: Mode::X,
            payment_payload: payload,
            payment_requirements: offer,
        };
        Ok(Checked {
            request,
            terms,
            payload: paid,
            proof,
        })
    }

    fn check_batch_voucher(
        &self,
        channel: ChannelConfig,
        text: &VoucherText,
    ) -> Result<Proof, GateRefusal> {
        let voucher = text
            .receive()
            .map_err(|error| refused(&BatchError::Signature(error)))?;
        let funding = Funding::Batch(channel);
        let voucher = funding
            .check(voucher, &self.domains)
            .map_err(|error| GateRefusal::new(error.code(), error.to_string()))?;
        Ok(Proof::Voucher { funding, voucher })
    }

    async fn deposit(
        &self,
        checked: &Checked,
        channel: &ChannelConfig,
        deposit: &Deposit,
    ) -> Result<SettleResponse, GateRefusal> {
        let token = TokenDomain::of(&self.terms.asset);
        let now = self.clock.now_unix_secs();
        deposit
            .authorization
            .check(channel, deposit.amount, &checked.terms, &token, now)
            .map_err(|error| refused(&error))?;
        let facilitator = self
            .facilitator
            .as_ref()
            .ok_or_else(|| self.unsupported())?;
        let answer = facilitator.settle(checked.request.clone()).await?;
        if answer.success {
            Ok(answer)
        } else {
            Err(GateRefusal::of_facilitator(
                answer.error_reason.as_deref(),
                answer.error_message.as_deref(),
            ))
        }
    }

    fn channel_source(&self) -> Result<Arc<dyn ChannelSource>, GateRefusal> {
        match (&self.channels, &self.facilitator) {
            (Some(channels), _) => Ok(Arc::clone(channels)),
            (None, Some(facilitator)) => Ok(Arc::new(ViaFacilitator(Arc::clone(facilitator)))),
            (None, None) => Err(self.unsupported()),
        }
    }

    /// Asks the chain about a channel and tells the ledger; false when there is no such channel.
    async fn look(
        &self,
        channel: &ChannelConfig,
        payment: &RequestV2,
    ) -> Result<bool, GateRefusal> {
        match self.channel_source()?.state(channel, payment).await? {
            Some(state) => self.observe(channel, state).await,
            None => Ok(false),
        }
    }

    /// Tells the ledger what the chain says of a channel; false when it is of another channel.
    async fn observe(
        &self,
        channel: &ChannelConfig,
        state: ChannelState,
    ) -> Result<bool, GateRefusal> {
        let id = channel.id(&self.domains.batch);
        if state.channel_id != id {
            return Ok(false);
        }
        let seen = LockState::of_batch(channel, &state);
        match self.ledger.observe(Funding::Batch(*channel), seen).await {
            Ok(_) => Ok(true),
            Err(error @ LedgerError::Broken(_)) => {
                tracing::error!(channel = %id, %error, "the chain and the books disagree");
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A refusal that a stock client can correct itself by.
    fn corrective(&self, channel: &ChannelConfig, refused: Box<Refused>) -> GateRefusal {
        let refusal = GateRefusal::new(refused.why.batch_code(), refused.why.to_string());
        let Some(counted) = refused.channel else {
            return refusal;
        };
        let since = match counted.deadline_unix_secs {
            NO_DEADLINE => 0,
            deadline => deadline.saturating_sub(channel.withdraw_delay),
        };
        refusal.with_correction(Correction {
            state: ChannelState {
                channel_id: channel.id(&self.domains.batch),
                balance: counted.authorized,
                total_claimed: counted.claimed,
                withdraw_requested_at: since,
                refund_nonce: Uint256::default(),
                charged_cumulative_amount: Some(counted.charged),
            },
            voucher: refused.voucher.map(|(ceiling, signature)| VoucherState {
                signed_max_claimable: Some(ceiling),
                signature: Some(signature.to_string()),
            }),
        })
    }
}

fn refused(error: &BatchError) -> GateRefusal {
    GateRefusal::new(error.code(), error.to_string())
}
