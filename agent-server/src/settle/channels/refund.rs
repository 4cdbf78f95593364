//! Giving back what is left of a channel when its buyer asks.
//!
//! ```text
//! note ──▶ close the channel ──▶ enqueue (claim + refund, one transaction) ──▶ mined ──▶ note, open
//! ```
//!
//! Each step is stored before the next; after a crash the background task goes on where it stopped.
//! While the refund is under way nothing is admitted on the channel, because its balance shrinks.

use super::{ChannelMirror, on_chain};
use crate::gate::ChannelSource;
use crate::settle::purpose::{self, Purpose};
use crate::settle::{SettleError, limits};
use agent_client::chain::Chain;
use agent_client::chain::outbox::{OutboxError, TxBounds, TxOutbox, TxOutcome, TxRequest};
use agent_client::chain::x402_bindings::IX402BatchSettlement as Contract;
use agent_core::json::{Json, Metadata};
use agent_core::ledger::BoxFuture;
use agent_core::money::BaseUnits;
use agent_core::voucher::{CanonicalSignature, ChannelId};
use agent_core::x402::SettleResponse;
use agent_core::x402::batch::{
    BATCH_SETTLEMENT, BatchPayload, BatchReceipt, ChannelConfig, ChannelState, codes,
};
use agent_core::x402::facilitator::{FacilitatorError, RequestV2};
use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolEvent};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

/// The note of the channels whose refunds are under way.
const OPEN: &str = "settle.refunds";

/// Answers for `batch-settlement` channels: what the chain says of them, and refunds.
///
/// # Contract
///
/// - What was charged is claimed in the same transaction that gives the rest back.
/// - A refund is made once, over crashes. The same request again, while nothing was paid into the
///   channel since, is answered with the same transaction.
/// - Whoever asks has signed a voucher for exactly what was charged, which the gate has checked; the
///   money goes to the channel's payer, whoever asks.
#[derive(Debug, Clone)]
pub struct Refunds {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    mirror: ChannelMirror,
    chain: Chain,
    outbox: TxOutbox,
    /// One changes the notes at a time.
    notes: Mutex<()>,
}

/// One refund, as it is kept. The last of each channel stays, to be answered with again.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Refund {
    config: ChannelConfig,
    asked: Asked,
    /// Its name in the outbox, and
    purpose: String,
    /// what is sent.
    data: Bytes,
    /// Whether the channel was closed for good before.
    was_closing: bool,
    done: Option<Done>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    /// What was charged in all, by the buyer's own voucher.
    charged: BaseUnits,
    /// How much it wants back; absent means all that is left.
    amount: Option<BaseUnits>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Done {
    transaction: B256,
    amount: BaseUnits,
    /// What the channel held afterwards.
    left: BaseUnits,
}

/// Why nothing is given back.
#[derive(Debug)]
enum No {
    /// An answer for the buyer: a code of the scheme, and the same for people.
    Refused(&'static str, String),
    /// It goes on and is not done yet.
    Pending,
    Failed(SettleError),
}

impl<E: Into<SettleError>> From<E> for No {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

fn no(code: &'static str, why: &str) -> No {
    No::Refused(code, why.to_owned())
}

impl Refunds {
    /// Answers from `mirror`, and sends with `outbox`, whose key should be the receiver or the
    /// receiver authorizer of the channels. Goes on with what was under way. Must be called within a
    /// tokio runtime.
    #[must_use]
    pub fn start(mirror: ChannelMirror, chain: Chain, outbox: TxOutbox) -> Self {
        let inner = Arc::new(Inner {
            mirror,
            chain,
            outbox,
            notes: Mutex::default(),
        });
        tokio::spawn(go_on(Arc::downgrade(&inner)));
        Self { inner }
    }
}

impl ChannelSource for Refunds {
    fn state<'a>(
        &'a self,
        channel: &'a ChannelConfig,
        _payment: &'a RequestV2,
    ) -> BoxFuture<'a, Result<Option<ChannelState>, FacilitatorError>> {
        Box::pin(async move {
            let state = self.inner.mirror.state(channel).await;
            state.map_err(|error| FacilitatorError::Unavailable(error.to_string()))
        })
    }

    fn refund<'a>(
        &'a self,
        channel: &'a ChannelConfig,
        payment: &'a RequestV2,
    ) -> BoxFuture<'a, Result<SettleResponse, FacilitatorError>> {
        Box::pin(async move {
            let answer = SettleResponse {
                success: false,
                mode: payment.mode,
                error_reason: None,
                error_message: None,
                payer: Some(channel.payer.to_string()),
                transaction: String::new(),
                network: payment.payment_requirements.network.clone(),
                amount: None,
                extra: Json::default(),
                extensions: Metadata::new(),
            };
            match self.inner.refund(channel, payment).await {
                Ok((done, receipt)) => Ok(SettleResponse {
                    success: true,
                    transaction: done.transaction.to_string(),
                    amount: Some(done.amount.to_string()),
                    extra: Json::from_value(&receipt)
                        .map_err(|error| FacilitatorError::Unknown(error.to_string()))?,
                    ..answer
                }),
                Err(No::Refused(code, why)) => Ok(SettleResponse {
                    error_reason: Some(code.to_owned()),
                    error_message: Some(why),
                    ..answer
                }),
                Err(No::Pending) => Err(FacilitatorError::Unknown("not mined yet".to_owned())),
                Err(No::Failed(error)) => Err(FacilitatorError::Unknown(error.to_string())),
            }
        })
    }
}

impl Inner {
    async fn refund(
        &self,
        config: &ChannelConfig,
        payment: &RequestV2,
    ) -> Result<(Done, BatchReceipt), No> {
        let paid = payment.payment_payload.payload.parse();
        let Ok(BatchPayload::Refund {
            voucher, amount, ..
        }) = paid
        else {
            return Err(no(codes::REFUND_PAYLOAD, "this is no request for a refund"));
        };
        let signature = voucher.receive().map(|voucher| voucher.signature());
        let signature =
            signature.map_err(|error| no(codes::VOUCHER_SIGNATURE, &error.to_string()))?;
        let asked = Asked {
            charged: voucher.max_claimable_amount,
            amount,
        };
        let id = config.id(&self.mirror.store().domains().batch);
        let begun = {
            let _one = self.notes.lock().await;
            self.begin(id, config, asked, signature).await?
        };
        let done = match begun.done {
            Some(done) => done,
            None => self.see_to_the_end(id, &begun).await?,
        };
        let state = self.mirror.state(config).await?;
        let receipt = BatchReceipt {
            channel_state: state.map(|state| ChannelState {
                charged_cumulative_amount: Some(asked.charged),
                ..state
            }),
            ..BatchReceipt::default()
        };
        Ok((done, receipt))
    }

    /// The refund that answers the request: one that was made, is under way, or is begun now.
    async fn begin(
        &self,
        id: ChannelId,
        config: &ChannelConfig,
        asked: Asked,
        signature: CanonicalSignature,
    ) -> Result<Refund, No> {
        let last = self.load(id).await?;
        if let Some(last) = last.as_ref().filter(|last| last.done.is_none()) {
            if last.asked == asked {
                return Ok(last.clone());
            }
            return Err(no(codes::CHANNEL_BUSY, "another refund is under way"));
        }
        let state = self.mirror.state(config).await?;
        let state = state.ok_or_else(|| no(codes::CHANNEL_NOT_FOUND, "nothing was paid in"))?;
        let was_made = |last: &Refund| {
            last.asked == asked && last.done.is_some_and(|done| done.left == state.balance)
        };
        if let Some(last) = last.filter(was_made) {
            return Ok(last);
        }
        let give = given(&state, asked)?;
        let (config, request) = (
            *config,
            self.request(&state, config, asked, give, signature)?,
        );
        let base = format!("refund/{id}/{}", state.refund_nonce.0);
        let Purpose::New(purpose) = purpose::next(&self.outbox, &base).await? else {
            return Err(No::Pending);
        };
        let store = self.mirror.store();
        let view = store.channel(id).await?;
        let refund = Refund {
            config,
            asked,
            purpose,
            data: request,
            was_closing: view.is_some_and(|view| view.closing),
            done: None,
        };
        let mut open = self.open().await?;
        if open.len() >= limits::REFUNDS_MAX {
            return Err(no(codes::CHANNEL_BUSY, "too many refunds are under way"));
        }
        open.push(id);
        self.keep_open(&open).await?;
        self.keep(id, Some(&refund)).await?;
        self.send(id, &refund).await?;
        Ok(refund)
    }

    /// Claims what was charged, with the voucher that came with the request, and gives back.
    fn request(
        &self,
        state: &ChannelState,
        config: &ChannelConfig,
        asked: Asked,
        give: BaseUnits,
        signature: CanonicalSignature,
    ) -> Result<Bytes, No> {
        let ours = self.outbox.address();
        let config = on_chain(config)
            .filter(|config| config.receiver == ours || config.receiverAuthorizer == ours);
        let config = config.ok_or_else(|| {
            no(
                codes::AUTHORIZER_NOT_CONFIGURED,
                "this seller gives nothing back early; withdraw",
            )
        })?;
        let refund = Contract::refundCall {
            config: config.clone(),
            amount: give.get(),
        };
        if asked.charged <= state.total_claimed {
            return Ok(refund.abi_encode().into());
        }
        let claim = Contract::claimCall {
            voucherClaims: vec![Contract::VoucherClaim {
                voucher: Contract::Voucher {
                    channel: config,
                    maxClaimableAmount: asked.charged.get(),
                },
                signature: Bytes::copy_from_slice(signature.as_bytes()),
                totalClaimed: asked.charged.get(),
            }],
        };
        let data = vec![claim.abi_encode().into(), refund.abi_encode().into()];
        Ok(Contract::multicallCall { data }.abi_encode().into())
    }

    /// Closes the channel and hands the transaction to the outbox; both may have been done before.
    async fn send(&self, id: ChannelId, refund: &Refund) -> Result<(), No> {
        let closed = self.mirror.store().close_channel(id).await?;
        // A payment may have been made since the gate looked.
        if closed.is_none_or(|view| view.channel.charged != refund.asked.charged) {
            self.forget(id, refund).await?;
            return Err(no(codes::CHANNEL_BUSY, "a call was made meanwhile"));
        }
        let request = TxRequest {
            purpose: refund.purpose.clone(),
            to: BATCH_SETTLEMENT,
            data: refund.data.clone(),
            value: U256::ZERO,
            gas_limit: None,
            bounds: TxBounds::default(),
            meta: serde_json::Value::Null,
        };
        tracing::info!(channel = %id, purpose = %request.purpose, "giving back");
        self.outbox.enqueue(request).await?;
        Ok(())
    }

    async fn see_to_the_end(&self, id: ChannelId, refund: &Refund) -> Result<Done, No> {
        let end = Instant::now() + limits::REFUND_WAIT;
        loop {
            let record = self.outbox.by_purpose(&refund.purpose).await?;
            let record = record.ok_or(No::Pending)?;
            let left = end.saturating_duration_since(Instant::now());
            match self.outbox.wait(record.id, left).await {
                Ok(_) => {
                    let _one = self.notes.lock().await;
                    return self.finish(id, &refund.purpose).await;
                }
                Err(OutboxError::NotYet(_)) if left > Duration::ZERO => {}
                Err(OutboxError::NotYet(_)) => return Err(No::Pending),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes down how a refund ended, unless that was done, and opens the channel again.
    async fn finish(&self, id: ChannelId, purpose: &str) -> Result<Done, No> {
        let refund = self.load(id).await?.filter(|kept| kept.purpose == purpose);
        let failed = || no(codes::REFUND_TRANSACTION_FAILED, "it was not made");
        let mut refund = refund.ok_or_else(failed)?;
        if let Some(done) = refund.done {
            return Ok(done);
        }
        let record = self.outbox.by_purpose(purpose).await?;
        let record = record.ok_or(No::Pending)?;
        let outcome = record.status.outcome().ok_or(No::Pending)?;
        let TxOutcome::Mined(mined) = outcome else {
            tracing::warn!(channel = %id, ?outcome, "a refund was refused");
            self.forget(id, &refund).await?;
            return Err(failed());
        };
        self.mirror
            .reached(mined.block_number, &[id], limits::MIRROR_WAIT)
            .await?;
        let receipt = self.chain.receipt(mined.hash).await?;
        let logs = receipt.iter().flat_map(|receipt| receipt.inner.logs());
        let amount = logs
            .filter(|log| log.address() == BATCH_SETTLEMENT)
            .filter_map(|log| Contract::Refunded::decode_log(&log.inner).ok())
            .find(|event| event.channelId == id.0)
            .map_or(0, |event| event.amount);
        let view = self.mirror.store().channel(id).await?;
        let done = Done {
            transaction: mined.hash,
            amount: BaseUnits::new(amount),
            left: view.map_or(BaseUnits::ZERO, |view| view.authorized_on_chain),
        };
        refund.done = Some(done);
        self.keep(id, Some(&refund)).await?;
        self.close(id, &refund).await?;
        Ok(done)
    }

    /// As if it had not been asked for.
    async fn forget(&self, id: ChannelId, refund: &Refund) -> Result<(), SettleError> {
        // Opened first: without its note nobody would know that it is to be.
        if !refund.was_closing {
            self.mirror.store().reopen_channel(id).await?;
        }
        self.keep(id, None).await?;
        self.unlist(id).await
    }

    /// Opens the channel again and takes the refund off the list, in this order: a crash between the
    /// two leaves a channel that is open and a name on the list that means nothing.
    async fn close(&self, id: ChannelId, refund: &Refund) -> Result<(), SettleError> {
        if !refund.was_closing {
            self.mirror.store().reopen_channel(id).await?;
        }
        self.unlist(id).await
    }

    /// One step forward with everything that is under way.
    async fn go_on(&self) -> Result<(), SettleError> {
        let _one = self.notes.lock().await;
        for id in self.open().await? {
            let stepped = match self.load(id).await? {
                Some(refund) if refund.done.is_none() => self.step(id, &refund).await,
                // The process ended between a note and the next.
                Some(refund) => self.close(id, &refund).await.map_err(No::from),
                None => self.unlist(id).await.map_err(No::from),
            };
            if let Err(No::Failed(error)) = stepped {
                return Err(error);
            }
        }
        Ok(())
    }

    async fn step(&self, id: ChannelId, refund: &Refund) -> Result<(), No> {
        if self.outbox.by_purpose(&refund.purpose).await?.is_none() {
            return self.send(id, refund).await;
        }
        self.finish(id, &refund.purpose).await.map(drop)
    }

    async fn unlist(&self, id: ChannelId) -> Result<(), SettleError> {
        let mut open = self.open().await?;
        open.retain(|other| *other != id);
        self.keep_open(&open).await
    }

    async fn load(&self, id: ChannelId) -> Result<Option<Refund>, SettleError> {
        let note = self.mirror.store().note(name(id)).await?;
        Ok(note.map(|note| note.parse()).transpose()?)
    }

    async fn keep(&self, id: ChannelId, refund: Option<&Refund>) -> Result<(), SettleError> {
        let note = refund.map(Json::from_value).transpose()?;
        Ok(self.mirror.store().set_note(name(id), note).await?)
    }

    async fn open(&self) -> Result<Vec<ChannelId>, SettleError> {
        let note = self.mirror.store().note(OPEN).await?;
        Ok(note
            .map(|note| note.parse())
            .transpose()?
            .unwrap_or_default())
    }

    async fn keep_open(&self, open: &[ChannelId]) -> Result<(), SettleError> {
        let note = Json::from_value(&open)?;
        Ok(self.mirror.store().set_note(OPEN, Some(note)).await?)
    }
}

/// What is given back: at most what is neither charged nor claimed.
fn given(state: &ChannelState, asked: Asked) -> Result<BaseUnits, No> {
    let kept = asked.charged.max(state.total_claimed);
    let left = state.balance.minus(kept).unwrap_or_default();
    if left.is_zero() {
        return Err(no(codes::REFUND_NO_BALANCE, "nothing is left"));
    }
    let give = asked.amount.map_or(left, |amount| amount.min(left));
    if give.is_zero() {
        return Err(no(codes::REFUND_AMOUNT_INVALID, "a refund of nothing"));
    }
    Ok(give)
}

fn name(id: ChannelId) -> String {
    format!("settle.refund/{id}")
}

/// Goes on with refunds for as long as somebody can ask for one.
async fn go_on(refunds: Weak<Inner>) {
    while let Some(inner) = refunds.upgrade() {
        if let Err(error) = inner.go_on().await {
            tracing::warn!(code = error.code(), %error, "refunds cannot go on");
        }
        drop(inner);
        sleep(limits::REFUND_LOOK).await;
    }
}
